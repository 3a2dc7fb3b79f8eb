package rules

import (
	"cmp"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
)

// rates are rates of exchange by day. A rate holds from its day on (UTC) until a later one of the same two currencies,
// and for maxAge days at most.
type rates struct {
	base   ledger.Currency // by way of which others are converted; "": only pairs that stand in the table
	maxAge int32           // days
	pairs  map[exchange][]dated
}

type exchange struct{ from, to ledger.Currency }

// dated is a rate and the day from which it holds.
type dated struct {
	day int32 // since 1970
	rate
}

// rate is how much of a currency one unit of another is: digits / 10^decimals.
type rate struct {
	digits   uint64
	decimals uint8
}

// Bounds of a rate. They keep every conversion, by way of a third currency, too, within 192 bits (see fraction).
const (
	maxRateDigits   = 15
	maxRateDecimals = 12
)

// parseRate reads a decimal number above 0.
func parseRate(text string) (rate, error) {
	whole, fraction, pointed := strings.Cut(text, ".")
	all := whole + fraction
	if whole == "" || pointed && fraction == "" || strings.Trim(all, "0123456789") != "" {
		return rate{}, &hinted{"rate " + strconv.Quote(text) + " is not a decimal number", "write digits and a point, such as 1.0842"}
	}
	fraction = strings.TrimRight(fraction, "0")
	all = strings.TrimLeft(whole+fraction, "0")
	switch {
	case all == "":
		return rate{}, &hinted{"rate " + text + " is not above 0", "leave the line out where there is no rate"}
	case len(all) > maxRateDigits || len(fraction) > maxRateDecimals:
		return rate{}, &hinted{"rate " + text + " has too many digits", "round it to at most 15 digits, at most 12 of them after the point"}
	}
	digits, err := strconv.ParseUint(all, 10, 64)
	return rate{digits, uint8(len(fraction))}, err
}

// String is the rate as parseRate reads it, without zeros that say nothing.
func (r rate) String() string {
	text := strconv.FormatUint(r.digits, 10)
	if r.decimals == 0 {
		return text
	}
	if missing := int(r.decimals) + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	return text[:len(text)-int(r.decimals)] + "." + text[len(text)-int(r.decimals):]
}

// tenTimes tells whether the rate is at least ten times another.
func (r rate) tenTimes(other rate) bool {
	high, low := bits.Mul64(r.digits, powersOfTen[other.decimals])
	otherHigh, otherLow := bits.Mul64(other.digits, powersOfTen[r.decimals+1])
	return cmp.Or(cmp.Compare(high, otherHigh), cmp.Compare(low, otherLow)) >= 0
}

// undoes tells whether the rate and that of the other direction come to 1, but for a tenth.
func (r rate) undoes(back rate) bool {
	product := new(big.Int).Mul(new(big.Int).SetUint64(r.digits), new(big.Int).SetUint64(back.digits))
	one := new(big.Int).Mul(new(big.Int).SetUint64(powersOfTen[r.decimals]), new(big.Int).SetUint64(powersOfTen[back.decimals]))
	product.Mul(product, big.NewInt(10))
	return product.Cmp(new(big.Int).Mul(one, big.NewInt(9))) >= 0 && product.Cmp(new(big.Int).Mul(one, big.NewInt(11))) <= 0
}

var powersOfTen = func() (powers [maxRateDecimals + 2]uint64) {
	for i := range powers {
		powers[i] = scaled(fraction{1, 1}, i).numerator
	}
	return powers
}()

// dayOf is the day of a moment in Unix nanoseconds.
func dayOf(nanoseconds int64) int32 {
	const day = int64(24 * time.Hour)
	return int32((nanoseconds - (nanoseconds%day+day)%day) / day)
}

// dateOf is a day as rate tables write it.
func dateOf(day int32) string {
	return time.Unix(int64(day)*24*3600, 0).UTC().Format(time.DateOnly)
}

// Convert returns an amount in minor units of another currency, by the set's rate for the day (UTC) of a moment, rounded half
// to even. ok is false where there is no rate, and where the result is beyond int64.
func (s *Set) Convert(amount ledger.Money, to ledger.Currency, at time.Time) (minor int64, ok bool) {
	return s.rates.convert(amount, to, nanoseconds(at))
}

// convert is Convert at a moment in Unix nanoseconds, 0 for none.
func (r *rates) convert(amount ledger.Money, to ledger.Currency, at int64) (minor int64, ok bool) {
	if amount.Currency == to {
		return amount.Minor, true
	}
	if r == nil || at == 0 {
		return 0, false
	}
	day := dayOf(at)
	if f, ok := r.leg(amount.Currency, to, day); ok {
		return f.of(amount.Minor, fraction{1, 1})
	}
	first, known := r.leg(amount.Currency, r.base, day)
	second, both := r.leg(r.base, to, day)
	if !known || !both {
		return 0, false
	}
	return first.of(amount.Minor, second)
}

// fraction is what a number of minor units of one currency is multiplied by to give another's. Neither part is above
// 10^maxRateDigits times 10^4, by which minor units of currencies differ at most, nor 0.
type fraction struct{ numerator, denominator uint64 }

// leg is the factor between two currencies of which the table has a rate, in the direction asked for or, failing that,
// in the other.
func (r *rates) leg(from, to ledger.Currency, day int32) (fraction, bool) {
	less, _ := from.Exponent()
	more, ok := to.Exponent()
	if !ok {
		return fraction{}, false
	}
	if rate, ok := r.on(exchange{from, to}, day); ok {
		return scaled(fraction{rate.digits, 1}, more-less-int(rate.decimals)), true
	}
	if rate, ok := r.on(exchange{to, from}, day); ok {
		return scaled(fraction{1, rate.digits}, more-less+int(rate.decimals)), true
	}
	return fraction{}, false
}

// scaled is the fraction times a power of ten.
func scaled(f fraction, power int) fraction {
	for ; power > 0; power-- {
		f.numerator *= 10
	}
	for ; power < 0; power++ {
		f.denominator *= 10
	}
	return f
}

// on is the rate of a pair that holds on a day.
func (r *rates) on(of exchange, day int32) (rate, bool) {
	list := r.pairs[of]
	at, found := slices.BinarySearchFunc(list, day, func(d dated, day int32) int { return cmp.Compare(d.day, day) })
	if !found {
		at--
	}
	if at < 0 || day-list[at].day > r.maxAge {
		return rate{}, false
	}
	return list[at].rate, true
}

// of is minor times both fractions, exact until it is rounded once, half to even.
func (f fraction) of(minor int64, second fraction) (int64, bool) {
	size := uint64(minor)
	if minor < 0 {
		size = -size
	}
	var x [3]uint64 // size times both numerators, the lowest word first
	x[1], x[0] = bits.Mul64(size, f.numerator)
	high, low := bits.Mul64(x[0], second.numerator)
	carried, middle := bits.Mul64(x[1], second.numerator)
	var carry uint64
	x[0] = low
	x[1], carry = bits.Add64(middle, high, 0)
	x[2] = carried + carry
	first := divide(&x, f.denominator)
	rest := divide(&x, second.denominator)
	if x[1] != 0 || x[2] != 0 || x[0] > math.MaxInt64 {
		return 0, false
	}
	// What is left over is (rest · f.denominator + first) of f.denominator · second.denominator.
	overHigh, overLow := bits.Mul64(rest, f.denominator)
	overLow, carry = bits.Add64(overLow, first, 0)
	overHigh += carry
	allHigh, allLow := bits.Mul64(f.denominator, second.denominator)
	leftLow, borrow := bits.Sub64(allLow, overLow, 0)
	leftHigh, _ := bits.Sub64(allHigh, overHigh, borrow)
	if half := cmp.Or(cmp.Compare(overHigh, leftHigh), cmp.Compare(overLow, leftLow)); half > 0 || half == 0 && x[0]%2 == 1 {
		x[0]++
	}
	if x[0] > math.MaxInt64 {
		return 0, false
	}
	if minor < 0 {
		return -int64(x[0]), true
	}
	return int64(x[0]), true
}

// divide divides a number of three words and returns the remainder.
func divide(x *[3]uint64, by uint64) (remainder uint64) {
	for i := len(x) - 1; i >= 0; i-- {
		x[i], remainder = bits.Div64(remainder, x[i], by)
	}
	return remainder
}

// canonical is what of the rates decides, as texts for the content hash and for Diff: the table's own terms first, then
// a line for each rate in the order of the currencies.
func (r *rates) canonical() []string {
	lines := []string{"rates", string(r.base), strconv.Itoa(int(r.maxAge))}
	from := len(lines)
	for of, list := range r.pairs {
		for _, d := range list {
			lines = append(lines, string(of.from)+" "+string(of.to)+" "+dateOf(d.day)+" "+d.String())
		}
	}
	slices.Sort(lines[from:])
	return lines
}

// names tells whether any rate is of the currency.
func (r *rates) names(c ledger.Currency) bool {
	for of := range r.pairs {
		if of.from == c || of.to == c {
			return true
		}
	}
	return false
}

// part is the table for Diff.
func (r *rates) part() part {
	p := part{"base": string(r.base), "max_age": strconv.Itoa(int(r.maxAge)) + "d"}
	for of, list := range r.pairs {
		for _, d := range list {
			p["rate "+dateOf(d.day)+" "+string(of.from)+" "+string(of.to)] = d.String()
		}
	}
	return p
}
