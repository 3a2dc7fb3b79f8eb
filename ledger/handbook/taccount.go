package handbook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/ledger"
)

const (
	cellWidth    = 18
	accountWidth = 2*cellWidth + 1
)

// draw is an entry as T-accounts, two abreast: debits left, credits right, with the balances before and after it.
func draw(e ledger.Entry, before, after *ledger.Balances) string {
	var accounts []ledger.Account
	for _, p := range e.Postings {
		if !slices.Contains(accounts, p.Account) {
			accounts = append(accounts, p.Account)
		}
	}
	var b strings.Builder
	for pair := range slices.Chunk(accounts, 2) {
		left := tAccount(pair[0], e, before, after)
		var right []string
		if len(pair) == 2 {
			right = tAccount(pair[1], e, before, after)
		}
		for i := range max(len(left), len(right)) {
			line := fmt.Sprintf("%-*s    %s", accountWidth, at(left, i), at(right, i))
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		b.WriteString("\n")
	}
	b.WriteString(totals(e))
	return b.String()
}

func tAccount(a ledger.Account, e ledger.Entry, before, after *ledger.Balances) []string {
	title := string(a.Code) + ", " + string(a.Currency)
	if a.Owner != "" {
		title = string(a.Code) + " of " + a.Owner + ", " + string(a.Currency)
	}
	rule := strings.Repeat("-", cellWidth) + "+" + strings.Repeat("-", cellWidth)
	lines := []string{
		fmt.Sprintf("Dr %-*s Cr", accountWidth-6, centred(title, accountWidth-6)),
		rule,
		row("before", before.Balance(a.ID()), a),
	}
	for _, p := range e.Postings {
		if p.Account == a {
			lines = append(lines, row("", p.Minor, a))
		}
	}
	return append(lines, rule, row("after", after.Balance(a.ID()), a))
}

// row is an amount on its side, zero on the account's normal side.
func row(label string, minor int64, a ledger.Account) string {
	line, _ := a.Code.Line()
	if minor > 0 || minor == 0 && line.Class.Normal() == ledger.Debit {
		return fmt.Sprintf("%-6s%*s |%*s", label, cellWidth-7, number(minor, a.Currency), cellWidth, "")
	}
	return fmt.Sprintf("%-6s%*s |%*s", label, cellWidth-7, "", cellWidth, number(-minor, a.Currency))
}

// totals says for each currency what was debited and what was credited.
func totals(e ledger.Entry) string {
	var b strings.Builder
	var done []ledger.Currency
	for _, first := range e.Postings {
		currency := first.Account.Currency
		if slices.Contains(done, currency) {
			continue
		}
		done = append(done, currency)
		var debits, credits int64
		for _, p := range e.Postings {
			switch {
			case p.Account.Currency != currency:
			case p.Minor > 0:
				debits += p.Minor
			default:
				credits -= p.Minor
			}
		}
		fmt.Fprintf(&b, "debits %s = credits %s\n", ledger.Money{Minor: debits, Currency: currency}, ledger.Money{Minor: credits, Currency: currency})
	}
	if e.Reference != "" {
		fmt.Fprintf(&b, "reference %s\n", e.Reference)
	}
	return b.String()
}

func number(minor int64, currency ledger.Currency) string {
	number, _, _ := strings.Cut(ledger.Money{Minor: minor, Currency: currency}.String(), " ")
	return number
}

func centred(s string, width int) string {
	return strings.Repeat(" ", max(0, (width-len(s))/2)) + s
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
