package payments

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestPartsOfASum holds the lines of a sum beyond 64 bits to the sum.
func TestPartsOfASum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum := new(big.Int)
		for _, minor := range rapid.SliceOf(rapid.Int64Range(-math.MaxInt64, math.MaxInt64)).Draw(t, "balances") {
			sum.Add(sum, big.NewInt(minor))
		}
		rest := new(big.Int).Set(sum)
		lines := parts(sum)
		for _, minor := range lines {
			if minor == 0 || minor > 0 != (sum.Sign() > 0) {
				t.Errorf("%s has a part %d", sum, minor)
			}
			rest.Sub(rest, big.NewInt(minor))
		}
		if rest.Sign() != 0 {
			t.Errorf("%s: its parts %d leave %s", sum, lines, rest)
		}
		if sum.IsInt64() && len(lines) > 1 && sum.Int64() != math.MinInt64 {
			t.Errorf("%s has %d parts", sum, len(lines))
		}
	})
}
