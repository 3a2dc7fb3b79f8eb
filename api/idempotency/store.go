// Package idempotency binds an Idempotency-Key to one command: whoever repeats a request gets the answer of the first.
package idempotency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

// maxConflicts bounds the attempts of one statement that the database refuses as a serialization conflict.
const maxConflicts = 10

// Verdict says what a request may do with its key.
type Verdict string

const (
	Fresh    Verdict = "fresh"     // the key is new and ours: produce the command
	Resumed  Verdict = "resumed"   // an earlier request gave no final answer: find out, with the same command id
	Finished Verdict = "finished"  // answer with Status and Body
	InFlight Verdict = "in_flight" // an earlier request is still being answered
	Mismatch Verdict = "mismatch"  // the key belongs to a request with other parameters
)

// What the status column holds while there is no body. Beside a body it holds the status of that answer.
const (
	statusClaimed = 0   // the first request is being answered, or its process died
	statusOpen    = 202 // the first request was told that the result comes later
)

// Request identifies what a key is claimed for.
type Request struct {
	Tenant string
	Key    string
	// Fingerprint is a hash of the request's business parameters.
	Fingerprint [32]byte
	// CommandID is the id of the one command that the key stands for.
	CommandID uuid.UUID
}

// Claim is the outcome of claiming a key. Its CommandID is the one that the key is bound to, which is the request's own
// only where the key is new.
type Claim struct {
	Request
	Verdict    Verdict
	Status     int           // Finished
	Body       []byte        // Finished
	RetryAfter time.Duration // InFlight: when the key can be taken over at the latest
}

// Store keeps keys in the table idempotency_keys. Its writes are upserts of one row: they find it by the primary key
// whatever the planner thinks of the table's size, so they do not conflict with each other's reads.
type Store struct {
	db       *database.DB
	takeOver time.Duration
	writes   *database.Gather[*write]
	later    chan answer // that were sent already
}

// New returns a store in which a claim without an answer is taken over after the given time. It is longer than a
// request may take. Where a request takes longer still, its command is produced twice, which is harmless: the id is the
// same.
func New(db *database.DB, takeOver time.Duration) *Store {
	s := &Store{db: db, takeOver: takeOver, later: make(chan answer, maxLater)}
	s.writes = database.NewGather(sharedWrites, writeInterval, s.write)
	return s
}

// Claim binds the key to the request's command id, or says what it is bound to.
//
// A crash after Claim leaves a row with status 0: the command may or may not have been produced. The repeat that comes
// after the take-over time gets Resumed with the same command id and repairs it.
func (s *Store) Claim(ctx context.Context, r Request) (Claim, error) {
	claimed, err := s.exec(ctx, r, `
		INSERT INTO idempotency_keys (tenant, key, fingerprint, command_id, created_at, status)
		VALUES ($1, $2, $3, $4, now(), $5) ON CONFLICT (tenant, key) DO NOTHING`,
		r.Tenant, r.Key, r.Fingerprint[:], r.CommandID, statusClaimed)
	if err != nil {
		return Claim{}, fmt.Errorf("claim idempotency key: %w", err)
	}
	if claimed == 1 {
		return Claim{Request: r, Verdict: Fresh}, nil
	}
	claim, err := s.existing(ctx, r)
	if err != nil || claim.Verdict != Resumed {
		return claim, err
	}
	// Of two repeats that come here together the first moves created_at, so the second finds nothing to take over. A row
	// that is open has no such guard and needs none: both only ask what became of the command.
	taken, err := s.exec(ctx, r, `
		INSERT INTO idempotency_keys AS held (tenant, key, fingerprint, command_id, created_at, status)
		VALUES ($1, $2, $3, $4, now(), $5) ON CONFLICT (tenant, key) DO UPDATE SET created_at = excluded.created_at
		WHERE held.body IS NULL AND (held.status <> $5 OR held.created_at <= excluded.created_at - $6::interval)`,
		claim.Tenant, claim.Key, claim.Fingerprint[:], claim.CommandID, statusClaimed, s.takeOver)
	if err != nil {
		return Claim{}, fmt.Errorf("take over idempotency key: %w", err)
	}
	if taken == 1 {
		return claim, nil
	}
	again, err := s.existing(ctx, r) // answered or taken over in between
	if err == nil && again.Verdict == Resumed {
		again.Verdict, again.RetryAfter = InFlight, time.Second
	}
	return again, err
}

// existing says what a key that is there is bound to.
func (s *Store) existing(ctx context.Context, r Request) (Claim, error) {
	claim := Claim{Request: r}
	var fingerprint []byte
	var age time.Duration
	err := s.retry(ctx, func() error {
		return s.db.Pool.QueryRow(ctx, `
			SELECT fingerprint, command_id, status, body, now() - created_at
			FROM idempotency_keys WHERE tenant = $1 AND key = $2`, r.Tenant, r.Key).
			Scan(&fingerprint, &claim.CommandID, &claim.Status, &claim.Body, &age)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows): // swept in between
		claim.Verdict, claim.RetryAfter = InFlight, time.Second
	case err != nil:
		return Claim{}, fmt.Errorf("read idempotency key: %w", err)
	case !bytes.Equal(fingerprint, r.Fingerprint[:]):
		claim.Verdict = Mismatch
	case claim.Body != nil:
		claim.Verdict = Finished
	case claim.Status == statusOpen || age >= s.takeOver:
		claim.Verdict = Resumed
	default:
		claim.Verdict, claim.RetryAfter = InFlight, s.takeOver-age
	}
	return claim, nil
}

// Finish stores the answer and returns the one to give: where a concurrent repeat stored its answer first, that one.
// It comes before an answer is sent that cannot be made again. A crash before it leaves the row without an answer, which a repeat resumes; a
// crash after it leaves the answer for the repeat.
func (s *Store) Finish(ctx context.Context, r Request, status int, body []byte) (int, []byte, error) {
	stored, err := s.settle(ctx, r, status, body)
	if err != nil {
		return 0, nil, fmt.Errorf("store the answer of an idempotency key: %w", err)
	}
	if stored {
		return status, body, nil
	}
	first, err := s.existing(ctx, r)
	if err != nil {
		return 0, nil, err
	}
	if first.Verdict != Finished {
		return 0, nil, fmt.Errorf("the answer of command %s is not stored: its idempotency key is %s", r.CommandID, first.Verdict)
	}
	return first.Status, first.Body, nil
}

// Open records that the request was answered without a result (202 or 503), so that a repeat need not wait for the
// take-over time. Where Open itself fails or never runs, a repeat only waits longer.
func (s *Store) Open(ctx context.Context, r Request) error {
	if _, err := s.settle(ctx, r, statusOpen, nil); err != nil {
		return fmt.Errorf("mark idempotency key as open: %w", err)
	}
	return nil
}

// settle writes status and body where the key is bound to the command and has no body yet.
func (s *Store) settle(ctx context.Context, r Request, status int, body []byte) (bool, error) {
	n, err := s.exec(ctx, r, `
		INSERT INTO idempotency_keys AS held (tenant, key, fingerprint, command_id, created_at, status, body)
		VALUES ($1, $2, $3, $4, now(), $5, $6) ON CONFLICT (tenant, key) DO UPDATE
		SET status = excluded.status, body = excluded.body
		WHERE held.command_id = excluded.command_id AND held.body IS NULL`,
		r.Tenant, r.Key, r.Fingerprint[:], r.CommandID, status, body)
	return n == 1, err
}

// exec runs one statement on the key of a request, which may share its transaction with those of other requests, and
// returns the number of rows it touched.
func (s *Store) exec(ctx context.Context, r Request, sql string, args ...any) (int64, error) {
	w := &write{key: r, sql: sql, args: args}
	err := s.writes.Do(ctx, w)
	return w.touched, err
}

// retry repeats a statement that was rolled back by a serialization conflict. A statement whose outcome is unknown is
// not repeated: the request fails, and its repeat finds the key claimed.
func (s *Store) retry(ctx context.Context, statement func() error) error {
	var err error
	for range maxConflicts {
		if err = statement(); err == nil || !database.IsRetryable(err) || ctx.Err() != nil {
			break
		}
	}
	return err
}
