package ledger

import "fmt"

// Balances is a book of account balances in memory, in minor units, debits positive. An account that it does not hold
// has the balance zero: what the database knows must be set before entries are applied. It is not safe for concurrent use.
//
// L3: a balance is the sum of the postings applied to its account. L4: a guarded account never goes below zero on its
// normal side; only credit-normal accounts are guarded, so its balance is never above zero.
type Balances struct {
	minor map[AccountID]int64
}

// NewBalances returns an empty book.
func NewBalances() *Balances { return &Balances{minor: make(map[AccountID]int64)} }

// Set makes minor the balance of an account, as it was read from the database.
func (b *Balances) Set(id AccountID, minor int64) { b.minor[id] = minor }

// Holds says whether the account was set or posted to.
func (b *Balances) Holds(id AccountID) bool { _, ok := b.minor[id]; return ok }

// Forget drops an account from the book, for callers that bound its size.
func (b *Balances) Forget(id AccountID) { delete(b.minor, id) }

// Len is the number of accounts held.
func (b *Balances) Len() int { return len(b.minor) }

// Balance is the sum of the account's postings, debits positive.
func (b *Balances) Balance(id AccountID) int64 { return b.minor[id] }

// Standing is what the customer has and owes. Both accounts must have been set, unless they are new.
func (b *Balances) Standing(c Customer) Standing {
	return Standing{
		Available: -b.minor[c.Account(CustomerWallet).ID()],
		Debt:      b.minor[c.Account(CustomerDebt).ID()],
	}
}

// FloorError says that an entry would take a guarded account below zero (L4).
type FloorError struct {
	Entry   EntryID
	Account Account
	Balance int64 // that the entry would leave, debits positive
}

func (e *FloorError) Error() string {
	return fmt.Sprintf("entry %s: %s of %s would be left at %s below zero",
		e.Entry, e.Account.Code, e.Account.Owner, Money{e.Balance, e.Account.Currency})
}

// Apply posts an entry. It returns an error and changes nothing where the entry is not valid (L1), a balance would
// overflow (ErrOverflow) or a guarded account would go below its floor (*FloorError, L4).
func (b *Balances) Apply(e *Entry) error {
	if err := e.Validate(); err != nil {
		return err
	}
	var before [MaxPostings]change
	err := b.post(e, &before)
	if err == nil {
		return nil
	}
	for i := len(e.Postings) - 1; i >= 0; i-- {
		before[i].undo(b)
	}
	return err
}

// change is what a posting changed: the balance before it.
type change struct {
	made, held bool
	id         AccountID
	minor      int64
}

func (c *change) undo(b *Balances) {
	switch {
	case !c.made:
	case c.held:
		b.minor[c.id] = c.minor
	default:
		delete(b.minor, c.id)
	}
}

// post applies the postings and then checks the floors: an entry may pass below a floor on its way.
func (b *Balances) post(e *Entry, before *[MaxPostings]change) error {
	for i, p := range e.Postings {
		id := p.Account.ID()
		minor, held := b.minor[id]
		sum, err := AddMinor(minor, p.Minor)
		if err != nil {
			return fmt.Errorf("entry %s: balance of %s: %w", e.ID, p.Account.Code, err)
		}
		before[i] = change{true, held, id, minor}
		b.minor[id] = sum
	}
	for i, p := range e.Postings {
		if line, _ := p.Account.Code.Line(); line.Guarded && b.minor[before[i].id] > 0 {
			return &FloorError{e.ID, p.Account, b.minor[before[i].id]}
		}
	}
	return nil
}
