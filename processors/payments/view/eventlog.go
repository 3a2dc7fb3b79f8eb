package view

import (
	"context"
	"fmt"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// EventLog reads the events of payments and wallets from the log of what the payments fold has published or is about to
// publish.
type EventLog struct {
	db     Querier
	frames *stream.Frames
}

// NewEventLog returns a reader of the log in db.
func NewEventLog(db Querier) (*EventLog, error) {
	frames, err := stream.NewFrames("payments")
	if err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	return &EventLog{db: db, frames: frames}, nil
}

// Read returns the events of a payment, and those that the command caused even where they changed no payment (a refusal),
// in the order of their ids. There are none before the command is applied.
func (l *EventLog) Read(ctx context.Context, tenant string, payment topics.PaymentID, command uuid.UUID) ([]topics.PaymentEvent, error) {
	rows, err := l.db.Query(ctx, `
		SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (
			SELECT unnest(positions) FROM payments WHERE partition = $1 AND id = $2 AND tenant = $3
			UNION SELECT position FROM applied_inputs WHERE partition = $1 AND id = $4)
		ORDER BY position`, payment.Partition, payment.UUID, tenant, command)
	if err != nil {
		return nil, fmt.Errorf("events of payment %s: %w", payment, err)
	}
	var events []topics.PaymentEvent
	id := payment.String()
	err = l.each(rows, payment.Partition, topics.Events, func(value []byte) error {
		var event topics.PaymentEvent
		if err := topics.Unmarshal(value, &event); err != nil {
			return err
		}
		if event.Tenant == tenant && (event.PaymentID == id || event.CommandID == command.String()) {
			events = append(events, event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("events of payment %s: %w", payment, err)
	}
	return events, nil
}

// Decisions returns what risk decided on a payment, in order. There are none where no payment of that id was made.
func (l *EventLog) Decisions(ctx context.Context, paymentID string) ([]topics.Decision, error) {
	id, err := topics.ParsePaymentID(paymentID)
	if err != nil {
		return nil, err
	}
	rows, err := l.db.Query(ctx, `
		SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (
			SELECT unnest(positions) FROM payments WHERE partition = $1 AND id = $2)
		ORDER BY position`, id.Partition, id.UUID)
	if err != nil {
		return nil, fmt.Errorf("decisions on payment %s: %w", paymentID, err)
	}
	decisions := []topics.Decision{}
	err = l.each(rows, id.Partition, topics.Decisions, func(value []byte) error {
		var d topics.Decision
		if err := topics.Unmarshal(value, &d); err != nil {
			return err
		}
		if d.PaymentID == paymentID {
			decisions = append(decisions, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("decisions on payment %s: %w", paymentID, err)
	}
	return decisions, nil
}

// Wallet returns the events that a wallet command caused, in the order of their ids. There are none before it is applied.
func (l *EventLog) Wallet(ctx context.Context, tenant string, partition int32, command uuid.UUID) ([]topics.WalletEvent, error) {
	var events []topics.WalletEvent
	err := l.causedBy(ctx, partition, command, topics.WalletEvents, func(value []byte) error {
		var event topics.WalletEvent
		if err := topics.Unmarshal(value, &event); err != nil {
			return err
		}
		if event.Tenant == tenant && event.CommandID == command.String() {
			events = append(events, event)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("events of wallet command %s: %w", command, err)
	}
	return events, nil
}

// EventDecisions returns the decision on a customer event; none before it is made, and none long after, when the event's id
// is forgotten.
func (l *EventLog) EventDecisions(ctx context.Context, tenant string, partition int32, event uuid.UUID) ([]topics.Decision, error) {
	decisions, err := l.decisionsOn(ctx, partition, event)
	return slices.DeleteFunc(decisions, func(d topics.Decision) bool { return d.Tenant != tenant || d.EventID == "" }), err
}

// DecisionsOn returns what risk decided on a command or a customer event, whatever became of it, by its id: of every tenant
// that used it. There are none long after, when ids are forgotten.
func (l *EventLog) DecisionsOn(ctx context.Context, id uuid.UUID) ([]topics.Decision, error) {
	rows, err := l.db.Query(ctx, `SELECT partition FROM stream_positions WHERE role = 'payments' AND partition >= 0 ORDER BY partition`)
	if err != nil {
		return nil, fmt.Errorf("decisions on %s: %w", id, err)
	}
	partitions, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("decisions on %s: %w", id, err)
	}
	var all []topics.Decision
	for _, partition := range partitions {
		decisions, err := l.decisionsOn(ctx, partition, id)
		if err != nil {
			return nil, err
		}
		all = append(all, decisions...)
	}
	return all, nil
}

// decisionsOn is DecisionsOn for one partition.
func (l *EventLog) decisionsOn(ctx context.Context, partition int32, id uuid.UUID) ([]topics.Decision, error) {
	var decisions []topics.Decision
	err := l.causedBy(ctx, partition, id, topics.Decisions, func(value []byte) error {
		var d topics.Decision
		if err := topics.Unmarshal(value, &d); err != nil {
			return err
		}
		if d.CommandID == id.String() || d.EventID == id.String() {
			decisions = append(decisions, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("decisions on %s: %w", id, err)
	}
	return decisions, nil
}

// causedBy calls read with the value of each record of a topic that the inputs of an id caused, in the order of positions.
func (l *EventLog) causedBy(ctx context.Context, partition int32, id uuid.UUID, topic string, read func([]byte) error) error {
	rows, err := l.db.Query(ctx, `
		SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (
			SELECT position FROM applied_inputs WHERE partition = $1 AND id = $2)
		ORDER BY position`, partition, id)
	if err != nil {
		return err
	}
	return l.each(rows, partition, topic, read)
}

// each calls read with the value of each record of a topic that the rows hold.
func (l *EventLog) each(rows pgx.Rows, partition int32, topic string, read func(value []byte) error) error {
	var position int64
	var frame []byte
	_, err := pgx.ForEachRow(rows, []any{&position, &frame}, func() error {
		_, outputs, err := l.frames.Decode(partition, position, frame)
		if err != nil {
			return err
		}
		for _, output := range outputs {
			if output.Topic != topic {
				continue
			}
			if err := read(output.Value); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
