package graph

import (
	"math"
	"slices"

	"github.com/weirhq/weir/processors/aml/frame"
)

// Decode reads what Encode wrote. The limits must be those with which it was written; with others, what is held is put into
// the new buckets, and what is too much goes. An error that wraps frame.ErrFutureFormat says that a newer release wrote it.
func Decode(limits Limits, stored []byte) (*Graph, error) {
	g, err := New(limits)
	if err != nil {
		return nil, err
	}
	r := decoder{frame.Open("graph", format, stored), g}
	for _, at := range [...]*int64{&g.links.latest, &g.links.since, &g.moves.latest, &g.moves.since, &g.book.span.since, &g.newest} {
		*at = r.natural("time")
	}
	names := r.parties()
	for range r.Count("links") {
		r.link(names)
	}
	for range r.Count("transfers") {
		if t := r.transfer(names); r.Err() == nil {
			g.addTransfer(&t)
		}
	}
	for range r.Count("findings") {
		r.finding()
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	return g, nil
}

type decoder struct {
	frame.Reader
	graph *Graph
}

func (r *decoder) natural(field string) int64 { return int64(r.Uint(field, math.MaxInt64)) }

func (r *decoder) parties() []Party {
	all := make([]Party, 0, r.Count("parties"))
	for range cap(all) {
		p := Party{Kind(r.Byte("kind")), r.Text("id", maxID)}
		if err := p.check(); err != nil && r.Err() == nil {
			r.Fail("party", "%v", err)
		}
		if n := len(all); n > 0 && p.Compare(all[n-1]) <= 0 {
			r.Fail("party", "%s is not after %s", p, all[n-1])
		}
		all = append(all, p)
	}
	return all
}

func (r *decoder) party(names []Party) Party {
	i := r.Uint("party", uint64(max(len(names)-1, 0)))
	if len(names) == 0 {
		r.Fail("party", "there are none")
		return Party{}
	}
	return names[i]
}

func (r *decoder) link(names []Party) {
	customer, instrument := r.party(names), r.party(names)
	u := use{first: r.natural("first")}
	u.last = u.first + int64(r.Uint("last", uint64(math.MaxInt64-u.first)))
	u.amount, u.count = r.natural("amount"), uint32(r.Uint("count", math.MaxUint32))
	if r.Err() == nil && (customer.Kind != Customer || instrument.Kind == Customer) {
		r.Fail("link", "is of %s to %s, want a customer and an instrument", customer, instrument)
	}
	if r.Err() == nil && r.graph.links.admit(u.first) {
		r.graph.addUse(customer, instrument, u)
	}
}

func (r *decoder) transfer(names []Party) Transfer {
	t := Transfer{From: r.party(names), To: r.party(names), Time: r.natural("time"), Amount: int64(r.Uint("amount", MaxAmount))}
	t.Ref = Ref{Partition: r.int32("partition"), Position: r.Int("position"), Index: r.int32("index")}
	if t.From == t.To {
		r.Fail("transfer", "is from %s to itself", t.From)
	}
	return t
}

func (r *decoder) int32(field string) int32 {
	v := r.Int(field)
	if v != int64(int32(v)) {
		r.Fail(field, "is %d, want 32 bits", v)
	}
	return int32(v)
}

func (r *decoder) finding() {
	f := finding{pattern: Pattern(r.Byte("pattern")), period: r.natural("period")}
	if !f.pattern.known() {
		r.Fail("pattern", "there is no %s", f.pattern)
		return
	}
	names := r.parties()
	f.key, f.sharers = r.list("key", names), r.list("sharers", names)
	for range r.Count("transfers") {
		f.addTransfer(r.transfer(names))
	}
	f.cut = r.Byte("cut short") != 0
	window := r.graph.windowOf(f.pattern)
	if r.Err() != nil || window == 0 || f.period > math.MaxInt64/window-2 {
		return
	}
	b := &r.graph.book
	if end := r.graph.endOf(&f); b.span.holds(end) {
		f.id = identify(f.pattern, f.period, f.key)
		if _, twice := b.byID[f.id]; twice {
			r.Fail("finding", "%s of %s stands there twice", f.pattern, f.key)
			return
		}
		i := b.list.add(f)
		b.byID[f.id] = i
		b.span.add(end, i)
	}
}

func (r *decoder) list(field string, names []Party) []Party {
	var all []Party
	for range r.Count(field) {
		all = append(all, r.party(names))
	}
	return slices.Clip(all)
}
