package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHubs: a party whom very many pay, and an instrument that very many use, cost each event the same however many they are.
func TestHubs(t *testing.T) {
	limits := DefaultLimits()
	limits.Steps = 100
	g := newGraph(t, limits)
	hub, ip := Party{Customer, "hub"}, Party{IP, "carrier"}
	const many = 5000
	fannedIn := 0
	for i := range int64(many) {
		at := benchStart + i
		c := customer(int(i))
		told, err := g.Move(Transfer{From: c, To: hub, Amount: 500_00, Time: at, Ref: Ref{Position: i}}, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range told {
			if f.Pattern == FanIn && f.New {
				fannedIn++
			}
		}
		if _, err := g.Observe(c, ip, 0, When{at, at}); err != nil {
			t.Fatal(err)
		}
	}
	if fannedIn != 1 {
		t.Errorf("the fan-in was new %d times", fannedIn)
	}
	if s := g.Stats(); s.CutShort == 0 || s.Transfers != many || s.Links != many {
		t.Errorf("stats: %+v", s)
	}
	in := g.nodes.at(g.byName[hub]).in
	if steps := g.examine(in[len(in)-1]); steps > int(patterns)*limits.Steps {
		t.Errorf("one transfer has %d others looked at", steps)
	}
	for _, f := range g.Findings() {
		if f.Pattern == FanIn && (!f.CutShort || len(f.Transfers) != MaxListed) {
			t.Errorf("fan-in lists %d transfers; cut short: %t", len(f.Transfers), f.CutShort)
		}
	}
	group, ok := g.Group(customer(7))
	if !ok || len(group.Customers) != 1 || group.Score != 0 || len(group.Hubs) != 1 || group.Hubs[0] != ip {
		t.Errorf("behind a carrier's address there is the group %+v", group)
	}
	// All of it goes, a little with each event.
	at := int64(benchStart) + 2*limits.Horizon.Milliseconds()
	for i := range int64(2*many/deadPerEvent + 10) {
		if _, err := g.Move(Transfer{From: customer(1), To: customer(2), Amount: 500_00, Time: at, Ref: Ref{Position: i}}, at); err != nil {
			t.Fatal(err)
		}
	}
	if s := g.Stats(); s.Parties != 2 {
		t.Errorf("after the horizon: %+v", s)
	}
}

// TestManyCycles: everyone pays everyone. There are more cycles than anyone can look at; some are told, and that it was cut short.
func TestManyCycles(t *testing.T) {
	limits := DefaultLimits()
	limits.Steps = 300
	g := newGraph(t, limits)
	cycles := 0
	for i := range int64(400) {
		at := benchStart + i
		told, err := g.Move(Transfer{From: customer(int(i % 41)), To: customer(int(200 + i%40)), Amount: 500_00, Time: at, Ref: Ref{Position: 2 * i}}, at)
		if err != nil {
			t.Fatal(err)
		}
		more, err := g.Move(Transfer{From: customer(int(200 + i%43%40)), To: customer(int(i % 37)), Amount: 500_00, Time: at, Ref: Ref{Position: 2*i + 1}}, at)
		if err != nil {
			t.Fatal(err)
		}
		if len(told) > maxCycles+10 || len(more) > maxCycles+10 {
			t.Fatalf("one transfer tells %d and %d findings", len(told), len(more))
		}
		for _, f := range append(told, more...) {
			if f.Pattern == Cycle {
				cycles++
			}
		}
	}
	if s := g.Stats(); s.CutShort == 0 || cycles == 0 {
		t.Errorf("%d cycles, %d searches cut short", cycles, s.CutShort)
	}
}

// TestShared: a ring shares a device, a household an address; who else uses the carrier's address has nothing to do with them.
func TestShared(t *testing.T) {
	limits := DefaultLimits()
	limits.Hub = 5
	g := newGraph(t, limits)
	at := int64(benchStart)
	use := func(c int, kind Kind, id string) []Finding {
		at += 1000
		told, err := g.Observe(customer(c), Party{kind, id}, 0, When{at, at})
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
	for c := range 10 {
		use(c, IP, "carrier")
	}
	use(1, Address, "home")
	use(2, Address, "home")
	var told []Finding
	for c := 2; c <= 5; c++ {
		told = use(c, Device, "phone")
	}
	if len(told) != 1 || told[0].Pattern != SharedInstrument || len(told[0].Members) != 5 || !told[0].New {
		t.Errorf("the fourth on one phone: %+v", told)
	}
	group, _ := g.Group(customer(1))
	if fmt.Sprint(group.Customers) != "[customer:c1 customer:c2 customer:c3 customer:c4 customer:c5]" {
		t.Errorf("group of %v", group.Customers)
	}
	if want := 1*Weight(Address) + 3*Weight(Device); group.Score != want || len(group.Links) != 6 {
		t.Errorf("score %d, want %d; %d links", group.Score, want, len(group.Links))
	}
	if want := Weight(Address) + 3*Weight(Device); g.Score(customer(2)) != want {
		t.Errorf("score of one customer %d, want %d", g.Score(customer(2)), want)
	}
	if _, ok := g.Group(customer(99)); ok {
		t.Error("an unknown customer has a group")
	}
}

func TestRefusals(t *testing.T) {
	g := newGraph(t, DefaultLimits())
	for _, c := range []struct {
		name string
		fold func() error
		want string
	}{
		{"no id", func() error { _, err := g.Observe(customer(1), Party{Card, ""}, 0, When{1, 1}); return err }, "card: its id is empty"},
		{"long id", func() error {
			_, err := g.Observe(customer(1), Party{Card, strings.Repeat("x", 257)}, 0, When{1, 1})
			return err
		}, "257 bytes, at most 256"},
		{"two customers", func() error { _, err := g.Observe(customer(1), customer(2), 0, When{1, 1}); return err }, "want a customer and an instrument"},
		{"no kind", func() error { _, err := g.Observe(customer(1), Party{99, "x"}, 0, When{1, 1}); return err }, "kind 99"},
		{"to itself", func() error {
			_, err := g.Move(Transfer{From: customer(1), To: customer(1), Amount: 1, Time: 1}, 1)
			return err
		}, "both are the same"},
		{"negative", func() error {
			_, err := g.Move(Transfer{From: customer(1), To: customer(2), Amount: -1, Time: 1}, 1)
			return err
		}, "amount is -1, want 0 to 9007199254740992 minor units"},
		{"no time", func() error { _, err := g.Move(Transfer{From: customer(1), To: customer(2), Amount: 1}, 1); return err }, "has no time"},
	} {
		if err := c.fold(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if s := g.Stats(); s.Parties != 0 {
		t.Errorf("what was refused is held: %+v", s)
	}
	for want, change := range map[string]func(*Limits){
		"horizon is 1h0m0s, want at least":                  func(l *Limits) { l.Horizon = time.Hour },
		"buckets is 401, want 1 to 400":                     func(l *Limits) { l.Buckets = 401 },
		"pattern cycle: parties is 7, want 2 to 6":          func(l *Limits) { l.Patterns[Cycle].Parties = 7 },
		"pattern fan_in: window is 0s, want a time above 0": func(l *Limits) { l.Patterns[FanIn].Window = 0 },
	} {
		l := DefaultLimits()
		change(&l)
		if _, err := New(l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("limits: %v, want %q", err, want)
		}
	}
}

// TestClamp: an event dated back counts at the earliest time that it may have, one dated ahead at its record's.
func TestClamp(t *testing.T) {
	limits := DefaultLimits()
	g := newGraph(t, limits)
	recorded := int64(benchStart)
	for _, at := range []int64{recorded - 30*day.Milliseconds(), recorded, recorded + 400*day.Milliseconds()} {
		if _, err := g.Observe(customer(1), Party{Card, "x"}, 5, When{at, recorded}); err != nil {
			t.Fatal(err)
		}
	}
	l := g.linkOf(g.byPair[[2]uint32{g.byName[customer(1)], g.byName[Party{Card, "x"}]}])
	if l.First != recorded-limits.Lateness.Milliseconds() || l.Last != recorded || l.Count != 3 || l.Amount != 15 {
		t.Errorf("link %+v", l)
	}
}

// TestLateAtHub: a transfer that comes late to a party with very many later ones has some of these examined again, not all.
func TestLateAtHub(t *testing.T) {
	limits := DefaultLimits()
	limits.Steps = 100
	g := newGraph(t, limits)
	hub := Party{Customer, "hub"}
	move := func(from, to Party, at, ref int64) {
		if _, err := g.Move(Transfer{From: from, To: to, Amount: 500_00, Time: at, Ref: Ref{Position: ref}}, benchStart+day.Milliseconds()); err != nil {
			t.Fatal(err)
		}
	}
	const many = 1000
	for i := range int64(many) {
		move(customer(int(i)), hub, benchStart+1_000_000+i, i)
	}
	for i := range int64(many) { // every one late
		before := g.cut
		move(customer(int(i)), hub, benchStart+i, many+i)
		if searches := g.cut - before; searches > 2*laterSearches {
			t.Fatalf("a late transfer has %d searches run out of steps", searches)
		}
	}
	if g.Stats().Transfers != 2*many {
		t.Errorf("stats: %+v", g.Stats())
	}
}
