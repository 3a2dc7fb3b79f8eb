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
	id := payment.String()
	return recordsOf(ctx, l, "events of payment "+id, topics.Events, func(e *topics.PaymentEvent) bool {
		return e.Tenant == tenant && (e.PaymentID == id || e.CommandID == command.String())
	}, ofPayment+andInput, payment.Partition, payment.UUID, command)
}

// Decisions returns what risk decided on a payment, in order. There are none where no payment of that id was made.
func (l *EventLog) Decisions(ctx context.Context, paymentID string) ([]topics.Decision, error) {
	id, err := topics.ParsePaymentID(paymentID)
	if err != nil {
		return nil, err
	}
	return recordsOf(ctx, l, "decisions on payment "+paymentID, topics.Decisions, func(d *topics.Decision) bool { return d.PaymentID == paymentID },
		ofPayment, id.Partition, id.UUID)
}

// Wallet returns the events that a wallet command caused, in the order of their ids. There are none before it is applied.
func (l *EventLog) Wallet(ctx context.Context, tenant string, partition int32, command uuid.UUID) ([]topics.WalletEvent, error) {
	return recordsOf(ctx, l, "events of wallet command "+command.String(), topics.WalletEvents, func(e *topics.WalletEvent) bool {
		return e.Tenant == tenant && e.CommandID == command.String()
	}, ofInput, partition, command)
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
	return recordsOf(ctx, l, "decisions on "+id.String(), topics.Decisions, func(d *topics.Decision) bool {
		return d.CommandID == id.String() || d.EventID == id.String()
	}, ofInput, partition, id)
}

// Which records of the log are read: those at the positions of a row, and those of the inputs of an id.
const (
	ofPayment  = `SELECT unnest(positions) FROM payments WHERE partition = $1 AND id = $2`
	ofPayout   = `SELECT unnest(positions) FROM payouts WHERE partition = $1 AND id = $2`
	ofLink     = `SELECT unnest(positions) FROM payment_links WHERE partition = $1 AND id = $2`
	ofDispute  = `SELECT unnest(positions) FROM disputes WHERE partition = $1 AND id = $2`
	ofCustomer = `SELECT unnest(positions) FROM customers WHERE partition = $1 AND id = $2`
	ofInput    = `SELECT position FROM applied_inputs WHERE partition = $1 AND id = $2`
	andInput   = ` UNION SELECT position FROM applied_inputs WHERE partition = $1 AND id = $3`
)

// recordsOf returns the records of a topic that are ours, of those at positions: a statement whose first parameter is the
// partition. They stand in the order in which they were written; subject says what they are.
func recordsOf[R any](ctx context.Context, l *EventLog, subject, topic string, ours func(*R) bool, positions string, partition int32, args ...any) ([]R, error) {
	records := []R{}
	err := l.each(ctx, func(o *stream.Output) error {
		if o.Topic != topic {
			return nil
		}
		return appendOf(&records, o.Value, ours)
	}, positions, partition, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", subject, err)
	}
	return records, nil
}

// each calls read with all that was published of the records at positions, in the order in which it was written.
func (l *EventLog) each(ctx context.Context, read func(*stream.Output) error, positions string, partition int32, args ...any) error {
	rows, err := l.db.Query(ctx, `SELECT position, frame FROM stream_log
		WHERE partition = $1 AND role = 'payments' AND position IN (`+positions+`) ORDER BY position`, slices.Insert(args, 0, any(partition))...)
	if err != nil {
		return err
	}
	var position int64
	var frame []byte
	_, err = pgx.ForEachRow(rows, []any{&position, &frame}, func() error {
		_, outputs, err := l.frames.Decode(partition, position, frame)
		for i := range outputs {
			if err == nil {
				err = read(&outputs[i])
			}
		}
		return err
	})
	return err
}
