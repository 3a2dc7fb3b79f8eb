package wallets

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Input is one record of the inbox: exactly one of Command and Expiry is set.
type Input struct {
	Partition int32
	Position  int64
	Command   *topics.AssessedWalletCommand
	Expiry    *topics.TimerDue
}

// Book knows what a customer has and owes in a currency.
type Book interface {
	Balance(ledger.Customer) topics.WalletBalance
}

// decision is one call of Decide. It changes nothing but e.
type decision struct {
	State
	book    Book
	now     time.Time
	horizon time.Duration
	terms   *topics.GamingTerms // of the command; nil where the brand has no limits
	e       topics.WalletEvent
}

// Decide says what an input means for a wallet. There is no event (ok is false) where it tells nothing new: a timer of a
// hold that has ended. now is the record's time, horizon how long command ids are remembered. The state is not changed.
//
// The event lacks the balance after it: the caller, who books what Post gives, sets it with Settle.
func Decide(s State, in *Input, book Book, now time.Time, horizon time.Duration) (e topics.WalletEvent, ok bool) {
	d := decision{State: s, book: book, now: now.UTC().Truncate(time.Millisecond), horizon: horizon}
	d.e.EventID = topics.EventID{Partition: in.Partition, Position: in.Position}.String()
	if in.Expiry != nil {
		ok = d.expire(in.Expiry)
	} else {
		d.command(in.Command)
		ok = true
	}
	d.e.At = d.now
	return d.e, ok
}

// Settle sets the balance after an event, where the event is in a currency of the wallet.
func Settle(e *topics.WalletEvent, w *Wallet, book Book) {
	if e.Currency == "" || !w.In(ledger.Currency(e.Currency)) {
		return
	}
	balance := book.Balance(customerOf(e))
	e.Balance = &balance
}

// customerOf is whose money an event moves.
func customerOf(e *topics.WalletEvent) ledger.Customer {
	return ledger.Customer{Tenant: e.Tenant, ID: e.CustomerID, Currency: ledger.Currency(e.Currency)}
}

// expire releases what is left of a hold whose time has come. The record's clock may be a little behind the one that found
// the timer due.
func (d *decision) expire(t *topics.TimerDue) bool {
	if t.Generation != Generation || !d.Hold.Waits() || !t.Due.Equal(d.Hold.ExpiresAt) {
		return false
	}
	if d.now.Before(d.Hold.ExpiresAt) {
		d.now = d.Hold.ExpiresAt
	}
	d.e.Type, d.e.Tenant, d.e.Region, d.e.CustomerID = topics.WalletHoldExpired, t.Tenant, d.Hold.Region, t.CustomerID
	d.release()
	return true
}

// Generation is that of the one timer that a hold ever has.
const Generation = 1

// command decides on a command. The order of the checks is the precedence of refusals (doc.go).
func (d *decision) command(in *topics.AssessedWalletCommand) {
	c := &in.Command
	d.e.Tenant, d.e.Region, d.e.CustomerID = c.Tenant, c.Region, c.CustomerID
	d.e.CommandID, d.e.TraceID = c.CommandID, c.TraceID
	if in.Refusal != nil {
		d.refuse(in.Refusal.Code, in.Refusal.Detail) // what is left of the command is not what was asked
		return
	}
	d.e.Amount, d.e.Currency, d.e.Reason, d.e.RoundID = c.Amount, c.Currency, c.Reason, c.RoundID
	d.e.RequestedBy, d.e.ApprovedBy, d.e.Description = c.RequestedBy, c.ApprovedBy, c.Description
	d.terms = in.Gaming
	if refusal := d.check(c); refusal != nil {
		d.refuse(refusal.Code, refusal.Detail)
		return
	}
	if at := c.EffectiveAt.UTC().Truncate(time.Millisecond); !c.EffectiveAt.IsZero() && !at.Equal(d.now) {
		d.e.EffectiveAt = at
	}
	switch c.Type {
	case topics.WalletCredit:
		d.credit(c)
	case topics.WalletDebit:
		d.debit(c)
	case topics.WalletHold:
		d.hold(c)
	case topics.WalletCaptureHold:
		d.captureHold(c)
	case topics.WalletReleaseHold:
		d.releaseHold(c)
	case topics.WalletRollbackRound:
		d.rollback(c)
	case topics.WalletClose:
		d.close(c)
	case topics.WalletSetLimit:
		d.setLimit(c)
	default:
		d.refuse(topics.RefusedInvalid, fmt.Sprintf("type: %.32q is none of the wallet's commands", c.Type))
	}
	d.ruled(in)
	d.count()
}

// ruled refuses what the rules do not let pass, and nothing else refused.
func (d *decision) ruled(in *topics.AssessedWalletCommand) {
	refusal := in.Decision.Refusal(in.Command.ApprovedBy)
	if refusal == nil || d.e.Type == topics.WalletCommandRefused {
		return
	}
	d.e.Amount, d.e.Reasons = in.Command.Amount, in.Decision.Reasons
	d.refuse(refusal.Code, refusal.Detail)
}

// check looks at the command as it stands. That it is valid was checked by who wrote it to the inbox; what stands here is
// what the fold relies on, and what takes the record's time.
func (d *decision) check(c *topics.WalletCommand) *topics.Refusal {
	invalid := func(format string, args ...any) *topics.Refusal {
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case c.CustomerID == "":
		return invalid("customer_id: is missing")
	case c.Amount < 0 || c.Amount > topics.MaxAmount:
		return invalid("amount: %d is not between 0 and %d", c.Amount, topics.MaxAmount)
	case c.Amount == 0 && (c.Type == topics.WalletCredit || c.Type == topics.WalletDebit || c.Type == topics.WalletHold):
		return invalid("amount: is missing or zero")
	case c.Amount > 0 && c.Currency == "":
		return invalid("currency: is missing beside an amount")
	case c.Type == topics.WalletSetLimit && c.Limit == nil:
		return invalid("limit: is missing")
	}
	if c.Currency != "" {
		if _, ok := ledger.Currency(c.Currency).Exponent(); !ok {
			return invalid("currency: %.8q is not an ISO 4217 currency", c.Currency)
		}
	}
	if !topics.ValidTime(c.ExpiresAt) || !topics.ValidTime(c.EffectiveAt) {
		return invalid("expires_at and effective_at: want times in the years 1970 to 9998 of UTC")
	}
	if topics.IssuedAhead(c.IssuedAt, d.now) {
		return invalid("issued_at: %s lies in the future", c.IssuedAt.UTC().Format(time.RFC3339))
	}
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(d.now) {
		return invalid("expires_at: %s has passed", c.ExpiresAt.UTC().Format(time.RFC3339))
	}
	if c.EffectiveAt.After(d.now) {
		return invalid("effective_at: %s lies in the future", c.EffectiveAt.UTC().Format(time.RFC3339))
	}
	if !c.IssuedAt.IsZero() && c.IssuedAt.Before(d.now.Add(-d.horizon)) {
		return &topics.Refusal{Code: topics.RefusedTooOld,
			Detail: fmt.Sprintf("issued at %s, more than %s ago", c.IssuedAt.UTC().Format(time.RFC3339), d.horizon)}
	}
	return nil
}

// refuse makes the event a refusal. It keeps what was asked and shows the hold as it is, where it is in that currency.
func (d *decision) refuse(code topics.RefusalCode, detail string) {
	d.e.Type, d.e.Refusal, d.e.Detail = topics.WalletCommandRefused, code, detail
	d.e.EffectiveAt, d.e.Hold = time.Time{}, nil
	if d.e.Currency == "" {
		d.e.Currency = string(d.Hold.Currency)
	}
	if d.e.Currency == string(d.Hold.Currency) {
		d.e.Hold = d.Hold.state()
	}
}

// opened refuses what a wallet that was never opened cannot do. It returns whether the command may go on.
func (d *decision) opened() bool {
	if len(d.Wallet.Currencies) > 0 {
		return true
	}
	d.refuse(topics.RefusedUnknownAccount, "the customer has no wallet: nothing was ever credited to it")
	return false
}

// open refuses new business with a wallet that is closed. A correction by two people is none: it takes away what payments
// brought since, or a debt. Nor is a win of a round that was begun before.
func (d *decision) open(c *topics.WalletCommand) bool {
	won := c.Type == topics.WalletCredit && c.RoundID != "" && d.Round.Movements > 0
	if !d.Wallet.Closed || c.Reason == topics.ReasonAdjustment || won {
		return true
	}
	d.refuse(topics.RefusedAccountClosed, "the wallet was closed")
	return false
}

// fits tells whether the customer may have an amount more. What is held counts: it may come back, and then nobody asks.
func fits(b topics.WalletBalance, amount int64) bool {
	return b.Available <= topics.MaxBalance-amount && b.Held <= topics.MaxBalance-amount-b.Available
}

var tooLarge = fmt.Sprintf("the customer would have more than %d minor units", topics.MaxBalance)
