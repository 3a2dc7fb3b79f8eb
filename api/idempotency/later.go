package idempotency

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
)

// Answers that were sent already are stored with many others, which is most of what each costs the database.
const (
	maxLater      = 4096                  // answers that wait to be stored
	laterTogether = 256                   // in one statement
	laterWait     = 50 * time.Millisecond // of the first of them for others
	laterWithin   = 5 * time.Second       // one statement
)

// answer is a final answer to a request.
type answer struct {
	Request
	status int
	body   []byte
}

// FinishLater is Finish for an answer that is sent before it is stored, because it can be made again: Run stores it. It is
// false where too many wait, and nothing was taken.
//
// A crash before Run stores it, or a database that does not, leaves the row without an answer, as a crash before Finish
// does.
func (s *Store) FinishLater(r Request, status int, body []byte) bool {
	select {
	case s.later <- answer{r, status, body}:
		return true
	default:
		return false
	}
}

// Run stores what FinishLater takes, until the context ends and nothing is left or the database is away.
func (s *Store) Run(ctx context.Context, log *slog.Logger) {
	for {
		var first answer
		select {
		case first = <-s.later:
		case <-ctx.Done():
			if len(s.later) == 0 {
				return
			}
			first = <-s.later
		}
		if len(s.later) < laterTogether {
			pause(ctx, laterWait)
		}
		if !s.storeLater(s.waiting(first), log) && ctx.Err() != nil {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// waiting is the first answer with those that wait behind it.
func (s *Store) waiting(first answer) []answer {
	all := []answer{first}
	for len(all) < laterTogether {
		select {
		case a := <-s.later:
			all = append(all, a)
		default:
			return all
		}
	}
	return all
}

// storeLater stores answers in one statement. Where it fails, their repeats make them again.
func (s *Store) storeLater(all []answer, log *slog.Logger) (ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), laterWithin)
	defer cancel()
	// Statements that meet in their keys meet in the same order, and none meets itself.
	slices.SortStableFunc(all, compareAnswers)
	once := slices.CompactFunc(slices.Clone(all), func(a, b answer) bool { return compareAnswers(a, b) == 0 })
	stored, err := s.settleAll(ctx, once)
	if err != nil {
		log.WarnContext(ctx, "answers that were sent are not stored; repeats make them of the event log", "answers", len(once), "error", err)
		return false
	}
	for _, a := range all {
		if stored[a.CommandID] {
			delete(stored, a.CommandID) // where there is another of its key, that one is compared with it
		} else if err := s.same(ctx, a); err != nil {
			log.ErrorContext(ctx, "an answer that was sent is not the one that is stored", "error", err)
		}
	}
	return true
}

func compareAnswers(a, b answer) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Key, b.Key))
}

// settleAll is settle for answers of different keys. It returns the command ids of those that it stored.
func (s *Store) settleAll(ctx context.Context, all []answer) (stored map[uuid.UUID]bool, err error) {
	n := len(all)
	tenants, keys, fingerprints, commands := make([]string, n), make([]string, n), make([][]byte, n), make([][16]byte, n)
	statuses, bodies := make([]int32, n), make([][]byte, n)
	for i := range all {
		a := &all[i]
		tenants[i], keys[i], fingerprints[i], commands[i] = a.Tenant, a.Key, a.Fingerprint[:], a.CommandID
		statuses[i], bodies[i] = int32(a.status), a.body
	}
	err = s.retry(ctx, func() error {
		stored = make(map[uuid.UUID]bool, n)
		rows, err := s.db.Pool.Query(ctx, `
			INSERT INTO idempotency_keys AS held (tenant, key, fingerprint, command_id, created_at, status, body)
			SELECT tenant, key, fingerprint, command_id, now(), status, body
			FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::int4[], $6::bytea[])
				AS a(tenant, key, fingerprint, command_id, status, body)
			ON CONFLICT (tenant, key) DO UPDATE SET status = excluded.status, body = excluded.body
			WHERE held.command_id = excluded.command_id AND held.body IS NULL
			RETURNING command_id`, tenants, keys, fingerprints, commands, statuses, bodies)
		if err != nil {
			return err
		}
		var id uuid.UUID
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
			stored[id] = true
			return nil
		})
		return err
	})
	return stored, err
}

// same returns nil where the answer that was stored before is the same one. Another one would be a bug: of two requests
// with one key, each was told another answer.
func (s *Store) same(ctx context.Context, a answer) error {
	first, err := s.existing(ctx, a.Request)
	if err != nil {
		return err
	}
	if first.Verdict != Finished || first.CommandID != a.CommandID || first.Status != a.status || !bytes.Equal(first.Body, a.body) {
		return fmt.Errorf("command %s was answered with %d, and its idempotency key is %s with %d", a.CommandID, a.status, first.Verdict, first.Status)
	}
	return nil
}
