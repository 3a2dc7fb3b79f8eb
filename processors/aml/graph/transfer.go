package graph

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
)

// Ref says which ledger movement or event a transfer is: its position in the log, as everywhere in weir.
type Ref struct {
	Partition int32 `json:"partition"`
	Position  int64 `json:"position"`
	Index     int32 `json:"index"`
}

func (r Ref) compare(s Ref) int {
	return cmp.Or(cmp.Compare(r.Partition, s.Partition), cmp.Compare(r.Position, s.Position), cmp.Compare(r.Index, s.Index))
}

// Transfer is money that went from one party to another.
type Transfer struct {
	From   Party `json:"from"`
	To     Party `json:"to"`
	Amount int64 `json:"amount"` // minor units
	Time   int64 `json:"time"`   // milliseconds since 1970, clamped
	Ref    Ref   `json:"ref"`
}

// compare orders transfers by time, and those of one time by their refs.
func (t *Transfer) compare(u *Transfer) int {
	return cmp.Or(cmp.Compare(t.Time, u.Time), t.Ref.compare(u.Ref))
}

// transfer is a Transfer as it is held.
type transfer struct {
	time, amount int64
	ref          Ref
	from, to     uint32
}

// Move folds a transfer and returns the findings that came of it. A transfer from or to a customer's instrument is a use of
// it, too. Each call counts: events that come twice are told by who reads them.
func (g *Graph) Move(t Transfer, recorded int64) ([]Finding, error) {
	time, err := g.checkTransfer(&t, recorded)
	if err != nil {
		return nil, fmt.Errorf("transfer from %s to %s: %w", t.From, t.To, err)
	}
	t.Time = time
	g.advance(time)
	if i, late, held := g.addTransfer(&t); held {
		g.examine(i)
		if late {
			g.examineLater(i)
		}
	}
	switch {
	case t.From.Kind == Customer && t.To.Kind != Customer:
		g.link(t.From, t.To, t.Amount, time)
	case t.From.Kind != Customer && t.To.Kind == Customer:
		g.link(t.To, t.From, t.Amount, time)
	}
	g.sweep()
	return g.told(), nil
}

func (g *Graph) checkTransfer(t *Transfer, recorded int64) (int64, error) {
	if err := t.From.check(); err != nil {
		return 0, err
	}
	if err := t.To.check(); err != nil {
		return 0, err
	}
	if t.From == t.To {
		return 0, errors.New("both are the same")
	}
	if err := checkAmount(t.Amount); err != nil {
		return 0, err
	}
	return g.clamp(When{t.Time, recorded})
}

// addTransfer holds a transfer. Late: another one may lie after it. Held is false where it is too small or too old.
func (g *Graph) addTransfer(t *Transfer) (i uint32, late, held bool) {
	if t.Amount < g.limits.LeastAmount || !g.moves.admit(t.Time) {
		return 0, false, false
	}
	added := transfer{time: t.Time, amount: t.Amount, ref: t.Ref, from: g.node(t.From), to: g.node(t.To)}
	i = g.transfers.add(added)
	from, to := g.nodes.at(added.from), g.nodes.at(added.to)
	from.edges++
	to.edges++
	from.out, to.in = g.insert(from.out, i), g.insert(to.in, i)
	g.moves.add(t.Time, i)
	late = t.Time <= g.newest
	g.newest = max(g.newest, t.Time)
	return i, late, g.moves.holds(t.Time)
}

// after is the place in a list behind all that is not after a transfer.
func (g *Graph) after(list []uint32, t *transfer) int {
	if n := len(list); n == 0 || g.compare(list[n-1], t) <= 0 { // the usual case
		return n
	}
	return sort.Search(len(list), func(i int) bool { return g.compare(list[i], t) > 0 })
}

func (g *Graph) compare(i uint32, t *transfer) int {
	u := g.transfers.at(i)
	return cmp.Or(cmp.Compare(u.time, t.time), u.ref.compare(t.ref))
}

func (g *Graph) insert(list []uint32, i uint32) []uint32 {
	return slices.Insert(list, g.after(list, g.transfers.at(i)), i)
}

// dropTransfer forgets a transfer whose bucket was dropped. Its parties lose all that lies before the horizon at once: it is
// the beginning of their lists.
func (g *Graph) dropTransfer(i uint32) {
	t := g.transfers.at(i)
	from, to := g.nodes.at(t.from), g.nodes.at(t.to)
	from.out, to.in = g.trim(from.out), g.trim(to.in)
	g.release(t.from)
	g.release(t.to)
	g.transfers.remove(i)
}

// trim leaves out what lies before the horizon: the beginning of a list.
func (g *Graph) trim(list []uint32) []uint32 {
	since := g.moves.heldSince()
	at := sort.Search(len(list), func(i int) bool { return g.transfers.at(list[i]).time >= since })
	if at == len(list) {
		return nil
	}
	return list[at:]
}

// transferOf is the transfer at a place, by the names of its parties.
func (g *Graph) transferOf(i uint32) Transfer {
	t := g.transfers.at(i)
	return Transfer{From: g.nodes.at(t.from).party, To: g.nodes.at(t.to).party, Amount: t.amount, Time: t.time, Ref: t.ref}
}
