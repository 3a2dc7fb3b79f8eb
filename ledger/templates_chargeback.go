package ledger

// ChargebackWithdrawn books that the PSP took a disputed amount out of what it owes us. Money moves when the PSP moves
// it, not when a dispute is opened, won or lost. The customer is charged as by RefundForced: up to refundable, from the
// wallet and then as debt; refunds and a chargeback together above the capture leave the excess in suspense.
func ChargebackWithdrawn(c Customer, amount, refundable int64, s Standing) (Entry, error) {
	return takenByPSP(TemplateChargebackWithdrawn, c, amount, refundable, s)
}

// ChargebackReinstated books that the PSP gave a disputed amount back, and so the customer gets it.
func ChargebackReinstated(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplateChargebackReinstated, 2)
	e.post(c.System(PSPReceivable), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// ChargebackFeeCharged books what the PSP charges for handling a chargeback. We bear it, not the customer.
func ChargebackFeeCharged(c Customer, fee int64) (Entry, error) {
	e := newEntry(TemplateChargebackFeeCharged, 2)
	e.post(c.System(ChargebackFees), fee)
	e.post(c.System(PSPReceivable), -fee)
	return e.checked(fee)
}

// ChargebackFeeReturned books that the PSP gave the fee of a chargeback back, as some do for one that was won.
func ChargebackFeeReturned(c Customer, fee int64) (Entry, error) {
	e := newEntry(TemplateChargebackFeeReturned, 2)
	e.post(c.System(PSPReceivable), fee)
	e.post(c.System(ChargebackFees), -fee)
	return e.checked(fee)
}
