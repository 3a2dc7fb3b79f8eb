package rules

import (
	"cmp"
	"slices"
	"sort"

	"github.com/weirhq/weir/topics"
)

// Limits of a BIN table.
const (
	maxTableBytes  = 128 << 20
	maxTableRanges = 2_000_000
	maxTableDepth  = 8 // ranges that cover one number
	tableDigits    = 11
)

// BINTable says what is known of a card by the first digits of its number. It never changes and may be used by several
// goroutines at once. Look-ups do not allocate.
type BINTable struct {
	ranges []binRange
	// The digits from 0 to 99999999999 fall into segments in which the same ranges cover every number: segment i begins
	// at starts[i], and covering[first[i]:first[i+1]] are the ranges that cover it, the narrowest first.
	starts   []uint64
	first    []uint32
	covering []uint32
}

// binRange is one line of the table: the numbers from lo to hi, of tableDigits digits each, both included.
type binRange struct {
	lo, hi uint64
	bin    topics.BIN
	line   int
}

func (r *binRange) width() uint64 { return r.hi - r.lo }

// Len is how many ranges the table has.
func (t *BINTable) Len() int { return len(t.ranges) }

// Lookup is what the table says of a card whose number begins with these digits: 6 to 11 of them. It is that of the
// narrowest range that holds every such card, nil where there is none. What it points to must not be changed.
func (t *BINTable) Lookup(digits string) *topics.BIN {
	if len(digits) < 6 || len(digits) > tableDigits {
		return nil
	}
	lo, ok := number(digits)
	if !ok {
		return nil
	}
	lo, hi := padded(lo, lo, len(digits))
	i := sort.Search(len(t.starts), func(i int) bool { return t.starts[i] > lo }) - 1
	if i < 0 {
		return nil
	}
	for _, r := range t.covering[t.first[i]:t.first[i+1]] {
		if t.ranges[r].hi >= hi {
			return &t.ranges[r].bin
		}
	}
	return nil
}

// number reads digits; false where there is anything else.
func number(digits string) (n uint64, ok bool) {
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(digits[i]-'0')
	}
	return n, digits != ""
}

// padded are the first and the last number of tableDigits digits that begin with from or to, which have so many digits.
func padded(from, to uint64, digits int) (lo, hi uint64) {
	lo, hi = from, to
	for range tableDigits - digits {
		lo, hi = lo*10, hi*10+9
	}
	return lo, hi
}

// index sorts the ranges and cuts the numbers into segments. A range that stands twice, and too many over one another,
// are problems.
func (t *BINTable) index(s *source) {
	slices.SortStableFunc(t.ranges, func(a, b binRange) int {
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi))
	})
	cuts := make([]uint64, 0, 2*len(t.ranges))
	for i := range t.ranges {
		r := &t.ranges[i]
		if i > 0 && r.lo == t.ranges[i-1].lo && r.hi == t.ranges[i-1].hi {
			s.fail(place{r.line, 1}, "keep one of the two", "the range stands in line %d already", t.ranges[i-1].line)
		}
		cuts = append(cuts, r.lo, r.hi+1)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var active []uint32 // the ranges that cover the segment, the narrowest first
	next := 0
	for _, cut := range cuts {
		active = slices.DeleteFunc(active, func(r uint32) bool { return t.ranges[r].hi < cut })
		for ; next < len(t.ranges) && t.ranges[next].lo == cut; next++ {
			at, _ := slices.BinarySearchFunc(active, &t.ranges[next], func(r uint32, by *binRange) int {
				return cmp.Compare(t.ranges[r].width(), by.width())
			})
			active = slices.Insert(active, at, uint32(next))
			if len(active) > maxTableDepth {
				s.fail(place{t.ranges[next].line, 1}, "", "more than %d ranges cover the numbers of this one", maxTableDepth)
				return
			}
		}
		t.starts = append(t.starts, cut)
		t.first = append(t.first, uint32(len(t.covering)))
		t.covering = append(t.covering, active...)
	}
	t.first = append(t.first, uint32(len(t.covering)))
}
