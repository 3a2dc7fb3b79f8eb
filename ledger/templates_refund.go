package ledger

// RefundRequested takes a requested refund off the wallet until the PSP has settled it.
func RefundRequested(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplateRefundRequested, 2)
	e.post(c.Account(CustomerWallet), amount)
	e.post(c.System(RefundsInFlight), -amount)
	return e.checked(amount)
}

// RefundSettled books that the PSP paid a requested refund out.
func RefundSettled(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplateRefundSettled, 2)
	e.post(c.System(RefundsInFlight), amount)
	e.post(c.System(PSPReceivable), -amount)
	return e.checked(amount)
}

// RefundFailed gives a requested refund that failed back to the customer.
func RefundFailed(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplateRefundFailed, 2)
	e.post(c.System(RefundsInFlight), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// RefundReversed gives a refund that was settled and failed later back to the customer.
func RefundReversed(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplateRefundReversed, 2)
	e.post(c.System(PSPReceivable), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// RefundForced books a refund that the PSP settled and nobody asked for. Up to refundable (what was captured and neither
// given back nor being given back, at least zero) it is taken from the customer: from the wallet what is available,
// the rest becomes debt. What exceeds refundable goes to suspense, for a person to settle.
func RefundForced(c Customer, amount, refundable int64, s Standing) (Entry, error) {
	return takenByPSP(TemplateRefundForced, c, amount, refundable, s)
}

// takenByPSP books money of a payment that the PSP took back: from the customer up to refundable, the rest from suspense.
func takenByPSP(template string, c Customer, amount, refundable int64, s Standing) (Entry, error) {
	fromCustomer := min(amount, max(refundable, 0))
	e := newEntry(template, 3)
	e.take(c, fromCustomer, s)
	e.post(c.System(Suspense), amount-fromCustomer)
	e.post(c.System(PSPReceivable), -amount)
	return e.checked(amount)
}
