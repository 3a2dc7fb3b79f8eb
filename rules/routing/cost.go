package routing

import (
	"math/bits"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const million = 1_000_000

// cost is what a PSP takes for a payment: a part of the amount, and a fixed amount in the payment's own currency.
type cost struct {
	condition  int // in the matcher; -1: for every payment
	millionths int64
	fixed      map[ledger.Currency]int64 // minor units
}

// price is a cost in millionths of a minor unit, as an unsigned number of 128 bits.
type price struct {
	known  bool
	hi, lo uint64
}

// of is exact: amount and rates are whole numbers, and the product of two of 63 bits has 128.
func (c *cost) of(m ledger.Money) price {
	fixed, ok := c.fixed[m.Currency]
	if !ok && len(c.fixed) > 0 {
		return price{}
	}
	hi, lo := bits.Mul64(uint64(m.Minor), uint64(c.millionths))
	fixedHi, fixedLo := bits.Mul64(uint64(fixed), million)
	lo, carry := bits.Add64(lo, fixedLo, 0)
	hi, _ = bits.Add64(hi, fixedHi, carry)
	return price{known: true, hi: hi, lo: lo}
}

// less orders prices; one that is not known comes last.
func (p price) less(q price) bool {
	switch {
	case p.known != q.known:
		return p.known
	case p.hi != q.hi:
		return p.hi < q.hi
	}
	return p.lo < q.lo
}

// minor is the price in whole minor units, rounded up.
func (p price) minor() int64 {
	lo, carry := bits.Add64(p.lo, million-1, 0)
	hi := p.hi + carry
	if hi >= million {
		return 1<<63 - 1
	}
	units, _ := bits.Div64(hi, lo, million)
	return int64(min(units, 1<<63-1))
}

// price is what the first of the route's costs that is for the payment comes to. Where data is missing to tell which one is,
// it is not known.
func (r *Route) price(m *rules.Matching, amount ledger.Money) price {
	for i := range r.costs {
		c := &r.costs[i]
		if c.condition < 0 {
			return c.of(amount)
		}
		switch m.Result(c.condition) {
		case topics.RuleHit:
			return c.of(amount)
		case topics.RuleMiss:
		default:
			return price{}
		}
	}
	return price{}
}
