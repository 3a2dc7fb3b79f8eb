package ledger

import "fmt"

// DepositCaptured books a capture, late ones included: the PSP owes us the amount less its fee, the customer is
// credited with the whole amount. A fee above the amount, or below zero (a rebate), is booked as it is; one that is not
// known yet is zero here, and PSPFeeCharged books it later.
func DepositCaptured(c Customer, amount, fee int64, s Standing) (Entry, error) {
	net, err := SubMinor(amount, fee)
	if err != nil {
		return Entry{}, fmt.Errorf("capture less fee: %w", err)
	}
	e := newEntry(TemplateDepositCaptured, 3)
	e.post(c.System(PSPReceivable), net)
	e.post(c.System(PSPFees), fee)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// DepositApplied books that what had come in parts is the customer's.
func DepositApplied(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplateDepositApplied, 2)
	e.post(c.System(Suspense), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// StrayReceived books a capture of an attempt that was given up for another PSP: the PSP owes us the amount less its fee, and
// nobody is credited.
func StrayReceived(c Customer, amount, fee int64) (Entry, error) {
	net, err := SubMinor(amount, fee)
	if err != nil {
		return Entry{}, fmt.Errorf("capture less fee: %w", err)
	}
	e := newEntry(TemplateStrayReceived, 3)
	e.post(c.System(PSPReceivable), net)
	e.post(c.System(PSPFees), fee)
	e.post(c.System(Suspense), -amount)
	return e.checked(amount)
}

// StrayReturned books that the PSP has given such an amount back.
func StrayReturned(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplateStrayReturned, 2)
	e.post(c.System(Suspense), amount)
	e.post(c.System(PSPReceivable), -amount)
	return e.checked(amount)
}

// PSPFeeAccrued books a fee that is expected and that the PSP has not charged: an expense of the month of the capture.
func PSPFeeAccrued(c Customer, fee int64) (Entry, error) {
	e := newEntry(TemplatePSPFeeAccrued, 2)
	e.post(c.System(PSPFees), fee)
	e.post(c.System(AccruedPSPFees), -fee)
	return e.checked(fee)
}

// PSPFeeCharged books a fee that became known after the capture: what was accrued for it is used up, the rest is an
// expense now (less of one, where more was accrued). A fee below zero is a rebate; accrued is not below zero.
func PSPFeeCharged(c Customer, fee, accrued int64) (Entry, error) {
	e := newEntry(TemplatePSPFeeCharged, 3)
	if err := e.fee(c, fee, accrued); err != nil {
		return Entry{}, err
	}
	e.post(c.System(PSPReceivable), -fee)
	if fee == 0 && accrued == 0 {
		return Entry{}, fmt.Errorf("%s: fee 0 with 0 accrued, want one of them", e.Template)
	}
	return e, e.Validate()
}

// fee debits a fee: from what was accrued for it, and the difference from the expense.
func (e *Entry) fee(c Customer, fee, accrued int64) error {
	if accrued < 0 {
		return fmt.Errorf("%s: accrued %d, want zero or more", e.Template, accrued)
	}
	rest, err := SubMinor(fee, accrued)
	if err != nil {
		return fmt.Errorf("%s: fee less accrued: %w", e.Template, err)
	}
	e.post(c.System(AccruedPSPFees), accrued)
	e.post(c.System(PSPFees), rest)
	return nil
}
