package view

import (
	"context"
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// Payout returns the events of a payout, and those that the command caused even where they changed no payout (a refusal), in
// the order of their ids; tenant "" means whoever's it is, and the zero command none. There are none before the command is
// applied.
func (l *EventLog) Payout(ctx context.Context, tenant string, payout topics.PayoutID, command uuid.UUID) ([]topics.PayoutEvent, error) {
	rows, err := l.db.Query(ctx, `
		SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (
			SELECT unnest(positions) FROM payouts WHERE partition = $1 AND id = $2
			UNION SELECT position FROM applied_inputs WHERE partition = $1 AND id = $3)
		ORDER BY position`, payout.Partition, payout.UUID, command)
	if err != nil {
		return nil, fmt.Errorf("events of payout %s: %w", payout, err)
	}
	var events []topics.PayoutEvent
	id := payout.String()
	err = l.each(rows, payout.Partition, topics.PayoutEvents, func(value []byte) error {
		var event topics.PayoutEvent
		if err := topics.Unmarshal(value, &event); err != nil {
			return err
		}
		if (tenant == "" || event.Tenant == tenant) && (event.PayoutID == id || event.CommandID == command.String()) {
			events = append(events, event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("events of payout %s: %w", payout, err)
	}
	return events, nil
}

// PayoutDecisions returns what risk decided on a payout, in order. There are none where no payout of that id was made.
func (l *EventLog) PayoutDecisions(ctx context.Context, payout topics.PayoutID) ([]topics.Decision, error) {
	rows, err := l.db.Query(ctx, `
		SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (
			SELECT unnest(positions) FROM payouts WHERE partition = $1 AND id = $2)
		ORDER BY position`, payout.Partition, payout.UUID)
	if err != nil {
		return nil, fmt.Errorf("decisions on payout %s: %w", payout, err)
	}
	var decisions []topics.Decision
	err = l.each(rows, payout.Partition, topics.Decisions, func(value []byte) error {
		var d topics.Decision
		if err := topics.Unmarshal(value, &d); err != nil {
			return err
		}
		if d.PaymentID == payout.String() {
			decisions = append(decisions, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("decisions on payout %s: %w", payout, err)
	}
	return decisions, nil
}
