package velocity

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
)

// TestSummaryBounds follows one key through 12,000 events over about 90 days. Each answer lies between what is true of its
// window and what is true of one that is longer by a bucket; what is not called approximate is true; and what is kept
// stays small.
func TestSummaryBounds(t *testing.T) {
	const day = 24 * time.Hour
	windows := []time.Duration{time.Minute, 10 * time.Minute, time.Hour, day, 30 * day, 90 * day}
	var all []Definition
	for _, window := range windows {
		all = append(all,
			Definition{Name: fmt.Sprint("count", window), By: "bin", Kinds: []string{KindAttempt, KindApproved}, Aggregate: Count, Window: window},
			Definition{Name: fmt.Sprint("sum", window), By: "bin", Kinds: []string{KindApproved}, Aggregate: Sum, Currency: "EUR", Window: window},
			Definition{Name: fmt.Sprint("distinct", window), By: "bin", Kinds: []string{KindAttempt}, Aggregate: Distinct, Of: "card", Window: window})
	}
	plan, err := NewPlan("t1", 1, all)
	if err != nil {
		t.Fatal(err)
	}
	state := NewState(Limits{})
	retain := plan.Retain()
	now := int64(benchStart)
	state.Retain(now, &retain)
	dimension := Dimension{Field: "bin", Key: KeyOf("t1", "bin", "411111"), Record: true}
	var events []oracleEvent
	random, approximate, exact := uint64(7), 0, 0
	for i := range 12_000 {
		random = random*6364136223846793005 + 1442695040888963407
		// Mostly bursts, at times a pause.
		now += int64(random >> 33 % 2000)
		if random>>20%500 == 0 {
			now += int64(random >> 40 % uint64(8*day.Milliseconds()))
		}
		signal := Signal{Origin: Origin{RoleAttempts, 0, int64(i)}, Command: random, Tenant: "t1", Time: now, Kind: KindAttempt, Dimensions: []Dimension{dimension}}
		if random>>50%3 == 0 {
			signal.Kind = KindApproved
		}
		about := &signal.Dimensions[0]
		about.Amounts = []Amount{{Currency: "EUR", Minor: int64(random >> 48)}}
		about.Distinct = []Value{{"card", testValue(random >> 35 % 1000)}}
		if i%29 == 0 {
			about.Queries = plan.dimensions[0].queries
		}
		for j, a := range state.Fold(now, &signal) {
			q := &about.Queries[j]
			low, high := truth(events, q, now-q.Window), truth(events, q, now-q.Window-max(q.Window, MinWindow.Milliseconds())/windowParts)
			if a.Value < low || a.Value > high || !a.Approximate && a.Value != low {
				t.Fatalf("event %d: %+v to %+v, want %d to %d", i, a, *q, low, high)
			}
			if a.Approximate {
				approximate++
			} else {
				exact++
			}
		}
		events = append(events, oracleEvent{at: now, kind: signal.Kind, amounts: map[ledger.Currency]Amount{"EUR": about.Amounts[0]}, distinct: map[string]ValueHash{"card": about.Distinct[0].Hash}})
	}
	if approximate < 100 || exact < 100 {
		t.Fatalf("%d answers are approximate and %d exact: the test shows nothing", approximate, exact)
	}
	if most := 300 << 10; state.lists.bytes > most {
		t.Errorf("one key takes %d bytes, want at most %d", state.lists.bytes, most)
	}
	state.Changes(func(key, value []byte) {
		if len(value) > MaxChange {
			t.Errorf("the changelog record %.1s has %d bytes, want at most %d", key, len(value), MaxChange)
		}
	})
}

// truth is the answer over all events from a time on.
func truth(events []oracleEvent, q *Query, from int64) (value int64) {
	values := map[ValueHash]bool{}
	for i := len(events) - 1; i >= 0 && events[i].at >= from; i-- {
		e := &events[i]
		if !q.counts(e) {
			continue
		}
		switch q.Aggregate {
		case Count:
			value++
		case Sum:
			value += e.amounts[q.Currency].Minor
		case Distinct:
			values[e.distinct[q.Of]] = true
		}
	}
	return value + int64(len(values))
}

// TestManyValues: above what a slot tells apart, values may be counted again, and never too few.
func TestManyValues(t *testing.T) {
	plan, err := NewPlan("t1", 1, []Definition{{Name: "n", By: "bin", Kinds: []string{KindAttempt}, Aggregate: Distinct, Of: "card", Window: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	state := NewState(Limits{})
	retain := plan.Retain()
	state.Retain(benchStart, &retain)
	for i := range 30_000 {
		signal := Signal{Origin: Origin{RoleAttempts, 0, int64(i)}, Command: uint64(i + 1), Tenant: "t1", Kind: KindAttempt, Time: benchStart + int64(i), Dimensions: []Dimension{{
			Field: "bin", Record: true, Queries: plan.dimensions[0].queries, Distinct: []Value{{"card", testValue(uint64(i))}},
		}}}
		if a := state.Fold(signal.Time, &signal)[0]; a.Value != int64(i) || a.Approximate != (i >= maxValues+maxEvents) {
			t.Fatalf("after %d values the answer is %+v", i, a)
		}
	}
	if most := 300 << 10; state.lists.bytes > most {
		t.Errorf("one key takes %d bytes, want at most %d", state.lists.bytes, most)
	}
}

// TestReservations: those that are open stay whatever comes after them, and are released on a key with many events.
func TestReservations(t *testing.T) {
	plan, err := NewPlan("t1", 1, []Definition{{Name: "n", By: "bin", Kinds: []string{KindApproved}, Aggregate: Count, Window: time.Hour, Reserve: true}})
	if err != nil {
		t.Fatal(err)
	}
	state := NewState(Limits{})
	retain := plan.Retain()
	state.Retain(benchStart, &retain)
	const attempts = 5000
	send := func(role Role, kind string, i int) []Answer {
		e := Event{Origin: Origin{role, 0, int64(i)}, ID: fmt.Sprint(i), Kind: kind, Asks: role == RoleAttempts, Settles: role == RoleOutcomes, Time: time.UnixMilli(benchStart + int64(i)), Field: func(string) string { return "411111" }}
		return state.Fold(benchStart+int64(i), &plan.Signals(nil, &e, 1)[0].Signal)
	}
	open, approved := 0, 0
	for i := range attempts {
		if a := send(RoleAttempts, KindAttempt, i)[0]; a.Value != int64(open+approved) {
			t.Fatalf("attempt %d: %+v, want %d open and %d approved", i, a, open, approved)
		}
		open++
		// Outcomes come a thousand attempts later: one of three is approved.
		if past := i - 1000; past >= 0 {
			open--
			if past%3 == 0 {
				approved++
				send(RoleOutcomes, KindApproved, past)
			} else {
				send(RoleOutcomes, "", past)
			}
		}
	}
}
