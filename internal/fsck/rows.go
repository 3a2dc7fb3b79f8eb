package fsck

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// walkRows walks a table whose rows name the records that made them. sql takes the partition, the first id and a limit.
// check gets each row with the frames of the records at its positions, those that the log has.
func walkRows[R any, P interface {
	*R
	place() (id [16]byte, positions []int64)
}](ctx context.Context, p *partitionCheck, sql string, check func(P, map[int64][]byte)) error {
	var from [16]byte
	for {
		rows, err := collect[R](ctx, p.checker, sql, p.snapshot.partition, from, pageRows)
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		for start := 0; start < len(rows); {
			var positions []int64
			end := start
			for end < len(rows) {
				_, more := P(&rows[end]).place()
				if end > start && len(positions)+len(more) > pagePositions {
					break
				}
				positions = append(positions, more...)
				end++
			}
			frames, err := p.framesAt(ctx, positions)
			if err != nil {
				return err
			}
			for ; start < end; start++ {
				check(&rows[start], frames)
			}
		}
		if len(rows) < pageRows {
			return nil
		}
		id, _ := P(&rows[len(rows)-1]).place()
		from = after(id)
	}
}

// framesAt reads the records of the log at these positions.
func (p *partitionCheck) framesAt(ctx context.Context, positions []int64) (map[int64][]byte, error) {
	slices.Sort(positions)
	frames := make(map[int64][]byte, len(positions))
	err := p.read(ctx, func(tx pgx.Tx) error {
		result, _ := tx.Query(ctx, `SELECT log.position, log.frame FROM unnest($3::int8[]) AS want(position)
CROSS JOIN LATERAL (SELECT position, frame FROM stream_log
	WHERE partition = $1 AND role = $2 AND position = want.position LIMIT 1) log`, p.snapshot.partition, role, slices.Compact(positions))
		var r frameRow
		_, err := pgx.ForEachRow(result, []any{&r.Position, &r.Frame}, func() error {
			frames[r.Position] = bytes.Clone(r.Frame)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the records at the positions of rows: %w", err)
	}
	return frames, nil
}

// history checks what a row says of the records that made it, before they are read.
func (p *partitionCheck) history(check, subject string, positions []int64, version int64) bool {
	if !inOrder(positions) {
		p.problem(check, subject, "positions %v: want at least one, ascending", positions)
		return false
	}
	if last := positions[len(positions)-1]; last != version {
		p.problem(check, subject, "version %d, the last of its positions is %d", version, last)
	}
	return true
}

// inOrder says that there is at least one position, and that each is above the one before it.
func inOrder(positions []int64) bool {
	for i := 1; i < len(positions); i++ {
		if positions[i] <= positions[i-1] {
			return false
		}
	}
	return len(positions) > 0
}
