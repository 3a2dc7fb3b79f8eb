package view

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// Limits are a customer's responsible-gaming limits on a day.
type Limits struct {
	Day      string // in TimeZone
	TimeZone string // "": UTC
	Lines    []gaming.Line
	// Unknown says that the customer has neither paid, played nor set a limit: the brand's limits come with the first command.
	Unknown bool
}

// GetLimits reads what binds a customer at a moment, and what of it is used. A customer without limits has no lines.
func GetLimits(ctx context.Context, db Querier, o Owner, now time.Time) (*Limits, error) {
	rows, err := db.Query(ctx, `SELECT state FROM customer_limits WHERE partition = $1 AND id = $2`, o.Partition, wallets.Key(o.Tenant, o.Customer))
	if err != nil {
		return nil, fmt.Errorf("limits of %s: %w", o.Customer, err)
	}
	text, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	if errors.Is(err, pgx.ErrNoRows) {
		return &Limits{Day: gaming.DayOf(now), Unknown: true}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("limits of %s: %w", o.Customer, err)
	}
	var state gaming.State
	if err := topics.Unmarshal([]byte(text), &state); err != nil {
		return nil, fmt.Errorf("limits of %s: %w", o.Customer, err)
	}
	zone, err := time.LoadLocation(state.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("limits of %s: %w", o.Customer, err)
	}
	l := &Limits{Day: now.In(zone).Format(time.DateOnly), TimeZone: state.TimeZone}
	l.Lines = state.Lines(l.Day, now)
	return l, nil
}
