package lifecycle_test

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// limited are the deposit limits of a scenario: of the brand, and what they have counted of each customer.
type limited struct {
	terms *topics.GamingTerms
	state map[string]*gaming.State
}

// limit sets a deposit limit of the brand, or one of a customer's own.
func (w *world) limit(a *args) error {
	period := topics.GamingPeriod(a.next())
	money, err := ledger.ParseMoney(a.next() + " " + a.next())
	if err != nil {
		return err
	}
	if customer := a.option("customer"); customer != "" {
		w.limitsOf(customer).Set(topics.GamingSetting{Kind: topics.GamingDeposit, Period: period, SetBy: topics.SetByCustomer,
			Currency: string(money.Currency), Limit: money.Minor}, w.now)
		return nil
	}
	if w.limited.terms == nil {
		w.limited.terms = &topics.GamingTerms{}
	}
	w.limited.terms.Limits = append(w.limited.terms.Limits, topics.GamingTerm{Kind: topics.GamingDeposit, Period: period,
		Amounts: map[string]int64{string(money.Currency): money.Minor}, Outcome: topics.Outcome(a.or("outcome", "block"))})
	return nil
}

func (w *world) limitsOf(customer string) *gaming.State {
	if w.limited.state == nil {
		w.limited.state = map[string]*gaming.State{}
	}
	if w.limited.state[customer] == nil {
		w.limited.state[customer] = new(gaming.State)
	}
	return w.limited.state[customer]
}

// checkDeposit does what the fold does before it decides on a command.
func (w *world) checkDeposit(p *lifecycle.Payment, in *lifecycle.Input) {
	c := &in.Command.Command
	state := w.limitsOf(c.CustomerID)
	if w.limited.terms == nil && !state.Counts(topics.GamingDeposit) || in.Command.Refusal != nil {
		return
	}
	ask := gaming.Ask{Kind: topics.GamingDeposit, Currency: c.Currency, Amount: c.Amount, Day: gaming.DayOf(w.now), Now: w.now}
	switch {
	case c.Type == topics.CommandAuthorize && p != nil:
		ask.Currency, ask.Amount = string(p.Currency), p.Amount
		ask.Counted = topics.GamingCount{Day: p.CountedDay, Amount: p.Counted}
	case c.Type == topics.CommandApprove && p != nil:
		ask.Currency, ask.Amount = string(p.Currency), p.Deposited()
		if p.CountedDay != "" {
			ask.Day, ask.Counted = p.CountedDay, topics.GamingCount{Day: p.CountedDay, Amount: p.Counted}
			in.CountedDay, in.Limit = ask.Day, state.Check(&ask, nil)
			return
		}
	case c.Type == topics.CommandIncrement && p != nil:
		ask.Amount += p.Deposited()
		if p.CountedDay != "" {
			ask.Day, ask.Counted = p.CountedDay, topics.GamingCount{Day: p.CountedDay, Amount: p.Counted}
		}
	case c.Type == topics.CommandCapture && p != nil && c.Amount > p.Uncaptured():
		ask.Amount += p.Captured
	case c.Type != topics.CommandCreate:
		return
	}
	in.CountedDay, in.Limit = ask.Day, state.Check(&ask, w.limited.terms)
}

// checkRetry does what the fold does before a payment that waited is asked for again.
func (w *world) checkRetry(p *lifecycle.Payment, in *lifecycle.Input) {
	state := w.limitsOf(p.Customer)
	if in.Timer.Kind != topics.TimerRetry || !state.Counts(topics.GamingDeposit) {
		return
	}
	ask := gaming.Ask{Kind: topics.GamingDeposit, Currency: string(p.Currency), Amount: p.Deposited(), Day: gaming.DayOf(w.now), Now: w.now}
	if p.CountedDay != "" {
		ask.Day, ask.Counted = p.CountedDay, topics.GamingCount{Day: p.CountedDay, Amount: p.Counted}
	}
	in.CountedDay, in.Limit = ask.Day, state.Check(&ask, nil)
}

// counts folds what an event counts, and tells.
func (w *world) counts(e *topics.PaymentEvent) string {
	c := e.Counted
	w.limitsOf(e.CustomerID).CountDeposit(c, e.Currency)
	text := fmt.Sprintf("  counts %s on %s", ledger.Money{Minor: c.Amount, Currency: ledger.Currency(e.Currency)}, c.Day)
	if c.From != "" {
		text += ", no longer on " + c.From
	}
	return text
}
