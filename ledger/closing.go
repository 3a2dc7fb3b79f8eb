package ledger

import "fmt"

// PeriodClosing returns the entry that closes a period of a tenant in one currency: it brings each income and expense
// account to zero and carries their sum to retained earnings. results are their balances at the end of the period, debits
// positive. The entry has no postings where all of them are zero: there is nothing to close. It fails where a code is not
// one of income or expense, or the sum overflows.
func PeriodClosing(tenant string, currency Currency, results map[AccountCode]int64) (Entry, error) {
	e := newEntry(TemplatePeriodClosed, 8)
	var carried int64
	for _, line := range chart { // in the order of the chart, so that the entry is the same each time
		minor := results[line.Code]
		if minor == 0 {
			continue
		}
		if line.Class != Income && line.Class != Expense {
			return Entry{}, fmt.Errorf("closing of %s in %s: %s is of class %s, want income or expense", tenant, currency, line.Code, line.Class)
		}
		e.post(Account{tenant, line.Code, "", currency}, -minor)
		sum, err := AddMinor(carried, minor)
		if err != nil {
			return Entry{}, fmt.Errorf("closing of %s in %s: %w", tenant, currency, err)
		}
		carried = sum
	}
	if len(e.Postings) == 0 {
		return e, nil
	}
	e.post(Account{tenant, RetainedEarnings, "", currency}, carried)
	return e, e.Validate()
}
