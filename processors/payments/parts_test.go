package payments

import (
	"math"
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/payments/gaming"
	"github.com/weirhq/weir/topics"
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

// TestLimitsTakeABoundedRoom: what limits know of customers leaves memory by its size, and is read again.
func TestLimitsTakeABoundedRoom(t *testing.T) {
	s := partition{holders: newCache[customerKey, *holder](1000, 2000)}
	for n := range 100 {
		key := customerKey{"acme", strconv.Itoa(n)}
		h := &holder{limits: part[gaming.State]{customer: key}}
		s.holders.put(key, h, 0)
		h.limits.state.CountDeposit(&topics.GamingCount{Day: "2026-03-01", Amount: 1}, "EUR")
		s.touchLimits(h, int64(n))
	}
	s.resize()
	s.holders.trim(nil)
	if n, bytes := s.holders.used.Len(), s.holders.bytes; n == 0 || n > 10 || bytes > 2000 {
		t.Errorf("%d customers with %d bytes are in memory, want at most 2000 bytes", n, bytes)
	}
}
