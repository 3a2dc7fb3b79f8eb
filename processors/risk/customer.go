package risk

import (
	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// customerEvent is a record of customer.events.v1.
type customerEvent struct {
	draft
	record topics.AssessedCustomerEvent
}

// readEvent reads a customer event. Nobody waits for the refusal of one: what is wrong goes to the dead letters, which are
// its producer's to read.
func readEvent(a *Assessor, r stream.Record) (*draft, *stream.DeadLetter) {
	v := &customerEvent{}
	d, e := &v.draft, &v.record.Event
	d.of, d.decision, d.Now = v, &v.record.Decision, r.Time
	if err := topics.UnmarshalOnce(r.Value, e); err != nil {
		return nil, a.undecodable(topics.RefusedUndecodable, err.Error())
	}
	if e.TraceID == "" {
		e.TraceID = traceOf(r.Headers)
	}
	if refusal := validate(a.placed(&e.Region, e.ValidateAt(r.Time)), r.Value, "send the PSP's token of the card in card.token"); refusal != nil {
		return nil, a.undecodable(refusal.Code, refusal.Detail)
	}
	d.id = uuid.FromStringOrNil(e.EventID) // it was validated
	e.EventID = d.id.String()              // in one spelling
	e.OccurredAt = issued(e.OccurredAt, r.Time)
	d.Event, d.tenant, d.customer = e, e.Tenant, e.CustomerID
	if payment, err := topics.ParsePaymentID(e.PaymentID); err == nil {
		d.about = payment.UUID
	}
	if a.find != nil {
		d.Enrichment = a.find(&topics.Command{Card: e.Card, Context: e.Context})
	}
	return d, nil
}

// event is what velocity counts: once, for its id is none of a command's.
func (v *customerEvent) event() velocity.Event {
	e := v.Event
	return velocity.Event{ID: "event:" + e.EventID, Kind: velocity.CustomKind(e.Type), Time: e.OccurredAt,
		Amount: ledger.Money{Minor: e.Amount, Currency: ledger.Currency(e.Currency)}}
}

func (v *customerEvent) assessed() (any, topics.Envelope) {
	e, in := v.Event, &v.record
	in.Enrichment, in.Features, in.AssessedAt = v.Enrichment, v.Features, v.Now
	return in, topics.Envelope{Type: topics.TypeAssessedCustomerEvent, Subject: e.EventID, Tenant: e.Tenant, Region: e.Region, TraceID: e.TraceID}
}
