package risk

import (
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// walletCommand is a record of wallet.commands.v1.
type walletCommand struct {
	draft
	record topics.AssessedWalletCommand
	said   topics.Decision
}

func readWallet(a *Assessor, r stream.Record) (*draft, *stream.DeadLetter) {
	w := &walletCommand{}
	d, c := &w.draft, &w.record.Command
	d.of, d.decision, d.Now = w, &w.said, r.Time
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
	if d.refusal = validate(a.placed(&c.Region, c.Validate()), r.Value, "a wallet command has no place for one"); d.refusal != nil {
		a.metrics.refused(d.refusal.Code)
		*c = walletNameOnly(c)
	} else {
		c.IssuedAt = issued(c.IssuedAt, r.Time)
	}
	d.Wallet, d.tenant, d.customer = c, c.Tenant, c.CustomerID
	if d.customer == "" {
		d.customer = topics.GuestCustomer(d.id) // refused, somewhere
	}
	return d, nil
}

// event is what games take and give. Whether the wallet covers a stake is not known yet: it counts as it is asked for, as an
// attempt to pay does.
func (w *walletCommand) event() velocity.Event {
	c := w.Wallet
	e := velocity.Event{ID: w.id.String(), Time: c.IssuedAt, Amount: ledger.Money{Minor: c.Amount, Currency: ledger.Currency(c.Currency)}}
	switch {
	case c.Reason != topics.ReasonGame:
	case c.Type == topics.WalletCredit:
		e.Kind = velocity.KindWin
	default:
		e.Kind = velocity.KindStake
	}
	return e
}

func (w *walletCommand) assessed() (any, topics.Envelope) {
	c, v := w.Wallet, &w.record
	v.Refusal, v.Gaming = w.refusal, w.gaming
	if w.decision.RuleSet != "" {
		v.Decision, v.Features, v.AssessedAt = w.decision, w.Features, w.Now
	}
	return v, topics.Envelope{Type: topics.TypeAssessedWallet, Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID}
}

// walletNameOnly is nameOnly for a wallet command.
func walletNameOnly(c *topics.WalletCommand) topics.WalletCommand {
	left := topics.WalletCommand{CommandID: c.CommandID, Tenant: c.Tenant}
	if topics.ValidTime(c.IssuedAt) {
		left.IssuedAt = c.IssuedAt
	}
	if isName(c.CustomerID, maxCustomer) {
		left.CustomerID = c.CustomerID
	}
	if isName(c.Region, maxRegion) {
		left.Region = c.Region
	}
	if isName(c.TraceID, maxTrace) {
		left.TraceID = c.TraceID
	}
	return left
}
