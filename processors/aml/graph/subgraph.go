package graph

import "slices"

// Subgraph is what a finding is made of, as data: an alert carries it. Its lists have an order of their own, so that the same
// finding gives the same text.
type Subgraph struct {
	Finding  string   `json:"finding"`
	Pattern  Pattern  `json:"pattern"`
	Members  []Member `json:"members"`
	Flows    []Flow   `json:"flows,omitempty"`
	Links    []Link   `json:"links,omitempty"`
	CutShort bool     `json:"cut_short,omitempty"`
}

// Flow is all transfers of a finding from one party to another.
type Flow struct {
	From   Party `json:"from"`
	To     Party `json:"to"`
	Count  int   `json:"count"`
	Amount int64 `json:"amount"` // minor units
	First  int64 `json:"first"`  // milliseconds since 1970
	Last   int64 `json:"last"`
	Refs   []Ref `json:"refs"` // the ledger movements, in the order of their times
}

// Subgraph lists the flows of a finding in the order of their first transfers, and the links of its customers to instruments
// that at least two of them share or that are members themselves. An instrument that is a hub ties nobody.
func (g *Graph) Subgraph(f *Finding) Subgraph {
	s := Subgraph{Finding: f.ID, Pattern: f.Pattern, Members: slices.Clone(f.Members), CutShort: f.CutShort}
	places := map[[2]Party]int{}
	for i := range f.Transfers {
		t := &f.Transfers[i]
		between := [2]Party{t.From, t.To}
		at, known := places[between]
		if !known {
			at = len(s.Flows)
			places[between] = at
			s.Flows = append(s.Flows, Flow{From: t.From, To: t.To, First: t.Time})
		}
		flow := &s.Flows[at]
		flow.Count, flow.Amount, flow.Last = flow.Count+1, addSaturated(flow.Amount, t.Amount), t.Time
		flow.Refs = append(flow.Refs, t.Ref)
	}
	s.Links = g.linksAmong(f.Members)
	return s
}

// linksAmong lists the links that tie members to one another.
func (g *Graph) linksAmong(members []Member) []Link {
	member := map[Party]bool{}
	for i := range members {
		member[members[i].Party] = true
	}
	byInstrument := map[Party][]Link{}
	for i := range members {
		c, held := g.byName[members[i].Party]
		if !held || members[i].Kind != Customer {
			continue
		}
		instruments, _ := g.partners(c, g.limits.Steps)
		for _, to := range instruments {
			if _, all := g.partners(to, g.limits.Hub); all {
				at := g.byPair[[2]uint32{c, to}]
				byInstrument[g.party(to)] = append(byInstrument[g.party(to)], g.linkOf(at))
			}
		}
	}
	var all []Link
	for instrument, links := range byInstrument {
		if len(links) > 1 || member[instrument] {
			all = append(all, links...)
		}
	}
	slices.SortFunc(all, compareLinks)
	return all
}
