package graph

import "fmt"

// Graph is a fold of events. It is not safe for concurrent use.
type Graph struct {
	limits Limits
	nodes  pages[node]
	byName map[Party]uint32

	links     span
	pairs     pages[pair]
	byPair    map[[2]uint32]uint32
	uses      pages[use]
	moves     span
	transfers pages[transfer]
	newest    int64 // time of a transfer
	book      book

	stamp uint32   // of the search that runs: nodes whose mark it is are marked
	found []uint32 // findings that the event that is folded made or changed
	cut   int64
}

// node is a party as long as something that is held names it.
type node struct {
	party   Party
	edges   uint32   // pairs and transfers that name it
	pairs   []uint32 // in no order
	in, out []uint32 // transfers in the order of their times
	mark    uint32
	value   uint32 // of the search that marked it
}

// New returns the graph of no events.
func New(limits Limits) (*Graph, error) {
	if err := limits.Check(); err != nil {
		return nil, err
	}
	return &Graph{limits: limits, byName: map[Party]uint32{}, byPair: map[[2]uint32]uint32{}, book: newBook(&limits),
		links: newSpan(&limits, limits.MaxLinks), moves: newSpan(&limits, limits.MaxTransfers)}, nil
}

// Stats is what a graph holds.
type Stats struct {
	Parties   int `json:"parties"`
	Links     int `json:"links"`
	Transfers int `json:"transfers"`
	Findings  int `json:"findings"`
	// LinksSince and TransfersSince say from when on everything is held, in milliseconds since 1970: later than the horizon
	// where there was more than the limits allow.
	LinksSince     int64 `json:"links_since"`
	TransfersSince int64 `json:"transfers_since"`
	// CutShort counts the searches that ran out of steps.
	CutShort int64 `json:"cut_short_searches"`
}

// Stats tells what the graph holds.
func (g *Graph) Stats() Stats {
	return Stats{Parties: len(g.byName), Links: g.links.live, Transfers: g.moves.live, Findings: g.book.span.live,
		LinksSince: g.links.heldSince(), TransfersSince: g.moves.heldSince(), CutShort: g.cut}
}

// When is the time of an event and of the record that brought it, in milliseconds since 1970.
type When struct{ Time, Recorded int64 }

// clamp is the time that counts.
func (g *Graph) clamp(w When) (int64, error) {
	if w.Time <= 0 || w.Recorded <= 0 {
		return 0, errNoTime
	}
	return min(max(w.Time, w.Recorded-g.limits.Lateness.Milliseconds(), 1), w.Recorded), nil
}

// advance moves what is held on to a time.
func (g *Graph) advance(time int64) {
	g.found = g.found[:0]
	g.links.admit(time)
	g.moves.admit(time)
}

// MaxAmount is the largest amount that is taken, in minor units.
const MaxAmount = 1 << 53

func checkAmount(amount int64) error {
	if amount < 0 || amount > MaxAmount {
		return fmt.Errorf("amount is %d, want 0 to %d minor units", amount, int64(MaxAmount))
	}
	return nil
}

// addSaturated adds amounts that are not negative.
func addSaturated(a, b int64) int64 {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return 1<<63 - 1
}

// node finds or makes the node of a party.
func (g *Graph) node(p Party) uint32 {
	if i, ok := g.byName[p]; ok {
		return i
	}
	i := g.nodes.add(node{party: p})
	g.byName[p] = i
	return i
}

// release forgets an edge of a node, and the node with its last one.
func (g *Graph) release(i uint32) {
	n := g.nodes.at(i)
	if n.edges--; n.edges == 0 {
		delete(g.byName, n.party)
		g.nodes.remove(i)
	}
}

// deadPerEvent is how many edges of dropped buckets each event takes apart.
const deadPerEvent = 64

// sweep takes apart what the horizon left behind.
func (g *Graph) sweep() {
	g.links.take(deadPerEvent, g.dropUse)
	g.moves.take(deadPerEvent, g.dropTransfer)
	g.book.sweep(min(g.links.since, g.moves.since))
}

// search begins a search: no node is marked.
func (g *Graph) search() {
	if g.stamp++; g.stamp == 0 { // once in four thousand million searches
		for _, i := range g.byName {
			g.nodes.at(i).mark = 0
		}
		g.stamp = 1
	}
}

// budget is what a search may still look at.
type budget struct {
	steps int
	cut   bool
}

// spend tells whether one more step may be taken.
func (b *budget) spend() bool {
	if b.steps == 0 {
		b.cut = true
		return false
	}
	b.steps--
	return true
}
