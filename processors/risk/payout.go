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
	var dead *stream.DeadLetter
	if d.id, d.customer, d.refusal, dead = admit(a, &r, c, payoutNames, "send the PSP's token of the card in card.token"); dead != nil {
		return nil, dead
	}
	d.Payout, d.tenant = c, c.Tenant
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

func payoutNames(c *topics.PayoutCommand) names {
	return names{command: &c.CommandID, tenant: &c.Tenant, region: &c.Region, customer: &c.CustomerID, trace: &c.TraceID, issued: &c.IssuedAt,
		about: &c.PayoutID, isID: isPayoutID}
}

func isPayoutID(text string) bool {
	_, err := topics.ParsePayoutID(text)
	return err == nil
}
