package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// paymentOrder is a write that a payment command carries out.
type paymentOrder struct {
	call    *call
	id      uuid.UUID // of the command
	command topics.Command
	payment topics.PaymentID
}

func (o *paymentOrder) creates() bool { return o.command.Type == topics.CommandCreate }

// payment reads the orders of one kind of command, whose fields decode takes out of the body.
func payment(kind topics.CommandType, decode func([]byte, *topics.Command) error) func(*call, []byte, uuid.UUID) (order, error) {
	return func(c *call, body []byte, id uuid.UUID) (order, error) {
		o := &paymentOrder{call: c, command: topics.Command{
			CommandID: id.String(), Type: kind, Tenant: c.key.Tenant, Region: c.key.Region, TraceID: c.traceID,
		}}
		if err := decode(body, &o.command); err != nil {
			return nil, err
		}
		if o.command.ApprovedBy != "" {
			if err := c.approve(o.command.RequestedBy, &o.command.ApprovedBy, "an approval"); err != nil {
				return nil, err
			}
		}
		if !o.creates() {
			if err := o.address(); err != nil {
				return nil, err
			}
		}
		if refusal := o.command.Validate(); refusal != nil {
			return nil, refused(refusal.Code, refusal.Detail)
		}
		return o, nil
	}
}

// address finds the payment that a command is for, and what of it the command must name.
func (o *paymentOrder) address() error {
	intent, err := o.call.api.find(o.call)
	if err != nil {
		return err
	}
	if o.payment, err = topics.ParsePaymentID(intent.ID); err != nil {
		return err
	}
	o.command.PaymentID, o.command.CustomerID = intent.ID, intent.CustomerID
	if o.command.Region == "" { // this installation has none
		o.command.Region = intent.Region
	}
	if o.command.Amount != 0 && o.command.Currency == "" {
		o.command.Currency = intent.Currency
	}
	return nil
}

// parameters leave out what may differ between two attempts at the same thing: ids and times that are made for each
// attempt, the trace, and the circumstances in Context.
func (o *paymentOrder) parameters() ([32]byte, error) {
	c := o.command
	c.CommandID, c.IssuedAt, c.TraceID, c.Region, c.Context = "", time.Time{}, "", "", nil
	return fingerprint(o.call.pattern, &c)
}

func (o *paymentOrder) bind(id uuid.UUID, issued time.Time, partitions int32) {
	o.id, o.command.CommandID, o.command.IssuedAt = id, id.String(), issued
	if o.creates() {
		customer := o.command.CustomerID
		if customer == "" {
			customer = topics.GuestCustomer(id)
		}
		o.payment = topics.PaymentID{Partition: topics.PartitionOf(o.command.Tenant, customer, partitions), UUID: id}
	}
	o.call.paymentID = o.payment.String()
}

func (o *paymentOrder) result(ctx context.Context, resumed bool) (reply, error) {
	api := o.call.api
	waiter, err := api.hub.Ask(await.Question{CommandID: o.command.CommandID, PaymentID: o.payment.String()})
	if err != nil {
		return reply{}, err
	}
	defer waiter.Close()
	applied := false
	if resumed {
		events, err := api.events.Read(ctx, o.command.Tenant, o.payment, o.id)
		if err != nil {
			return reply{}, err
		}
		waiter.Learn(events...)
		applied = slices.ContainsFunc(events, func(e topics.PaymentEvent) bool { return e.CommandID == o.command.CommandID })
	}
	if !applied {
		if err := o.produce(ctx); err != nil {
			return reply{}, err
		}
	}
	deadline, cancel := context.WithTimeout(ctx, api.limits.AnswerWithin)
	defer cancel()
	answer, known := waiter.Wait(deadline)
	intent, err := o.outcome(ctx, waiter, answer, known)
	if err != nil {
		return reply{}, err
	}
	return o.reply(answer, known, intent)
}

func (o *paymentOrder) recorded(ctx context.Context) (r reply, ok bool, err error) {
	events, err := o.call.api.events.Read(ctx, o.command.Tenant, o.payment, o.id)
	if err != nil {
		return r, false, err
	}
	answer, ok := await.Conclude(await.Question{CommandID: o.command.CommandID, PaymentID: o.payment.String()}, events)
	if !ok || answer.Open {
		return r, false, nil
	}
	intent, err := view.FoldThrough(events, answer.Event.EventID)
	if err == nil {
		r, err = o.reply(answer, true, intent)
	}
	return r, err == nil, err
}

func (o *paymentOrder) produce(ctx context.Context) error {
	key := o.command.CustomerID
	if key == "" {
		key = o.command.CommandID // a guest's payment
	}
	return o.call.api.produceCommand(ctx, topics.Commands, key, &o.command, topics.Envelope{
		ID: o.command.CommandID, Type: topics.TypeCommand, Subject: o.payment.String(),
		Time: o.command.IssuedAt, Tenant: o.command.Tenant, Region: o.command.Region, TraceID: o.command.TraceID,
	})
}

// outcome is the payment as the answer's record left it, or as it stands where there is no final answer; nil where there
// is no payment. A final answer shows nothing of what came later, so that it can be told again.
func (o *paymentOrder) outcome(ctx context.Context, waiter *await.PaymentWaiter, answer await.Answer, known bool) (*view.Intent, error) {
	switch {
	case known && o.creates(): // the waiter has all events that the payment has had
		return view.FoldThrough(waiter.Events(), answer.Event.EventID)
	case known && changesNothing(answer.Event.Type):
		return nil, nil
	}
	intent, err := view.Get(ctx, o.call.api.db.Pool, o.command.Tenant, o.payment.String())
	if errors.Is(err, view.ErrNotFound) {
		return nil, nil
	}
	if err != nil || !known || answer.Open {
		return intent, err
	}
	id, err := topics.ParseEventID(answer.Event.EventID)
	if err != nil || intent.Version == id.Position {
		return intent, err
	}
	events, err := o.call.api.events.Read(ctx, o.command.Tenant, o.payment, o.id)
	if err != nil {
		return nil, err
	}
	return view.FoldThrough(events, answer.Event.EventID)
}

// changesNothing reports whether an event is answered without the payment.
func changesNothing(t topics.EventType) bool {
	return t == topics.EventCommandRefused || t == topics.EventDeadLettered
}

func (o *paymentOrder) location() string {
	if !o.creates() {
		return ""
	}
	return "/v1/intents/" + o.payment.String()
}
