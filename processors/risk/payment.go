package risk

import (
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// paymentCommand is a record of payments.commands.v1.
type paymentCommand struct {
	draft
	record topics.AssessedCommand
}

func readPayment(a *Assessor, r stream.Record) (*draft, *stream.DeadLetter) {
	p := &paymentCommand{}
	d, c := &p.draft, &p.record.Command
	d.of, d.decision, d.Now = p, &p.record.Decision, r.Time
	if err := topics.Unmarshal(r.Value, c); err != nil {
		return nil, a.undecodable(topics.RefusedUndecodable, err.Error())
	}
	var detail string
	if d.id, detail = identify(c.CommandID, c.Tenant); detail != "" {
		return nil, a.undecodable(topics.RefusedInvalid, detail)
	}
	if c.TraceID == "" {
		c.TraceID = traceOf(r.Headers)
	}
	if d.refusal = validate(a.placed(&c.Region, c.Validate()), r.Value, "send the PSP's token of the card in card.token"); d.refusal != nil {
		a.metrics.refused(d.refusal.Code)
		*c = nameOnly(c)
	} else {
		c.IssuedAt = issued(c.IssuedAt, r.Time)
	}
	d.Command, d.tenant, d.customer = c, c.Tenant, c.CustomerID
	if d.customer == "" {
		d.customer = topics.GuestCustomer(d.id) // whom the command makes
	}
	if a.find != nil && (c.Type == topics.CommandCreate || c.Type == topics.CommandAuthorize) {
		d.Enrichment = a.find(c)
	}
	return d, nil
}

// event is an attempt where the command creates a payment or has more of it authorised; the one that authorises it later counts as nothing again.
func (p *paymentCommand) event() velocity.Event {
	c := p.Command
	e := velocity.Event{ID: p.id.String(), Time: c.IssuedAt, Amount: ledger.Money{Minor: c.Amount, Currency: ledger.Currency(c.Currency)}}
	switch c.Type {
	case topics.CommandCreate, topics.CommandIncrement: // of what is added
		e.Kind = velocity.KindAttempt
	case topics.CommandRefund:
		e.Kind = velocity.KindRefundAttempt
	case topics.CommandAuthorize:
		if payment, err := topics.ParsePaymentID(c.PaymentID); err == nil {
			e.ID = payment.UUID.String() // the command that created it
		}
	}
	return e
}

func (p *paymentCommand) assessed() (any, topics.Envelope) {
	c, v := p.Command, &p.record
	v.Refusal, v.Enrichment, v.Features, v.Gaming, v.Route = p.refusal, p.Enrichment, p.Features, p.gaming, p.route
	if p.decision.RuleSet != "" {
		v.AssessedAt = p.Now
	}
	return v, topics.Envelope{Type: topics.TypeAssessedCommand, Subject: c.PaymentID, Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID}
}
