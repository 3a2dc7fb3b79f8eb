package psp_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

func TestUnits(t *testing.T) {
	units := psp.Units{"ISK": 2, "MGA": 0}
	for _, c := range []struct {
		ours     int64
		currency string
		theirs   int64 // -1: an error
	}{
		{1050, "EUR", 1050}, {500, "JPY", 500}, {1234, "KWD", 1234}, {7, "ISK", 700}, {700, "MGA", 7}, {701, "MGA", -1},
		{0, "EUR", 0}, {-1, "EUR", -1}, {1, "EUX", -1}, {1, "eur", -1}, {topics.MaxAmount, "ISK", topics.MaxAmount * 100}, {topics.MaxAmount + 1, "EUR", -1},
	} {
		got, err := units.Out(c.ours, c.currency)
		if c.theirs < 0 && err == nil || c.theirs >= 0 && (err != nil || got != c.theirs) {
			t.Errorf("%d %s: %d, %v; want %d", c.ours, c.currency, got, err, c.theirs)
		}
	}
	if got, err := units.In(750, "ISK"); err == nil {
		t.Errorf("half a krona: %d", got)
	}
}

// TestUnitsAreExact: what comes back of what went out is the same, whatever the PSP's decimals are.
func TestUnitsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		currency := string(rapid.SampledFrom(ledger.Currencies()).Draw(t, "currency"))
		units := psp.Units{ledger.Currency(currency): rapid.IntRange(0, 3).Draw(t, "decimals")}
		amount := rapid.Int64Range(0, topics.MaxAmount/10_000).Draw(t, "amount")
		out, err := units.Out(amount, currency)
		if err != nil {
			return // the PSP cannot say it
		}
		if in, err := units.In(out, currency); err != nil || in != amount {
			t.Fatalf("%d %s went out as %d and came back as %d, %v", amount, currency, out, in, err)
		}
	})
}
