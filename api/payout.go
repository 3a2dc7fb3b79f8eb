package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// payoutOrder is a write that a payout command carries out.
type payoutOrder struct {
	call    *call
	id      uuid.UUID // of the command
	command topics.PayoutCommand
	payout  topics.PayoutID
}

func (o *payoutOrder) creates() bool { return o.command.Type == topics.PayoutCreate }

// payout reads the orders of one kind of payout command, whose fields decode takes out of the body.
func payout(kind topics.PayoutCommandType, decode func([]byte, *topics.PayoutCommand) error) func(*call, []byte, uuid.UUID) (order, error) {
	return func(c *call, body []byte, id uuid.UUID) (order, error) {
		o := &payoutOrder{call: c, command: topics.PayoutCommand{
			CommandID: id.String(), Type: kind, Tenant: c.key.Tenant, Region: c.key.Region, TraceID: c.traceID,
		}}
		if err := decode(body, &o.command); err != nil {
			return nil, err
		}
		if !o.creates() {
			if err := o.address(); err != nil {
				return nil, err
			}
		}
		switch kind { // whose key it is is known for certain
		case topics.PayoutApprove:
			o.command.ApprovedBy = c.key.Name
			if by := o.command.RequestedBy; by != "" && topics.SamePerson(by, c.key.Name) {
				return nil, invalid("requested_by", "requested_by: is this API key, which approves, or looks like it; a payout needs two people")
			}
		case topics.PayoutReject, topics.PayoutCancel:
			o.command.RequestedBy = c.key.Name
		case topics.PayoutCreate:
			o.command.CreatedBy = c.key.Name
		}
		if refusal := o.command.Validate(); refusal != nil {
			return nil, refused(refusal.Code, refusal.Detail)
		}
		return o, nil
	}
}

// address finds the payout that a command is for.
func (o *payoutOrder) address() error {
	found, err := o.call.api.findPayout(o.call)
	if err != nil {
		return err
	}
	if o.payout, err = topics.ParsePayoutID(found.ID); err != nil {
		return err
	}
	o.command.PayoutID, o.command.CustomerID = found.ID, found.CustomerID
	if o.command.Region == "" { // this installation has none
		o.command.Region = found.Region
	}
	return nil
}

// parameters leave out what may differ between two attempts at the same thing, as those of payments do.
func (o *payoutOrder) parameters() ([32]byte, error) {
	c := o.command
	c.CommandID, c.IssuedAt, c.TraceID, c.Region, c.Context, c.CreatedBy = "", time.Time{}, "", "", nil, ""
	return fingerprint(o.call.pattern, &c)
}

func (o *payoutOrder) bind(id uuid.UUID, issued time.Time, partitions int32) {
	o.id, o.command.CommandID, o.command.IssuedAt = id, id.String(), issued
	if o.creates() {
		o.payout = topics.NewPayoutID(o.command.Tenant, o.command.CustomerID, id, partitions)
	}
	o.call.paymentID = o.payout.String()
}

func (o *payoutOrder) result(ctx context.Context, resumed bool) (reply, error) {
	return follow[topics.PayoutEvent](ctx, o, resumed)
}

func (o *payoutOrder) recorded(ctx context.Context) (r reply, ok bool, err error) {
	return recorded[topics.PayoutEvent](ctx, o)
}

func (o *payoutOrder) follows() (c *call, topic, commandID string) {
	return o.call, topics.PayoutEvents, o.command.CommandID
}

func (o *payoutOrder) read(ctx context.Context) ([]topics.PayoutEvent, error) {
	return o.call.api.events.Payout(ctx, o.command.Tenant, o.payout, o.id)
}

func (o *payoutOrder) produce(ctx context.Context) error {
	return o.call.api.produceCommand(ctx, topics.PayoutCommands, o.command.CustomerID, &o.command, topics.Envelope{
		ID: o.command.CommandID, Type: topics.TypePayoutCommand, Subject: o.payout.String(),
		Time: o.command.IssuedAt, Tenant: o.command.Tenant, Region: o.command.Region, TraceID: o.command.TraceID,
	})
}

func (o *payoutOrder) location() string {
	if !o.creates() {
		return ""
	}
	return "/v1/payouts/" + o.payout.String()
}

// reply turns the event that answers the command into an answer: the payout as the events up to that one's record left it, so
// that it can be told again.
func (o *payoutOrder) reply(event *topics.PayoutEvent, events []topics.PayoutEvent) (reply, error) {
	var details *ErrorDetails
	if possible := view.DestinationOf(event.Possible); possible != nil {
		details = &ErrorDetails{Possible: destinationOf(possible)}
	}
	if r, ok, err := refusal(event.Caused(), details); ok {
		return r, err
	}
	found, err := view.FoldPayout(events, event.EventID)
	if err != nil {
		return reply{}, err
	}
	shown := payoutOf(found)
	if event.Type == topics.PayoutBlocked {
		problem := &Problem{Status: http.StatusPaymentRequired, Code: string(topics.RefusedBlocked), Message: "a risk rule blocked the payout",
			Details: &ErrorDetails{Reasons: event.Reasons, Payout: &shown}}
		return encodeReply(problem.Status, problem.body(event.TraceID), logged)
	}
	status := http.StatusOK
	if o.creates() {
		status = http.StatusCreated
	}
	return encodeReply(status, shown, logged)
}

// accepted is a payout of which nothing is known but its command.
func (o *payoutOrder) accepted() any {
	c := &o.command
	return Payout{
		ID: o.payout.String(), Status: statusAccepted, CustomerID: c.CustomerID, Amount: c.Amount, Currency: c.Currency,
		Explanation: "the command is stored and not decided on yet", MerchantReference: c.MerchantReference,
		Description: c.Description, Metadata: c.Metadata,
	}
}
