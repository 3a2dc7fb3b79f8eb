package statement

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
)

// posted is an entry as the projection reads it.
type posted struct {
	Position int64
	Ordinal  int16
	BookedAt time.Time
	Accounts [][16]byte
	Amounts  []int64
}

// line is a row of statement_lines, but for its partition.
type line struct {
	Place
	Account ledger.AccountID
	Amount  int64 // sum of the entry's postings on the account, debits positive
	Balance int64 // after it
}

// fold appends the lines of an entry, those of one account netted, in the order in which the entry names the accounts.
// balance gives the running balance of an account, booked is the partition's time before the entry. It fails where an
// entry moves more than 64 bits hold, which no stored entry does.
func fold(lines []line, e *posted, booked time.Time, balance func(ledger.AccountID) int64) ([]line, error) {
	if len(e.Accounts) != len(e.Amounts) {
		return nil, fmt.Errorf("%d accounts and %d amounts", len(e.Accounts), len(e.Amounts))
	}
	if e.BookedAt.After(booked) {
		booked = e.BookedAt
	}
	place := Place{booked.UTC(), e.Position, e.Ordinal}
	first := len(lines)
postings:
	for i, account := range e.Accounts {
		for j := first; j < len(lines); j++ {
			if lines[j].Account == account {
				sum, err := ledger.AddMinor(lines[j].Amount, e.Amounts[i])
				if err != nil {
					return nil, err
				}
				lines[j].Amount = sum
				continue postings
			}
		}
		lines = append(lines, line{place, account, e.Amounts[i], 0})
	}
	for j := first; j < len(lines); j++ {
		sum, err := ledger.AddMinor(balance(lines[j].Account), lines[j].Amount)
		if err != nil {
			return nil, err
		}
		lines[j].Balance = sum
	}
	return lines, nil
}
