package graph

// fanIn looks for many who pay the anchor's payee.
func (g *Graph) fanIn(a *anchor) {
	list := g.nodes.at(a.to).in
	if len(list) < a.Parties {
		return
	}
	g.fan(a, g.gather(a, list, payer), a.to)
}

// fanOut looks for many whom the anchor's payer pays.
func (g *Graph) fanOut(a *anchor) {
	list := g.nodes.at(a.from).out
	if len(list) < a.Parties {
		return
	}
	g.fan(a, g.gather(a, list, payee), a.from)
}

func (g *Graph) fan(a *anchor, all gathered, centre uint32) {
	if all.parties < a.Parties || all.amount < a.Amount {
		return
	}
	g.tell(a.pattern, a.time, []Party{g.party(centre)}, all.transfers, a.cut)
}

// gatherScatter looks for many who pay the anchor's payer, who pays many after that. What counts as gathered is what came
// until enough had paid; what he pays from then on is scattered.
func (g *Graph) gatherScatter(a *anchor) {
	centre := g.nodes.at(a.from)
	if len(centre.in) < a.Parties || len(centre.out) < a.Parties {
		return
	}
	in := g.gather(a, centre.in, payer)
	if in.parties < a.Parties {
		return
	}
	from, ok := g.enough(a, &in)
	if !ok {
		return
	}
	// The search marks payees from here on: gathering has been counted.
	g.search()
	var out gathered
	g.each(a, centre.out, a.time, func(i uint32, t *transfer) bool {
		if t.time < from {
			return false // earlier ones were not scattered
		}
		out.transfers = append(out.transfers, i)
		out.amount = addSaturated(out.amount, t.amount)
		if g.mark(t.to, 0) {
			out.parties++
		}
		return true
	})
	if out.parties < a.Parties || out.amount < a.Amount {
		return
	}
	g.tell(a.pattern, a.time, []Party{centre.party}, append(in.transfers, out.transfers...), a.cut)
}

// enough is the time by which enough parties had paid enough.
func (g *Graph) enough(a *anchor, in *gathered) (time int64, ok bool) {
	g.search()
	parties, amount := 0, int64(0)
	for at := len(in.transfers) - 1; at >= 0; at-- { // the earliest stand last
		t := g.transfers.at(in.transfers[at])
		amount = addSaturated(amount, t.amount)
		if g.mark(t.from, 0) {
			parties++
		}
		if parties >= a.Parties && amount >= a.Amount {
			return t.time, true
		}
	}
	return 0, false
}
