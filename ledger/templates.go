package ledger

import "fmt"

// The templates of entries: what moved.
const (
	TemplateDepositCaptured = "deposit_captured"
	TemplateRefundRequested = "refund_requested"
	TemplateRefundSettled   = "refund_settled"
	TemplateRefundFailed    = "refund_failed"
	TemplateRefundReversed  = "refund_reversed"
	TemplateRefundForced    = "refund_forced"

	TemplateGameCredit       = "game_credit"
	TemplateGameDebit        = "game_debit"
	TemplateBonusGranted     = "bonus_granted"
	TemplateBonusTakenBack   = "bonus_taken_back"
	TemplatePurchase         = "purchase"
	TemplatePurchaseRefunded = "purchase_refunded"
	TemplateAdjustmentCredit = "adjustment_credit"
	TemplateAdjustmentDebit  = "adjustment_debit"
	TemplateHoldPlaced       = "hold_placed"
	TemplateHoldReleased     = "hold_released"
	TemplateHoldCaptured     = "hold_captured"
	TemplateRoundRolledBack  = "round_rolled_back"
)

// Customer is whose money moves, in one currency.
type Customer struct {
	Tenant   string
	ID       string
	Currency Currency
}

// Account is the customer's account of a code that customers hold.
func (c Customer) Account(code AccountCode) Account {
	return Account{c.Tenant, code, c.ID, c.Currency}
}

// System is the system account of a code, in the customer's tenant and currency.
func (c Customer) System(code AccountCode) Account {
	return Account{c.Tenant, code, "", c.Currency}
}

// Standing is what a customer has and owes in one currency, in minor units, none below zero. Credits repay debt first, so
// at most one of Available and Debt is above zero.
type Standing struct {
	Available int64 // on the wallet
	Debt      int64
	// Excess is what was given back of the payment in hand above its captures, and so stands in suspense. What comes
	// back on that payment clears it before the customer is credited. Balances do not know it: the caller sets it.
	Excess int64
}

// The functions below return an entry with its template and postings; the caller sets ID, PaymentID and At.
// Amounts are minor units above zero. Limits bind commands, facts always post: RefundRequested is for a command that
// was checked against what is available; all others book a fact of a PSP and take from the wallet no more than it holds.
// They fail only where the amount is not above zero or overflows, or the customer is not named.

// DepositCaptured books a capture, late ones included: the PSP owes us the amount less its fee, the customer is
// credited with the whole amount. A fee above the amount, or below zero (a rebate), is booked as it is.
func DepositCaptured(c Customer, amount, fee int64, s Standing) (Entry, error) {
	net, err := SubMinor(amount, fee)
	if err != nil {
		return Entry{}, fmt.Errorf("capture less fee: %w", err)
	}
	e := newEntry(TemplateDepositCaptured)
	e.post(c.System(PSPReceivable), net)
	e.post(c.System(PSPFees), fee)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// RefundRequested takes a requested refund off the wallet until the PSP has settled it.
func RefundRequested(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplateRefundRequested)
	e.post(c.Account(CustomerWallet), amount)
	e.post(c.System(RefundsInFlight), -amount)
	return e.checked(amount)
}

// RefundSettled books that the PSP paid a requested refund out.
func RefundSettled(c Customer, amount int64) (Entry, error) {
	e := newEntry(TemplateRefundSettled)
	e.post(c.System(RefundsInFlight), amount)
	e.post(c.System(PSPReceivable), -amount)
	return e.checked(amount)
}

// RefundFailed gives a requested refund that failed back to the customer.
func RefundFailed(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplateRefundFailed)
	e.post(c.System(RefundsInFlight), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// RefundReversed gives a refund that was settled and failed later back to the customer.
func RefundReversed(c Customer, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplateRefundReversed)
	e.post(c.System(PSPReceivable), amount)
	e.credit(c, amount, s)
	return e.checked(amount)
}

// RefundForced books a refund that the PSP settled and nobody asked for. Up to refundable (what was captured and neither
// given back nor being given back, at least zero) it is taken from the customer: from the wallet what is available,
// the rest becomes debt. What exceeds refundable goes to suspense, for a person to settle.
func RefundForced(c Customer, amount, refundable int64, s Standing) (Entry, error) {
	fromCustomer := min(amount, max(refundable, 0))
	e := newEntry(TemplateRefundForced)
	e.take(c, fromCustomer, s)
	e.post(c.System(Suspense), amount-fromCustomer)
	e.post(c.System(PSPReceivable), -amount)
	return e.checked(amount)
}

func newEntry(template string) Entry {
	return Entry{Template: template, Postings: make([]Posting, 0, 4)}
}

// post adds a posting, unless there is nothing to move.
func (e *Entry) post(account Account, minor int64) {
	if minor != 0 {
		e.Postings = append(e.Postings, Posting{account, minor})
	}
}

// credit gives the customer an amount: excess is cleared first, then debt is repaid.
func (e *Entry) credit(c Customer, amount int64, s Standing) {
	cleared := min(amount, max(s.Excess, 0))
	e.post(c.System(Suspense), -cleared)
	amount -= cleared
	repaid := min(amount, max(s.Debt, 0))
	e.post(c.Account(CustomerDebt), -repaid)
	e.post(c.Account(CustomerWallet), -(amount - repaid))
}

// take takes an amount from the customer whatever there is: what is available from the wallet, the rest becomes debt.
// What is held stays held: it is promised to something else.
func (e *Entry) take(c Customer, amount int64, s Standing) {
	fromWallet := min(amount, max(s.Available, 0))
	e.post(c.Account(CustomerWallet), fromWallet)
	e.post(c.Account(CustomerDebt), amount-fromWallet)
}

func (e Entry) checked(amount int64) (Entry, error) {
	if amount <= 0 {
		return Entry{}, fmt.Errorf("%s: amount %d, want more than zero", e.Template, amount)
	}
	return e, e.Validate()
}
