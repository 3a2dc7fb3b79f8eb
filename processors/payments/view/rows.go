package view

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/topics"
)

// one reads the one row of sql; subject says whose it is. It returns ErrNotFound where there is none.
func one[V any](ctx context.Context, db Querier, scan pgx.RowToFunc[V], subject, sql string, args ...any) (v V, err error) {
	rows, err := db.Query(ctx, sql, args...)
	if err == nil {
		v, err = pgx.CollectExactlyOneRow(rows, scan)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return v, fmt.Errorf("%s: %w", subject, err)
	}
	return v, nil
}

// selection is a list that is asked for: a statement, which conditions narrow.
type selection struct {
	sql  string
	args []any
}

// and narrows it; condition has a place for the number of each value.
func (s *selection) and(condition string, values ...any) {
	numbers := make([]any, len(values))
	for i, v := range values {
		s.args = append(s.args, v)
		numbers[i] = len(s.args)
	}
	s.sql += fmt.Sprintf(" AND "+condition, numbers...)
}

// page reads a page of a list in an order; subject says what it is of. It reads one row more than the limit, which is capped at
// MaxLimit: that there is another page. next is the cursor of its last row then, "" where it is the last.
func page[V any](ctx context.Context, db Querier, s *selection, order string, limit int, scan pgx.RowToFunc[V], cursor func(V) string,
	subject string) (rows []V, next string, err error) {
	limit = min(max(limit, 1), MaxLimit)
	s.args = append(s.args, limit+1)
	result, err := db.Query(ctx, fmt.Sprintf("%s ORDER BY %s LIMIT $%d", s.sql, order, len(s.args)), s.args...)
	if err == nil {
		rows, err = pgx.CollectRows(result, scan)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", subject, err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = cursor(rows[limit-1])
	}
	return rows, next, nil
}

// pageOfCustomer reads a page of what a customer has in a table, newest first: the first record of a row is the one that opened
// it, and its place in the partition is its place among the customer's. status "" means any.
func pageOfCustomer[V any](ctx context.Context, db Querier, o Owner, columns, status, cursor string, limit int, scan pgx.RowToFunc[V],
	opened func(V) int64, subject string) (rows []V, next string, err error) {
	s := selection{columns + ` WHERE partition = $1 AND tenant = $2 AND customer = $3`, []any{o.Partition, o.Tenant, o.Customer}}
	if cursor != "" {
		before, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return nil, "", fmt.Errorf("cursor %.64q: %w", cursor, ErrCursor)
		}
		s.and("positions[1] < $%d", before)
	}
	if status != "" {
		s.and("status = $%d", status)
	}
	return page(ctx, db, &s, "positions[1] DESC", limit, scan, func(v V) string { return strconv.FormatInt(opened(v), 10) }, subject+" of "+o.Customer)
}

// foldThrough is what the record of an event left: the fold of the events, which are all that there were up to then, in their
// order. It is nil where they opened nothing. version is the position of the last record that changed it.
func foldThrough[E, S any, P topics.CausedEvent[E]](events []E, eventID string, evolve func(*S, *E) (*S, error)) (state *S, version int64, err error) {
	last, err := topics.ParseEventID(eventID)
	if err != nil {
		return nil, 0, err
	}
	for i := range events {
		caused := P(&events[i]).Caused()
		id, err := topics.ParseEventID(caused.EventID)
		if err != nil {
			return nil, 0, err
		}
		if id.Position > last.Position {
			break
		}
		if caused.Nothing() {
			continue // changes no version either
		}
		if state, err = evolve(state, &events[i]); err != nil {
			return nil, 0, err
		}
		version = id.Position
	}
	return state, version, nil
}
