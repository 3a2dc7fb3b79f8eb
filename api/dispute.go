package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// statusStored is that of a dispute of which nothing is known but a command: accepted is one that was given up.
const statusStored = "stored"

// disputeOrder is a write that a dispute command carries out.
type disputeOrder struct {
	call    *call
	id      uuid.UUID // of the command
	command topics.DisputeCommand
	dispute topics.DisputeID
	found   *view.Dispute // before it
}

// dispute reads the orders of one kind of dispute command, whose fields decode takes out of the body.
func dispute(kind topics.DisputeCommandType, decode func([]byte, *topics.DisputeCommand) error) func(*call, []byte, uuid.UUID) (order, error) {
	return func(c *call, body []byte, id uuid.UUID) (order, error) {
		o := &disputeOrder{call: c, command: topics.DisputeCommand{
			CommandID: id.String(), Type: kind, Tenant: c.key.Tenant, Region: c.key.Region, RequestedBy: c.key.Name, TraceID: c.traceID,
		}}
		if err := decode(body, &o.command); err != nil {
			return nil, err
		}
		if err := o.address(); err != nil {
			return nil, err
		}
		if refusal := o.command.Validate(); refusal != nil {
			return nil, refused(refusal.Code, refusal.Detail)
		}
		return o, nil
	}
}

func decodeDisputeEnd(body []byte, c *topics.DisputeCommand) error {
	var in AcceptDispute
	err := decode(body, &in)
	c.Reason = in.Reason
	return err
}

func decodeEvidence(body []byte, c *topics.DisputeCommand) error {
	var in SubmitEvidence
	err := decode(body, &in)
	c.Reason, c.Evidence = in.Reason, &topics.DisputeEvidence{Text: in.Text, Documents: in.Documents}
	return err
}

// address finds the dispute that a command is for.
func (o *disputeOrder) address() error {
	found, err := o.call.api.findDispute(o.call)
	if err != nil {
		return err
	}
	if o.dispute, err = topics.ParseDisputeID(found.ID); err != nil {
		return err
	}
	o.found = found
	o.command.DisputeID, o.command.CustomerID = found.ID, found.CustomerID
	if o.command.Region == "" { // this installation has none
		o.command.Region = found.Region
	}
	return nil
}

// parameters leave out what may differ between two attempts at the same thing, as those of payments do.
func (o *disputeOrder) parameters() ([32]byte, error) {
	c := o.command
	c.CommandID, c.IssuedAt, c.TraceID, c.Region, c.RequestedBy = "", time.Time{}, "", "", ""
	return fingerprint(o.call.pattern, &c)
}

func (o *disputeOrder) bind(id uuid.UUID, issued time.Time, _ int32) {
	o.id, o.command.CommandID, o.command.IssuedAt = id, id.String(), issued
	o.call.paymentID = o.dispute.String()
}

func (o *disputeOrder) result(ctx context.Context, resumed bool) (reply, error) {
	return follow[topics.DisputeEvent](ctx, o, resumed)
}

func (o *disputeOrder) recorded(ctx context.Context) (r reply, ok bool, err error) {
	return recorded[topics.DisputeEvent](ctx, o)
}

func (o *disputeOrder) follows() (c *call, topic, commandID string) {
	return o.call, topics.DisputeEvents, o.command.CommandID
}

func (o *disputeOrder) read(ctx context.Context) ([]topics.DisputeEvent, error) {
	return o.call.api.events.Dispute(ctx, o.command.Tenant, o.dispute, o.id)
}

func (o *disputeOrder) produce(ctx context.Context) error {
	return o.call.api.produceCommand(ctx, topics.DisputeCommands, o.command.CustomerID, &o.command, topics.Envelope{
		ID: o.command.CommandID, Type: topics.TypeDisputeCommand, Subject: o.dispute.String(),
		Time: o.command.IssuedAt, Tenant: o.command.Tenant, Region: o.command.Region, TraceID: o.command.TraceID,
	})
}

func (o *disputeOrder) creates() bool { return false }

// accepted is a dispute of which nothing is told but that a command was sent.
func (o *disputeOrder) accepted() any {
	return Dispute{ID: o.dispute.String(), PaymentID: o.found.PaymentID, Status: statusStored, CustomerID: o.command.CustomerID,
		Currency: o.found.Currency, Explanation: "the command is stored and not decided on yet"}
}

// location: nothing is made.
func (o *disputeOrder) location() string { return "" }

// reply turns the event that answers the command into an answer: the dispute as the events up to that one's record left it.
func (o *disputeOrder) reply(event *topics.DisputeEvent, events []topics.DisputeEvent) (reply, error) {
	if r, ok, err := refusal(event.Caused(), nil); ok {
		return r, err
	}
	found, err := view.FoldDispute(events, event.EventID)
	if err != nil {
		return reply{}, err
	}
	return encodeReply(http.StatusOK, disputeOf(found), logged)
}
