package statement

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

// Position is how far the projection of one partition is.
type Position struct {
	Partition  int32
	Next       int64     // the lines of every entry below it are there
	Applied    int64     // every record below it has been booked
	Published  int64     // ledger.balances.v1 holds what entries below it left
	Booked     time.Time // of the last line; the beginning of 1970 where there is none
	Rebuilding bool      // lines of before a rebuild are being deleted
}

// Progress is how far the projection is, by partition in ascending order.
type Progress []Position

// Lag is how many booked records are not projected.
func (p Progress) Lag() int64 {
	var lag int64
	for _, position := range p {
		lag += max(position.Applied-position.Next, 0)
	}
	return lag
}

// Behind says whether a projector has something to do.
func (p Progress) Behind() bool {
	for _, position := range p {
		if position.Next < position.Applied || position.Published < position.Next || position.Rebuilding {
			return true
		}
	}
	return false
}

// Done is how many records were projected: it changes with each round that had something to do.
func (p Progress) Done() int64 {
	var done int64
	for _, position := range p {
		done += position.Next + position.Published
	}
	return done
}

// Complete says whether every line that was booked before t is there, as far as records were applied.
func (p Progress) Complete(t time.Time) bool {
	for _, position := range p {
		if position.Rebuilding || position.Next < position.Applied && position.Booked.Before(t) {
			return false
		}
	}
	return true
}

const progress = `
SELECT m.partition, COALESCE(s.next, 0), m.next, COALESCE(s.published, 0), COALESCE(s.booked, $2), COALESCE(s.clearing, false)
FROM stream_positions m LEFT JOIN statement_positions s ON s.partition = m.partition
WHERE m.role = $1 ORDER BY m.partition`

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// ReadProgress reads how far the projection of all partitions is.
func ReadProgress(ctx context.Context, db *database.DB) (Progress, error) {
	return readProgress(ctx, db.Pool)
}

func readProgress(ctx context.Context, db querier) (Progress, error) {
	rows, _ := db.Query(ctx, progress, foldRole, begin)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Position])
	if err != nil {
		return nil, fmt.Errorf("read the positions of statements: %w", err)
	}
	for i := range all {
		all[i].Booked = all[i].Booked.UTC()
	}
	return all, nil
}
