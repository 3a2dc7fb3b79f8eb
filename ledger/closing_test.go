package ledger

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPeriodClosingBringsResultsToZero(t *testing.T) {
	var results []AccountCode
	for _, line := range Chart() {
		if line.Class == Income || line.Class == Expense {
			results = append(results, line.Code)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		book, before := NewBalances(), map[AccountCode]int64{}
		var sum int64
		for _, code := range results {
			minor := rapid.Int64Range(-1e12, 1e12).Draw(t, string(code))
			if rapid.Bool().Draw(t, "none") {
				minor = 0
			}
			book.Set(ana.System(code).ID(), minor)
			before[code] = minor
			sum += minor
		}
		e, err := PeriodClosing(ana.Tenant, ana.Currency, before)
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Postings) > 0 {
			if err := book.Apply(&e); err != nil {
				t.Fatal(err)
			}
		}
		for _, code := range results {
			if left := book.Balance(ana.System(code).ID()); left != 0 {
				t.Fatalf("%s is left at %d", code, left)
			}
		}
		if got := book.Balance(ana.System(RetainedEarnings).ID()); got != sum {
			t.Fatalf("retained earnings are %d, want %d", got, sum)
		}
	})
}

func TestPeriodClosingRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		results map[AccountCode]int64
		problem string
	}{
		"a wallet": {map[AccountCode]int64{CustomerWallet: -5}, "class liability"},
		"overflow": {map[AccountCode]int64{PSPFees: math.MaxInt64, Adjustments: 1}, "does not fit"},
	} {
		if e, err := PeriodClosing("acme", "EUR", c.results); err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %+v, %v, want an error with %q", name, e, err, c.problem)
		}
	}
}
