package ledger

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// ErrOverflow says that a result does not fit the range of an amount: −(2^63−1) to 2^63−1 minor units. The lowest int64
// is left out, so that every amount has a negative.
var ErrOverflow = errors.New("amount does not fit 64 bits of minor units")

// AddMinor is a + b in minor units, or ErrOverflow.
func AddMinor(a, b int64) (int64, error) {
	sum := a + b
	if (a > 0 && b > 0 && sum < 0) || (a < 0 && b < 0 && sum >= 0) || sum == math.MinInt64 {
		return 0, fmt.Errorf("%d + %d: %w", a, b, ErrOverflow)
	}
	return sum, nil
}

// SubMinor is a − b in minor units, or ErrOverflow.
func SubMinor(a, b int64) (int64, error) {
	difference := a - b
	if (b < 0 && difference < a) || (b > 0 && difference > a) || difference == math.MinInt64 {
		return 0, fmt.Errorf("%d - %d: %w", a, b, ErrOverflow)
	}
	return difference, nil
}

// Add is m + n. The currencies must be equal.
func (m Money) Add(n Money) (Money, error) {
	if m.Currency != n.Currency {
		return Money{}, fmt.Errorf("%s + %s: the currencies differ", m, n)
	}
	sum, err := AddMinor(m.Minor, n.Minor)
	return Money{sum, m.Currency}, err
}

// Sub is m − n. The currencies must be equal.
func (m Money) Sub(n Money) (Money, error) {
	if m.Currency != n.Currency {
		return Money{}, fmt.Errorf("%s - %s: the currencies differ", m, n)
	}
	difference, err := SubMinor(m.Minor, n.Minor)
	return Money{difference, m.Currency}, err
}

// total adds any number of int64 exactly, in 128 bits, so that the order of the addends does not matter.
type total struct {
	high int64
	low  uint64
}

func (t *total) add(minor int64) {
	low, carry := bits.Add64(t.low, uint64(minor), 0)
	t.low = low
	t.high += minor>>63 + int64(carry)
}

func (t *total) zero() bool { return t.high == 0 && t.low == 0 }
