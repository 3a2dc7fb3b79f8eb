package idempotency

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

// The statements of requests that come at the same time share a transaction, which is most of what each costs the
// database. Requests that are claimed together also go on together, and share what comes after.
const (
	sharedWrites  = 64
	writeInterval = 4 * time.Millisecond // at least, between two transactions
)

// write is one statement on one key.
type write struct {
	key     Request
	sql     string
	args    []any
	touched int64 // rows
}

// write runs statements in one transaction. Where it fails, each runs by itself, so that no request suffers from another.
func (s *Store) write(ctx context.Context, all []*write) []error {
	// Transactions that meet in their keys meet in the same order: there is no deadlock.
	ordered := slices.SortedFunc(slices.Values(all), func(a, b *write) int {
		return cmp.Or(cmp.Compare(a.key.Tenant, b.key.Tenant), cmp.Compare(a.key.Key, b.key.Key))
	})
	err := s.send(ctx, ordered)
	errs := make([]error, len(all))
	for i, w := range all {
		errs[i] = err
		if err != nil && len(all) > 1 && database.OutcomeKnown(err) {
			errs[i] = s.send(ctx, []*write{w})
		}
	}
	return errs
}

// send runs statements in one round trip, which is one transaction.
func (s *Store) send(ctx context.Context, all []*write) error {
	return s.retry(ctx, func() error {
		var batch pgx.Batch
		for _, w := range all {
			batch.Queue(w.sql, w.args...)
		}
		results := s.db.Pool.SendBatch(ctx, &batch)
		defer results.Close()
		for _, w := range all {
			tag, err := results.Exec()
			if err != nil {
				return err
			}
			w.touched = tag.RowsAffected()
		}
		return results.Close() // says whether the transaction was committed
	})
}
