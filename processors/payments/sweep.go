package payments

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/stream"
)

// Limits of forgetting old inputs.
const (
	sweepInterval = 10 * time.Second // between two steps
	sweepRows     = 1000             // looked at in one step
	sweepAgain    = time.Hour        // after a whole round
	// horizonMargin is how much longer an id is kept than a command may be old.
	horizonMargin = 24 * time.Hour
)

// sweeper forgets the ids of inputs that are older than the deduplication horizon. It walks through a partition's rows
// in the order of their ids, a few at a time: the table has no other order, and nothing waits for it.
//
// A crash loses its place and nothing else; the round begins again.
type sweeper struct {
	partition *partition
	due       time.Time
	place     inputID // the last one looked at
	before    int64   // positions below it are beyond the horizon, in this round
	started   bool
}

// step looks at the next rows, where its time has come.
func (w *sweeper) step(ctx context.Context, now time.Time) error {
	if now.Before(w.due) {
		return nil
	}
	w.due = now.Add(sweepInterval)
	if !w.started {
		horizon := now.Add(-w.partition.config.Limits.Horizon - horizonMargin)
		before, err := w.partition.positionAt(ctx, horizon)
		if err != nil {
			return err
		}
		if before == 0 {
			w.due = now.Add(sweepAgain)
			return nil
		}
		w.before, w.place, w.started = before, inputID{scope: math.MinInt32}, true
	}
	seen, err := w.forget(ctx)
	if err != nil {
		return err
	}
	if seen < sweepRows {
		w.started, w.due = false, now.Add(sweepAgain)
	}
	return nil
}

func (w *sweeper) forget(ctx context.Context) (seen int, err error) {
	s := w.partition
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	place := w.place
	var old [][16]byte
	err = pgx.BeginTxFunc(ctx, s.config.Pool, options, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, scope, position FROM applied_inputs
WHERE partition = $1 AND (id, scope) > ($2::uuid, $3::int4) ORDER BY id, scope LIMIT $4`, s.number, place.id, place.scope, sweepRows)
		if err != nil {
			return err
		}
		var position int64
		_, err = pgx.ForEachRow(rows, []any{&place.id, &place.scope, &position}, func() error {
			seen++
			if position < w.before {
				old = append(old, place.id)
			}
			return nil
		})
		if err != nil || len(old) == 0 {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM applied_inputs WHERE partition = $1 AND id = ANY($2::uuid[]) AND position < $3`,
			s.number, old, w.before)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget old inputs of partition %d: %w", s.number, err)
	}
	w.place = place
	s.metrics.pruned.Add(float64(len(old)))
	return seen, nil
}

// positionAt is the position of the first record that published anything at or after a time; 0 where all did. It halves
// the range of stream_log, whose rows stand in the order of time as far as the broker's clock does.
func (s *partition) positionAt(ctx context.Context, at time.Time) (int64, error) {
	frames, err := stream.NewFrames(Role)
	if err != nil {
		return 0, err
	}
	var low, high int64
	err = s.config.Pool.QueryRow(ctx, `SELECT coalesce(max(position) + 1, 0) FROM stream_log WHERE partition = $1 AND role = $2`,
		s.number, Role).Scan(&high)
	for err == nil && low < high {
		middle := low + (high-low)/2
		var position int64
		var frame []byte
		err = s.config.Pool.QueryRow(ctx, `SELECT position, frame FROM stream_log
WHERE partition = $1 AND role = $2 AND position >= $3 AND position < $4 ORDER BY position LIMIT 1`, s.number, Role, middle, high).
			Scan(&position, &frame)
		if errors.Is(err, pgx.ErrNoRows) {
			high, err = middle, nil
			continue
		}
		if err != nil {
			break
		}
		var written time.Time
		if written, _, err = frames.Decode(s.number, position, frame); err != nil {
			break
		}
		if written.Before(at) {
			low = position + 1
		} else {
			high = middle
		}
	}
	if err != nil {
		return 0, fmt.Errorf("position at %s in partition %d: %w", at.Format(time.RFC3339), s.number, err)
	}
	return low, nil
}
