package velocity

import (
	"cmp"
	"math/bits"
	"slices"
)

// Bounds of what one key keeps.
const (
	maxEvents       = 256  // above, the older half is summed up
	keptEvents      = 128  // that stay as they are
	maxReservations = 2048 // open ones are kept whatever their age, up to this many
	maxBuckets      = 4096
	maxValues       = 2048 // in each slot; above, the oldest quarter is only counted

	// windowParts is how many buckets a window has at least: one spans at most this part of its age.
	windowParts = 64
)

// summariser moves events from a key's list to its summary. Its room is used again.
//
// A summary has first the buckets, then what tells values apart, each in the order of their newest time. A bucket covers
// the more time the older it is, at most 1/64 of its age, so that whichever window is asked for later, its far end
// cuts a bucket of at most 1/64 of it.
type summariser struct {
	buckets, oldBuckets []record
	values, oldValues   []record
	latest              [4 * 256]int32 // by form, slot and kind: the place of the last bucket, −1 for none
	seen                map[valueKey]struct{}
}

type valueKey struct {
	form, kind uint8
	hash       uint64
}

// bucketsOf is how many of a summary's records are buckets.
func bucketsOf(summary []record) int {
	low, high := 0, len(summary)
	for low < high {
		middle := (low + high) / 2
		if summary[middle].form() == formBucket {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// reset begins a summary with nothing added.
func (s *summariser) reset() { s.buckets, s.values = s.buckets[:0], s.values[:0] }

// evict parts events into those that stay, in their order at the front, and the rest, which it sums up. It returns how
// many stay; none leave where the list is not too long.
func (s *summariser) evict(events []record) int {
	open := 0
	for i := range events {
		if events[i].kind() == codeReserved {
			open++
		}
	}
	leaving, reservations := len(events)-open-keptEvents, 0
	if len(events)-open < maxEvents {
		if open < maxReservations+keptEvents {
			return len(events)
		}
		leaving, reservations = 0, keptEvents
	}
	s.reset()
	stay := 0
	for i := range events {
		r := events[i]
		reserved := r.kind() == codeReserved
		switch {
		case reserved && reservations > 0:
			reservations--
		case !reserved && leaving > 0:
			leaving--
		default:
			events[stay] = r
			stay++
			continue
		}
		s.sumUp(&r)
	}
	return stay
}

// sumUp makes buckets and values of one event.
func (s *summariser) sumUp(r *record) {
	kind := r.kind()
	if kind == codeSettled {
		return
	}
	s.buckets = append(s.buckets, record{
		head: head(r.time(), kind, r.flags()&flagUnknown), amount: r.amount, command: uint64(r.amount), values: [2]uint64{1, 0},
	})
	for slot, form := range [2]uint8{formValue0, formValue1} {
		if r.values[slot] != 0 {
			s.values = append(s.values, record{head: head(r.time(), kind, form), values: [2]uint64{r.values[slot], 0}})
		}
	}
}

// merge adds a key's summary to what evict summed up; the new summary is s.buckets and then s.values. What is older than
// horizon goes.
func (s *summariser) merge(summary []record, now, horizon int64) {
	n := bucketsOf(summary)
	s.oldBuckets = append(s.oldBuckets[:0], summary[:n]...)
	s.oldValues = append(s.oldValues[:0], summary[n:]...)
	s.buckets = inOrder(s.buckets, s.oldBuckets)
	s.mergeBuckets(&s.buckets, now, horizon, 0)
	for extra := 1; len(s.buckets) > maxBuckets; extra++ {
		s.mergeBuckets(&s.buckets, now, horizon, extra)
	}
	s.values = inOrder(s.values, s.oldValues)
	s.keepNewest(horizon)
	if s.boundValues() {
		slices.SortFunc(s.values, byHead)
	}
	for extra := 0; extra == 0 || len(s.values) > 2*maxValues+maxBuckets; extra++ {
		s.mergeBuckets(&s.values, now, horizon, extra)
	}
}

func byHead(a, b record) int {
	return cmp.Or(cmp.Compare(a.head, b.head), cmp.Compare(a.values[0], b.values[0]), cmp.Compare(a.amount, b.amount))
}

// inOrder merges added, in any order, into old, in order.
func inOrder(added, old []record) []record {
	slices.SortFunc(added, byHead)
	n := len(added)
	added = slices.Grow(added, len(old))[:n+len(old)]
	for i, j, to := n-1, len(old)-1, len(added)-1; j >= 0; to-- {
		if i >= 0 && byHead(added[i], old[j]) > 0 {
			added[to] = added[i]
			i--
		} else {
			added[to] = old[j]
			j--
		}
	}
	return added
}

// mergeBuckets merges neighbours of one kind that are old enough to share a cell. Single values are left alone.
func (s *summariser) mergeBuckets(list *[]record, now, horizon int64, extra int) {
	for i := range s.latest {
		s.latest[i] = -1
	}
	in := *list
	for i := range in {
		r := &in[i]
		form := r.form()
		if form == formValue0 || form == formValue1 {
			continue
		}
		if r.time() < horizon {
			r.values[0] = 0
			continue
		}
		latest := &s.latest[int(r.values[1]&1)<<9|int(form>>7)<<8|int(r.kind())]
		if *latest >= 0 {
			absorb(r, &in[*latest], level(now-r.time(), extra))
		}
		*latest = int32(i)
	}
	*list = slices.DeleteFunc(in, func(r record) bool { return r.values[0] == 0 })
}

// absorb adds an older bucket to one where both lie in one cell of the level, and empties the older.
func absorb(newer, older *record, level uint8) {
	if older.time()>>level != newer.time()>>level {
		return
	}
	level = max(level, older.flags()&flagLevel, newer.flags()&flagLevel)
	newer.head = newer.head&^flagLevel | uint64(level) | older.head&flagUnknown
	newer.amount = addSaturated(newer.amount, older.amount)
	newer.command = max(newer.command, older.command)
	newer.values[0] += older.values[0]
	older.values[0] = 0
}

// level is how coarse a bucket of an age may be: cells of 2^level milliseconds.
func level(age int64, extra int) uint8 {
	part := max(age, MinWindow.Milliseconds()) / windowParts
	return uint8(min(bits.Len64(uint64(part))-1+extra, flagLevel))
}

// keepNewest leaves of each value the newest record for each kind: it lies in a window whenever one of the value does.
func (s *summariser) keepNewest(horizon int64) {
	if s.seen == nil {
		s.seen = map[valueKey]struct{}{}
	}
	clear(s.seen)
	for i := len(s.values) - 1; i >= 0; i-- {
		r := &s.values[i]
		if r.form() == formOverflow {
			continue
		}
		key := valueKey{r.form(), r.kind(), r.values[0]}
		if _, newer := s.seen[key]; newer || r.time() < horizon {
			r.values[0] = 0
		}
		s.seen[key] = struct{}{}
	}
	s.values = slices.DeleteFunc(s.values, func(r record) bool { return r.values[0] == 0 })
}

// boundValues turns the oldest values into counts where a slot has too many to tell apart. One that comes again is
// then counted again.
func (s *summariser) boundValues() bool {
	turned := false
	for slot, form := range [2]uint8{formValue0, formValue1} {
		n := 0
		for i := range s.values {
			if s.values[i].form() == form {
				n++
			}
		}
		if n <= maxValues {
			continue
		}
		turned = true
		for i, left := 0, n-maxValues*3/4; left > 0; i++ {
			if r := &s.values[i]; r.form() == form {
				*r = record{head: head(r.time(), r.kind(), formOverflow), values: [2]uint64{1, uint64(slot)}}
				left--
			}
		}
	}
	return turned
}
