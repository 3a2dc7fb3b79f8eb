package statement

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
)

// step is what a round does to one partition.
type step struct {
	partition *partition
	entries   []posted
	lines     []line
	row       row // after it
}

// cut decides up to where the step goes. Where the page is full, the last record in it may have entries that are not: it
// is left for the next round.
func (s *step) cut(limit int) {
	s.row = s.partition.row
	s.row.Published = s.partition.published
	s.row.Next = max(s.partition.row.Next, s.partition.applied)
	if len(s.entries) < limit {
		return
	}
	last := s.entries[len(s.entries)-1].Position
	whole := slices.IndexFunc(s.entries, func(e posted) bool { return e.Position == last })
	s.entries, s.row.Next = s.entries[:whole], last
}

// fold makes the lines of the step, and moves the last lines in memory.
func (s *step) fold() error {
	part := s.partition
	balance := func(id ledger.AccountID) int64 { return part.last[id].Minor }
	for i := range s.entries {
		e := &s.entries[i]
		first := len(s.lines)
		err := part.knows(e)
		if err == nil {
			s.lines, err = fold(s.lines, e, s.row.Booked, balance)
		}
		if err != nil {
			return fmt.Errorf("entry %s: %w", ledger.EntryID{Partition: part.number, Position: e.Position, Index: e.Ordinal}, err)
		}
		for _, l := range s.lines[first:] {
			last := part.last[l.Account]
			last.Minor, last.Place, s.row.Booked = l.Balance, l.Place, l.Booked
			if l.Position >= part.published {
				part.changed[l.Account] = true
			}
		}
	}
	return nil
}

// moveNext moves the position from the expected value, or fails with 22012, also where the row was gone: the proposed one
// carries rebuilds -1. An upsert, as in the fold's own fence.
const moveNext = `
INSERT INTO statement_positions AS p (partition, next, published, booked, rebuilds, clearing)
VALUES ($1, $2, $3, $4, -1, $5)
ON CONFLICT (partition) DO UPDATE SET
    next = CAST(excluded.next / CASE WHEN p.next = $6 AND p.rebuilds = $7 AND p.clearing = $8 THEN 1 ELSE 0 END AS int8),
    published = GREATEST(p.published, excluded.published), booked = excluded.booked, clearing = excluded.clearing
RETURNING CAST(1 / CASE WHEN p.rebuilds < 0 THEN 0 ELSE 1 END AS int8)`

const insertLines = `
INSERT INTO statement_lines (partition, account, booked, position, ordinal, amount, balance)
SELECT * FROM unnest($1::int4[], $2::uuid[], $3::timestamptz[], $4::int8[], $5::int2[], $6::int8[], $7::int8[])`

func queueMove(batch *pgx.Batch, partition int32, from, to *row) {
	batch.Queue(moveNext, partition, to.Next, to.Published, to.Booked, to.Clearing, from.Next, from.Rebuilds, from.Clearing)
}

func checkMove(results pgx.BatchResults) error {
	_, err := results.Exec()
	switch {
	case database.SQLState(err) == "22012":
		return ErrStale
	case err != nil:
		return fmt.Errorf("move the position of statements: %w", err)
	}
	return nil
}

// write stores the steps in one transaction: each position moves, and all lines are there, or nothing is.
func (p *Projector) write(ctx context.Context, steps []*step) error {
	if len(steps) == 0 {
		return nil
	}
	columns := newLineColumns(steps)
	return p.db.InBatch(ctx, func(batch *pgx.Batch) {
		for _, s := range steps {
			queueMove(batch, s.partition.number, &s.partition.row, &s.row)
		}
		columns.queue(batch)
	}, func(results pgx.BatchResults) error {
		for range steps {
			if err := checkMove(results); err != nil {
				return err
			}
		}
		return columns.check(results)
	})
}

// lineColumns are the lines of a round, column by column.
type lineColumns struct {
	partitions []int32
	accounts   [][16]byte
	booked     []time.Time
	positions  []int64
	ordinals   []int16
	amounts    []int64
	balances   []int64
}

// newLineColumns takes the lines in the order of the table's key, so that neighbours in the index are written together.
func newLineColumns(steps []*step) *lineColumns {
	c := &lineColumns{}
	for _, s := range steps {
		slices.SortStableFunc(s.lines, func(a, b line) int { return slices.Compare(a.Account[:], b.Account[:]) })
		for _, l := range s.lines {
			c.partitions = append(c.partitions, s.partition.number)
			c.accounts = append(c.accounts, l.Account)
			c.booked = append(c.booked, l.Booked)
			c.positions = append(c.positions, l.Position)
			c.ordinals = append(c.ordinals, l.Ordinal)
			c.amounts = append(c.amounts, l.Amount)
			c.balances = append(c.balances, l.Balance)
		}
	}
	return c
}

func (c *lineColumns) queue(batch *pgx.Batch) {
	if len(c.accounts) > 0 {
		batch.Queue(insertLines, c.partitions, c.accounts, c.booked, c.positions, c.ordinals, c.amounts, c.balances)
	}
}

func (c *lineColumns) check(results pgx.BatchResults) error {
	if len(c.accounts) == 0 {
		return nil
	}
	if _, err := results.Exec(); err != nil {
		return fmt.Errorf("insert %d statement lines: %w", len(c.accounts), err)
	}
	return nil
}
