package psp

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Units converts amounts between minor units of ISO 4217, which is how weir counts, and those of a PSP. It holds the
// decimals of the currencies that the PSP counts otherwise.
type Units map[ledger.Currency]int

// Out is an amount in the PSP's units. It is exact, or an error.
func (u Units) Out(amount int64, currency string) (int64, error) {
	ours, theirs, err := u.decimals(currency)
	if err != nil {
		return 0, err
	}
	return shift(amount, ours, theirs, currency)
}

// In is an amount of the PSP's in minor units. It is exact, or an error.
func (u Units) In(amount int64, currency string) (int64, error) {
	ours, theirs, err := u.decimals(currency)
	if err != nil {
		return 0, err
	}
	return shift(amount, theirs, ours, currency)
}

func (u Units) decimals(currency string) (ours, theirs int, err error) {
	ours, ok := ledger.Currency(currency).Exponent()
	if !ok {
		return 0, 0, fmt.Errorf("currency %.8q: is not one of ISO 4217", currency)
	}
	if theirs, ok = u[ledger.Currency(currency)]; ok {
		return ours, theirs, nil
	}
	return ours, ours, nil
}

// shift moves the point of an amount.
func shift(amount int64, from, to int, currency string) (int64, error) {
	if amount < 0 || amount > topics.MaxAmount {
		return 0, fmt.Errorf("amount %d: is out of range", amount)
	}
	for ; from < to; from++ {
		amount *= 10 // at most twice: MaxAmount leaves room for three decimals more
	}
	for ; from > to; from-- {
		if amount%10 != 0 {
			return 0, fmt.Errorf("amount %d minor units of %s: this PSP counts fewer decimals", amount, currency)
		}
		amount /= 10
	}
	return amount, nil
}
