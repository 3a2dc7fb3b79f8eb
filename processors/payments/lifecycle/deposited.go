package lifecycle

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Deposited is what the payment counts for the customer's deposit limits, in minor units: what was asked for as long as it
// may succeed, also where it was given up and the PSP may still approve it, then what is authorised and not released, and
// what was captured. Refunds give nothing back.
func (p *Payment) Deposited() int64 {
	if p.Authorized > 0 || p.Captured > 0 {
		return max(p.Captured, p.Authorized+p.incrementing()-p.Released)
	}
	switch p.Mark {
	case topics.StatusBlocked, topics.StatusRejected, topics.StatusDeclined, topics.StatusExpired, topics.StatusCancelled:
		if !p.abandoned() {
			return 0
		}
	}
	return p.Amount
}

// abandoned says that the payment was cancelled or has expired while a challenge was open, and the PSP has not said what
// became of that. Only a payment that counts for deposit limits waits for it: else the authorisation failed then.
func (p *Payment) abandoned() bool {
	return p.CountedDay != "" && (p.Mark == topics.StatusCancelled || p.Mark == topics.StatusExpired) &&
		(p.open(topics.OperationAuthorize) != nil || p.open(topics.OperationConfirm) != nil)
}

// count takes what an event counts, and completes an event that changes what the payment counts.
func (p *Payment) count(c *topics.GamingCount) {
	if p.CountedDay = c.Day; c.From == "" {
		p.Counted += c.Amount
	}
}

// recount is what the last event changed of what the payment counts, nil where that is nothing.
func (p *Payment) recount() *topics.GamingCount {
	if p.CountedDay == "" || p.Counted == p.Deposited() {
		return nil
	}
	return &topics.GamingCount{Day: p.CountedDay, Amount: p.Deposited() - p.Counted}
}

// counting counts the payment in the day of the command, nil where it is counted there already, or not at all.
func (d *decision) counting() *topics.GamingCount {
	if d.in.CountedDay == "" || d.in.CountedDay == d.p.CountedDay {
		return nil
	}
	return &topics.GamingCount{Day: d.in.CountedDay, Amount: d.p.Deposited(), From: d.p.CountedDay}
}

// verdict is what is to be done: what the rules ask for, unless a deposit limit asks for more. No rule lifts a limit.
type verdict struct {
	outcome topics.Outcome
	reasons []string
	limit   *topics.GamingLimit // that blocks or holds the payment
	detail  string
}

// verdictOf is the verdict on how the payment is paid: a bank asks its customer to authenticate each time; whoever pays by
// crypto is not asked by anybody, and waits for a reviewer where the rules want it.
func (d *decision) verdictOf() verdict {
	v := d.in.verdict()
	if v.outcome == topics.OutcomeStepUp && d.p.Method.Type == topics.MethodCrypto {
		v.outcome = topics.OutcomeHold
	}
	return v
}

// verdict is pass, but for limits, where no command is decided on.
func (in *Input) verdict() verdict {
	v := verdict{outcome: topics.OutcomePass}
	if in.Command != nil {
		v.outcome, v.reasons = in.Command.Decision.Outcome, in.Command.Decision.Reasons
	}
	l := in.Limit
	if l == nil || l.Outcome == "" || v.outcome == topics.OutcomeBlock {
		return v
	}
	if v.outcome == topics.OutcomeHold && l.Outcome == topics.OutcomeHold {
		v.reasons = append(v.reasons[:len(v.reasons):len(v.reasons)], l.Reason())
	} else {
		v.reasons = []string{l.Reason()}
	}
	money := func(minor int64) ledger.Money {
		return ledger.Money{Minor: minor, Currency: ledger.Currency(l.Currency)}
	}
	v.outcome, v.limit = l.Outcome, l
	v.detail = fmt.Sprintf("%s may still be deposited this %s, the limit is %s", money(l.Left), l.Period, money(l.Limit))
	return v
}

// block ends the payment, or gives up what is authorised.
func (d *decision) block(v verdict) {
	d.emit(topics.PaymentEvent{Type: topics.EventBlocked, Amount: d.p.Authorized, Outcome: v.outcome, Reasons: v.reasons, GamingLimit: v.limit, Detail: v.detail})
}
