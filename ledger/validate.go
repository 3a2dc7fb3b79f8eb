package ledger

import (
	"errors"
	"fmt"
	"math"
)

// MaxPostings bounds the postings of one entry.
const MaxPostings = 16

// ErrUnbalanced says that an entry's postings do not sum to zero in a currency (L1).
var ErrUnbalanced = errors.New("postings do not sum to zero")

// Validate checks the entry against L1 and the chart of accounts: 2 to MaxPostings postings of one tenant, each of them
// not zero and on an account that the chart knows, summing to zero in each currency.
func (e *Entry) Validate() error {
	if len(e.Postings) < 2 || len(e.Postings) > MaxPostings {
		return fmt.Errorf("entry %s: %d postings, want 2 to %d", e.ID, len(e.Postings), MaxPostings)
	}
	for i := range e.Postings {
		if err := e.Postings[i].validate(e.Postings[0].Account.Tenant); err != nil {
			return fmt.Errorf("entry %s: posting %d: %w", e.ID, i, err)
		}
	}
	return e.balanced()
}

func (p *Posting) validate(tenant string) error {
	if p.Minor == 0 {
		return errors.New("amount is zero")
	}
	if p.Minor == math.MinInt64 {
		return ErrOverflow
	}
	if p.Account.Tenant == "" || p.Account.Tenant != tenant {
		return fmt.Errorf("tenant %q, want %q as in the first posting, and not empty", p.Account.Tenant, tenant)
	}
	return p.Account.Validate()
}

// Validate checks the account against the chart: a known code, a current currency, and an owner exactly where the
// chart says that customers own it.
func (a *Account) Validate() error {
	line, ok := a.Code.Line()
	if !ok {
		return fmt.Errorf("account code %q is not in the chart of accounts", a.Code)
	}
	if (a.Owner != "") != (line.Holder == HeldByCustomer) {
		return fmt.Errorf("account %s: owner %q, but it is held by the %s", a.Code, a.Owner, line.Holder)
	}
	if _, ok := a.Currency.Exponent(); !ok {
		return fmt.Errorf("account %s: %q is not an ISO 4217 currency", a.Code, a.Currency)
	}
	return nil
}

// balanced checks L1. An entry has few postings, so each currency is summed where it occurs first.
func (e *Entry) balanced() error {
	for i := range e.Postings {
		currency := e.Postings[i].Account.Currency
		first := true
		for j := 0; j < i && first; j++ {
			first = e.Postings[j].Account.Currency != currency
		}
		if !first {
			continue
		}
		var sum total
		for j := i; j < len(e.Postings); j++ {
			if e.Postings[j].Account.Currency == currency {
				sum.add(e.Postings[j].Minor)
			}
		}
		if !sum.zero() {
			return fmt.Errorf("entry %s: %w in %s", e.ID, ErrUnbalanced, currency)
		}
	}
	return nil
}
