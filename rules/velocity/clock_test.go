package velocity

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRecordsAheadDropNothing: a signal or a plan whose record lies a year ahead, and three of them, change no answer about
// other keys; fifteen change none of those that come later; when all records say so, a year has passed.
func TestRecordsAheadDropNothing(t *testing.T) {
	const year = 365 * 24 * 3_600_000
	for name, c := range map[string]struct {
		records int
		plan    bool
		later   int64 // records between them and the question, each with a time of its own
		want    int64
	}{"a signal": {1, false, 0, 20}, "a plan": {1, true, 0, 20}, "three": {agreeing - 1, false, 0, 20}, "fifteen": {lastSize - 1, false, lastSize, 20}, "a batch": {1000, false, 0, 20}, "all": {lastSize, false, 0, 0}} {
		t.Run(name, func(t *testing.T) {
			plan := attemptsPerHour(t, "t1", 1, "card")
			state := NewState(Limits{Skew: time.Minute})
			retain(state, benchStart, plan)
			for i := range int64(20) {
				ask(t, state, benchStart+1+i, plan)
			}
			for i := range int64(c.records) {
				if c.plan {
					retain(state, benchStart+year+i, plan)
					continue
				}
				other := Event{ID: fmt.Sprint("other", i), Kind: KindAttempt, Asks: true, Time: time.UnixMilli(benchStart + year),
					Field: func(string) string { return fmt.Sprint("other", i) }}
				at := benchStart + year + i
				if name == "a batch" {
					at = benchStart + year
				}
				state.Fold(at, &plan.Signals(nil, &other, 1)[0].Signal)
			}
			for i := range c.later {
				other := Event{ID: fmt.Sprint("later", i), Kind: KindAttempt, Time: time.UnixMilli(benchStart), Field: func(string) string { return "later" }}
				state.Fold(benchStart+50+i, &plan.Signals(nil, &other, 1)[0].Signal)
			}
			state = restored(t, Limits{Skew: time.Minute}, changelog(state))
			if a := ask(t, state, benchStart+100, plan); a.Value != c.want || a.Unknown {
				t.Errorf("%+v, want %d attempts", a, c.want)
			}
		})
	}
}

// TestARecordBehindCounts: one whose writer's clock is slow is taken as of the time that the others have.
func TestARecordBehindCounts(t *testing.T) {
	plan := attemptsPerHour(t, "t1", 1, "card")
	state := NewState(Limits{})
	retain(state, benchStart, plan)
	const hours = 5 * 3_600_000
	for i := range int64(agreeing) {
		ask(t, state, benchStart+hours+i, plan)
	}
	ask(t, state, benchStart, plan)
	if a := ask(t, state, benchStart+hours+100, plan); a.Value != agreeing+1 {
		t.Errorf("%+v, want %d attempts", a, agreeing+1)
	}
}

// TestOneRecordAheadEndsNoCase, and a case that came with it waits for its time behind the others.
func TestOneRecordAheadEndsNoCase(t *testing.T) {
	const keep, year = 24 * time.Hour, 365 * 24 * 3_600_000
	later := laterPlan(t).Later()
	cases := NewCases(keep)
	now := int64(benchStart)
	position := int64(0)
	apply := func(at int64, frame []byte) int {
		t.Helper()
		targets, err := cases.Apply(at, 0, position, frame)
		if err != nil {
			t.Fatal(err)
		}
		return len(targets)
	}
	open := func(at int64, id byte) {
		made := later.Case([16]byte{id}, attemptEvent(1000, "EUR"), 1)
		apply(at, made.Append(nil))
	}
	outcome := func(at int64, id byte) int {
		position++
		o := Outcome{ID: [16]byte{id}, Position: position, Kind: KindApproved}
		return apply(at, o.Append(nil))
	}
	open(now, 1)
	open(now+year, 2)
	open(now+1, 3)
	if outcome(now+year, 9) != 0 || outcome(now+2, 1) == 0 || outcome(now+3, 3) == 0 {
		t.Error("what came after a record ahead of its time finds no case")
	}
	if outcome(now+keep.Milliseconds()+1, 1) != 0 {
		t.Error("an outcome that is too late finds a case")
	}
	for i := range int64(lastSize) {
		outcome(now+2*keep.Milliseconds()+i, 9)
	}
	if len(cases.held) != 1 || len(cases.queue) != 1 {
		t.Errorf("%d cases are held, %d wait, want the one ahead of its time", len(cases.held), len(cases.queue))
	}
}

// TestValuesAreToldApartBySecret: values whose hashes agree in half their bits are two; which secret does it shows nowhere;
// and one that was restored knows its values again.
func TestValuesAreToldApartBySecret(t *testing.T) {
	plan, err := NewPlan("t1", 1, []Definition{{Name: "n", By: "card", Kinds: []string{KindAttempt}, Aggregate: Distinct, Of: "ip", Window: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	hashes := []ValueHash{{1}, {1, 8: 1}, {1, 8: 2}, {8: 1}, {}}
	var all [][]int64
	for _, secret := range [][16]byte{{}, {7}, {15: 1}} {
		state := NewState(Limits{})
		state.Seed(secret)
		retain(state, benchStart, plan)
		var got []int64
		for i := range int64(12) {
			signal := Signal{Command: uint64(i), Tenant: "t1", Kind: KindAttempt, Time: benchStart, Dimensions: []Dimension{{
				Field: "card", Record: true, Queries: plan.dimensions[0].queries, Distinct: []Value{{"ip", hashes[int(i)%len(hashes)]}},
			}}}
			got = append(got, state.Fold(benchStart, &signal)[0].Value)
			if i == 6 {
				state = restored(t, Limits{}, changelog(state))
			}
		}
		all = append(all, got)
	}
	want := []int64{0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5}
	for _, got := range all {
		if !slices.Equal(got, want) {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

// TestKeyed: what is kept of a value depends on the secret.
func TestKeyed(t *testing.T) {
	var a, b keyed
	a.set([16]byte{1})
	b.set([16]byte{2})
	value := valueOf("dev_81")
	if a.of(&value) == b.of(&value) || a.of(&value) != a.of(&value) {
		t.Error("the secret says nothing")
	}
}

// TestTick: in whatever order times come, the clock tells what a look at the last sixteen tells.
func TestTick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c clock
		var all []int64 // without repeats of the one before
		passed, now := int64(0), int64(1000)
		for range rapid.IntRange(1, 100).Draw(t, "records") {
			now += rapid.SampledFrom([]int64{1, 1, 1, 1, 1, 0, 0, 5, -3, -50, 400}).Draw(t, "step")
			if len(all) == 0 || all[len(all)-1] != now {
				all = append(all, now)
			}
			last := slices.Sorted(slices.Values(all[max(len(all)-lastSize, 0):]))
			if len(last) == lastSize {
				passed = max(passed, last[0])
			}
			want := max(passed, now)
			if len(last) >= agreeing {
				want = max(want, last[len(last)-agreeing])
			}
			if got := c.tick(now); got != want || c.now != passed {
				t.Fatalf("at %d: %d and %d passed, want %d and %d", now, got, c.now, want, passed)
			}
			if rapid.IntRange(0, 9).Draw(t, "restored") == 0 {
				r := reader{frame: c.append(nil)}
				c.read(&r)
			}
		}
	})
}
