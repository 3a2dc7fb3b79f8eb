package statement

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

// rebuild takes every partition back to its beginning. The lines stay until a projector has deleted them, and are below no
// position any more, so that nobody reads them. What was published stays published.
const rebuild = `
INSERT INTO statement_positions AS p (partition, next, published, booked, rebuilds, clearing)
SELECT partition, 0, 0, $2, 0, true FROM stream_positions WHERE role = $1
ON CONFLICT (partition) DO UPDATE SET next = 0, booked = excluded.booked, rebuilds = p.rebuilds + 1, clearing = true`

// Rebuild drops all statements and has them made anew, by the projectors that run: of the role, or of the caller. It
// returns at once. A crash behind it changes nothing; to be called again begins again.
func Rebuild(ctx context.Context, db *database.DB) error {
	err := db.InBatch(ctx, func(batch *pgx.Batch) { batch.Queue(rebuild, foldRole, begin) }, func(results pgx.BatchResults) error {
		_, err := results.Exec()
		return err
	})
	if err != nil {
		return fmt.Errorf("rebuild statements: %w", err)
	}
	return nil
}

const deleteLines = `
DELETE FROM statement_lines WHERE partition = $1 AND (account, booked, position, ordinal) IN (
	SELECT account, booked, position, ordinal FROM statement_lines WHERE partition = $1
	ORDER BY account, booked, position, ordinal LIMIT $2)`

// clear deletes lines of before a rebuild, and ends the clearing where none is left. The fence comes first: who deletes is
// the one who may.
func (p *Projector) clear(ctx context.Context, part *partition) error {
	to := part.row
	err := p.db.InTx(ctx, func(tx pgx.Tx) error {
		to = part.row
		var batch pgx.Batch
		queueMove(&batch, part.number, &part.row, &part.row)
		results := tx.SendBatch(ctx, &batch)
		err := checkMove(results)
		if closed := results.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
		deleted, err := tx.Exec(ctx, deleteLines, part.number, clearedLines)
		if err != nil || deleted.RowsAffected() == clearedLines {
			return err
		}
		to.Clearing = false
		_, err = tx.Exec(ctx, `UPDATE statement_positions SET clearing = false WHERE partition = $1`, part.number)
		return err
	})
	if err != nil {
		return fmt.Errorf("clear the statements of partition %d: %w", part.number, err)
	}
	part.row = to
	return nil
}
