package graph

import "slices"

// reach is how far a search for cycles first looks ahead from where the money went. Paths back from where it came from are then
// followed only as far as they can still meet it.
const reach = 2

// maxCycles bounds the cycles that one transfer may close.
const maxCycles = 64

// cycle looks for ways on which what the anchor's payer pays came from the anchor's payee: back in time from the payer.
func (g *Graph) cycle(a *anchor) {
	if len(g.nodes.at(a.to).out) == 0 || len(g.nodes.at(a.from).in) == 0 {
		return
	}
	g.search()
	g.lookAhead(a)
	w := way{graph: g, anchor: a}
	w.transfers = append(w.transfers, a.id)
	w.parties = append(w.parties, a.from)
	w.back(a.from, a.time, a.amount, a.amount)
}

// lookAhead marks the parties to which money can have come from the anchor's payee, with the number of transfers it takes.
func (g *Graph) lookAhead(a *anchor) {
	ahead := a.budget
	ahead.steps /= 2
	spare := a.steps - ahead.steps
	looking := *a
	looking.budget = ahead
	level := []uint32{a.to}
	g.mark(a.to, 0)
	for distance := uint32(1); distance <= reach; distance++ {
		var next []uint32
		for _, n := range level {
			g.each(&looking, g.nodes.at(n).out, a.time, func(_ uint32, t *transfer) bool {
				if g.mark(t.to, distance) {
					next = append(next, t.to)
				}
				return true
			})
		}
		level = next
	}
	a.steps, a.cut = spare+looking.steps, looking.cut
}

// way is a path back in time from the anchor's payer.
type way struct {
	graph     *Graph
	anchor    *anchor
	transfers []uint32 // from the anchor back
	parties   []uint32 // the payers of the transfers
	found     int
}

// back goes on from a party along what it was paid up to a time. Least and most are the amounts on the way.
func (w *way) back(party uint32, until, least, most int64) {
	g, a := w.graph, w.anchor
	g.each(a, g.nodes.at(party).in, until, func(i uint32, t *transfer) bool {
		low, high := min(least, t.amount), max(most, t.amount)
		if i == a.id || low < keep(high, a.Keep) {
			return true
		}
		left := maxCycle - len(w.transfers) - 1 // after this one
		distance, met := g.marked(t.from)
		switch {
		case t.from == a.to:
			if len(w.transfers)+1 >= a.Parties {
				w.tell(i)
			}
		case left == 0 || left <= reach && (!met || int(distance) > left) || slices.Contains(w.parties, t.from):
		default:
			w.transfers, w.parties = append(w.transfers, i), append(w.parties, t.from)
			w.back(t.from, t.time, low, high)
			w.transfers, w.parties = w.transfers[:len(w.transfers)-1], w.parties[:len(w.parties)-1]
		}
		return w.found < maxCycles
	})
	if w.found == maxCycles {
		a.cut = true
	}
}

// keep is a percentage of an amount.
func keep(amount int64, percent int) int64 {
	return amount/100*int64(percent) + amount%100*int64(percent)/100
}

// tell tells of the cycle that a transfer from the anchor's payee completes, where enough went round. Its key begins with the first of its parties, so
// that it is one cycle wherever it was closed.
func (w *way) tell(last uint32) {
	g := w.graph
	all := append(slices.Clone(w.transfers), last)
	amount := int64(0)
	for _, i := range all {
		amount = addSaturated(amount, g.transfers.at(i).amount)
	}
	if amount < w.anchor.Amount {
		return
	}
	key := make([]Party, 0, maxCycle)
	key = append(key, g.party(w.anchor.to))
	for i := len(w.parties) - 1; i >= 0; i-- {
		key = append(key, g.party(w.parties[i]))
	}
	first := 0
	for i := range key {
		if key[i].Compare(key[first]) < 0 {
			first = i
		}
	}
	key = append(slices.Clone(key[first:]), key[:first]...)
	w.found++
	g.tell(Cycle, w.anchor.time, key, all, w.anchor.cut)
}
