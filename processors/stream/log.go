package stream

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/internal/database"
)

// readLog reads the first page of what was applied in [from, to): at most PageRows rows, and at most QueueBytes of outputs
// beyond the first row.
func readLog(ctx context.Context, db *database.DB, frames *Frames, role string, partition int32, from, to int64,
	limits Limits) (publication, error) {
	ctx, cancel := context.WithTimeout(ctx, limits.DatabaseTimeout)
	defer cancel()
	rows, err := db.Pool.Query(ctx,
		`SELECT position, frame FROM stream_log WHERE partition = $1 AND role = $2 AND position >= $3 AND position < $4
		 ORDER BY position LIMIT $5`, partition, role, from, to, limits.PageRows)
	if err != nil {
		return publication{}, fmt.Errorf("read stream_log: %w", err)
	}
	defer rows.Close()
	page := publication{next: to}
	for n := 1; rows.Next(); n++ {
		var position int64
		var frame []byte
		if err := rows.Scan(&position, &frame); err != nil {
			return publication{}, fmt.Errorf("read stream_log: %w", err)
		}
		_, outputs, err := frames.Decode(partition, position, frame)
		if err != nil {
			return publication{}, fmt.Errorf("read stream_log: %w", err)
		}
		for i := range outputs {
			record := outgoing(partition, &outputs[i])
			page.outputs = append(page.outputs, record)
			page.bytes += recordSize(record)
		}
		if n == limits.PageRows || page.bytes >= limits.QueueBytes {
			page.next = position + 1
			break
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return publication{}, fmt.Errorf("read stream_log: %w", err)
	}
	return page, nil
}
