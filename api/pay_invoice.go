package api

import (
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/view"
)

// payInvoice is an invoice as a page shows it.
type payInvoice struct {
	Number, Due, DueText string // Due: "" where it does not say
	Lines                []payLine
	Net, Tax             string
}

type payLine struct {
	Description         string
	Quantity            int64
	UnitPrice, Net, Tax string
}

// invoiceOf is the invoice of a link, nil where it has none.
func invoiceOf(l *view.Link) *payInvoice {
	if l.Invoice == nil {
		return nil
	}
	money := func(minor int64) string {
		return ledger.Money{Minor: minor, Currency: ledger.Currency(l.Currency)}.String()
	}
	net, tax := l.Invoice.Sums()
	shown := &payInvoice{Number: l.Invoice.Number, Net: money(net), Tax: money(tax)}
	if due := l.Invoice.DueAt; !due.IsZero() {
		shown.Due, shown.DueText = due.UTC().Format(time.RFC3339), due.UTC().Format("2 January 2006")
	}
	for i := range l.Invoice.Lines {
		line := &l.Invoice.Lines[i]
		shown.Lines = append(shown.Lines, payLine{line.Description, line.Quantity, money(line.UnitPrice), money(line.Net()), money(line.Tax)})
	}
	return shown
}
