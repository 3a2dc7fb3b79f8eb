package graph

import "slices"

// examine looks for each pattern whose last transfer in event time is i: at what lies before it, however much is held that
// lies after it. It returns how many transfers were looked at.
func (g *Graph) examine(i uint32) (steps int) {
	for _, search := range [...]struct {
		pattern Pattern
		run     func(*Graph, *anchor)
	}{
		{FanIn, (*Graph).fanIn}, {FanOut, (*Graph).fanOut}, {Cycle, (*Graph).cycle}, {ScatterGather, (*Graph).scatterGather},
		{GatherScatter, (*Graph).gatherScatter}, {Bipartite, (*Graph).bipartite}, {Stack, (*Graph).stack},
	} {
		if g.limits.Patterns[search.pattern].Parties == 0 {
			continue
		}
		a := g.anchor(i, search.pattern)
		search.run(g, &a)
		steps += g.limits.Steps - a.steps
		if a.cut {
			g.cut++
		}
	}
	return steps
}

// anchor is the transfer that a search is about, and what the search may look at.
type anchor struct {
	*transfer
	budget
	Parameters
	id      uint32
	pattern Pattern
	since   int64 // earlier transfers lie outside the window
}

func (g *Graph) anchor(i uint32, pattern Pattern) anchor {
	a := anchor{transfer: g.transfers.at(i), id: i, pattern: pattern, budget: budget{steps: g.limits.Steps}, Parameters: g.limits.Patterns[pattern]}
	a.since = max(a.time-g.windowOf(pattern)+1, g.moves.heldSince())
	return a
}

// each goes back in time through the transfers of a list that lie in the window of an anchor, from a time on, until one is
// refused or the budget is spent. The last in time come first: they are what is left where a hub has too many.
func (g *Graph) each(a *anchor, list []uint32, until int64, take func(i uint32, t *transfer) bool) {
	for at := g.upTo(a, list, until) - 1; at >= 0; at-- {
		t := g.transfers.at(list[at])
		if t.time < a.since || !a.spend() || !take(list[at], t) {
			return
		}
	}
}

// upTo is how many transfers of a list are not after a time nor after the anchor.
func (g *Graph) upTo(a *anchor, list []uint32, until int64) int {
	if until >= a.time {
		return g.after(list, a.transfer)
	}
	last := transfer{time: until, ref: lastRef}
	return g.after(list, &last)
}

var lastRef = Ref{Partition: 1<<31 - 1, Position: 1<<63 - 1, Index: 1<<31 - 1}

// gathered is transfers with a count of their parties and their sum.
type gathered struct {
	transfers []uint32
	parties   int
	amount    int64
}

// gather collects the transfers of one side of a node in the window.
func (g *Graph) gather(a *anchor, list []uint32, other func(*transfer) uint32) (all gathered) {
	g.search()
	g.each(a, list, a.time, func(i uint32, t *transfer) bool {
		all.transfers = append(all.transfers, i)
		all.amount = addSaturated(all.amount, t.amount)
		if g.mark(other(t), 0) {
			all.parties++
		}
		return true
	})
	return all
}

func payer(t *transfer) uint32 { return t.from }
func payee(t *transfer) uint32 { return t.to }

// mark marks a node in the search that runs and tells whether it was not marked.
func (g *Graph) mark(i, value uint32) bool {
	n := g.nodes.at(i)
	if n.mark == g.stamp {
		return false
	}
	n.mark, n.value = g.stamp, value
	return true
}

// marked is the value with which a node was marked in the search that runs.
func (g *Graph) marked(i uint32) (value uint32, ok bool) {
	n := g.nodes.at(i)
	return n.value, n.mark == g.stamp
}

func (g *Graph) party(i uint32) Party { return g.nodes.at(i).party }

// nearHops is how many transfers may lie between the parties of two transfers of one finding, at most: those opposite each
// other in a cycle of six.
const nearHops = 2

// laterSearches bounds what a late transfer costs: as many searches that look at Limits.Steps transfers.
const laterSearches = 16

// examineLater examines the transfers after a late one that may make up a finding with it: those near it.
func (g *Graph) examineLater(i uint32) {
	late := g.transfers.at(i)
	var window int64
	for p := range g.limits.Patterns {
		if Pattern(p) != SharedInstrument {
			window = max(window, g.windowOf(Pattern(p)))
		}
	}
	left := budget{steps: g.limits.Steps}
	g.search()
	var later []uint32
	level := []uint32{late.from, late.to}
	g.mark(late.from, 0)
	g.mark(late.to, 0)
	for hop := 0; hop <= nearHops; hop++ {
		var next []uint32
		for _, n := range level {
			next = g.around(n, late, window, &left, &later, next)
		}
		level = next
	}
	slices.SortFunc(later, func(i, j uint32) int { return g.compare(i, g.transfers.at(j)) })
	later = slices.Compact(later)
	for spent, at := 0, 0; at < len(later) && !left.cut; at++ {
		spent += g.examine(later[at])
		left.cut = spent > laterSearches*g.limits.Steps
	}
	if left.cut {
		g.cut++
	}
}

// around collects the transfers of a node after a late one, and its neighbours that are not marked yet.
func (g *Graph) around(n uint32, late *transfer, window int64, left *budget, later *[]uint32, next []uint32) []uint32 {
	node := g.nodes.at(n)
	for _, list := range [...][]uint32{node.out, node.in} {
		end := transfer{time: late.time + window, ref: lastRef}
		for at := g.after(list, &end) - 1; at >= 0; at-- {
			t := g.transfers.at(list[at])
			if t.time <= late.time-window || !left.spend() {
				break
			}
			if g.compare(list[at], late) > 0 {
				*later = append(*later, list[at])
			}
			for _, other := range [...]uint32{t.from, t.to} {
				if g.mark(other, 0) {
					next = append(next, other)
				}
			}
		}
	}
	return next
}
