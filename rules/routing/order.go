package routing

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/routing/draw"
)

// order sorts the routes that take a payment by the strategy, and says why each stands where it does. It looks at neither
// health nor limits, so that what is drawn stays the same for those whose routes have none.
func (s *Set) order(taking []option, q *Query, st *State) {
	switch s.strategy {
	case LeastCost:
		slices.SortStableFunc(taking, func(a, b option) int {
			switch {
			case a.price.less(b.price):
				return -1
			case b.price.less(a.price):
				return 1
			}
			return 0
		})
		for i := range taking {
			o := &taking[i]
			if o.why = "cost is not known"; o.price.known {
				o.why = "costs " + ledger.Money{Minor: o.price.minor(), Currency: ledger.Currency(q.Input.Command.Currency)}.String()
			}
		}
	case VolumeSplit:
		split(taking, s.seed(q))
	case Bandit:
		seed := draw.Of("sample", q.Payment)
		for i := range taking {
			o := &taking[i]
			if a := st.arms[o.route.Name]; a != nil {
				a.to(tickOf(s.halfLife, q.Input.Now))
				o.approved, o.declined = a.approved, a.declined
			}
			o.sampled = seed.Rate(o.route.Name, o.approved, o.declined)
			o.why = "drew an approval rate of " + percent(o.sampled)
		}
		slices.SortStableFunc(taking, func(a, b option) int { return cmp.Compare(b.sampled, a.sampled) })
	}
}

// seed is what a split draws by: the customer's payments go the same way, or each payment is drawn by itself. A guest has no
// other payment.
func (s *Set) seed(q *Query) string {
	if c := q.Input.Command; s.stableBy == byCustomer && c.CustomerID != "" {
		return "customer\x00" + c.Tenant + "\x00" + c.CustomerID
	}
	return "payment\x00" + q.Payment
}

// split draws routes by weight until none is left; those without weight come last, as they stand in the file. With the same
// weights the same seed gives the same order.
func split(options []option, seed string) {
	source := draw.Of("split", seed).Numbers()
	var total uint64
	for i := range options {
		total += uint64(options[i].route.Weight)
	}
	all := total
	for i := range options {
		if total == 0 {
			return
		}
		drawn := source.Uint64() % total
		at := i
		for ; drawn >= uint64(options[at].route.Weight); at++ {
			drawn -= uint64(options[at].route.Weight)
		}
		chosen := options[at]
		copy(options[i+1:at+1], options[i:at]) // the others keep their order
		chosen.why = "drawn by weight " + strconv.FormatInt(chosen.route.Weight, 10) + " of " + strconv.FormatUint(all, 10)
		options[i] = chosen
		total -= uint64(chosen.route.Weight)
	}
}

// percent writes a rate in billionths as 81.23%.
func percent(rate int64) string {
	hundredths := rate / (draw.Billionths / 10_000)
	return strconv.FormatInt(hundredths/100, 10) + "." + strconv.FormatInt(hundredths%100+100, 10)[1:] + "%"
}
