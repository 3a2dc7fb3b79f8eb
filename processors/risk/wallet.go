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
	var dead *stream.DeadLetter
	if d.id, d.customer, d.refusal, dead = admit(a, &r, c, walletNames, "a wallet command has no place for one"); dead != nil {
		return nil, dead
	}
	d.Wallet, d.tenant = c, c.Tenant
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

func walletNames(c *topics.WalletCommand) names {
	return names{command: &c.CommandID, tenant: &c.Tenant, region: &c.Region, customer: &c.CustomerID, trace: &c.TraceID, issued: &c.IssuedAt}
}
