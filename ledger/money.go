package ledger

import (
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in minor units of an ISO 4217 currency: Money{1050, "EUR"} is 10.50 EUR.
// The zero Money has no currency and is not a valid amount.
type Money struct {
	Minor    int64
	Currency Currency
}

// Currency is an ISO 4217 alphabetic code, upper case.
type Currency string

// Exponent is the number of decimals of the currency (0, 2, 3 or 4); ok is false where the code is not a current
// ISO 4217 currency.
func (c Currency) Exponent() (exponent int, ok bool) {
	e, ok := exponents[c]
	return int(e), ok
}

// ParseMoney reads "10.50 EUR". Fewer decimals than the currency has are filled with zeros; more are an error, as are
// amounts beyond int64 minor units, signs other than a leading "-", and anything that is not digits and one point.
func ParseMoney(s string) (Money, error) {
	number, code, ok := strings.Cut(strings.TrimSpace(s), " ")
	if !ok {
		return Money{}, fmt.Errorf("amount %q: want a number, a space and a currency, such as \"10.50 EUR\"", s)
	}
	return ParseAmount(number, Currency(code))
}

// ParseAmount is ParseMoney where the number and the currency stand apart.
func ParseAmount(number string, currency Currency) (Money, error) {
	wrong := func(format string, values ...any) (Money, error) {
		return Money{}, fmt.Errorf("amount %q: "+format, append([]any{number + " " + string(currency)}, values...)...)
	}
	exponent, ok := currency.Exponent()
	if !ok {
		upper := Currency(strings.ToUpper(string(currency)))
		if _, known := upper.Exponent(); known {
			return wrong("%q is not an ISO 4217 currency; did you mean %s?", string(currency), upper)
		}
		return wrong("%q is not an ISO 4217 currency", string(currency))
	}
	if strings.Contains(number, ",") {
		return wrong("want digits and at most one point, such as 1000.00")
	}
	whole, fraction, pointed := strings.Cut(number, ".")
	if pointed && fraction == "" {
		return wrong("digits are missing after the point")
	}
	if len(fraction) > exponent {
		return wrong("%s has %d decimals, not %d", currency, exponent, len(fraction))
	}
	if digits := strings.TrimPrefix(whole, "-"); digits == "" || !isDigits(digits) || !isDigits(fraction) {
		return wrong("want digits and at most one point")
	}
	minor, err := strconv.ParseInt(whole+fraction+zeros[:exponent-len(fraction)], 10, 64)
	if err != nil {
		return wrong("does not fit 64 bits of minor units")
	}
	return Money{minor, currency}, nil
}

// zeros are as many as a currency has decimals at most.
const zeros = "0000"

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// String is the amount with exactly the decimals of its currency: "10.50 EUR", "-3 JPY".
func (m Money) String() string {
	exponent, _ := m.Currency.Exponent()
	digits := strconv.FormatInt(m.Minor, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if exponent > 0 {
		if pad := exponent + 1 - len(digits); pad > 0 {
			digits = strings.Repeat("0", pad) + digits
		}
		digits = digits[:len(digits)-exponent] + "." + digits[len(digits)-exponent:]
	}
	return sign + digits + " " + string(m.Currency)
}
