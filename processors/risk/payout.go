package risk

import (
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// payoutCommand is a record of payouts.commands.v1.
type payoutCommand struct {
	draft
	record topics.AssessedPayoutCommand
	said   topics.Decision
}

func readPayout(a *Assessor, r stream.Record) (*draft, *stream.DeadLetter) {
	p := &payoutCommand{}
	d, c := &p.draft, &p.record.Command
	d.of, d.decision, d.Now = p, &p.said, r.Time
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
		*c = payoutNameOnly(c)
	} else {
		c.IssuedAt = issued(c.IssuedAt, r.Time)
	}
	d.Payout, d.tenant, d.customer = c, c.Tenant, c.CustomerID
	if d.customer == "" {
		d.customer = topics.GuestCustomer(d.id) // refused, somewhere
	}
	if a.find != nil && c.Type == topics.PayoutCreate {
		d.Enrichment = a.find(&topics.Command{Card: c.Card, Context: c.Context})
	}
	return d, nil
}

// event is a payout as it is asked for, whatever becomes of it: that it was paid is counted when it was.
func (p *payoutCommand) event() velocity.Event {
	c := p.Payout
	e := velocity.Event{ID: p.id.String(), Time: c.IssuedAt, Amount: ledger.Money{Minor: c.Amount, Currency: ledger.Currency(c.Currency)}}
	if c.Type == topics.PayoutCreate {
		e.Kind = velocity.KindPayoutAttempt
	}
	return e
}

func (p *payoutCommand) assessed() (any, topics.Envelope) {
	c, v := p.Payout, &p.record
	v.Refusal = p.refusal
	if p.decision.RuleSet != "" {
		v.Decision, v.Enrichment, v.Features, v.AssessedAt = p.decision, p.Enrichment, p.Features, p.Now
	}
	return v, topics.Envelope{Type: topics.TypeAssessedPayout, Subject: c.PayoutID, Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID}
}

// payoutNameOnly is nameOnly for a payout command.
func payoutNameOnly(c *topics.PayoutCommand) topics.PayoutCommand {
	left := topics.PayoutCommand{CommandID: c.CommandID, Tenant: c.Tenant}
	if topics.ValidTime(c.IssuedAt) {
		left.IssuedAt = c.IssuedAt
	}
	if isName(c.CustomerID, maxCustomer) {
		left.CustomerID = c.CustomerID
	}
	if isName(c.Region, maxRegion) {
		left.Region = c.Region
	}
	if _, err := topics.ParsePayoutID(c.PayoutID); err == nil {
		left.PayoutID = c.PayoutID
	}
	if isName(c.TraceID, maxTrace) {
		left.TraceID = c.TraceID
	}
	return left
}
