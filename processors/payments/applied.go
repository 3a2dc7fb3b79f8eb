package payments

import (
	"hash/fnv"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
)

// inputID names an input for deduplication: the id of a command, a webhook's fact or a customer event, within its scope. The zero inputID
// is of an input whose repeat the aggregate itself tells.
type inputID struct {
	id    uuid.UUID
	scope int32
}

// What ids are the ids of. Nobody's command can take the place of a fact that is still to come.
const (
	ofCommand = "command"
	ofReport  = "report"
	ofEvent   = "event"
)

// anyScope is the scope, and anyFingerprint the fingerprint, of what was remembered before there were any. An id that was
// restored from events has a scope and no fingerprint.
const (
	anyScope       = 0
	anyFingerprint = 0
)

func newInputID(kind, tenant string, id uuid.UUID) inputID {
	h := fnv.New32a()
	h.Write([]byte(kind))
	h.Write([]byte{0})
	h.Write([]byte(tenant))
	scope := int32(h.Sum32())
	if scope == anyScope {
		scope++
	}
	return inputID{id, scope}
}

// Scopes are those of a tenant's commands, its webhooks' facts and its customer events, for who checks applied_inputs.
func Scopes(tenant string) (commands, reports, events int32) {
	scope := func(kind string) int32 { return newInputID(kind, tenant, uuid.Nil).scope }
	return scope(ofCommand), scope(ofReport), scope(ofEvent)
}

// freshInput is an input that the batch folded.
type freshInput struct {
	id          inputID
	fingerprint int64
	position    int64
}

// repetition says whether an input was folded before.
type repetition int8

const (
	isNew    repetition = iota
	repeated            // the same: nothing is to be done
	reused              // its id, for something else
)

func (s *partition) repetition(in *input) repetition {
	if in.id == (inputID{}) {
		return isNew
	}
	before, found := s.applied[in.id]
	if !found {
		before, found = s.applied[inputID{in.id.id, anyScope}]
	}
	switch {
	case !found:
		return isNew
	case before == anyFingerprint || before == in.fingerprint:
		return repeated
	}
	return reused
}

func (s *partition) remember(in *input, position int64) {
	s.applied[in.id] = in.fingerprint
	s.fresh = append(s.fresh, freshInput{in.id, in.fingerprint, position})
}

// Of several rows of one id at most one is of its scope or of any. They are read by the whole key, as database.Lookup
// does: no plan that PostgreSQL makes while the table is small reads the others. The scope is compared with the rows of an id,
// mostly none: to look for two scopes in the key took three times as long. A restored id that was forgotten and used
// again is restored twice.
const (
	lookUpApplied = `SELECT found.* FROM unnest($2::uuid[], $3::int4[]) AS wanted(id, scope), LATERAL (
	SELECT id, scope, fingerprint FROM applied_inputs
	WHERE partition = $1 AND id = wanted.id AND COALESCE(NULLIF(scope, 0), wanted.scope) = wanted.scope LIMIT 1) AS found`

	insertApplied = `INSERT INTO applied_inputs (partition, id, scope, fingerprint, position)
SELECT $1::int4, id, scope, fingerprint, position
FROM unnest($2::uuid[], $3::int4[], $4::int8[], $5::int8[]) AS a(id, scope, fingerprint, position)`

	restoreApplied = insertApplied + ` ON CONFLICT (partition, id, scope) DO UPDATE SET position = excluded.position`
)

func (s *partition) lookUpApplied(batch *pgx.Batch, inputs []inputID) {
	if len(inputs) == 0 {
		return
	}
	ids, scopes := make([][16]byte, len(inputs)), make([]int32, len(inputs))
	for i, in := range inputs {
		ids[i], scopes[i] = in.id, in.scope
	}
	batch.Queue(lookUpApplied, s.number, ids, scopes).Query(func(rows pgx.Rows) error {
		var id [16]byte
		var scope int32
		var fingerprint int64
		_, err := pgx.ForEachRow(rows, []any{&id, &scope, &fingerprint}, func() error {
			s.applied[inputID{id, scope}] = fingerprint
			return nil
		})
		return err
	})
}

func (s *partition) queueApplied(batch *pgx.Batch) {
	if len(s.fresh) == 0 {
		return
	}
	n := len(s.fresh)
	ids, scopes, fingerprints, positions := make([][16]byte, n), make([]int32, n), make([]int64, n), make([]int64, n)
	for i, in := range s.fresh {
		ids[i], scopes[i], fingerprints[i], positions[i] = in.id.id, in.id.scope, in.fingerprint, in.position
	}
	insert := insertApplied
	if s.restoring {
		insert = restoreApplied
	}
	batch.Queue(insert, s.number, ids, scopes, fingerprints, positions)
}
