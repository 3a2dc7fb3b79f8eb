package proof

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// logCursor walks the entries that the log publishes, after one and up to another.
type logCursor struct {
	*partition
	after, to  ledger.EntryID
	position   int64 // the next to read from
	page       []chain.Record
	ended      bool
	unreadable map[int64]bool // positions
}

func (p *partition) openLog(after, to ledger.EntryID) *logCursor {
	return &logCursor{partition: p, after: after, to: to, position: max(after.Position, 0), unreadable: map[int64]bool{}}
}

// peek is the next entry, nil at the end.
func (c *logCursor) peek(ctx context.Context) (*chain.Record, error) {
	for len(c.page) == 0 && !c.ended {
		if err := c.read(ctx); err != nil {
			return nil, err
		}
	}
	if len(c.page) == 0 {
		return nil, nil
	}
	return &c.page[0], nil
}

func (c *logCursor) take() { c.page = c.page[1:] }

func (c *logCursor) read(ctx context.Context) error {
	type frame struct {
		Position int64
		Frame    []byte
	}
	var frames []frame
	err := database.ReadInOrder(ctx, c.Database.Pool, func(tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, `SELECT position, frame FROM stream_log WHERE partition = $1 AND role = $2 AND position >= $3
AND position <= $4 AND position < $5 ORDER BY position LIMIT $6`, c.number, role, c.position, c.to.Position, c.next, pageRows)
		frames, err = pgx.CollectRows(rows, pgx.RowToStructByPos[frame])
		return err
	})
	if err != nil {
		return fmt.Errorf("read stream_log: %w", err)
	}
	c.ended = len(frames) < pageRows
	c.page = c.page[:0]
	for _, f := range frames {
		c.position = f.Position + 1
		_, outputs, err := c.frames.Decode(c.number, f.Position, f.Frame)
		if err == nil {
			err = c.published(outputs)
		}
		if err != nil {
			c.unreadable[f.Position] = true
			c.problem("log", fmt.Sprintf("stream_log at position %d", f.Position), "%v", err)
		}
	}
	return nil
}

// published adds the entries among the outputs of a record.
func (c *logCursor) published(outputs []stream.Output) error {
	for i := range outputs {
		if outputs[i].Topic != topics.Entries {
			continue
		}
		var v topics.LedgerEntry
		if err := topics.Unmarshal(outputs[i].Value, &v); err != nil {
			return err
		}
		r, err := chain.Published(&v)
		if err != nil {
			return err
		}
		after := r.Before(c.after.Position, c.after.Index) || r.Position == c.after.Position && r.Index == c.after.Index
		if !after && (r.Position < c.to.Position || r.Index <= c.to.Index) {
			c.page = append(c.page, r)
		}
	}
	return nil
}
