package idempotency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// sweepPage is how many keys one statement of a sweep looks at.
const sweepPage = 1000

// sweepWithin is for one statement: a connection whose other end has fallen silent must not stop the sweep.
const sweepWithin = 15 * time.Second

// Sweep deletes the keys older than the retention and returns how many there were. It walks the primary key page by
// page, so that no index on the time is needed and no statement is long; pause is taken between pages.
// A crash in a sweep leaves keys for the next one.
func (s *Store) Sweep(ctx context.Context, retention, pause time.Duration) (deleted int64, err error) {
	tenant, key := "", ""
	for {
		var lastTenant, lastKey string
		err := s.retry(ctx, func() error {
			ctx, cancel := context.WithTimeout(ctx, sweepWithin)
			defer cancel()
			return s.db.Pool.QueryRow(ctx, `
				SELECT tenant, key FROM (
					SELECT tenant, key FROM idempotency_keys WHERE (tenant, key) > ($1, $2)
					ORDER BY tenant, key LIMIT $3) AS page
				ORDER BY tenant DESC, key DESC LIMIT 1`, tenant, key, sweepPage).Scan(&lastTenant, &lastKey)
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return deleted, nil
		}
		if err != nil {
			return deleted, fmt.Errorf("sweep idempotency keys: %w", err)
		}
		err = s.retry(ctx, func() error {
			ctx, cancel := context.WithTimeout(ctx, sweepWithin)
			defer cancel()
			tag, err := s.db.Pool.Exec(ctx, `
				DELETE FROM idempotency_keys
				WHERE (tenant, key) > ($1, $2) AND (tenant, key) <= ($3, $4) AND created_at < now() - $5::interval`,
				tenant, key, lastTenant, lastKey, retention)
			if err == nil {
				deleted += tag.RowsAffected()
			}
			return err
		})
		if err != nil {
			return deleted, fmt.Errorf("sweep idempotency keys: %w", err)
		}
		tenant, key = lastTenant, lastKey
		select {
		case <-ctx.Done():
			return deleted, ctx.Err()
		case <-time.After(pause):
		}
	}
}
