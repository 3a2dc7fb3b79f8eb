package wallets

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/topics"
)

// setLimit sets or removes a responsible-gaming limit. It needs no wallet: a limit may come before the first deposit.
func (d *decision) setLimit(c *topics.WalletCommand) {
	want := topics.GamingSetting{Kind: c.Limit.Kind, Period: c.Limit.Period, SetBy: c.Limit.SetBy, Currency: c.Currency, Limit: c.Amount}
	if want.Kind == topics.GamingSession {
		want.Limit = c.Limit.Seconds
	}
	if want.SetBy == "" {
		want.SetBy = topics.SetByCustomer
	}
	setting := d.Limits.Change(want, gaming.RaiseAfter(d.terms, want.Kind, want.Period), d.now)
	if d.Limits.Full(&setting, d.now) {
		d.refuse(topics.RefusedLimitExceeded, "the customer has as many limits as one may have; change or remove one of them")
		return
	}
	d.e.Type, d.e.Setting = topics.WalletLimitSet, &setting
	d.e.Amount, d.e.Currency = 0, ""
}

// counts says that what games take and give is counted for the customer.
func (d *decision) counts() bool {
	return d.terms != nil || d.Limits.Counts(topics.GamingLoss, topics.GamingSession)
}

// day is the one that the command counts in.
func (d *decision) day() string { return gaming.DayIn(d.terms, d.now) }

// withinLimits refuses a stake that is above what the customer may lose, or after the time that they may play.
func (d *decision) withinLimits(c *topics.WalletCommand, stake int64) bool {
	if c.Reason != topics.ReasonGame || !d.counts() {
		return true
	}
	ask := gaming.Ask{Kind: topics.GamingSession, Day: d.day(), Now: d.now}
	if l := d.Limits.Check(&ask, d.terms); l != nil && l.Outcome != "" {
		d.refuse(topics.RefusedSessionLimit, fmt.Sprintf("the customer has played %s of this %s, the limit is %s",
			seconds(l.Used), l.Period, seconds(l.Limit)))
		d.e.GamingLimit = l
		return false
	}
	ask.Kind, ask.Currency, ask.Amount = topics.GamingLoss, d.e.Currency, stake
	if l := d.Limits.Check(&ask, d.terms); l != nil && l.Outcome != "" {
		money := func(minor int64) ledger.Money {
			return ledger.Money{Minor: minor, Currency: ledger.Currency(l.Currency)}
		}
		d.refuse(topics.RefusedLossLimit, fmt.Sprintf("%s may still be lost this %s, the limit is %s", money(l.Left), l.Period, money(l.Limit)))
		d.e.GamingLimit = l
		return false
	}
	return true
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// count notes what the event changes of the customer's loss and playing time.
func (d *decision) count() {
	lost := d.e.Amount
	switch d.e.Type {
	case topics.WalletDebited, topics.WalletHoldCaptured:
	case topics.WalletCredited, topics.WalletRoundRolled:
		lost = -lost
	default:
		return
	}
	if lost == 0 || d.e.Type != topics.WalletRoundRolled && d.e.Reason != topics.ReasonGame || !d.counts() {
		return
	}
	d.e.Counted = &topics.GamingCount{Day: d.day(), Amount: lost}
	if stakes(&d.e) {
		d.e.Counted.Seconds = d.Limits.Playing(d.now)
	}
}

// stakes says that an event took money for a game.
func stakes(e *topics.WalletEvent) bool {
	return e.Reason == topics.ReasonGame && (e.Type == topics.WalletDebited || e.Type == topics.WalletHoldCaptured)
}

// Tells are the kinds of limits of the brand that the command which led to an event brought along, where it changes what
// limits know.
func Tells(e *topics.WalletEvent) []topics.GamingKind {
	switch {
	case e.Setting != nil:
		return []topics.GamingKind{e.Setting.Kind}
	case e.Counted != nil && stakes(e):
		return []topics.GamingKind{topics.GamingLoss, topics.GamingSession}
	}
	return nil
}

// EvolveLimits folds an event that changes what limits know of the customer.
func EvolveLimits(s *gaming.State, e *topics.WalletEvent) error {
	if e.Type == topics.WalletLimitSet {
		if e.Setting == nil {
			return fmt.Errorf("it shows no setting")
		}
		s.Set(*e.Setting, e.At)
	}
	if e.Counted != nil {
		s.CountGame(e.Counted, e.Currency, stakes(e), e.At)
	}
	return nil
}
