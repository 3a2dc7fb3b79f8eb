package wallets

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

func (d *decision) credit(c *topics.WalletCommand) {
	switch {
	case !d.open(c):
	case !d.roundCurrency(c) || !d.roundOpen(c) || !d.roundFits(c, -c.Amount):
	case !fits(d.balance(), c.Amount):
		d.refuse(topics.RefusedLimitExceeded, tooLarge)
	default:
		d.e.Type = topics.WalletCredited
	}
}

func (d *decision) debit(c *topics.WalletCommand) {
	if d.opened() && d.open(c) && d.currency(c) && d.roundCurrency(c) && d.roundOpen(c) && d.covers(c.Amount) && d.roundFits(c, c.Amount) &&
		d.withinLimits(c, c.Amount) {
		d.e.Type = topics.WalletDebited
	}
}

func (d *decision) hold(c *topics.WalletCommand) {
	if !d.opened() || !d.open(c) || !d.currency(c) {
		return
	}
	if d.Hold.exists() { // its command id was forgotten since
		d.refuse(topics.RefusedWrongState, "a hold of this command_id was placed before")
		return
	}
	if !d.covers(c.Amount) {
		return
	}
	d.e.Type = topics.WalletHeld
	d.e.Hold = &topics.HoldState{HoldID: strings.ToLower(c.CommandID), Amount: c.Amount}
	if !c.ExpiresAt.IsZero() {
		d.e.Hold.ExpiresAt = c.ExpiresAt.UTC().Truncate(time.Millisecond)
	}
}

func (d *decision) captureHold(c *topics.WalletCommand) {
	if !d.known(c) || !d.roundCurrency(c) {
		return
	}
	h, amount := d.Hold, c.Amount
	if amount == 0 {
		amount = h.Left()
	}
	switch {
	case h.Left() == 0:
		d.refuse(topics.RefusedFinished, nothingLeft)
	case !h.ExpiresAt.IsZero() && !d.now.Before(h.ExpiresAt):
		d.refuse(topics.RefusedFinished, fmt.Sprintf("the hold ran out at %s", h.ExpiresAt.Format(time.RFC3339)))
	case !d.roundOpen(c):
	case amount > h.Left():
		d.refuse(topics.RefusedExceedsAuthorized, fmt.Sprintf("%s is left of the hold", ledger.Money{Minor: h.Left(), Currency: h.Currency}))
	case h.Movements >= MaxMovements:
		d.refuse(topics.RefusedLimitExceeded, fmt.Sprintf("the hold has had %d movements, which is the limit", h.Movements))
	case !d.roundFits(c, amount):
	case !d.withinLimits(c, amount):
	default:
		d.e.Type, d.e.Amount = topics.WalletHoldCaptured, amount
		d.e.Hold = h.state()
		d.e.Hold.Captured += amount
	}
}

func (d *decision) releaseHold(c *topics.WalletCommand) {
	if !d.known(c) {
		return
	}
	if d.Hold.Left() == 0 {
		d.refuse(topics.RefusedFinished, nothingLeft)
		return
	}
	d.e.Type = topics.WalletHoldReleased
	d.release()
}

// release gives back what is left, by whatever the event says.
func (d *decision) release() {
	d.e.Amount, d.e.Currency = d.Hold.Left(), string(d.Hold.Currency)
	d.e.Hold = d.Hold.state()
	d.e.Hold.Released = d.Hold.Amount - d.Hold.Captured
}

// known refuses a hold that the customer does not have, or not in this currency; it returns whether the command may go on.
// Whether the wallet is closed does not matter: what ends a hold is no new business.
func (d *decision) known(c *topics.WalletCommand) bool {
	switch {
	case !d.opened():
	case !d.Hold.exists():
		d.refuse(topics.RefusedUnknownAccount, fmt.Sprintf("the customer has no hold %s", strings.ToLower(c.HoldID)))
	case c.Currency != "" && c.Currency != string(d.Hold.Currency):
		d.refuse(topics.RefusedCurrencyMismatch, fmt.Sprintf("the hold is in %s, the command in %s", d.Hold.Currency, c.Currency))
	default:
		d.e.Currency = string(d.Hold.Currency)
		return true
	}
	return false
}

const nothingLeft = "nothing is left of the hold"

// rollback undoes the round once. One of which nothing is known yet is remembered. That the round did not take place is a
// fact, on a closed wallet, too.
func (d *decision) rollback(c *topics.WalletCommand) {
	r := d.Round
	switch {
	case c.Currency != "" && r.Currency != "" && c.Currency != string(r.Currency):
		d.refuse(topics.RefusedCurrencyMismatch, fmt.Sprintf("the round is in %s, the command in %s", r.Currency, c.Currency))
		return
	case r.RolledBack:
		d.refuse(topics.RefusedFinished, rolledBack)
		return
	}
	if r.Currency != "" {
		d.e.Currency = string(r.Currency)
	}
	d.e.Type, d.e.Amount = topics.WalletRoundRolled, r.Net
	if r.Net == 0 {
		return
	}
	b := d.balance()
	if r.Net > 0 && !fits(b, r.Net) || r.Net < 0 && b.Debt > math.MaxInt64+r.Net {
		d.refuse(topics.RefusedLimitExceeded, tooLarge)
	}
}

// close refuses while there is money, in any currency.
func (d *decision) close(c *topics.WalletCommand) {
	if !d.opened() || !d.open(c) || c.Currency != "" && !d.currency(c) {
		return
	}
	for _, currency := range d.Wallet.Currencies {
		if b := d.book.Balance(d.customer(currency)); b != (topics.WalletBalance{}) {
			money := func(minor int64) string { return ledger.Money{Minor: minor, Currency: currency}.String() }
			d.refuse(topics.RefusedWrongState, fmt.Sprintf("the wallet is not empty: %s available, %s held, %s owed",
				money(b.Available), money(b.Held), money(b.Debt)))
			return
		}
	}
	d.e.Type = topics.WalletClosed
}

// currency refuses a currency that the wallet was never opened in.
func (d *decision) currency(c *topics.WalletCommand) bool {
	if d.Wallet.In(ledger.Currency(c.Currency)) {
		return true
	}
	d.refuse(topics.RefusedCurrencyMismatch, fmt.Sprintf("the wallet is in %s, not in %s", Names(d.Wallet.Currencies), c.Currency))
	return false
}

// roundCurrency refuses a movement in another currency than its round has. Without a round there is nothing to refuse, here
// and below.
func (d *decision) roundCurrency(c *topics.WalletCommand) bool {
	if c.RoundID == "" || d.Round.Currency == "" || string(d.Round.Currency) == d.e.Currency {
		return true
	}
	d.refuse(topics.RefusedCurrencyMismatch, fmt.Sprintf("the round is in %s, not in %s", d.Round.Currency, d.e.Currency))
	return false
}

func (d *decision) roundOpen(c *topics.WalletCommand) bool {
	if c.RoundID == "" || !d.Round.RolledBack {
		return true
	}
	d.refuse(topics.RefusedFinished, rolledBack)
	return false
}

// roundFits: taken is what the movement takes from the customer, below zero what it gives.
func (d *decision) roundFits(c *topics.WalletCommand, taken int64) bool {
	if c.RoundID == "" {
		return true
	}
	_, err := ledger.AddMinor(d.Round.Net, taken)
	if err == nil && d.Round.Movements < MaxMovements {
		return true
	}
	d.refuse(topics.RefusedLimitExceeded, fmt.Sprintf("the round has had %d movements, net %d: at most %d and 64 bits fit",
		d.Round.Movements, d.Round.Net, MaxMovements))
	return false
}

const rolledBack = "the round was rolled back"

// covers refuses what is more than is available (L4).
func (d *decision) covers(amount int64) bool {
	b := d.balance()
	if amount <= b.Available {
		return true
	}
	money := ledger.Money{Minor: b.Available, Currency: ledger.Currency(d.e.Currency)}
	d.refuse(topics.RefusedInsufficientFunds, fmt.Sprintf("%s is available", money))
	return false
}

// balance is that of the event's currency.
func (d *decision) balance() topics.WalletBalance { return d.book.Balance(customerOf(&d.e)) }

func (d *decision) customer(c ledger.Currency) ledger.Customer {
	return ledger.Customer{Tenant: d.e.Tenant, ID: d.e.CustomerID, Currency: c}
}
