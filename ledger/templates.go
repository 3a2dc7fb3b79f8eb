package ledger

import "fmt"

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
	// Excess is what was given back of the payment in hand above its captures, and so stands in suspense, or is a loss where
	// its case was closed by ExcessWrittenOff: WrittenOff of it. What comes back on that payment is ours up to the excess:
	// it clears suspense, then makes the loss good, and only the rest is the customer's. Balances know neither: the caller
	// sets them.
	Excess, WrittenOff int64
}

// The functions of the templates_*.go files return an entry with its template and postings, and the case's id as reference
// where they ask for one; the caller sets the rest: ID, PaymentID, At, Effective, Reference. What is about no customer (a
// settlement, say) is given the tenant's system customer. Amounts are minor units above zero, unless they say otherwise.
//
// Limits bind commands, facts always post. A template of a command takes the whole amount from the wallet, the hold or
// what else it names, and leaves it to the caller to have checked that it is there: Apply refuses it otherwise where the
// account is guarded. A template of a fact books what happened whatever the customer has: it takes from the wallet no more
// than that holds, and the rest becomes debt. What a customer is given repays debt first, so nobody both has and owes.
//
// They fail only where an amount is not in its range or does not fit 64 bits, or a customer, account or case is not named.

// newEntry has room for the postings that an entry of the template mostly has.
func newEntry(template string, postings int) Entry {
	return Entry{Template: template, Postings: make([]Posting, 0, postings)}
}

// post adds a posting, unless there is nothing to move.
func (e *Entry) post(account Account, minor int64) {
	if minor != 0 {
		e.Postings = append(e.Postings, Posting{account, minor})
	}
}

// credit gives the customer an amount: excess is cleared first, then debt is repaid.
func (e *Entry) credit(c Customer, amount int64, s Standing) {
	lost := min(max(s.WrittenOff, 0), max(s.Excess, 0))
	cleared := min(amount, max(s.Excess, 0)-lost)
	e.post(c.System(Suspense), -cleared)
	amount -= cleared
	recovered := min(amount, lost)
	e.post(c.System(Losses), -recovered)
	amount -= recovered
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
