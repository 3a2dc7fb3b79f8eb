package behaviour

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Profile is one customer's behaviour. The zero Profile is that of a customer of whom nothing is known.
type Profile struct {
	first, last int64  // times of events, in milliseconds since 1970; 0 where there was none
	latest      int64  // business day of last
	cells       []cell // in the order of their days
	seen        []seen // in the order of classes and values
}

// Classes of values that are told apart.
const (
	instrumentIn uint8 = iota
	instrumentOut
	counterpartyIn
	counterpartyOut
	classes
)

// maxSeen is how many values of each class are kept: the latest.
const maxSeen = 20

// hashBytes is how much of a value's hash is kept: a customer's few dozen values are not taken for one another.
const hashBytes = 5

// seen is when a value was last seen in a class.
type seen struct {
	class uint8
	value [hashBytes]byte
	day   int64
}

func (s *seen) compare(o *seen) int {
	return cmp.Or(cmp.Compare(s.class, o.class), slices.Compare(s.value[:], o.value[:]))
}

// Add folds an event. Each call counts: events that come twice are told by who reads them.
func (p *Profile) Add(c *Config, e *Event) error {
	if err := e.check(); err != nil {
		return err
	}
	time := min(max(e.Time, e.Recorded-c.Lateness.Milliseconds(), 1), e.Recorded)
	day := c.Day(time)
	if p.first == 0 || time < p.first {
		p.first = time
	}
	if time > p.last {
		p.last = time
		if latest := c.Day(time); latest > p.latest || len(p.cells) == 0 {
			p.latest = latest
			p.age()
			p.forget()
		}
	}
	added := cell{}
	added.count[e.Kind], added.sum[e.Kind] = 1, e.Amount
	side := 0
	if e.Kind.in() {
		side = 1
	}
	added.most[side] = e.Amount
	if e.Kind == Deposit || e.Kind == Payout { // what a report would be about
		added.near, added.round = one(c.near(e.Amount)), one(c.round(e.Amount))
	}
	p.addCell(day, &added)
	if class, ok := e.Kind.party(); ok && e.Other != "" {
		p.see(seen{class: class, value: hash(e.Other), day: day})
	}
	return nil
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

func hash(value string) (h [hashBytes]byte) {
	sum := sha256.Sum256([]byte(value))
	copy(h[:], sum[:])
	return h
}

// see keeps the latest day of a value. Of too many in a class the one that was not seen for longest goes: nothing that comes
// later could have brought it back but itself.
func (p *Profile) see(s seen) {
	if s.day <= p.latest-reach {
		return
	}
	at, found := slices.BinarySearchFunc(p.seen, s, func(a, b seen) int { return a.compare(&b) })
	if found {
		p.seen[at].day = max(p.seen[at].day, s.day)
		return
	}
	p.seen = slices.Insert(p.seen, at, s)
	oldest, n := -1, 0
	for i := range p.seen {
		o := &p.seen[i]
		if o.class != s.class {
			continue
		}
		n++
		if oldest < 0 || o.day < p.seen[oldest].day { // of one day the least value
			oldest = i
		}
	}
	if n > maxSeen {
		p.seen = slices.Delete(p.seen, oldest, oldest+1)
	}
}

// forget drops values that were not seen for as long as anything is kept.
func (p *Profile) forget() {
	p.seen = slices.DeleteFunc(p.seen, func(s seen) bool { return s.day <= p.latest-reach })
}

// number is a hash as a number.
func (s *seen) number() uint64 {
	var b [8]byte
	copy(b[:], s.value[:])
	return binary.LittleEndian.Uint64(b[:])
}
