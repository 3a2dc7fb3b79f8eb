package behaviour

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/aml/frame"
)

const start = 20_000 * dayMillis

// drawEvents draws events over a number of days, each recorded as late as it may be.
func drawEvents(t *rapid.T, c *Config, days int64) []Event {
	var all []Event
	for range rapid.IntRange(1, 60).Draw(t, "events") {
		e := Event{Kind: Kind(rapid.IntRange(0, int(kinds)-1).Draw(t, "kind")), Amount: rapid.Int64Range(0, 20_000_00).Draw(t, "amount"),
			Time: start + rapid.Int64Range(0, days*dayMillis).Draw(t, "time"), Other: fmt.Sprint(rapid.IntRange(0, 40).Draw(t, "other"))}
		if rapid.IntRange(0, 4).Draw(t, "round") == 0 {
			e.Amount = c.Round * rapid.Int64Range(1, 19).Draw(t, "times")
		}
		e.Recorded = e.Time + c.Lateness.Milliseconds()
		all = append(all, e)
	}
	return all
}

func add(t interface{ Fatal(...any) }, c *Config, all []Event) *Profile {
	var p Profile
	for i := range all {
		if err := p.Add(c, &all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return &p
}

// TestOrder holds B1, with reading back in between.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := DefaultConfig()
		all := drawEvents(t, &c, rapid.Int64Range(1, 800).Draw(t, "days"))
		want := add(t, &c, all).Append(nil)
		var p Profile
		for _, e := range rapid.Permutation(all).Draw(t, "order") {
			if rapid.Bool().Draw(t, "restart") {
				if err := p.Decode(p.Append(nil)); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Add(&c, &e); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.Append(nil); !bytes.Equal(got, want) {
			t.Fatalf("another order, another profile:\n%x\n%x", got, want)
		}
	})
}

// model answers from all events.
func model(c *Config, all []Event, day int64, days int) Window {
	w := Window{}
	values := [classes]map[string]int64{{}, {}, {}, {}}
	for i := range all {
		e := &all[i]
		at := c.Day(e.Time)
		if class, ok := e.Kind.party(); ok {
			values[class][e.Other] = max(values[class][e.Other], at)
		}
		if at > day || at <= day-int64(days) {
			continue
		}
		w.Count[e.Kind]++
		w.Sum[e.Kind] += e.Amount
		if e.Kind.in() {
			w.MaxIn = max(w.MaxIn, e.Amount)
		} else {
			w.MaxOut = max(w.MaxOut, e.Amount)
		}
		if e.Kind == Deposit || e.Kind == Payout {
			w.Near += one(e.Amount < c.Threshold && e.Amount >= c.Threshold*int64(c.NearPercent)/100)
			w.Round += one(e.Amount > 0 && e.Amount%c.Round == 0)
		}
	}
	for class, into := range [classes]*int{&w.DepositedFrom, &w.PaidTo, &w.ReceivedFrom, &w.SentTo} {
		for other, at := range values[class] {
			if at > day-int64(days) {
				*into++
				if deposited := values[instrumentIn][other]; class == int(instrumentOut) && deposited <= day-reach {
					w.Elsewhere++
				}
			}
		}
	}
	return w
}

// TestWindows holds B2 against the model, asked on the latest day.
func TestWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := DefaultConfig()
		all := drawEvents(t, &c, rapid.Int64Range(1, 500).Draw(t, "days"))
		p := add(t, &c, all)
		day := c.Day(p.Last())
		days := rapid.OneOf(rapid.IntRange(1, dayReach), rapid.IntRange(1, MaxDays)).Draw(t, "window")
		got, err := p.Window(day, days)
		if err != nil {
			t.Fatal(err)
		}
		exact := model(&c, all, day, days)
		before := 0
		if days > weekReach {
			before = 27
		} else if days > dayReach {
			before = 6
		}
		wider := model(&c, all, day, days+before)
		if days <= dayReach && got.Approximate {
			t.Errorf("a window of %d days is approximate", days)
		}
		for k := range kinds {
			if got.Count[k] < exact.Count[k] || got.Count[k] > wider.Count[k] || got.Sum[k] < exact.Sum[k] || got.Sum[k] > wider.Sum[k] {
				t.Errorf("%d days of %s: %d of %d, want from %d of %d to %d of %d", days, k, got.Count[k], got.Sum[k], exact.Count[k], exact.Sum[k], wider.Count[k], wider.Sum[k])
			}
			if !got.Approximate && (got.Count[k] != exact.Count[k] || got.Sum[k] != exact.Sum[k]) {
				t.Errorf("%d days of %s: %d of %d, want %d of %d", days, k, got.Count[k], got.Sum[k], exact.Count[k], exact.Sum[k])
			}
		}
		if !got.Approximate && (got.MaxIn != exact.MaxIn || got.MaxOut != exact.MaxOut || got.Near != exact.Near || got.Round != exact.Round) {
			t.Errorf("%d days: %+v, want %+v", days, got, exact)
		}
		if !got.AtLeast && (got.DepositedFrom != exact.DepositedFrom || got.PaidTo != exact.PaidTo || got.ReceivedFrom != exact.ReceivedFrom || got.SentTo != exact.SentTo) {
			t.Errorf("%d days: different ones %+v, want %+v", days, got, exact)
		}
		if full, _ := p.Window(day, MaxDays); !full.AtLeast && got.Elsewhere != exact.Elsewhere {
			t.Errorf("%d days: paid out elsewhere %d, want %d", days, got.Elsewhere, exact.Elsewhere)
		}
	})
}

func TestDormant(t *testing.T) {
	c := DefaultConfig()
	at := func(day int64) Event {
		return Event{Kind: Deposit, Amount: 100, Time: start + day*dayMillis, Recorded: start + day*dayMillis}
	}
	p := add(t, &c, []Event{at(0), at(200)})
	for _, q := range []struct{ day, days, least, most int }{{200, 1, 200 - 28, 199}, {200, 7, 200 - 7 - 28, 193}, {210, 5, 5, 5}} {
		w, err := p.Window(c.Day(start)+int64(q.day), q.days)
		if err != nil {
			t.Fatal(err)
		}
		if w.Quiet < q.least || w.Quiet > q.most {
			t.Errorf("%d days up to day %d: quiet for %d days before, want %d to %d", q.days, q.day, w.Quiet, q.least, q.most)
		}
	}
	if w, _ := add(t, &c, []Event{at(0)}).Window(c.Day(start), 1); w.Quiet != -1 {
		t.Errorf("of a new customer it is said that he was quiet for %d days", w.Quiet)
	}
}

func TestRefusals(t *testing.T) {
	c := DefaultConfig()
	customers, err := NewCustomers(c)
	if err != nil {
		t.Fatal(err)
	}
	for want, e := range map[string]Event{
		"customer c1: there is no kind 9":           {Kind: 9, Time: 1, Recorded: 1},
		"customer c1: deposit: amount is -1":        {Amount: -1, Time: 1, Recorded: 1},
		"customer c1: deposit: has no time":         {Amount: 1},
		"customer c1: win: amount is 9007199254740": {Kind: Win, Amount: MaxAmount + 1, Time: 1, Recorded: 1},
	} {
		if _, err := customers.Add("c1", &e); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if customers.Len() != 0 {
		t.Error("a refused event makes a customer")
	}
	if err := customers.Load("c1", []byte{9, 9}); !errors.Is(err, frame.ErrFutureFormat) {
		t.Errorf("a newer format: %v", err)
	}
	if _, err := new(Profile).Window(1, 366); err == nil || err.Error() != "a window of 366 days: want 1 to 365" {
		t.Errorf("a window that is too long: %v", err)
	}
	c.Round = 0
	if _, err := NewCustomers(c); err == nil || err.Error() != "behaviour: round is below 1" {
		t.Errorf("a wrong configuration: %v", err)
	}
}

// TestRows: a customer's row is all that there is of him.
func TestRows(t *testing.T) {
	one, err := NewCustomers(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	two, err := NewCustomers(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(50) {
		e := Event{Kind: Kind(i % 4), Amount: 100 * i, Time: start + i*dayMillis, Recorded: start + i*dayMillis, Other: fmt.Sprint(i % 7)}
		if _, err := one.Add("c1", &e); err != nil {
			t.Fatal(err)
		}
		if i%9 == 0 { // goes from one process to the other
			two.Forget("c1")
			if err := two.Load("c1", one.Stored("c1")); err != nil {
				t.Fatal(err)
			}
		} else if _, err := two.Add("c1", &e); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one.Stored("c1"), two.Stored("c1")) {
			t.Fatalf("after event %d the rows differ", i)
		}
	}
}

func TestDecodeNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := DefaultConfig()
		stored := add(t, &c, drawEvents(t, &c, 500)).Append(nil)
		var p Profile
		if p.Decode(stored[:rapid.IntRange(0, len(stored)-1).Draw(t, "cut")]) == nil {
			t.Error("what was cut off is read as whole")
		}
		stored[rapid.IntRange(0, len(stored)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if p.Decode(stored) == nil {
			if _, err := p.Window(20_000, 365); err != nil {
				t.Error(err)
			}
			if err := p.Add(&c, &Event{Time: start, Recorded: start, Other: "x"}); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestSize holds what the busiest customer takes: one who moves money in every way on every day of a year, by many instruments.
func TestSize(t *testing.T) {
	c := DefaultConfig()
	var p Profile
	random := rand.New(rand.NewPCG(1, 2))
	for i := range int64(400 * 20) {
		at := start + i*dayMillis/20
		e := Event{Kind: Kind(i % 8), Amount: random.Int64N(5000_00), Time: at, Recorded: at, Other: fmt.Sprint(random.IntN(30))}
		if err := p.Add(&c, &e); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.Append(nil)); n > 4000 {
		t.Errorf("the busiest customer takes %d bytes", n)
	} else {
		t.Logf("%d bytes", n)
	}
}
