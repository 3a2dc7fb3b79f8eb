package view

import (
	"context"
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// Dispute returns the events of a dispute, and those that the command caused even where they changed no dispute (a refusal), in
// the order of their ids; tenant "" means whoever's it is, and the zero command none. There are none before the command is
// applied.
func (l *EventLog) Dispute(ctx context.Context, tenant string, dispute topics.DisputeID, command uuid.UUID) ([]topics.DisputeEvent, error) {
	rows, err := l.db.Query(ctx, `
		SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (
			SELECT unnest(positions) FROM disputes WHERE partition = $1 AND id = $2
			UNION SELECT position FROM applied_inputs WHERE partition = $1 AND id = $3)
		ORDER BY position`, dispute.Partition, dispute.UUID, command)
	if err != nil {
		return nil, fmt.Errorf("events of dispute %s: %w", dispute, err)
	}
	var events []topics.DisputeEvent
	id := dispute.String()
	err = l.each(rows, dispute.Partition, topics.DisputeEvents, func(value []byte) error {
		var event topics.DisputeEvent
		if err := topics.Unmarshal(value, &event); err != nil {
			return err
		}
		if (tenant == "" || event.Tenant == tenant) && (event.DisputeID == id || event.CommandID == command.String()) {
			events = append(events, event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("events of dispute %s: %w", dispute, err)
	}
	return events, nil
}
