package routing

import (
	"fmt"
	"strings"
)

// Fifty is a routing file of 50 routes with conditions, to 5 PSPs, for measurements.
func Fifty(strategy string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nstrategy: %s\ncascade: { attempts: 3, within: 30s }\nhealth: { window: 1m, error_rate: 30%%, p95: 5s }\nroutes:\n", strategy)
	countries := [...]string{"AT", "BE", "CZ", "DK", "DE", "ES", "FI", "HU", "IT", "NL"}
	for i := range 50 {
		condition := fmt.Sprintf(`card.country in ["%s", "FR"] && payment.amount > money("%d.00 EUR")`, countries[i%10], i)
		switch i % 10 {
		case 3:
			condition = fmt.Sprintf(`card.bin.startsWith("4%02d") && card.type == "debit"`, i)
		case 5:
			condition = fmt.Sprintf(`card.scheme == "visa" && payment.currency == "EUR" && risk.score < %d`, 50+i)
		case 7:
			condition = fmt.Sprintf(`context.country == "DE" && payment.amount < money("%d.00 EUR") && tenant == "shop"`, 100+i)
		}
		fmt.Fprintf(&b, "  - { name: route_%d, psp: psp_%d, weight: %d, when: '%s', cost: [{ when: card.type == \"debit\", percent: 0.2%% }, { fixed: [\"0.10 EUR\"], percent: 1.%d%% }], daily: { count: 100000 } }\n",
			i, i/10, i+1, condition, i)
	}
	return b.String()
}
