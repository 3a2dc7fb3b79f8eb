package ledger

import "fmt"

// The entries of a case carry its id as their reference, so that what a case moved can be added up.

// ExcessSuspended books that the PSP took money that no payment of ours explains, until a person has closed the case.
func ExcessSuspended(c Customer, amount int64, caseID string) (Entry, error) {
	e := newEntry(TemplateExcessSuspended, 2)
	e.post(c.System(Suspense), amount)
	e.post(c.System(PSPReceivable), -amount)
	return e.checkedOfCase(amount, caseID)
}

// ExcessRecovered books that the PSP gave money that stood in suspense back.
func ExcessRecovered(c Customer, amount int64, caseID string) (Entry, error) {
	e := newEntry(TemplateExcessRecovered, 2)
	e.post(c.System(PSPReceivable), amount)
	e.post(c.System(Suspense), -amount)
	return e.checkedOfCase(amount, caseID)
}

// ExcessWrittenOff closes a case at our cost: what stood in suspense is a loss. Where it came from a payment, it is part of
// that payment's WrittenOff from then on.
func ExcessWrittenOff(c Customer, amount int64, caseID string) (Entry, error) {
	e := newEntry(TemplateExcessWrittenOff, 2)
	e.post(c.System(Losses), amount)
	e.post(c.System(Suspense), -amount)
	return e.checkedOfCase(amount, caseID)
}

// DebtWrittenOff gives up what a customer owes us; that it is no more than the debt is the caller's to check.
func DebtWrittenOff(c Customer, amount int64, caseID string) (Entry, error) {
	e := newEntry(TemplateDebtWrittenOff, 2)
	e.post(c.System(Losses), amount)
	e.post(c.Account(CustomerDebt), -amount)
	return e.checkedOfCase(amount, caseID)
}

// ForcedDebit takes an amount from the customer whatever there is, for a fact that no other template books: from the
// wallet what is available, the rest becomes debt. The other side is psp_receivable (a deposit that a bank called back),
// suspense (a case is closed at the customer's cost) or an account of WalletDebited (a sale or a game's result that was
// delivered before it was booked).
func ForcedDebit(c Customer, other AccountCode, amount int64, s Standing) (Entry, error) {
	e := newEntry(TemplateForcedDebit, 3)
	if other != PSPReceivable && other != Suspense {
		if _, err := debitTemplate(other); err != nil {
			return Entry{}, fmt.Errorf("%s: want %s, %s or a wallet's account: %w", e.Template, PSPReceivable, Suspense, err)
		}
	}
	e.take(c, amount, s)
	e.post(c.System(other), -amount)
	return e.checked(amount)
}

func (e Entry) checkedOfCase(amount int64, caseID string) (Entry, error) {
	if _, err := e.checked(amount); err != nil {
		return Entry{}, err
	}
	return e.ofCase(caseID)
}

// ofCase makes a case the entry's reference.
func (e Entry) ofCase(caseID string) (Entry, error) {
	if caseID == "" {
		return Entry{}, fmt.Errorf("%s: no case, want the id of the one that a person will close", e.Template)
	}
	e.Reference = caseID
	return e, e.Validate()
}
