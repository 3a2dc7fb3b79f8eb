package graph

import "slices"

// Group is customers who are tied to one another by instruments that they share.
type Group struct {
	Customers []Party `json:"customers"`
	// Links are those of the customers to instruments that at least two of them use, in the order of customers and instruments.
	Links []Link `json:"links"`
	// Hubs are instruments of theirs that more than Limits.Hub customers use: these join nobody.
	Hubs []Party `json:"hubs,omitempty"`
	// Score adds up Weight of each shared instrument for each customer who shares it but the first.
	Score int64 `json:"score"`
	// CutShort says that there are more customers than Limits.MaxGroup, or more instruments than one search looks at.
	CutShort bool `json:"cut_short,omitempty"`
}

// Weight is how much it says of two customers that they share an instrument of a kind: people in one house share an address and
// an IP address, but no bank account.
func Weight(k Kind) int64 {
	switch k {
	case Card, BankAccount, Wallet:
		return 5
	case Device:
		return 3
	case IP, Address:
		return 1
	}
	return 0
}

// Group finds the group of a customer: those whom a chain of shared instruments ties to him, nearest first. ok is false where
// nothing is held of him. The answer depends on what is held alone.
func (g *Graph) Group(of Party) (group Group, ok bool) {
	first, ok := g.byName[of]
	if !ok || of.Kind != Customer {
		return Group{}, false
	}
	w := walk{graph: g, left: budget{steps: g.limits.Steps}, seen: map[uint32]bool{first: true}}
	w.customers = append(w.customers, first)
	for at := 0; at < len(w.customers); {
		level := w.customers[at:]
		at = len(w.customers)
		for _, c := range level {
			w.customer(c)
		}
	}
	return w.group(), true
}

// walk is a search for a group.
type walk struct {
	graph     *Graph
	left      budget
	seen      map[uint32]bool
	customers []uint32
	shared    []uint32 // instruments
	hubs      []Party
}

// customer adds those with whom a customer shares instruments, in the order of parties.
func (w *walk) customer(c uint32) {
	instruments, all := w.graph.partners(c, w.graph.limits.Steps)
	w.left.cut = w.left.cut || !all
	for _, i := range instruments {
		if w.seen[i] {
			continue
		}
		if !w.left.spend() {
			return
		}
		w.seen[i] = true
		sharers, all := w.graph.partners(i, w.graph.limits.Hub)
		switch {
		case !all:
			w.hubs = append(w.hubs, w.graph.party(i))
		case len(sharers) > 1:
			w.shared = append(w.shared, i)
			w.add(sharers)
		}
	}
}

func (w *walk) add(sharers []uint32) {
	for _, c := range sharers {
		switch {
		case w.seen[c]:
		case len(w.customers) == w.graph.limits.MaxGroup:
			w.left.cut = true
		default:
			w.seen[c] = true
			w.customers = append(w.customers, c)
		}
	}
}

// partners lists who shares a held link with a node, in the order of parties; all is false, and nothing listed, where there are
// more than a number. A node with very many links that are still to be taken apart counts as one with too many.
func (g *Graph) partners(n uint32, most int) (others []uint32, all bool) {
	node := g.nodes.at(n)
	if len(node.pairs) > 4*most+deadPerEvent {
		return nil, false
	}
	for _, i := range node.pairs {
		if !g.holdsPair(i) {
			continue
		}
		if len(others) == most {
			return nil, false
		}
		ends := g.pairs.at(i).ends
		if ends[0] == n {
			others = append(others, ends[1])
		} else {
			others = append(others, ends[0])
		}
	}
	slices.SortFunc(others, func(i, j uint32) int { return g.party(i).Compare(g.party(j)) })
	return others, true
}

func (w *walk) group() Group {
	g := w.graph
	all := Group{CutShort: w.left.cut, Hubs: w.hubs}
	member := map[uint32]bool{}
	for _, c := range w.customers {
		member[c] = true
		all.Customers = append(all.Customers, g.party(c))
	}
	for _, i := range w.shared {
		sharers := int64(0)
		for _, at := range g.nodes.at(i).pairs {
			if member[g.pairs.at(at).ends[0]] && g.holdsPair(at) {
				all.Links = append(all.Links, g.linkOf(at))
				sharers++
			}
		}
		all.Score += Weight(g.party(i).Kind) * max(sharers-1, 0)
	}
	slices.SortFunc(all.Customers, Party.Compare)
	slices.SortFunc(all.Hubs, Party.Compare)
	slices.SortFunc(all.Links, compareLinks)
	return all
}

func compareLinks(a, b Link) int {
	if c := a.Customer.Compare(b.Customer); c != 0 {
		return c
	}
	return a.Instrument.Compare(b.Instrument)
}

// Score is the shared-instrument score of a customer: Weight of each of his instruments that is no hub, for each other customer
// who uses it.
func (g *Graph) Score(of Party) (score int64) {
	c, ok := g.byName[of]
	if !ok || of.Kind != Customer {
		return 0
	}
	instruments, _ := g.partners(c, g.limits.Steps)
	for _, i := range instruments {
		if sharers, all := g.partners(i, g.limits.Hub); all {
			score += Weight(g.party(i).Kind) * int64(len(sharers)-1)
		}
	}
	return score
}

// examineShared looks whether an instrument that was used in a bucket is shared by many in the buckets of a window. One that far more
// share than a hub has is told, too: unlike an address, a device of so many has no good reason.
func (g *Graph) examineShared(instrument Party, bucket int64) {
	at := &g.limits.Patterns[SharedInstrument]
	i, held := g.byName[instrument]
	if at.Parties == 0 || Weight(instrument.Kind) <= Weight(IP) || !held {
		return
	}
	if len(g.nodes.at(i).pairs) > g.limits.Steps {
		g.cut++
		return
	}
	window := g.windowOf(SharedInstrument)
	wide := (window + g.links.width - 1) / g.links.width
	for end := bucket; end < bucket+wide && end <= g.links.latest; end++ {
		sharers, now := g.sharers(i, end-wide, end)
		if !now || len(sharers) < at.Parties {
			continue
		}
		f, n := g.book.at(SharedInstrument, window, end*g.links.width, []Party{instrument})
		if f == nil {
			continue
		}
		changed := f.fresh
		for _, p := range sharers {
			changed = f.addSharer(p) || changed
		}
		g.note(n, changed)
	}
}

// sharers lists who used an instrument in the buckets after one and up to another. now tells whether someone did in the last.
func (g *Graph) sharers(instrument uint32, after, upTo int64) (all []Party, now bool) {
	for _, i := range g.nodes.at(instrument).pairs {
		used := false
		for at := g.pairs.at(i).uses; at != 0; {
			u := g.uses.at(at - 1)
			at = u.next
			b := g.links.bucket(u.first)
			used = used || b > after && b <= upTo && b >= g.links.since
			now = now || b == upTo
		}
		if used {
			all = append(all, g.party(g.pairs.at(i).ends[0]))
		}
	}
	return all, now
}
