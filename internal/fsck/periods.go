package fsck

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// closedPeriod is a row of closed_periods.
type closedPeriod struct {
	Tenant, Month string
	Position      int64
}

// periodClosed checks a trial balance that was published, and notes the period.
func (p *partitionCheck) periodClosed(o *stream.Output, position int64) {
	subject := "period " + o.Envelope.ID
	var c topics.PeriodClosed
	if err := topics.Unmarshal(o.Value, &c); err != nil {
		p.problem("period", subject, "%v", err)
		return
	}
	if c.EventID != o.Envelope.ID {
		p.problem("period", subject, "its value says event_id %s", c.EventID)
	}
	if !putAside(c.Refusal) {
		p.commanded(c.Tenant, c.CommandID, c.Refusal, position)
	}
	if c.Refusal != "" {
		return
	}
	for _, before := range p.closed {
		if before.Tenant == c.Tenant && before.Month >= c.Month {
			p.problem("period", subject, "closes %s of %s after %s", c.Month, c.Tenant, before.Month)
		}
	}
	p.closed = append(p.closed, closedPeriod{c.Tenant, c.Month, position})
	sums := map[string]*big.Int{} // of many lines, each of 64 bits
	for _, line := range c.Lines {
		if sums[line.Currency] == nil {
			sums[line.Currency] = new(big.Int)
		}
		sums[line.Currency].Add(sums[line.Currency], big.NewInt(line.Amount))
	}
	for currency, sum := range sums {
		if sum.Sign() != 0 {
			p.problem("L1", subject, "its trial balance sums to %s minor units of %s", sum, currency)
		}
	}
}

// periods compares closed_periods up to M with what the log says. No row is of a record that is not applied.
func (p *partitionCheck) periods(ctx context.Context) error {
	rows, err := collect[closedPeriod](ctx, p.checker,
		`SELECT tenant, month, position FROM closed_periods WHERE partition = $1 AND (position < $2 OR position >= (
	SELECT next FROM stream_positions WHERE role = $3 AND partition = $1)) ORDER BY position`,
		p.snapshot.partition, p.next, role)
	if err != nil {
		return fmt.Errorf("read closed periods: %w", err)
	}
	for _, row := range rows {
		if !slices.Contains(p.closed, row) {
			p.problem("period", fmt.Sprintf("%s of %s", row.Month, row.Tenant), "closed_periods has it at position %d, the log does not", row.Position)
		}
	}
	for _, logged := range p.closed {
		if !slices.Contains(rows, logged) {
			p.problem("period", fmt.Sprintf("%s of %s", logged.Month, logged.Tenant), "the log has it at position %d, closed_periods does not", logged.Position)
		}
	}
	return nil
}
