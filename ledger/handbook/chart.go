package handbook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/ledger"
)

// ChartOfAccounts is docs/chart-of-accounts.md. An error means that an example cannot be booked.
func ChartOfAccounts() (string, error) {
	debits, credits, err := movers()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`# Chart of accounts

Generated from ledger/chart.go; how each movement is booked stands in [posting-templates.md](posting-templates.md).

A customer's account exists once for each currency, and a merchant is a customer too; a system account exists once for each
tenant and currency. An account has one balance row, in the partition of its owner, or one in each partition, and its
balance is their sum. Balances are stored debits positive and shown on the normal side. A guarded account never goes below
zero on its normal side (the invariant L4 of the code): a command that would take it there is refused. *Moved today* is no
where only templates move it that the engine does not book yet.

| code | class | normal side | owner | guarded | balance rows | moved today | purpose |
|---|---|---|---|---|---|---|---|
`)
	for _, line := range ledger.Chart() {
		guarded, rows, moved := "no", "one", "no"
		if line.Guarded {
			guarded = "yes"
		}
		if line.Partitioned {
			rows = "one in each partition"
		}
		if slices.ContainsFunc(slices.Concat(debits[line.Code], credits[line.Code]), isBooked) {
			moved = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n",
			line.Code, line.Class, line.Class.Normal(), line.Holder, guarded, rows, moved, line.Purpose)
	}
	b.WriteString(`
## What moves them

The templates that debit and credit each account in the examples of [posting-templates.md](posting-templates.md).
The engine does not book those in italics yet.

| code | debited by | credited by |
|---|---|---|
`)
	for _, line := range ledger.Chart() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", line.Code, names(debits[line.Code]), names(credits[line.Code]))
	}
	return b.String(), nil
}

// movers are the templates that debit and credit each account in the examples.
func movers() (debits, credits map[ledger.AccountCode][]string, err error) {
	debits, credits = map[ledger.AccountCode][]string{}, map[ledger.AccountCode][]string{}
	for _, s := range sections() {
		for _, x := range s.examples {
			e, _, _, err := x.run()
			if err != nil {
				return nil, nil, err
			}
			for _, p := range e.Postings {
				side := debits
				if p.Minor < 0 {
					side = credits
				}
				if code := p.Account.Code; !slices.Contains(side[code], x.template) {
					side[code] = append(side[code], x.template)
				}
			}
		}
	}
	return debits, credits, nil
}

func names(templates []string) string {
	linked := make([]string, len(templates))
	for i, name := range templates {
		linked[i] = fmt.Sprintf("[%s](posting-templates.md#%s)", name, name)
		if !isBooked(name) {
			linked[i] = "*" + linked[i] + "*"
		}
	}
	return strings.Join(linked, ", ")
}

func isBooked(template string) bool {
	return slices.ContainsFunc(ledger.Templates(), func(t ledger.Template) bool {
		return t.Name == template && t.Stage == ledger.Booked
	})
}
