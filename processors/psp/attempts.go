package psp

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/topics"
)

// Attempts remembers the requests to PSPs without idempotency keys.
type Attempts interface {
	// Begin claims a request before anything of it is sent. Of all calls for one request, by whatever gateway and at
	// whatever time, one is first; only its caller may send. For the others report is what the attempt ended with, or
	// nil where that is not known.
	Begin(ctx context.Context, r *topics.PSPRequest) (first bool, report *topics.PSPReport, err error)

	// Settle stores what the attempt ended with unless it has ended, and returns what it has ended with. Of a gateway that says
	// "not sent" and one that takes the request over, each by a Settle of its own, one is refused.
	Settle(ctx context.Context, r *topics.PSPRequest, report *topics.PSPReport) (topics.PSPReport, error)

	// Finish stores what the PSP said, whatever the attempt had ended with.
	Finish(ctx context.Context, r *topics.PSPRequest, report *topics.PSPReport) error

	// Forget removes what was claimed before a time, of some requests of a partition that come after one, and returns the last that
	// it looked at; "" where there are no more.
	Forget(ctx context.Context, partition int32, after string, before time.Time) (last string, err error)
}

// databaseWithin is for one look at the database: a connection whose other end has fallen silent must not stop a partition.
const databaseWithin = 15 * time.Second

// StoredAttempts keeps attempts in the table psp_attempts.
type StoredAttempts struct {
	db *database.DB
}

// NewStoredAttempts uses a migrated database.
func NewStoredAttempts(db *database.DB) *StoredAttempts { return &StoredAttempts{db} }

// Begin implements Attempts. When the outcome of the insert itself is lost, the row may exist although nothing was sent:
// the request is then polled instead of sent, and ends as not found once it cannot be sent any more.
func (s *StoredAttempts) Begin(ctx context.Context, r *topics.PSPRequest) (first bool, report *topics.PSPReport, err error) {
	partition, err := attemptPartition(r)
	if err != nil {
		return false, nil, err
	}
	var psp string
	var stored []byte
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	err = s.db.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO psp_attempts (partition, request, psp, claimed_at) VALUES ($1, $2, $3, now())
			ON CONFLICT (partition, request) DO NOTHING`, partition, r.RequestID, r.PSP)
		if first = err == nil && tag.RowsAffected() == 1; err != nil || first {
			return err
		}
		return tx.QueryRow(ctx, `SELECT psp, report FROM psp_attempts WHERE partition = $1 AND request = $2`,
			partition, r.RequestID).Scan(&psp, &stored)
	})
	switch {
	case err != nil:
		return false, nil, fmt.Errorf("attempt of %s: %w", r.RequestID, err)
	case first || stored == nil && psp == r.PSP:
		return first, nil, nil
	case psp != r.PSP:
		return false, nil, fmt.Errorf("attempt of %s: was made at %s, not %s", r.RequestID, psp, r.PSP)
	}
	report = new(topics.PSPReport)
	if err := topics.Unmarshal(stored, report); err != nil {
		return false, nil, fmt.Errorf("attempt of %s: stored report: %w", r.RequestID, err)
	}
	return false, report, nil
}

// Settle implements Attempts. When its own outcome is lost, the same call says what is stored.
func (s *StoredAttempts) Settle(ctx context.Context, r *topics.PSPRequest, report *topics.PSPReport) (topics.PSPReport, error) {
	var settled topics.PSPReport
	partition, err := attemptPartition(r)
	if err != nil {
		return settled, err
	}
	stored, err := topics.Marshal(report)
	if err != nil {
		return settled, fmt.Errorf("attempt of %s: %w", r.RequestID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	err = s.db.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE psp_attempts SET report = $3 WHERE partition = $1 AND request = $2 AND report IS NULL`,
			partition, r.RequestID, stored); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT report FROM psp_attempts WHERE partition = $1 AND request = $2`, partition, r.RequestID).Scan(&stored)
	})
	if err == nil {
		err = topics.Unmarshal(stored, &settled)
	}
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("attempt of %s: %w", r.RequestID, err)
	}
	return settled, nil
}

// Finish implements Attempts.
func (s *StoredAttempts) Finish(ctx context.Context, r *topics.PSPRequest, report *topics.PSPReport) error {
	partition, err := attemptPartition(r)
	if err != nil {
		return err
	}
	stored, err := topics.Marshal(report)
	if err != nil {
		return fmt.Errorf("attempt of %s: %w", r.RequestID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	err = s.db.InTx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE psp_attempts SET report = $3 WHERE partition = $1 AND request = $2`,
			partition, r.RequestID, stored)
		return err
	})
	if err != nil {
		return fmt.Errorf("attempt of %s: %w", r.RequestID, err)
	}
	return nil
}

func attemptPartition(r *topics.PSPRequest) (int32, error) {
	id, err := topics.ParseEventID(r.RequestID)
	if err != nil {
		return 0, fmt.Errorf("attempt: %w", err)
	}
	return id.Partition, nil
}
