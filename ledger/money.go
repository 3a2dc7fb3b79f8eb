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
	currency := Currency(code)
	exponent, ok := currency.Exponent()
	if !ok {
		return Money{}, fmt.Errorf("amount %q: %q is not an ISO 4217 currency", s, code)
	}
	whole, fraction, pointed := strings.Cut(number, ".")
	if pointed && fraction == "" {
		return Money{}, fmt.Errorf("amount %q: digits are missing after the point", s)
	}
	if len(fraction) > exponent {
		return Money{}, fmt.Errorf("amount %q: %s has %d decimals, not %d", s, currency, exponent, len(fraction))
	}
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || strings.Trim(digits+fraction, "0123456789") != "" {
		return Money{}, fmt.Errorf("amount %q: want digits and at most one point", s)
	}
	minor, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", exponent-len(fraction)), 10, 64)
	if err != nil {
		return Money{}, fmt.Errorf("amount %q: does not fit 64 bits of minor units", s)
	}
	return Money{minor, currency}, nil
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
