package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// eventOrder is a write that records a customer event.
type eventOrder struct {
	call      *call
	id        uuid.UUID
	event     topics.CustomerEvent
	partition int32
}

func readEvent(c *call, body []byte, id uuid.UUID) (order, error) {
	var in RecordEvent
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	o := &eventOrder{call: c, event: topics.CustomerEvent{
		EventID: id.String(), Tenant: c.key.Tenant, Region: c.key.Region, TraceID: c.traceID,
		CustomerID: c.request.PathValue("customer"), Type: in.Type, OccurredAt: in.OccurredAt.UTC(),
		Amount: in.Amount, Currency: in.Currency, PaymentID: in.PaymentID, DurationSeconds: in.DurationSeconds,
		Card: in.Card, Context: in.Context, Metadata: in.Metadata,
	}}
	if refusal := o.event.ValidateAt(time.Now()); refusal != nil {
		return nil, refused(refusal.Code, refusal.Detail)
	}
	return o, nil
}

// parameters leave out what is made for each attempt, the trace and, as for payments, the circumstances.
func (o *eventOrder) parameters() ([32]byte, error) {
	e := o.event
	e.EventID, e.TraceID, e.Region, e.Context = "", "", "", nil
	return fingerprint(o.call.pattern, &e)
}

func (o *eventOrder) bind(id uuid.UUID, issued time.Time, partitions int32) {
	o.id, o.event.EventID = id, id.String()
	if o.event.OccurredAt.IsZero() {
		o.event.OccurredAt = issued
	}
	o.partition = topics.PartitionOf(o.event.Tenant, o.event.CustomerID, partitions)
}

func (o *eventOrder) result(ctx context.Context, resumed bool) (reply, error) {
	api := o.call.api
	waiter, err := api.hub.AskDecision(ctx, o.event.Tenant, o.event.EventID)
	if err != nil {
		return reply{}, err
	}
	defer waiter.Close()
	decided := false
	if resumed {
		decisions, err := api.events.EventDecisions(ctx, o.event.Tenant, o.partition, o.id)
		if err != nil {
			return reply{}, err
		}
		waiter.Learn(decisions...)
		decided = len(decisions) > 0
	}
	if !decided {
		if err := o.produce(ctx); err != nil {
			return reply{}, err
		}
	}
	deadline, cancel := context.WithTimeout(ctx, api.limits.AnswerWithin)
	defer cancel()
	decision, known := waiter.Wait(deadline)
	return o.reply(&decision, known)
}

func (o *eventOrder) recorded(ctx context.Context) (r reply, ok bool, err error) {
	decisions, err := o.call.api.events.EventDecisions(ctx, o.event.Tenant, o.partition, o.id)
	if err != nil || len(decisions) == 0 {
		return r, false, err
	}
	r, err = o.reply(&decisions[0], true)
	return r, err == nil, err
}

func (o *eventOrder) produce(ctx context.Context) error {
	e := &o.event
	return o.call.api.produceCommand(ctx, topics.CustomerEvents, e.CustomerID, e, topics.Envelope{
		ID: e.EventID, Type: topics.TypeCustomerEvent, Subject: e.CustomerID, Time: e.OccurredAt, Tenant: e.Tenant,
		Region: e.Region, TraceID: e.TraceID,
	})
}

func (o *eventOrder) location() string {
	return "/v1/customers/" + url.PathEscape(o.event.CustomerID) + "/events/" + o.event.EventID + "/decisions"
}

// reply turns the decision into an answer. Whatever it is, the event has happened: there is nothing to refuse.
func (o *eventOrder) reply(d *topics.Decision, known bool) (reply, error) {
	told := RecordedEvent{EventID: o.event.EventID, Status: statusAccepted, CustomerID: o.event.CustomerID, Type: o.event.Type}
	if !known {
		return encodeReply(http.StatusAccepted, told, open)
	}
	told.Status, told.Outcome, told.Reasons, told.Score = "assessed", d.Outcome, d.Reasons, d.Score
	told.Evaluated, told.At = d.Evaluated, &d.At
	return encodeReply(http.StatusOK, told, logged)
}

// listEventDecisions answers with what was decided on a customer event, as it stands in the log.
func (a *API) listEventDecisions(c *call) error {
	id, err := uuid.FromString(c.request.PathValue("event"))
	if err != nil {
		return invalid("event", "event: is not an event's id; want the event_id of the answer to whoever recorded it, a UUID")
	}
	partitions := a.hub.Partitions()
	if err := a.hub.Check(c.request.Context()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	customer := c.request.PathValue("customer")
	decisions, err := a.events.EventDecisions(ctx, c.key.Tenant, topics.PartitionOf(c.key.Tenant, customer, partitions), id)
	if err != nil {
		return err
	}
	list := DecisionList{Data: []topics.Decision{}}
	for _, d := range decisions {
		if d.CustomerID == customer {
			list.Data = append(list.Data, d)
		}
	}
	body, err := topics.Marshal(list)
	if err != nil {
		return fmt.Errorf("encoding decisions: %w", err)
	}
	return c.send(http.StatusOK, append(body, '\n'))
}
