package topics_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/topics"
)

func TestInvoice(t *testing.T) {
	until := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	line := func(quantity, price, tax int64) topics.InvoiceLine {
		return topics.InvoiceLine{Description: "shoes", Quantity: quantity, UnitPrice: price, Tax: tax}
	}
	for name, c := range map[string]struct {
		invoice topics.Invoice
		amount  int64
		wrong   string
	}{
		"one line":              {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{line(2, 5000, 1900)}}, 11900, ""},
		"a discount":            {topics.Invoice{Number: "R-1", DueAt: until, Lines: []topics.InvoiceLine{line(2, 5000, 1900), line(1, -1000, -190)}}, 10710, ""},
		"another sum":           {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{line(2, 5000, 1900)}}, 11901, "invoice.lines: add up to 11900, of which 1900 are tax; want the amount, 11901"},
		"no number":             {topics.Invoice{Lines: []topics.InvoiceLine{line(1, 1, 0)}}, 1, "invoice.number"},
		"a long number":         {topics.Invoice{Number: strings.Repeat("1", 65), Lines: []topics.InvoiceLine{line(1, 1, 0)}}, 1, "invoice.number"},
		"no lines":              {topics.Invoice{Number: "R-1"}, 0, "invoice.lines: are 0"},
		"too many lines":        {topics.Invoice{Number: "R-1", Lines: make([]topics.InvoiceLine, 101)}, 0, "invoice.lines: are 101"},
		"due too late":          {topics.Invoice{Number: "R-1", DueAt: until.Add(time.Millisecond), Lines: []topics.InvoiceLine{line(1, 1, 0)}}, 1, "invoice.due_at: is after"},
		"nothing said":          {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{{Quantity: 1, UnitPrice: 1}}}, 1, "invoice.lines[0].description"},
		"none of it":            {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{line(1, 1, 0), line(0, 1, 0)}}, 1, "invoice.lines[1].quantity"},
		"less than none":        {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{line(-1, 1, 0)}}, -1, "invoice.lines[0].quantity"},
		"a price beyond range":  {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{line(1_000_000, math.MaxInt64/1000, 0)}}, 1, "invoice.lines[0].unit_price"},
		"a price below range":   {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{line(1, math.MinInt64, 0)}}, 1, "invoice.lines[0].unit_price"},
		"a tax beyond range":    {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{line(1, 1, math.MaxInt64)}}, 1, "invoice.lines[0].tax"},
		"a tax below range":     {topics.Invoice{Number: "R-1", Lines: []topics.InvoiceLine{line(1, 1, math.MinInt64)}}, 1, "invoice.lines[0].tax"},
		"a time that is no one": {topics.Invoice{Number: "R-1", DueAt: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), Lines: []topics.InvoiceLine{line(1, 1, 0)}}, 1, "invoice.due_at"},
	} {
		got := c.invoice.Invalid(c.amount, until)
		if (got == "") != (c.wrong == "") || !strings.Contains(got, c.wrong) {
			t.Errorf("%s: %q, want %q", name, got, c.wrong)
		}
	}
}

// TestAnInvoiceAddsUpExactly: whatever stands in the lines, an invoice is taken only for the sum that a calculation without bounds gives.
func TestAnInvoiceAddsUpExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i, sum := topics.Invoice{Number: "R-1"}, new(big.Int)
		amount := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000), rapid.SampledFrom([]int64{topics.MaxAmount, -topics.MaxAmount}))
		for range rapid.IntRange(1, 100).Draw(t, "lines") {
			l := topics.InvoiceLine{Description: "x", Quantity: rapid.Int64Range(1, 1_000_000).Draw(t, "quantity"), UnitPrice: amount.Draw(t, "price"), Tax: amount.Draw(t, "tax")}
			i.Lines = append(i.Lines, l)
			sum.Add(sum, new(big.Int).Mul(big.NewInt(l.Quantity), big.NewInt(l.UnitPrice)))
			sum.Add(sum, big.NewInt(l.Tax))
		}
		asked := rapid.OneOf(rapid.Int64(), rapid.Just(sum.Int64())).Draw(t, "amount")
		if detail := i.Invalid(asked, time.Now()); detail == "" && big.NewInt(asked).Cmp(sum) != 0 {
			t.Fatalf("an invoice of %s is taken for %d", sum, asked)
		}
	})
}
