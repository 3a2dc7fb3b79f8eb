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
	var dead *stream.DeadLetter
	if d.id, d.customer, d.refusal, dead = admit(a, &r, c, paymentNames, "send the PSP's token of the card in card.token"); dead != nil {
		return nil, dead
	}
	d.Command, d.tenant = c, c.Tenant
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

func paymentNames(c *topics.Command) names {
	return names{command: &c.CommandID, tenant: &c.Tenant, region: &c.Region, customer: &c.CustomerID, trace: &c.TraceID, issued: &c.IssuedAt,
		about: &c.PaymentID, isID: isPaymentID}
}

func isPaymentID(text string) bool {
	_, err := topics.ParsePaymentID(text)
	return err == nil
}
