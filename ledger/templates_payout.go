package ledger

import "fmt"

// PayoutHeld sets a payout aside before anybody is asked to approve it or the PSP to pay it.
func PayoutHeld(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplatePayoutHeld, 2)
	e.post(c.Account(CustomerWallet), amount)
	e.post(c.Account(CustomerHold), -amount)
	return e.checked(amount)
}

// PayoutCancelled gives a payout that was not sent back to the customer, debt first.
func PayoutCancelled(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplatePayoutCancelled, 2)
	e.post(c.Account(CustomerHold), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// PayoutSent takes a held payout off the customer when the PSP is asked to pay it.
func PayoutSent(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplatePayoutSent, 2)
	e.post(c.Account(CustomerHold), amount)
	e.post(c.System(PayoutsInFlight), -amount)
	return e.checked(amount)
}

// PayoutPaid books that the PSP paid a payout, out of what it owes us, and what it charges for it (zero where that is not
// known yet, below zero a rebate).
func PayoutPaid(c Customer, amount, fee int64) (Entry, error) {
	paid, err := AddMinor(amount, fee)
	if err != nil {
		return Entry{}, fmt.Errorf("payout and fee: %w", err)
	}
	e := newEntry(TemplatePayoutPaid, 3)
	e.post(c.System(PayoutsInFlight), amount)
	e.post(c.System(PSPFees), fee)
	e.post(c.System(PSPReceivable), -paid)
	return e.checked(amount)
}

// PayoutFailed gives a payout that the PSP did not pay back to the customer, debt first.
func PayoutFailed(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplatePayoutFailed, 2)
	e.post(c.System(PayoutsInFlight), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// PayoutReturned gives a payout that was paid and failed after that back to the customer, debt first. The fee is not
// given back with it: where the PSP does so, that is PSPFeeCharged with a fee below zero.
func PayoutReturned(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplatePayoutReturned, 2)
	e.post(c.System(PSPReceivable), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// PayoutForced books that the PSP paid a payout that had been given back to the customer as cancelled or failed: it is
// taken from the wallet, and the rest becomes debt. The fee is as in PayoutPaid.
func PayoutForced(c Customer, amount, fee int64, s Standing) (Entry, error) {
	paid, err := AddMinor(amount, fee)
	if err != nil {
		return Entry{}, fmt.Errorf("payout and fee: %w", err)
	}
	e := newEntry(TemplatePayoutForced, 4)
	e.take(c, amount, s)
	e.post(c.System(PSPFees), fee)
	e.post(c.System(PSPReceivable), -paid)
	return e.checked(amount)
}
