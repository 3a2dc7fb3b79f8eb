package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

// applied is a row of stream_positions: how far a role has applied a partition of its input.
type applied struct {
	Found    bool
	Next     int64 // M: the position of the first record not applied
	Base     int64 // position = base + offset
	TopicID  [16]byte
	LastHash []byte // of record M-1; empty where it is not known
	Format   int16  // of what the fold stores
}

// readApplied reads M. It is read before any state: a transaction of a former owner that commits in between makes the
// first fence fail, whichever of the two reads it falls behind.
func readApplied(ctx context.Context, db *database.DB, role string, partition int32) (applied, error) {
	var a applied
	var topicID []byte
	err := db.Pool.QueryRow(ctx,
		`SELECT next, base, topic_id, last_hash, format FROM stream_positions WHERE role = $1 AND partition = $2`,
		role, partition).Scan(&a.Next, &a.Base, &topicID, &a.LastHash, &a.Format)
	if errors.Is(err, pgx.ErrNoRows) {
		return applied{}, nil
	}
	if err != nil {
		return applied{}, fmt.Errorf("read the applied position: %w", err)
	}
	if copy(a.TopicID[:], topicID) != len(a.TopicID) {
		return applied{}, fmt.Errorf("stream_positions %s/%d: topic_id has %d bytes, want 16", role, partition, len(topicID))
	}
	a.Found = true
	return a, nil
}

// The fence of the first batch: whoever comes second meets the primary key (23505).
const fenceFirst = `
INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

// The fence of each later batch: it moves M from the expected value or fails with 22012. An upsert, because an UPDATE of
// a table this small takes a predicate lock on all of it. The proposed row carries format -1, which only is there afterwards
// where the row was gone: that fails, too, since COMMIT is on its way already.
const fenceNext = `
INSERT INTO stream_positions AS p (role, partition, next, base, topic_id, last_hash, format)
VALUES ($1, $2, $3, $4, $5, $6, -1)
ON CONFLICT (role, partition) DO UPDATE SET
    next = CAST(excluded.next / CASE WHEN p.next = $8 AND p.base = excluded.base AND p.topic_id = excluded.topic_id
                                     THEN 1 ELSE 0 END AS int8),
    last_hash = excluded.last_hash,
    format = $7
RETURNING CAST(1 / CASE WHEN p.format < 0 THEN 0 ELSE 1 END AS int8)`

// queueFence queues the statement that moves a role's applied position from one value to the next, as the first one of a
// partition.
func queueFence(batch *pgx.Batch, role string, partition int32, from, to applied) {
	if !from.Found {
		batch.Queue(fenceFirst, role, partition, to.Next, to.Base, to.TopicID[:], to.LastHash, to.Format)
		return
	}
	batch.Queue(fenceNext, role, partition, to.Next, to.Base, to.TopicID[:], to.LastHash, to.Format, from.Next)
}

// checkFence reads the answer to queueFence.
func checkFence(results pgx.BatchResults) error {
	_, err := results.Exec()
	switch state := database.SQLState(err); {
	case state == "22012" || state == "23505":
		return fmt.Errorf("fence of the database: %w", errStale)
	case err != nil:
		return fmt.Errorf("fence of the database: %w", err)
	}
	return nil
}
