package graph

import "fmt"

// Link is what is held of a customer's use of an instrument.
type Link struct {
	Customer   Party `json:"customer"`
	Instrument Party `json:"instrument"`
	First      int64 `json:"first"` // milliseconds since 1970
	Last       int64 `json:"last"`
	Count      int64 `json:"count"`
	Amount     int64 `json:"amount"` // minor units
}

// pair is a customer and an instrument that he used.
type pair struct {
	ends   [2]uint32 // customer, instrument
	places [2]uint32 // in the pairs of each
	uses   uint32    // its first use and 1; 0 where it has none
}

// use is what happened between them in one bucket.
type use struct {
	first, last, amount int64
	count               uint32
	pair                uint32
	next                uint32 // as pair.uses
}

// Observe folds that a customer used an instrument, for an amount or 0, and returns the findings that came of it. Each call
// counts: events that come twice are told by who reads them.
func (g *Graph) Observe(customer, instrument Party, amount int64, when When) ([]Finding, error) {
	time, err := g.checkLink(customer, instrument, amount, when)
	if err != nil {
		return nil, fmt.Errorf("link of %s to %s: %w", customer, instrument, err)
	}
	g.advance(time)
	g.link(customer, instrument, amount, time)
	g.sweep()
	return g.told(), nil
}

func (g *Graph) checkLink(customer, instrument Party, amount int64, when When) (int64, error) {
	if err := customer.check(); err != nil {
		return 0, err
	}
	if err := instrument.check(); err != nil {
		return 0, err
	}
	if customer.Kind != Customer || instrument.Kind == Customer {
		return 0, fmt.Errorf("want a customer and an instrument")
	}
	if err := checkAmount(amount); err != nil {
		return 0, err
	}
	return g.clamp(when)
}

// link records a use and looks whether the instrument is shared now.
func (g *Graph) link(customer, instrument Party, amount, time int64) {
	if !g.links.admit(time) {
		return
	}
	if g.addUse(customer, instrument, use{first: time, last: time, amount: amount, count: 1}) {
		g.examineShared(instrument, g.links.bucket(time))
	}
}

// addUse adds to the uses of a pair in a bucket that is held, and tells whether it is the first in it.
func (g *Graph) addUse(customer, instrument Party, added use) (fresh bool) {
	i := g.pair(g.node(customer), g.node(instrument))
	p := g.pairs.at(i)
	bucket := g.links.bucket(added.first)
	for at := p.uses; at != 0; {
		u := g.uses.at(at - 1)
		if g.links.bucket(u.first) == bucket {
			u.first, u.last = min(u.first, added.first), max(u.last, added.last)
			u.amount, u.count = addSaturated(u.amount, added.amount), u.count+added.count
			return false
		}
		at = u.next
	}
	added.pair, added.next = i, p.uses
	entry := g.uses.add(added)
	p.uses = entry + 1
	g.links.add(added.first, entry)
	return true
}

// pair finds or makes the pair of two nodes.
func (g *Graph) pair(customer, instrument uint32) uint32 {
	ends := [2]uint32{customer, instrument}
	if i, ok := g.byPair[ends]; ok {
		return i
	}
	i := g.pairs.add(pair{ends: ends})
	g.byPair[ends] = i
	for side, end := range ends {
		n := g.nodes.at(end)
		g.pairs.at(i).places[side] = uint32(len(n.pairs))
		n.pairs = append(n.pairs, i)
		n.edges++
	}
	return i
}

// holdsPair tells whether a pair has a use that is held.
func (g *Graph) holdsPair(i uint32) bool {
	for at := g.pairs.at(i).uses; at != 0; {
		u := g.uses.at(at - 1)
		if g.links.holds(u.first) {
			return true
		}
		at = u.next
	}
	return false
}

// dropUse forgets a use whose bucket was dropped, and its pair with the last one.
func (g *Graph) dropUse(entry uint32) {
	i := g.uses.at(entry).pair
	p := g.pairs.at(i)
	at := &p.uses
	for *at != entry+1 {
		at = &g.uses.at(*at - 1).next
	}
	*at = g.uses.at(entry).next
	g.uses.remove(entry)
	if p.uses != 0 {
		return
	}
	for side, end := range p.ends {
		g.unlink(end, p.places[side])
		g.release(end)
	}
	delete(g.byPair, p.ends)
	g.pairs.remove(i)
}

// unlink takes the pair at a place out of a node's: the last one takes its place.
func (g *Graph) unlink(end, place uint32) {
	n := g.nodes.at(end)
	last := len(n.pairs) - 1
	moved := n.pairs[last]
	n.pairs[place] = moved
	n.pairs = n.pairs[:last]
	p := g.pairs.at(moved)
	for side := range p.ends {
		if p.ends[side] == end {
			p.places[side] = place
		}
	}
}

// linkOf is what is held of a pair.
func (g *Graph) linkOf(i uint32) Link {
	p := g.pairs.at(i)
	l := Link{Customer: g.nodes.at(p.ends[0]).party, Instrument: g.nodes.at(p.ends[1]).party}
	for at := p.uses; at != 0; {
		u := g.uses.at(at - 1)
		if at = u.next; !g.links.holds(u.first) {
			continue
		}
		if l.Count == 0 {
			l.First, l.Last = u.first, u.last
		}
		l.First, l.Last = min(l.First, u.first), max(l.Last, u.last)
		l.Count, l.Amount = l.Count+int64(u.count), addSaturated(l.Amount, u.amount)
	}
	return l
}
