// Package handbook writes what finance people read of the ledger: the chart of accounts and the posting templates, each
// with examples that are entries of the templates themselves, applied to balances and drawn as T-accounts.
package handbook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/ledger"
)

// section is the templates of one subject.
type section struct {
	heading  string
	text     string
	examples []example // by template, in the order in which they are shown
}

// example is an entry and what was booked before it.
type example struct {
	template string
	title    string
	given    []booking
	shown    booking
}

// booking makes an entry on the balances before it.
type booking func(*ledger.Balances) (ledger.Entry, error)

// run books what is given and then what is shown. It returns the entry and the balances before it and after it.
func (x *example) run() (e ledger.Entry, before, after *ledger.Balances, err error) {
	before, after = ledger.NewBalances(), ledger.NewBalances()
	for _, given := range x.given {
		for _, b := range []*ledger.Balances{before, after} {
			if e, err = given(b); err == nil {
				err = b.Apply(&e)
			}
			if err != nil {
				return e, before, after, fmt.Errorf("example of %s (%s): before it: %w", x.template, x.title, err)
			}
		}
	}
	if e, err = x.shown(after); err == nil {
		err = after.Apply(&e)
	}
	if err == nil && e.Template != x.template {
		err = fmt.Errorf("it booked %s", e.Template)
	}
	if err != nil {
		err = fmt.Errorf("example of %s (%s): %w", x.template, x.title, err)
	}
	return e, before, after, err
}

// PostingTemplates is docs/posting-templates.md. An error means that an example cannot be booked.
func PostingTemplates() (string, error) {
	var b strings.Builder
	b.WriteString(`# Posting templates

Generated from ledger/template.go and ledger/handbook: every entry of the ledger is booked by one of these templates, and
its name stands in the entry (` + "`template`" + ` in ` + "`ledger.entries.v1`" + `). The accounts are described in
[chart-of-accounts.md](chart-of-accounts.md).

Not all of them are in use. What the engine books today says *booked*: deposits, refunds, chargebacks, payouts, wallet commands
and the closing of a period. What says *ready* (fees told after the capture, transfers, merchants, currencies, settlements,
cases) is defined and tested, and nothing in the engine books it yet.

The examples are not drawn by hand: each is an entry of its template, made by its code and booked on the balances shown as
*before*. Debits stand left, credits right; *after* is the balance. Assets and expenses grow on the
left, liabilities, equity and income on the right. In each currency the debits of an entry equal its credits.

A **command** is something that somebody asked for: where a limit does not allow it, it is refused and books nothing. A
**fact** has happened, and is booked whatever the customer has: what the wallet does not hold becomes the customer's
debt. Whatever a customer is given repays debt first, so nobody has money and owes it at the same time.

*Undone by* names the template that puts the amount back to where it was, with the earlier entries of the same refund,
payout or transfer: a payout that was held, sent and failed has moved nothing in the end. One that was paid and then returned
has cost its fee, which the PSP keeps.

| template | today | cause | booked when | undone by |
|---|---|---|---|---|
`)
	templates := ledger.Templates()
	for _, t := range templates {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | %s |\n", t.Name, t.Name, t.Stage, t.Cause, t.Trigger, undoneBy(t))
	}
	for _, s := range sections() {
		fmt.Fprintf(&b, "\n## %s\n", s.heading)
		if s.text != "" {
			fmt.Fprintf(&b, "\n%s\n", s.text)
		}
		if err := s.write(&b, templates); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func (s *section) write(b *strings.Builder, templates []ledger.Template) error {
	last := ""
	for _, x := range s.examples {
		if x.template != last {
			last = x.template
			i := slices.IndexFunc(templates, func(t ledger.Template) bool { return t.Name == x.template })
			if i < 0 {
				return fmt.Errorf("example of %s: there is no such template", x.template)
			}
			describe(b, templates[i])
		}
		e, before, after, err := x.run()
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "\n*%s*\n\n```text\n%s```\n", x.title, draw(e, before, after))
	}
	return nil
}

func describe(b *strings.Builder, t ledger.Template) {
	fmt.Fprintf(b, "\n### `%s`\n\n%s\n\nBooked when (%s): %s", t.Name, t.Purpose, t.Cause, t.Trigger)
	if t.UndoneBy != "" {
		fmt.Fprintf(b, " Undone by %s.", undoneBy(t))
	}
	if t.Stage == ledger.Ready {
		b.WriteString(" **The engine does not book it yet.**")
	}
	b.WriteString("\n")
}

func undoneBy(t ledger.Template) string {
	if t.UndoneBy == "" {
		return ""
	}
	return fmt.Sprintf("[`%s`](#%s)", t.UndoneBy, t.UndoneBy)
}
