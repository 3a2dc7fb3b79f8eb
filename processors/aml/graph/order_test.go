package graph

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// smallLimits have short times, so that few events slide out of the horizon, and thresholds that few events reach.
func smallLimits() Limits {
	l := DefaultLimits()
	l.Horizon, l.Buckets, l.Lateness, l.Hub, l.LeastAmount, l.Steps = time.Second, 5, 300*time.Millisecond, 5, 10, 100_000
	for p := range l.Patterns {
		l.Patterns[p] = Parameters{Parties: 2, Amount: 100, Window: 500 * time.Millisecond, Keep: 60}
	}
	l.Patterns[Cycle].Parties, l.Patterns[Cycle].Window = 3, 700*time.Millisecond
	return l
}

// event is a transfer, or a use where the ref has no position.
type event struct {
	Transfer
	recorded int64
	place    int64 // in the order in which they were drawn
}

func (e *event) String() string {
	return fmt.Sprintf("%d %s>%s %d", e.Time, e.From.ID, e.To.ID, e.Amount)
}

// failer is what tests and properties have in common.
type failer interface {
	Helper()
	Fatal(values ...any)
}

func fold(t failer, g *Graph, e *event) []Finding {
	t.Helper()
	var told []Finding
	var err error
	if e.Ref.Position == 0 {
		told, err = g.Observe(e.From, e.To, e.Amount, When{e.Time, e.recorded})
	} else {
		told, err = g.Move(e.Transfer, e.recorded)
	}
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func newGraph(t failer, l Limits) *Graph {
	t.Helper()
	g, err := New(l)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func customer(i int) Party { return Party{Customer, fmt.Sprint("c", i)} }

// drawEvents draws events over a time, of few parties. Each is recorded as late as it may be.
func drawEvents(t *rapid.T, limits *Limits, over int64) []event {
	parties := []Party{{Card, "0"}, {Device, "0"}, {IP, "0"}, {BankAccount, "0"}}
	for i := range rapid.IntRange(2, 7).Draw(t, "customers") {
		parties = append(parties, customer(i), customer(i), customer(i)) // three times as often as each instrument
	}
	n := rapid.IntRange(1, 60).Draw(t, "events")
	var all []event
	for i := range n {
		e := event{Transfer: Transfer{From: rapid.SampledFrom(parties).Draw(t, "from"), To: rapid.SampledFrom(parties).Draw(t, "to"), Amount: rapid.Int64Range(0, 200).Draw(t, "amount"),
			Time: 10_000 + rapid.Int64Range(0, over).Draw(t, "time"), Ref: Ref{Position: int64(i + 1)}}}
		if e.From == e.To {
			continue
		}
		if e.From.Kind == Customer && e.To.Kind != Customer && i%2 == 0 {
			e.Ref = Ref{}
		}
		e.recorded = e.Time + limits.Lateness.Milliseconds()
		all = append(all, e)
	}
	return all
}

// arrive puts events into an order in which they can come: each at most as late as the limits allow.
func arrive(t *rapid.T, limits *Limits, all []event) []event {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "delays"), 0))
	at := map[int64]int64{}
	order := slices.Clone(all)
	for i := range order {
		order[i].place = int64(i)
		at[int64(i)] = order[i].Time + random.Int64N(limits.Lateness.Milliseconds()+1)
	}
	slices.SortStableFunc(order, func(a, b event) int { return int(at[a.place] - at[b.place]) })
	return order
}

// TestOrder holds G1 and G2: whatever the order in which events come, the same is held and the same was found.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := smallLimits()
		if rapid.Bool().Draw(t, "few") { // what is too much goes, in any order
			limits.MaxLinks, limits.MaxTransfers = 6, 10
			for p := range limits.Patterns {
				limits.Patterns[p].Parties = 0
			}
		}
		all := drawEvents(t, &limits, 3000)
		ids := map[string]bool{}
		var first []byte
		for range 3 {
			g, told := newGraph(t, limits), map[string]bool{}
			for _, e := range arrive(t, &limits, all) {
				for _, f := range fold(t, g, &e) {
					if f.New == told[f.ID] {
						t.Fatalf("finding %s: new is %t", f.ID, f.New)
					}
					told[f.ID] = true
				}
			}
			stored := g.Encode(nil)
			if first == nil {
				first, ids = stored, told
			}
			if !reflect.DeepEqual(ids, told) {
				t.Fatalf("in one order %v was found, in another %v", ids, told)
			}
			if !bytes.Equal(first, stored) {
				t.Fatalf("another order, another state:\n%x\n%x", first, stored)
			}
		}
	})
}

// TestRestore holds G3: a graph that is stored and read back between batches of any size goes on as one that is not.
func TestRestore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := smallLimits()
		all := arrive(t, &limits, drawEvents(t, &limits, 3000))
		whole, restored := newGraph(t, limits), newGraph(t, limits)
		left := 0
		for i := range all {
			if left == 0 {
				left = rapid.IntRange(1, 20).Draw(t, "batch")
				var err error
				if restored, err = Decode(limits, restored.Encode(nil)); err != nil {
					t.Fatal(err)
				}
			}
			left--
			want, got := fold(t, whole, &all[i]), fold(t, restored, &all[i])
			slices.SortFunc(want, byID)
			slices.SortFunc(got, byID)
			if !reflect.DeepEqual(want, got) {
				t.Fatalf("event %d: told %v, after a restart %v", i, want, got)
			}
		}
		if !bytes.Equal(whole.Encode(nil), restored.Encode(nil)) {
			t.Fatal("another state after a restart")
		}
		for i := range 7 {
			want, _ := whole.Group(customer(i))
			if got, _ := restored.Group(customer(i)); !reflect.DeepEqual(want, got) {
				t.Fatalf("group %v, after a restart %v", want, got)
			}
		}
	})
}

func byID(a, b Finding) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) }

// TestNothingIsLeft: what is past the horizon goes, and with it its parties.
func TestNothingIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := smallLimits()
		g := newGraph(t, limits)
		for _, e := range arrive(t, &limits, drawEvents(t, &limits, 500)) {
			fold(t, g, &e)
		}
		for i := range 20 { // time for taking apart
			at := int64(100_000 + i)
			fold(t, g, &event{Transfer: Transfer{customer(100), Party{Card, "last"}, 20, at, Ref{Position: at}}, recorded: at})
		}
		s := g.Stats()
		if s.Parties != 2 || s.Links != 1 || s.Transfers != 20 || s.Findings != 0 {
			t.Errorf("what is left: %+v", s)
		}
		if len(g.byPair) != 1 || int(g.pairs.next)-len(g.pairs.free) != 1 || int(g.uses.next)-len(g.uses.free) != 1 ||
			int(g.nodes.next)-len(g.nodes.free) != 2 || int(g.transfers.next)-len(g.transfers.free) != 20 || len(g.book.byID) != 0 {
			t.Error("places of what is not held any more are still taken")
		}
	})
}

func TestDecodeNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := smallLimits()
		g := newGraph(t, limits)
		for _, e := range drawEvents(t, &limits, 500) {
			fold(t, g, &e)
		}
		stored := g.Encode(nil)
		if _, err := Decode(limits, stored[:rapid.IntRange(0, len(stored)-1).Draw(t, "cut")]); err == nil {
			t.Error("what was cut off is read as whole")
		}
		stored[rapid.IntRange(0, len(stored)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if read, err := Decode(limits, stored); err == nil {
			read.Encode(nil)
		}
	})
}
