package backtest

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Amounts are sums by currency. What does not fit 64 bits stays at the largest amount.
type Amounts []ledger.Money

func (a *Amounts) add(m ledger.Money) {
	if m.Currency == "" || m.Minor == 0 {
		return
	}
	for i := range *a {
		if sum := &(*a)[i]; sum.Currency == m.Currency {
			if sum.Minor > math.MaxInt64-m.Minor {
				sum.Minor = math.MaxInt64
				return
			}
			sum.Minor += m.Minor
			return
		}
	}
	*a = append(*a, m)
	slices.SortFunc(*a, func(a, b ledger.Money) int { return cmp.Compare(a.Currency, b.Currency) })
}

func (a *Amounts) addAll(more Amounts) {
	for _, m := range more {
		a.add(m)
	}
}

// MarshalJSON writes a list of texts, such as "1234.50 EUR".
func (a Amounts) MarshalJSON() ([]byte, error) {
	texts := make([]string, len(a))
	for i, m := range a {
		texts[i] = m.String()
	}
	return topics.Marshal(texts)
}

// String is "1,234.50 EUR, 20.00 USD".
func (a Amounts) String() string {
	if len(a) == 0 {
		return "0"
	}
	parts := make([]string, len(a))
	for i, m := range a {
		parts[i] = shown(m)
	}
	return strings.Join(parts, ", ")
}

// shown is an amount with its digits in groups.
func shown(m ledger.Money) string {
	number, currency, _ := strings.Cut(m.String(), " ")
	whole, fraction, pointed := strings.Cut(number, ".")
	if pointed {
		fraction = "." + fraction
	}
	return inGroups(whole) + fraction + " " + currency
}

// inGroups writes digits in groups of three.
func inGroups(digits string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "-", rest
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
