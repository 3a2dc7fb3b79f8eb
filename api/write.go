package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/api/idempotency"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// order is a write on its way: the command and what it is about.
type order struct {
	command topics.Command
	payment topics.PaymentID
	request idempotency.Request
}

func (o *order) creates() bool { return o.command.Type == topics.CommandCreate }

// write returns the handler of one kind of command. Nothing is claimed or produced for a request that cannot be read or
// is invalid: its key stays free.
//
//	claim the key → produce the command → wait for its events → read the payment, or fold a new one from them →
//	store the answer → answer
//
// A crash after the claim leaves a key without an answer; after the produce, the command is applied all the same. In
// both cases the repeat with the same key resumes with the same command id, which is applied once.
func (a *API) write(kind topics.CommandType, decode func([]byte, *topics.Command) error) func(*call) error {
	return func(c *call) error {
		o, err := a.readOrder(c, kind, decode)
		if err != nil {
			return err
		}
		// From here on the client may go: what was begun is finished, so that a repeat finds the answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.request.Context()), a.limits.budget())
		defer cancel()
		claim, err := a.store.Claim(ctx, o.request)
		if err != nil {
			return err
		}
		a.metrics.keys.WithLabelValues(string(claim.Verdict)).Inc()
		switch claim.Verdict {
		case idempotency.Mismatch:
			return &Problem{Status: http.StatusUnprocessableEntity, Code: "idempotency_mismatch",
				Message: "this Idempotency-Key was used with other parameters"}
		case idempotency.InFlight:
			return &Problem{Status: http.StatusConflict, Code: "in_flight", RetryAfter: max(claim.RetryAfter, 1),
				Message: "a request with this Idempotency-Key is still being answered"}
		}
		if err := o.bind(claim.Request, a.hub.Partitions()); err != nil {
			return err
		}
		c.paymentID, c.commandID = o.payment.String(), o.command.CommandID
		if claim.Verdict == idempotency.Finished {
			c.writer.Header().Set(headerReplayed, "true")
			return c.sendOrder(o, claim.Status, claim.Body)
		}
		return a.carryOut(ctx, c, o, claim.Verdict)
	}
}

// readOrder reads and checks a request. It changes nothing.
func (a *API) readOrder(c *call, kind topics.CommandType, decode func([]byte, *topics.Command) error) (*order, error) {
	body, err := c.readJSON()
	if err != nil {
		return nil, err
	}
	key, err := idempotencyKey(c.request.Header)
	if err != nil {
		return nil, err
	}
	o := &order{command: topics.Command{Type: kind, Tenant: c.key.Tenant, Region: c.key.Region, TraceID: c.traceID}}
	if err := decode(body, &o.command); err != nil {
		return nil, err
	}
	if !o.creates() {
		if err := a.address(c, o); err != nil {
			return nil, err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("command id: %w", err)
	}
	o.command.CommandID = id.String()
	if refusal := o.command.Validate(); refusal != nil {
		problem := refused(refusal.Code, refusal.Detail)
		if field, _, ok := strings.Cut(refusal.Detail, ":"); ok {
			problem.Details = &ErrorDetails{Field: field}
		}
		return nil, problem
	}
	if a.hub.Partitions() == 0 {
		return nil, await.ErrNotReady
	}
	sum, err := fingerprint(c.pattern, o.command)
	if err != nil {
		return nil, err
	}
	o.request = idempotency.Request{Tenant: c.key.Tenant, Key: key, Fingerprint: sum, CommandID: id}
	return o, nil
}

// address finds the payment that a command is for, and what of it the command must name.
func (a *API) address(c *call, o *order) error {
	intent, err := a.find(c)
	if err != nil {
		return err
	}
	if o.payment, err = topics.ParsePaymentID(intent.ID); err != nil {
		return err
	}
	o.command.PaymentID, o.command.CustomerID = intent.ID, intent.CustomerID
	if o.command.Amount != 0 && o.command.Currency == "" {
		o.command.Currency = intent.Currency
	}
	return nil
}

// bind gives the order the command id that its key stands for. The time of issue is that of the id: a command that is
// produced again is as old as at first, so that one from before the deduplication horizon is refused.
func (o *order) bind(request idempotency.Request, partitions int32) error {
	o.request = request
	stamp, err := uuid.TimestampFromV7(request.CommandID)
	if err != nil {
		return fmt.Errorf("command id %s of an idempotency key: %w", request.CommandID, err)
	}
	if o.command.IssuedAt, err = stamp.Time(); err != nil {
		return fmt.Errorf("command id %s of an idempotency key: %w", request.CommandID, err)
	}
	o.command.IssuedAt = o.command.IssuedAt.UTC()
	o.command.CommandID = request.CommandID.String()
	if o.creates() {
		customer := o.command.CustomerID
		if customer == "" {
			customer = topics.GuestCustomer(request.CommandID)
		}
		o.payment = topics.PaymentID{
			Partition: topics.PartitionOf(o.command.Tenant, customer, partitions), UUID: request.CommandID,
		}
	}
	return nil
}

// carryOut produces the command, waits for its answer and gives it. Whatever stops it, a repeat with the same key need
// not wait until the key can be taken over.
func (a *API) carryOut(ctx context.Context, c *call, o *order, verdict idempotency.Verdict) error {
	reply, err := a.result(ctx, o, verdict, c.traceID)
	if err == nil && reply.final {
		// A crash before Finish: the repeat resumes and reads the same answer from the event log.
		if reply.status, reply.body, err = a.store.Finish(ctx, o.request, reply.status, reply.body); err == nil {
			return c.sendOrder(o, reply.status, reply.body)
		}
	}
	if openErr := a.store.Open(ctx, o.request); openErr != nil {
		a.log.WarnContext(ctx, "idempotency key stays claimed", "trace_id", c.traceID, "error", openErr)
	}
	if err != nil {
		return err
	}
	return c.sendOrder(o, reply.status, reply.body)
}

// result produces the command, unless it was applied already, and waits for its answer.
func (a *API) result(ctx context.Context, o *order, verdict idempotency.Verdict, traceID string) (reply, error) {
	waiter, err := a.hub.Ask(await.Question{CommandID: o.command.CommandID, PaymentID: o.payment.String()})
	if err != nil {
		return reply{}, err
	}
	defer waiter.Close()
	applied := false
	if verdict == idempotency.Resumed {
		events, err := a.events.Read(ctx, o.command.Tenant, o.payment, o.request.CommandID)
		if err != nil {
			return reply{}, err
		}
		waiter.Learn(events...)
		applied = slices.ContainsFunc(events, func(e topics.PaymentEvent) bool { return e.CommandID == o.command.CommandID })
	}
	if !applied {
		if err := a.produceCommand(ctx, o); err != nil {
			return reply{}, err
		}
	}
	deadline, cancel := context.WithTimeout(ctx, a.limits.AnswerWithin)
	defer cancel()
	answer, known := waiter.Wait(deadline)
	intent, err := a.outcome(ctx, o, waiter, known)
	if err != nil {
		return reply{}, err
	}
	return o.reply(answer, known, intent, traceID)
}

// outcome is the payment as it stands, nil where there is none. The events of a create that is answered are all that the
// payment has had, and spare reading it.
func (a *API) outcome(ctx context.Context, o *order, waiter *await.PaymentWaiter, known bool) (*view.Intent, error) {
	if known && o.creates() {
		return view.Fold(waiter.Events())
	}
	intent, err := view.Get(ctx, a.db.Pool, o.command.Tenant, o.payment.String())
	if errors.Is(err, view.ErrNotFound) {
		return nil, nil
	}
	return intent, err
}

// sendOrder answers a write.
func (c *call) sendOrder(o *order, status int, body []byte) error {
	if o.creates() && status < http.StatusMultipleChoices {
		c.writer.Header().Set("Location", "/v1/intents/"+o.payment.String())
	}
	return c.send(status, body)
}
