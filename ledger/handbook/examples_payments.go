package handbook

import "github.com/weirhq/weir/ledger"

func deposits() section {
	return section{"Deposits", `An authorisation is a promise of the customer's bank: nothing moves until it is captured. So creating a payment, its
authorisation, a 3-D Secure challenge, a decline, **a void**, a cancellation and an expiry book nothing, and there is no
template for them. A capture that the PSP reports after a void did take money, and is booked like any other.`, []example{
		{ledger.TemplateDepositCaptured, "100.00 EUR captured; the PSP tells its fee of 2.90 with the capture.",
			nil, captured(ana, 10000, 290)},
		{ledger.TemplateDepositCaptured, "100.00 EUR captured; the fee is not known before the settlement.",
			nil, captured(ana, 10000, 0)},
		{ledger.TemplateDepositCaptured, "100.00 EUR captured for a customer who owes 40.00: the debt is repaid first.",
			[]booking{forced(ledger.PSPReceivable, 4000)}, captured(ana, 10000, 290)},
		{ledger.TemplateDepositApplied, "40.00 of 100.00 came by crypto, and the rest later.",
			[]booking{booked(ledger.StrayReceived(ana, 4000, 0)), booked(ledger.StrayReceived(ana, 6000, 0))}, func(b *ledger.Balances) (ledger.Entry, error) {
				return ledger.DepositApplied(ana, 10000, b.Standing(ana))
			}},
		{ledger.TemplateStrayReceived, "A PSP that had declined took 100.00 all the same; another PSP was asked since.",
			nil, booked(ledger.StrayReceived(ana, 10000, 290))},
		{ledger.TemplateStrayReturned, "It has refunded them, and keeps its fee.",
			[]booking{booked(ledger.StrayReceived(ana, 10000, 290))}, of(ledger.StrayReturned, ana, 10000)},
		{ledger.TemplatePSPFeeAccrued, "A fee of about 3.00 is expected for that capture.",
			[]booking{captured(ana, 10000, 0)}, of(ledger.PSPFeeAccrued, ana, 300)},
		{ledger.TemplatePSPFeeCharged, "The PSP charges 2.90; 3.00 were accrued.",
			[]booking{captured(ana, 10000, 0), of(ledger.PSPFeeAccrued, ana, 300)}, booked(ledger.PSPFeeCharged(ana, 290, 300))},
		{ledger.TemplatePSPFeeCharged, "The PSP charges 2.90; nothing was accrued.",
			[]booking{captured(ana, 10000, 0)}, booked(ledger.PSPFeeCharged(ana, 290, 0))},
	}}
}

func refunds() section {
	deposit, bet := captured(ana, 10000, 290), debited(ledger.GameRevenue, 9000)
	requested, settled := of(ledger.RefundRequested, ana, 3000), of(ledger.RefundSettled, ana, 3000)
	return section{"Refunds", `A refund is requested here, submitted to the PSP and then settled or failed; the PSP's word is what counts.`, []example{
		{ledger.TemplateRefundRequested, "30.00 of a deposit of 100.00 are to be refunded.", []booking{deposit}, requested},
		{ledger.TemplateRefundSettled, "The PSP has paid them.", []booking{deposit, requested}, settled},
		{ledger.TemplateRefundFailed, "The PSP could not pay them.", []booking{deposit, requested},
			crediting(ledger.RefundFailed, ana, 3000)},
		{ledger.TemplateRefundReversed, "The PSP had paid them, and they came back.", []booking{deposit, requested, settled},
			crediting(ledger.RefundReversed, ana, 3000)},
		{ledger.TemplateRefundForced, "Somebody refunded 30.00 in the PSP's console. The wallet holds 10.00: 20.00 become debt.",
			[]booking{deposit, bet}, takenBack(ledger.RefundForced, 3000, 10000)},
		{ledger.TemplateRefundForced, "Somebody refunded 120.00 of a deposit of 100.00 there: 20.00 stand in suspense.",
			[]booking{deposit}, takenBack(ledger.RefundForced, 12000, 10000)},
	}}
}

func chargebacks() section {
	deposit, bet := captured(ana, 10000, 290), debited(ledger.GameRevenue, 9000)
	return section{"Chargebacks", `Money moves when the PSP moves it. A notice, evidence, a representment, and even a dispute won or lost, book nothing.`, []example{
		{ledger.TemplateChargebackWithdrawn, "The PSP withdraws 100.00. The wallet holds 10.00: 90.00 become debt.",
			[]booking{deposit, bet}, takenBack(ledger.ChargebackWithdrawn, 10000, 10000)},
		{ledger.TemplateChargebackWithdrawn, "The PSP withdraws 100.00 of a deposit of which 30.00 were refunded before: the excess of 30.00 stands in suspense.",
			[]booking{deposit, of(ledger.RefundRequested, ana, 3000), of(ledger.RefundSettled, ana, 3000)},
			takenBack(ledger.ChargebackWithdrawn, 10000, 7000)},
		{ledger.TemplateChargebackReinstated, "The PSP gives the 100.00 back that made 90.00 of debt.",
			[]booking{deposit, bet, takenBack(ledger.ChargebackWithdrawn, 10000, 10000)},
			crediting(ledger.ChargebackReinstated, ana, 10000)},
		{ledger.TemplateChargebackReinstated, "The PSP gives the 100.00 back that left an excess of 30.00: suspense is cleared first.",
			[]booking{deposit, of(ledger.RefundRequested, ana, 3000), of(ledger.RefundSettled, ana, 3000),
				takenBack(ledger.ChargebackWithdrawn, 10000, 7000)},
			clearing(ledger.ChargebackReinstated, ana, 10000, 3000)},
		{ledger.TemplateChargebackFeeCharged, "The PSP charges 15.00 for the dispute.",
			[]booking{deposit}, of(ledger.ChargebackFeeCharged, ana, 1500)},
		{ledger.TemplateChargebackFeeReturned, "The dispute was won, and this PSP returns its fee.",
			[]booking{deposit, of(ledger.ChargebackFeeCharged, ana, 1500)}, of(ledger.ChargebackFeeReturned, ana, 1500)},
	}}
}

func payouts() section {
	deposit, held, sent := captured(ana, 10000, 290), of(ledger.PayoutHeld, ana, 6000), of(ledger.PayoutSent, ana, 6000)
	paid := booked(ledger.PayoutPaid(ana, 6000, 50))
	return section{"Payouts", `A payout is held → sent → paid or failed, and may fail after it was paid.`, []example{
		{ledger.TemplatePayoutHeld, "60.00 are to be paid out.", []booking{deposit}, held},
		{ledger.TemplatePayoutCancelled, "An approver refuses it.", []booking{deposit, held}, crediting(ledger.PayoutCancelled, ana, 6000)},
		{ledger.TemplatePayoutSent, "It is approved, and the PSP is asked to pay.", []booking{deposit, held}, sent},
		{ledger.TemplatePayoutPaid, "The PSP has paid, for a fee of 0.50.", []booking{deposit, held, sent}, paid},
		{ledger.TemplatePayoutFailed, "The PSP could not pay.", []booking{deposit, held, sent}, crediting(ledger.PayoutFailed, ana, 6000)},
		{ledger.TemplatePayoutReturned, "The PSP had paid, and the receiving bank sent it back.", []booking{deposit, held, sent, paid},
			crediting(ledger.PayoutReturned, ana, 6000)},
		{ledger.TemplatePayoutForced, "The PSP had reported a failure, ana bet 80.00, and then the PSP reports that it has paid.",
			[]booking{deposit, held, sent, crediting(ledger.PayoutFailed, ana, 6000), debited(ledger.GameRevenue, 8000)},
			func(b *ledger.Balances) (ledger.Entry, error) {
				return ledger.PayoutForced(ana, 6000, 50, b.Standing(ana))
			}},
	}}
}
