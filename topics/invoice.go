package topics

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// Invoice is what a payment link bills: lines that add up to its amount. Amounts are integers in minor units of its currency.
type Invoice struct {
	Number string        `json:"number" jsonschema:"minLength=1,maxLength=64"` // yours; whether it is used twice is not looked at
	DueAt  time.Time     `json:"due_at,omitzero"`                              // not after the link's expires_at
	Lines  []InvoiceLine `json:"lines" jsonschema:"minItems=1,maxItems=100"`
}

// InvoiceLine is one thing that is billed: quantity times unit_price, and the tax on that. Both are below zero where something is
// given off.
type InvoiceLine struct {
	Description string `json:"description" jsonschema:"minLength=1,maxLength=256"`
	Quantity    int64  `json:"quantity" jsonschema:"minimum=1,maximum=1000000"`
	UnitPrice   int64  `json:"unit_price"` // without tax
	Tax         int64  `json:"tax,omitempty"`
}

// Net is what the line bills without its tax.
func (l *InvoiceLine) Net() int64 { return l.Quantity * l.UnitPrice }

// Sums are what the lines bill without their taxes, and the taxes. They are right where Invalid finds nothing.
func (i *Invoice) Sums() (net, tax int64) {
	for n := range i.Lines {
		net, tax = net+i.Lines[n].Net(), tax+i.Lines[n].Tax
	}
	return net, tax
}

const (
	maxInvoiceLines    = 100
	maxInvoiceQuantity = 1_000_000
)

// Invalid is what keeps the invoice from being one of an amount that may be paid until a time; "" where nothing does.
func (i *Invoice) Invalid(amount int64, expires time.Time) string {
	switch {
	case i.Number == "" || utf8.RuneCountInString(i.Number) > 64:
		return "invoice.number: is missing or too long; want 1 to 64 characters"
	case !ValidTime(i.DueAt):
		return "invoice.due_at" + outOfTime
	case i.DueAt.After(expires):
		return "invoice.due_at: is after expires_at; want a time until which it can be paid"
	case len(i.Lines) == 0 || len(i.Lines) > maxInvoiceLines:
		return fmt.Sprintf("invoice.lines: are %d; want 1 to %d", len(i.Lines), maxInvoiceLines)
	}
	for n := range i.Lines {
		if detail := i.Lines[n].invalid(); detail != "" {
			return fmt.Sprintf("invoice.lines[%d].%s", n, detail)
		}
	}
	if net, tax := i.Sums(); net+tax != amount { // of a hundred lines it fits 64 bits
		return fmt.Sprintf("invoice.lines: add up to %d, of which %d are tax; want the amount, %d", net+tax, tax, amount)
	}
	return ""
}

func (l *InvoiceLine) invalid() string {
	switch {
	case l.Description == "" || utf8.RuneCountInString(l.Description) > 256:
		return "description: is missing or too long; want 1 to 256 characters"
	case l.Quantity < 1 || l.Quantity > maxInvoiceQuantity:
		return fmt.Sprintf("quantity: want 1 to %d", maxInvoiceQuantity)
	case l.UnitPrice > MaxAmount/l.Quantity || l.UnitPrice < -MaxAmount/l.Quantity:
		return fmt.Sprintf("unit_price: is too large; want at most %d for all of the line", MaxAmount)
	case l.Tax > MaxAmount || l.Tax < -MaxAmount:
		return fmt.Sprintf("tax: is too large; want at most %d", MaxAmount)
	}
	return ""
}

// texts yields the invoice's texts; nil has none.
func (i *Invoice) texts(each func(field, text string)) {
	if i == nil {
		return
	}
	each("invoice.number", i.Number)
	for n := range i.Lines {
		each("invoice.lines (a description)", i.Lines[n].Description)
	}
}

// fingerprint adds what is billed; texts for people are left out.
func (f *fingerprint) invoice(i *Invoice) {
	if i == nil {
		return
	}
	f.texts("invoice", i.Number)
	f.time(i.DueAt)
	for n := range i.Lines {
		f.number(i.Lines[n].Quantity)
		f.number(i.Lines[n].UnitPrice)
		f.number(i.Lines[n].Tax)
	}
}
