package psp

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/topics"
)

// keepAttempts is how long it is known who claimed a request: longer than psp.requests.v1 keeps it, so that nobody meets a request
// again of which it is forgotten that it was sent.
const keepAttempts = 45 * 24 * time.Hour

// forgetRows are looked at, of each partition, at a time.
const forgetRows = 5_000

// forgetRegularly walks through the attempts of the partitions at hand until ctx ends, and forgets the old ones. Two gateways may
// forget the same.
func (s *session) forgetRegularly(ctx context.Context) {
	ticker := time.NewTicker(s.cfg.ForgetEvery)
	defer ticker.Stop()
	place := map[int32]string{}
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		for _, p := range s.held() {
			last, err := s.cfg.Attempts.Forget(ctx, p.number, place[p.number], s.cfg.Now().Add(-keepAttempts))
			if err != nil && ctx.Err() == nil {
				s.cfg.Log.Warn("psp: old attempts are not forgotten", "partition", p.number, "error", err)
			}
			place[p.number] = last
		}
	}
}

// Forget implements Attempts.
func (s *StoredAttempts) Forget(ctx context.Context, partition int32, after string, before time.Time) (last string, err error) {
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	// Its own level: it removes only what nobody asks for any more.
	err = pgx.BeginTxFunc(ctx, s.db.Pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT request, claimed_at FROM psp_attempts WHERE partition = $1 AND request > $2 ORDER BY request LIMIT $3`,
			partition, after, forgetRows)
		if err != nil {
			return err
		}
		var (
			seen    int
			request string
			claimed time.Time
			old     []string
		)
		_, err = pgx.ForEachRow(rows, []any{&request, &claimed}, func() error {
			if seen++; claimed.Before(before) {
				old = append(old, request)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if seen == forgetRows {
			last = request
		}
		if len(old) > 0 {
			_, err = tx.Exec(ctx, `DELETE FROM psp_attempts WHERE partition = $1 AND request = ANY($2::text[]) AND claimed_at < $3`, partition, old, before)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("forget attempts of %s partition %d: %w", topics.PSPRequests, partition, err)
	}
	return last, nil
}
