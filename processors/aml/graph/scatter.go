package graph

// relay is what middlemen passed on from one source.
type relay struct {
	source    uint32
	middles   map[uint32]bool
	transfers []uint32
	amount    int64 // that arrived
	last      uint32
}

// scatterGather looks for sources whose money the anchor's payer and others passed on to the anchor's payee.
func (g *Graph) scatterGather(a *anchor) {
	if len(g.nodes.at(a.to).in) < a.Parties || len(g.nodes.at(a.from).in) == 0 {
		return
	}
	into := g.gather(a, g.nodes.at(a.to).in, payer)
	if into.parties < a.Parties {
		return
	}
	var relays []*relay
	bySource := map[uint32]*relay{}
	g.passedOn(a, a.transfer, func(_ uint32, t *transfer) {
		if bySource[t.from] == nil {
			r := &relay{source: t.from, middles: map[uint32]bool{}}
			bySource[t.from], relays = r, append(relays, r)
		}
	})
	if len(relays) == 0 {
		return
	}
	for _, second := range into.transfers {
		passed := g.transfers.at(second)
		g.passedOn(a, passed, func(first uint32, t *transfer) {
			if r := bySource[t.from]; r != nil {
				r.add(first, second, passed)
			}
		})
	}
	for _, r := range relays {
		if len(r.middles) >= a.Parties && r.amount >= a.Amount {
			g.tell(a.pattern, a.time, []Party{g.party(r.source), g.party(a.to)}, r.transfers, a.cut)
		}
	}
}

// passedOn finds the transfers that a middleman may have passed on with a transfer: what he was paid before it, of about the
// same amount.
func (g *Graph) passedOn(a *anchor, second *transfer, take func(i uint32, first *transfer)) {
	g.each(a, g.nodes.at(second.from).in, second.time, func(i uint32, t *transfer) bool {
		if t.from != second.to && min(t.amount, second.amount) >= keep(max(t.amount, second.amount), a.Keep) {
			take(i, t)
		}
		return true
	})
}

func (r *relay) add(first, second uint32, passed *transfer) {
	r.middles[passed.from] = true
	r.transfers = append(r.transfers, first)
	if n := len(r.transfers); n == 1 || r.last != second {
		r.transfers, r.last = append(r.transfers, second), second
		r.amount = addSaturated(r.amount, passed.amount)
	}
}
