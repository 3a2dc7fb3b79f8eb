package graph

import "slices"

// place is a party in a layer. One party may stand in several.
type place struct {
	layer int
	node  uint32
}

// layers are parties who pay those of the next layer. Peel leaves those who have enough partners in each layer next to theirs:
// there is one largest such set, and more transfers can only make it larger.
type layers struct {
	need      int // partners
	transfers []layered
	alive     map[place]bool
}

type layered struct {
	from, to place
	transfer uint32
}

// add adds a transfer from a layer to the next one.
func (l *layers) add(layer int, i uint32, t *transfer) {
	from, to := place{layer, t.from}, place{layer + 1, t.to}
	l.transfers = append(l.transfers, layered{from, to, i})
	l.alive[from], l.alive[to] = true, true
}

// peel takes out, one after the other, whoever has too few partners.
func (l *layers) peel(last int) {
	type side struct {
		place
		next bool // partners in the next layer, or in the one before
	}
	partners := map[side][]place{}
	seen := map[[2]place]bool{}
	for _, t := range l.transfers {
		if edge := [2]place{t.from, t.to}; !seen[edge] {
			seen[edge] = true
			partners[side{t.from, true}] = append(partners[side{t.from, true}], t.to)
			partners[side{t.to, false}] = append(partners[side{t.to, false}], t.from)
		}
	}
	count := map[side]int{}
	var out []place
	drop := func(p place) {
		if l.alive[p] {
			delete(l.alive, p)
			out = append(out, p)
		}
	}
	weak := func(p place) bool {
		return p.layer < last && count[side{p, true}] < l.need || p.layer > 0 && count[side{p, false}] < l.need
	}
	for s, others := range partners {
		count[s] = len(others)
	}
	for _, t := range l.transfers {
		for _, p := range [...]place{t.from, t.to} {
			if weak(p) {
				drop(p)
			}
		}
	}
	for len(out) > 0 {
		gone := out[len(out)-1]
		out = out[:len(out)-1]
		for _, next := range [...]bool{true, false} {
			for _, p := range partners[side{gone, next}] {
				count[side{p, !next}]--
				if weak(p) {
					drop(p)
				}
			}
		}
	}
}

// left is the transfers between those who are left, and how many are in each layer.
func (l *layers) left(last int) (transfers []uint32, sizes []int) {
	sizes = make([]int, last+1)
	for p := range l.alive {
		sizes[p.layer]++
	}
	for _, t := range l.transfers {
		if l.alive[t.from] && l.alive[t.to] {
			transfers = append(transfers, t.transfer)
		}
	}
	return transfers, sizes
}

// bipartite looks for payers of the anchor's payee and payees of its payer who pay one another.
func (g *Graph) bipartite(a *anchor) {
	if len(g.nodes.at(a.to).in) < a.Parties || len(g.nodes.at(a.from).out) < a.Parties {
		return
	}
	sources := g.gather(a, g.nodes.at(a.to).in, payer)
	if sources.parties < a.Parties {
		return
	}
	destinations := g.gather(a, g.nodes.at(a.from).out, payee) // and marks them
	if destinations.parties < a.Parties {
		return
	}
	l := layers{need: a.Parties, alive: map[place]bool{}}
	for _, source := range g.payers(sources.transfers) {
		g.each(a, g.nodes.at(source).out, a.time, func(i uint32, t *transfer) bool {
			if _, ok := g.marked(t.to); ok {
				l.add(0, i, t)
			}
			return true
		})
	}
	g.tellLayers(a, &l, 1)
}

// payers lists who made transfers, each once.
func (g *Graph) payers(transfers []uint32) []uint32 {
	seen := map[uint32]bool{}
	var all []uint32
	for _, i := range transfers {
		if from := g.transfers.at(i).from; !seen[from] {
			seen[from] = true
			all = append(all, from)
		}
	}
	return all
}

// stackPartners is how many partners in each layer next to his everyone in a stack has.
const stackPartners = 2

// stack looks for middlemen who are paid by the same sources and pay the same destinations: among those who pay whom the
// anchor's payer pays, too.
func (g *Graph) stack(a *anchor) {
	middle := g.nodes.at(a.from)
	if len(g.nodes.at(a.to).in) < stackPartners || len(middle.in) < stackPartners || len(middle.out) < stackPartners {
		return
	}
	if g.gather(a, g.nodes.at(a.to).in, payer).parties < stackPartners || g.gather(a, middle.in, payer).parties < stackPartners {
		return
	}
	out := g.gather(a, middle.out, payee)
	if out.parties < stackPartners {
		return
	}
	var middles []uint32
	g.search()
	for _, i := range out.transfers {
		g.each(a, g.nodes.at(g.transfers.at(i).to).in, a.time, func(_ uint32, t *transfer) bool {
			if g.mark(t.from, 0) {
				middles = append(middles, t.from)
			}
			return true
		})
	}
	if g.commonSources(a, middles) < a.Parties {
		return
	}
	l := layers{need: stackPartners, alive: map[place]bool{}}
	for _, m := range middles {
		paid := int64(0) // when he last paid
		g.each(a, g.nodes.at(m).out, a.time, func(i uint32, t *transfer) bool {
			paid = max(paid, t.time)
			l.add(1, i, t)
			return true
		})
		g.each(a, g.nodes.at(m).in, paid, func(i uint32, t *transfer) bool {
			l.add(0, i, t)
			return true
		})
	}
	g.tellLayers(a, &l, 2)
}

// commonSources counts who pays several of some middlemen: too few, as nearly always, and there is nothing to peel.
func (g *Graph) commonSources(a *anchor, middles []uint32) (common int) {
	const several = 1<<32 - 1
	g.search()
	for at, m := range middles {
		g.each(a, g.nodes.at(m).in, a.time, func(_ uint32, t *transfer) bool {
			if first, ok := g.marked(t.from); !ok {
				g.mark(t.from, uint32(at))
			} else if first != uint32(at) && first != several {
				g.nodes.at(t.from).value = several
				common++
			}
			return true
		})
	}
	return common
}

// tellLayers tells of what is left of layers where the anchor is part of it.
func (g *Graph) tellLayers(a *anchor, l *layers, last int) {
	l.peel(last)
	transfers, sizes := l.left(last)
	if slices.Min(sizes) < a.Parties || !slices.Contains(transfers, a.id) {
		return
	}
	amount := int64(0)
	for _, t := range l.transfers {
		if t.to.layer == last && l.alive[t.from] && l.alive[t.to] {
			amount = addSaturated(amount, g.transfers.at(t.transfer).amount)
		}
	}
	if amount < a.Amount {
		return
	}
	g.tell(a.pattern, a.time, []Party{g.party(a.to)}, transfers, a.cut)
}
