package view

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// Payout returns the events of a payout, and those that the command caused even where they changed no payout (a refusal), in the
// order of their ids; tenant "" means whoever's it is, and the zero command none. There are none before the command is applied.
func (l *EventLog) Payout(ctx context.Context, tenant string, payout topics.PayoutID, command uuid.UUID) ([]topics.PayoutEvent, error) {
	id := payout.String()
	return recordsOf(ctx, l, "events of payout "+id, topics.PayoutEvents, func(e *topics.PayoutEvent) bool {
		return (tenant == "" || e.Tenant == tenant) && (e.PayoutID == id || e.CommandID == command.String())
	}, ofPayout+andInput, payout.Partition, payout.UUID, command)
}

// Link returns the events of a payment link, and those that the command caused even where they changed no payment link (a refusal), in the
// order of their ids; tenant "" means whoever's it is, and the zero command none. There are none before the command is applied.
func (l *EventLog) Link(ctx context.Context, tenant string, link topics.LinkID, command uuid.UUID) ([]topics.LinkEvent, error) {
	id := link.String()
	return recordsOf(ctx, l, "events of payment link "+id, topics.LinkEvents, func(e *topics.LinkEvent) bool {
		return (tenant == "" || e.Tenant == tenant) && (e.LinkID == id || e.CommandID == command.String())
	}, ofLink+andInput, link.Partition, link.UUID, command)
}

// Dispute returns the events of a dispute, and those that the command caused even where they changed no dispute (a refusal), in the
// order of their ids; tenant "" means whoever's it is, and the zero command none. There are none before the command is applied.
func (l *EventLog) Dispute(ctx context.Context, tenant string, dispute topics.DisputeID, command uuid.UUID) ([]topics.DisputeEvent, error) {
	id := dispute.String()
	return recordsOf(ctx, l, "events of dispute "+id, topics.DisputeEvents, func(e *topics.DisputeEvent) bool {
		return (tenant == "" || e.Tenant == tenant) && (e.DisputeID == id || e.CommandID == command.String())
	}, ofDispute+andInput, dispute.Partition, dispute.UUID, command)
}

// PayoutDecisions returns what risk decided on a payout, in order. There are none where no payout of that id was made.
func (l *EventLog) PayoutDecisions(ctx context.Context, payout topics.PayoutID) ([]topics.Decision, error) {
	id := payout.String()
	return recordsOf(ctx, l, "decisions on payout "+id, topics.Decisions, func(d *topics.Decision) bool { return d.PaymentID == id },
		ofPayout, payout.Partition, payout.UUID)
}
