package stripe

import (
	"fmt"
	"strings"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/psp"
)

// units are what Stripe counts otherwise than ISO 4217: the ariary has no decimals there, the krona and the shilling of
// Uganda have two, which must be zero.
var units = psp.Units{"MGA": 0, "ISK": 2, "UGX": 2}

// outAmount is an amount as Stripe takes it, with its currency.
func outAmount(amount int64, currency string) (int64, string, error) {
	exponent, _ := ledger.Currency(currency).Exponent()
	switch {
	case exponent == 4, currency == "IQD", currency == "LYD":
		return 0, "", fmt.Errorf("currency %s: Stripe does not take it", currency)
	case exponent == 3 && amount%10 != 0:
		return 0, "", fmt.Errorf("amount %d minor units of %s: Stripe takes the last of three decimals as zero only", amount, currency)
	}
	out, err := units.Out(amount, currency)
	return out, strings.ToLower(currency), err
}

// inAmount is an amount of Stripe's in minor units, with the currency as ISO 4217 writes it.
func inAmount(amount int64, currency string) (int64, string, error) {
	code := strings.ToUpper(currency)
	in, err := units.In(amount, code)
	return in, code, err
}
