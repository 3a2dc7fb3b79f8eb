package ledger

import "fmt"

// WalletCredited gives the customer an amount by command; what for is told by the system account on the other side:
// game_revenue (a win), bonus_expense (a bonus), sales_revenue (a purchase given back) or adjustments (a correction: that
// its requester and approver are two people is the caller's to check). Debt is repaid first.
func WalletCredited(c Customer, reason AccountCode, amount int64, s Standing) (Entry, error) {
	template, err := creditTemplate(reason)
	if err != nil {
		return Entry{}, err
	}
	e := newEntry(template, 2)
	e.post(c.System(reason), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// WalletDebited takes an amount off the wallet by command, onto game_revenue (a bet), bonus_expense (a bonus taken back),
// sales_revenue (a purchase) or adjustments (a correction, with two people as in WalletCredited).
func WalletDebited(c Customer, other AccountCode, amount int64) (Entry, error) {
	template, err := debitTemplate(other)
	if err != nil {
		return Entry{}, err
	}
	e := newEntry(template, 2)
	e.post(c.Account(CustomerWallet), amount)
	e.post(c.System(other), -amount)
	return e.checked(amount)
}

// HoldPlaced sets an amount of the wallet aside.
func HoldPlaced(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplateHoldPlaced, 2)
	e.post(c.Account(CustomerWallet), amount)
	e.post(c.Account(CustomerHold), -amount)
	return e.checked(amount)
}

// HoldReleased gives what is left of a hold back, by a release or by expiry. A hold is placed where there is no debt; one
// that a forced debit has caused since is repaid first, as by any credit: else the customer would have and owe at once.
func HoldReleased(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplateHoldReleased, 2)
	e.post(c.Account(CustomerHold), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// HoldCaptured takes an amount out of a hold, onto one of the accounts of WalletDebited. That the hold has as much left
// is the caller's to check; the floor guards the sum of the customer's holds.
func HoldCaptured(c Customer, other AccountCode, amount int64) (Entry, error) {
	if _, err := debitTemplate(other); err != nil {
		return Entry{}, err
	}
	e := newEntry(TemplateHoldCaptured, 2)
	e.post(c.Account(CustomerHold), amount)
	e.post(c.System(other), -amount)
	return e.checked(amount)
}

// RoundRolledBack undoes a game round. net is what its bets took less what its wins gave: above zero it is given back,
// debt first; below zero it is taken, from the wallet what is available, and the rest becomes debt. Where net is zero
// nothing is booked: that is the caller's to see, and an error here.
func RoundRolledBack(c Customer, net int64, s Standing) (Entry, error) {
	e := newEntry(TemplateRoundRolledBack, 2)
	if net == 0 {
		return Entry{}, fmt.Errorf("%s: net 0, want an amount to give back (above zero) or to take (below)", e.Template)
	}
	e.post(c.System(GameRevenue), net)
	if net > 0 {
		e.credit(c, net, s)
		return e.checked(net)
	}
	e.take(c, -net, s)
	return e.checked(-net)
}

func creditTemplate(other AccountCode) (string, error) {
	switch other {
	case GameRevenue:
		return TemplateGameCredit, nil
	case BonusExpense:
		return TemplateBonusGranted, nil
	case SalesRevenue:
		return TemplatePurchaseRefunded, nil
	case Adjustments:
		return TemplateAdjustmentCredit, nil
	}
	return "", errNoReason(other)
}

func debitTemplate(other AccountCode) (string, error) {
	switch other {
	case GameRevenue:
		return TemplateGameDebit, nil
	case BonusExpense:
		return TemplateBonusTakenBack, nil
	case SalesRevenue:
		return TemplatePurchase, nil
	case Adjustments:
		return TemplateAdjustmentDebit, nil
	}
	return "", errNoReason(other)
}

func errNoReason(other AccountCode) error {
	return fmt.Errorf("wallet movement against account %q, want %s, %s, %s or %s",
		other, GameRevenue, BonusExpense, SalesRevenue, Adjustments)
}
