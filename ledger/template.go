package ledger

import "slices"

// The names of the templates: what an entry booked. They stand in stored entries and never change.
const (
	TemplateDepositCaptured = "deposit_captured"
	TemplateDepositApplied  = "deposit_applied"
	TemplateStrayReceived   = "stray_received"
	TemplateStrayReturned   = "stray_returned"
	TemplatePSPFeeAccrued   = "psp_fee_accrued"
	TemplatePSPFeeCharged   = "psp_fee_charged"

	TemplateRefundRequested = "refund_requested"
	TemplateRefundSettled   = "refund_settled"
	TemplateRefundFailed    = "refund_failed"
	TemplateRefundReversed  = "refund_reversed"
	TemplateRefundForced    = "refund_forced"

	TemplateChargebackWithdrawn   = "chargeback_withdrawn"
	TemplateChargebackReinstated  = "chargeback_reinstated"
	TemplateChargebackFeeCharged  = "chargeback_fee_charged"
	TemplateChargebackFeeReturned = "chargeback_fee_returned"

	TemplatePayoutHeld      = "payout_held"
	TemplatePayoutCancelled = "payout_cancelled"
	TemplatePayoutSent      = "payout_sent"
	TemplatePayoutPaid      = "payout_paid"
	TemplatePayoutFailed    = "payout_failed"
	TemplatePayoutReturned  = "payout_returned"
	TemplatePayoutForced    = "payout_forced"

	TemplateGameDebit        = "game_debit"
	TemplateGameCredit       = "game_credit"
	TemplateRoundRolledBack  = "round_rolled_back"
	TemplateBonusGranted     = "bonus_granted"
	TemplateBonusTakenBack   = "bonus_taken_back"
	TemplatePurchase         = "purchase"
	TemplatePurchaseRefunded = "purchase_refunded"
	TemplateAdjustmentCredit = "adjustment_credit"
	TemplateAdjustmentDebit  = "adjustment_debit"
	TemplateHoldPlaced       = "hold_placed"
	TemplateHoldCaptured     = "hold_captured"
	TemplateHoldReleased     = "hold_released"

	TemplateTransferSent          = "transfer_sent"
	TemplateTransferReceived      = "transfer_received"
	TemplateTransferRefused       = "transfer_refused"
	TemplateMerchantSale          = "merchant_sale"
	TemplateMerchantSaleRefunded  = "merchant_sale_refunded"
	TemplateMerchantSweepSent     = "merchant_sweep_sent"
	TemplateMerchantSweepReceived = "merchant_sweep_received"

	TemplateFXConverted       = "fx_converted"
	TemplateFXPositionCovered = "fx_position_covered"
	TemplateFXResultTaken     = "fx_result_taken"

	TemplateSettlementReceived = "settlement_received"
	TemplateRoundingBooked     = "rounding_booked"

	TemplateForcedDebit      = "forced_debit"
	TemplateExcessSuspended  = "excess_suspended"
	TemplateExcessRecovered  = "excess_recovered"
	TemplateExcessWrittenOff = "excess_written_off"
	TemplateDebtWrittenOff   = "debt_written_off"

	TemplatePeriodClosed = "period_closed"
)

// Cause is what an entry comes from.
type Cause string

const (
	Command Cause = "command" // somebody asked for it: refused where a limit does not allow it
	Fact    Cause = "fact"    // it has happened: booked whatever the customer has
)

// Stage is how far a template is in use.
type Stage string

const (
	Booked Stage = "booked" // the engine books it
	Ready  Stage = "ready"  // it is defined and tested, and nothing in the engine books it yet
)

// Template describes the entries of one name.
type Template struct {
	Name    string
	Cause   Cause
	Stage   Stage
	Trigger string // who or what has it booked
	Purpose string // what the entry says
	// UndoneBy is the template that puts back the amount that this one moved, together with those before it of the same
	// refund, payout, transfer …; "" where there is none. A payout's fee it leaves spent.
	UndoneBy string
}

// templates is never changed.
var templates = [...]Template{
	{TemplateDepositCaptured, Fact, Booked, "The PSP reports a capture, be it a late one.",
		"The PSP owes us the amount less its fee, the fee is our expense, and we owe the customer the whole amount. A fee that the PSP tells only when it settles is zero here.", ""},
	{TemplateDepositApplied, Fact, Booked, "Enough has come of a payment that is paid in parts, by crypto.",
		"What stood in suspense is the customer's, debt first.", ""},
	{TemplateStrayReceived, Fact, Booked, "A PSP reports a capture of an attempt that was given up for another PSP, or that its refund came back; or that less came than was asked for, more, or the same again, where no card pays.",
		"The PSP owes us the amount less its fee. It is not the customer's, or not yet: it stands in suspense until it is refunded (at once, where the customer paid through another PSP or not at all) or applied.", TemplateStrayReturned},
	{TemplateStrayReturned, Fact, Booked, "The PSP reports the refund of such money as paid, or that it went back by itself.",
		"The PSP paid it out of what it owes us, and nothing of it stands in suspense any more. The fee stays spent.", TemplateStrayReceived},
	{TemplatePSPFeeAccrued, Fact, Ready, "A capture comes without the PSP's fee, and its price is known.",
		"The fee is an expense of the month of the capture; until the PSP charges it, it is accrued.", ""},
	{TemplatePSPFeeCharged, Fact, Ready, "The PSP's report tells the fee after the capture.",
		"The PSP owes us that much less. What was accrued for the fee is used up; the difference is an expense, or less of one.", ""},

	{TemplateRefundRequested, Command, Booked, "A refund is requested, by API or Kafka, and submitted to the PSP.",
		"The amount leaves the wallet at once, so that it cannot be spent, and is in flight until the PSP has answered.", TemplateRefundFailed},
	{TemplateRefundSettled, Fact, Booked, "The PSP reports the refund as paid.",
		"The refund is no longer in flight: the PSP paid it out of what it owes us.", TemplateRefundReversed},
	{TemplateRefundFailed, Fact, Booked, "The PSP reports the refund as failed.",
		"What was in flight is the customer's again.", ""},
	{TemplateRefundReversed, Fact, Booked, "The PSP reports a refund as failed after it had reported it as paid.",
		"The PSP owes us the amount again, and we owe it to the customer.", ""},
	{TemplateRefundForced, Fact, Booked, "The PSP reports a refund that nobody requested here, such as one made in its console.",
		"The customer pays what was refundable: from the wallet what is there, the rest as debt. What the PSP gave back above the capture stands in suspense, and a case is opened.", TemplateRefundReversed},

	{TemplateChargebackWithdrawn, Fact, Booked, "The PSP withdraws the funds of a dispute. Notice, evidence, winning and losing book nothing by themselves.",
		"The customer pays what was refundable, from the wallet and then as debt; what exceeds it (after a refund, say) stands in suspense, and a case is opened.", TemplateChargebackReinstated},
	{TemplateChargebackReinstated, Fact, Booked, "The PSP reinstates the funds of a dispute.",
		"The PSP owes us the amount again. It clears the payment's excess in suspense, then the customer's debt; the rest is the customer's.", ""},
	{TemplateChargebackFeeCharged, Fact, Booked, "The PSP charges its fee for a dispute.",
		"We bear the fee, whoever wins.", TemplateChargebackFeeReturned},
	{TemplateChargebackFeeReturned, Fact, Booked, "The PSP returns its fee for a dispute.",
		"The fee is no longer an expense.", ""},

	{TemplatePayoutHeld, Command, Booked, "A payout is requested.",
		"The amount is set aside before anybody approves it and before the PSP is called.", TemplatePayoutCancelled},
	{TemplatePayoutCancelled, Fact, Booked, "A payout is refused by a rule or an approver, or withdrawn by the customer, before it is sent.",
		"What was set aside is available again, debt first.", ""},
	{TemplatePayoutSent, Command, Booked, "A payout is approved, and the PSP is asked to pay it.",
		"We no longer owe it to the customer but to whom the PSP pays it: it is in flight.", TemplatePayoutFailed},
	{TemplatePayoutPaid, Fact, Booked, "The PSP reports the payout as paid.",
		"The PSP paid it, and charges its fee, out of what it owes us.", TemplatePayoutReturned},
	{TemplatePayoutFailed, Fact, Booked, "The PSP reports the payout as failed.",
		"What was in flight is the customer's again, debt first.", ""},
	{TemplatePayoutReturned, Fact, Booked, "The PSP reports a payout as failed after it had reported it as paid.",
		"The PSP owes us the amount again, and we owe it to the customer. The fee stays spent.", ""},
	{TemplatePayoutForced, Fact, Booked, "The PSP reports a payout as paid that had failed or was cancelled here.",
		"The customer has the money twice: it is taken from the wallet, and the rest becomes debt.", TemplatePayoutReturned},

	{TemplateGameDebit, Command, Booked, "A wallet command: debit, reason game (a bet of a round).",
		"The bet is our revenue until the round is won.", TemplateRoundRolledBack},
	{TemplateGameCredit, Command, Booked, "A wallet command: credit, reason game (a win of a round).",
		"The win is less revenue for us.", TemplateRoundRolledBack},
	{TemplateRoundRolledBack, Fact, Booked, "A wallet command: rollback_round. It is never refused for want of money: the round did not take place.",
		"The net of the round's bets and wins is undone. A loss is given back, debt first; a gain is taken from the wallet, and the rest becomes debt. Bets equal to wins book nothing.", ""},
	{TemplateBonusGranted, Command, Booked, "A wallet command: credit, reason bonus.",
		"The bonus is our expense.", TemplateBonusTakenBack},
	{TemplateBonusTakenBack, Command, Booked, "A wallet command: debit, reason bonus.",
		"A bonus that was not earned is less expense for us.", TemplateBonusGranted},
	{TemplatePurchase, Command, Booked, "A wallet command: debit, reason purchase.",
		"The customer bought something of ours.", TemplatePurchaseRefunded},
	{TemplatePurchaseRefunded, Command, Booked, "A wallet command: credit, reason purchase.",
		"A purchase, or a part of it, is given back.", ""},
	{TemplateAdjustmentCredit, Command, Booked, "A wallet command: credit, reason adjustment, with requested_by and approved_by of two people.",
		"A person corrects a wallet upwards. That there were two is checked before the entry is made, not by it.", TemplateAdjustmentDebit},
	{TemplateAdjustmentDebit, Command, Booked, "A wallet command: debit, reason adjustment, with requested_by and approved_by of two people.",
		"A person corrects a wallet downwards, by no more than is available.", TemplateAdjustmentCredit},
	{TemplateHoldPlaced, Command, Booked, "A wallet command: hold.",
		"The amount is still owed to the customer, and is not available.", TemplateHoldReleased},
	{TemplateHoldCaptured, Command, Booked, "A wallet command: capture_hold, for the whole hold or a part of it.",
		"What was set aside is taken, for what the command's reason says. The rest stays held.", ""},
	{TemplateHoldReleased, Command, Booked, "A wallet command: release_hold, or the hold expires.",
		"What is left of the hold is available again. A debt that arose while it was held is repaid first.", ""},

	{TemplateTransferSent, Command, Ready, "A customer sends money to another; booked in the sender's partition.",
		"The amount left the sender and has not reached the receiver: it is in transit.", TemplateTransferRefused},
	{TemplateTransferReceived, Fact, Ready, "The transfer reaches the receiver's partition.",
		"The receiver is credited, debt first, and nothing is in transit any more.", ""},
	{TemplateTransferRefused, Fact, Ready, "The receiver's side refused the transfer, because of a closed account for example; booked in the sender's partition.",
		"The sender has it back, debt first.", ""},
	{TemplateMerchantSale, Command, Ready, "A customer pays a merchant out of the wallet.",
		"We owe the merchant the price less our commission, in the partition of the customer.", TemplateMerchantSaleRefunded},
	{TemplateMerchantSaleRefunded, Fact, Ready, "The merchant gives a sale, or a part of it, back.",
		"The customer has the price back, the merchant bears it less the commission, which we give back.", ""},
	{TemplateMerchantSweepSent, Command, Ready, "The engine sweeps what a merchant is owed, partition by partition, before the merchant is paid.",
		"What the merchant is owed in this partition is in transit to the merchant's own.", ""},
	{TemplateMerchantSweepReceived, Fact, Ready, "The sweep reaches the merchant's partition.",
		"It is on the merchant's wallet: guarded, one balance, and so fit for a payout.", ""},

	{TemplateFXConverted, Command, Ready, "A customer converts money.",
		"Two currencies in one entry. What the customer sold is in our position of the one currency, what the customer bought and our margin came out of our position of the other: each currency sums to zero.", ""},
	{TemplateFXPositionCovered, Fact, Ready, "Treasury exchanged currency at the bank.",
		"The positions go back towards zero; what is left in them, once all is covered, is gain or loss on rates.", ""},
	{TemplateFXResultTaken, Command, Ready, "Finance takes what is left in a position that is covered to income, before it closes the month.",
		"A gain or loss on rates is realised. What is still to be covered stays in the position: closing a month does not touch it.", ""},

	{TemplateSettlementReceived, Fact, Ready, "The PSP's settlement report and the bank's statement agree on a payment.",
		"What the PSP owed us is at the bank, less fees that it deducted only now. A difference of up to 100 minor units is rounding, a larger one stands in suspense with its case.", ""},
	{TemplateRoundingBooked, Fact, Ready, "Reconciliation finds a difference of up to 100 minor units.",
		"The account is corrected by the difference, which is our loss or gain.", ""},

	{TemplateForcedDebit, Fact, Ready, "Something that no other template books took place at the customer's cost: a bank called a deposit back, or a case is closed against the customer.",
		"It is taken from the wallet as far as that goes, and the rest becomes debt, which later credits repay first.", ""},
	{TemplateExcessSuspended, Fact, Ready, "The PSP took money that no payment explains; a case is opened.",
		"The money is gone and nobody is charged with it yet: it stands in suspense under the case's id.", TemplateExcessRecovered},
	{TemplateExcessRecovered, Fact, Ready, "The PSP gave back what stood in suspense.",
		"The PSP owes us the amount again, and the case has that much less in it.", ""},
	{TemplateExcessWrittenOff, Command, Ready, "A person closes the case at our cost.",
		"What stood in suspense is a loss.", ""},
	{TemplateDebtWrittenOff, Command, Ready, "A person closes the case of a debt that will not be paid.",
		"The customer owes us that much less, and it is our loss.", ""},

	{TemplatePeriodClosed, Command, Booked, "Finance closes a month, with four eyes.",
		"Income and expenses of the month, and of those before it, begin again at zero; what is left of them is retained earnings.", ""},
}

// Templates returns the templates by subject: deposits, refunds, chargebacks, payouts, wallets, transfers and merchants,
// currencies, settlements, and what only a person can close.
func Templates() []Template { return slices.Clone(templates[:]) }
