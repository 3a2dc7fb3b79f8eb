package velocity

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
)

// attemptsPerHour plans a count of attempts by each of the fields.
func attemptsPerHour(t *testing.T, tenant string, version int64, fields ...string) *Plan {
	t.Helper()
	var definitions []Definition
	for _, by := range fields {
		definitions = append(definitions, Definition{Name: by, By: by, Kinds: []string{KindAttempt}, Aggregate: Count, Window: time.Hour})
	}
	plan, err := NewPlan(tenant, version, definitions)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func retain(state *State, at int64, plan *Plan) {
	told := plan.Retain()
	state.Retain(at, &told)
}

// ask counts an attempt and returns the answer to the plan's first definition.
func ask(t *testing.T, state *State, at int64, plan *Plan) Answer {
	t.Helper()
	e := Event{Origin: Origin{RoleAttempts, 0, at}, ID: fmt.Sprint(at), Kind: KindAttempt, Asks: true, Time: time.UnixMilli(at),
		Amount: ledger.Money{Minor: 1, Currency: "EUR"}, Field: func(string) string { return "c" },
		Convert: func(m ledger.Money, _ ledger.Currency) (int64, bool) { return m.Minor, true }}
	answers := state.Fold(at, &plan.Signals(nil, &e, 1)[0].Signal)
	features := plan.Begin(nil)
	plan.Fill(features, answers)
	if features[0].Missing != answers[0].Unknown {
		t.Errorf("answer %+v became feature %+v", answers[0], features[0])
	}
	return answers[0]
}

// TestWhatIsNotRecordedHasNoAnswer: a zero would pass every limit; without an answer the rules' on_missing decides.
func TestWhatIsNotRecordedHasNoAnswer(t *testing.T) {
	recorded := Definition{Name: "n", By: "card", Kinds: []string{KindAttempt, KindApproved}, Aggregate: Sum, Currency: "EUR", Window: time.Hour}
	for name, c := range map[string]struct {
		change  func(*Definition)
		unknown bool
	}{
		"the same":         {func(*Definition) {}, false},
		"a shorter window": {func(d *Definition) { d.Window /= 2 }, false},
		"a count":          {func(d *Definition) { d.Aggregate, d.Currency = Count, "" }, false},
		"a dimension":      {func(d *Definition) { d.By = "ip" }, true},
		"a kind":           {func(d *Definition) { d.Kinds = []string{KindAttempt, KindApproved, KindRefunded} }, true},
		"a named kind":     {func(d *Definition) { d.Kinds = []string{"event.login"} }, true},
		"a currency":       {func(d *Definition) { d.Currency = "USD" }, true},
		"a distinct field": {func(d *Definition) { d.Aggregate, d.Currency, d.Of = Distinct, "", "ip" }, true},
		"reservations":     {func(d *Definition) { d.Reserve = true }, true},
		"a longer window":  {func(d *Definition) { d.Window *= 2 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			told, err := NewPlan("t1", 1, []Definition{recorded})
			if err != nil {
				t.Fatal(err)
			}
			asked := recorded
			c.change(&asked)
			asks, err := NewPlan("t1", 1, []Definition{asked})
			if err != nil {
				t.Fatal(err)
			}
			state := NewState(Limits{})
			retain(state, benchStart, told)
			if a := ask(t, state, benchStart+1, asks); a.Unknown != c.unknown || (a.WarmingUntil == 0) != c.unknown {
				t.Errorf("%+v, want unknown %v", a, c.unknown)
			}
		})
	}
}

// TestAnEndedDimensionHasNoAnswer until it begins again, and then it warms up.
func TestAnEndedDimensionHasNoAnswer(t *testing.T) {
	state := NewState(Limits{})
	card, ip := attemptsPerHour(t, "t1", 1, "card"), attemptsPerHour(t, "t1", 2, "ip")
	again := attemptsPerHour(t, "t1", 3, "card")
	retain(state, benchStart, card)
	if a := ask(t, state, benchStart+1, card); a.Unknown {
		t.Errorf("while it is recorded: %+v", a)
	}
	retain(state, benchStart+2, ip)
	if a := ask(t, state, benchStart+3, card); !a.Unknown {
		t.Errorf("when it has ended: %+v", a)
	}
	retain(state, benchStart+4, again)
	if a := ask(t, state, benchStart+5, again); a.Unknown || a.WarmingUntil != benchStart+5+time.Hour.Milliseconds() {
		t.Errorf("when it has begun again: %+v", a)
	}
}

// TestWhichRetainIsInForce: the version decides, but no version lies after the record that brings it.
func TestWhichRetainIsInForce(t *testing.T) {
	const year = 365 * 24 * 3_600_000
	for name, c := range map[string]struct {
		first, second int64
		holds         string
	}{
		"a later set":                     {benchStart - 10, benchStart - 5, "ip"},
		"a process that is behind":        {benchStart - 5, benchStart - 10, "card"},
		"another process at the same":     {benchStart - 5, benchStart - 5, "ip"},
		"after a clock that is fast":      {benchStart + year, benchStart + 1, "ip"},
		"two clocks that are fast":        {benchStart + 2*year, benchStart + year, "ip"},
		"behind, with a clock that is so": {benchStart + year, benchStart - 1, "card"},
	} {
		t.Run(name, func(t *testing.T) {
			state := NewState(Limits{})
			retain(state, benchStart, attemptsPerHour(t, "t1", c.first, "card"))
			state = restored(t, Limits{}, changelog(state))
			retain(state, benchStart+1, attemptsPerHour(t, "t1", c.second, "ip"))
			for i, field := range []string{"card", "ip"} {
				if a := ask(t, state, benchStart+2+int64(i), attemptsPerHour(t, "t1", 0, field)); a.Unknown != (field != c.holds) {
					t.Errorf("%s: %+v, want %s to be recorded", field, a, c.holds)
				}
			}
		})
	}
}

func changelog(state *State) map[string][]byte {
	log := map[string][]byte{}
	state.changes.any = true
	state.Changes(func(key, value []byte) { log[string(key)] = bytes.Clone(value) })
	return log
}

// TestTenantsAreBounded: whoever invents tenants takes bounded memory and time, harms none that is recorded already, and
// the partition restores.
func TestTenantsAreBounded(t *testing.T) {
	if maxRecorded > maxRestoredDimensions {
		t.Fatal("more is recorded than can be restored")
	}
	state := NewState(Limits{})
	for i := range 1000 { // of no definitions nothing stays
		state.Retain(benchStart, &Retain{Tenant: fmt.Sprint("none", i), Version: 1})
	}
	if n := len(state.registry.tenants); n != 0 {
		t.Errorf("%d tenants that record nothing are held", n)
	}
	dimensions := attemptsPerHour(t, "", 1, "card", "ip").Retain().Dimensions
	for i := range maxRecorded/2 + 1000 {
		state.Retain(benchStart, &Retain{Tenant: fmt.Sprint("t", i), Version: 1, Dimensions: dimensions})
	}
	if n, tenants := len(state.registry.dimensions), len(state.registry.tenants); n != maxRecorded || tenants != maxRecorded/2 {
		t.Errorf("%d dimensions of %d tenants are held", n, tenants)
	}
	for _, state := range []*State{state, restored(t, Limits{}, changelog(state))} {
		for i, c := range []struct {
			tenant  string
			unknown bool
		}{{"t0", false}, {fmt.Sprint("t", maxRecorded/2-1), false}, {fmt.Sprint("t", maxRecorded/2), true}} {
			if a := ask(t, state, benchStart+1+int64(i), attemptsPerHour(t, c.tenant, 1, "card")); a.Unknown != c.unknown {
				t.Errorf("%s: %+v", c.tenant, a)
			}
		}
	}
}

// TestGroupsAreBounded: rule sets that follow each other within a window name more currencies than a dimension has room
// for; the partition restores.
func TestGroupsAreBounded(t *testing.T) {
	state := NewState(Limits{})
	for version := range int64(3) {
		d := Retained{Field: "card", Kinds: []string{KindAttempt}, Window: time.Hour.Milliseconds()}
		for i := range maxItems {
			d.Currencies = append(d.Currencies, ledger.Currency(fmt.Sprint(version, "-", i)))
		}
		state.Retain(benchStart, &Retain{Tenant: "t1", Version: version, Dimensions: []Retained{d}})
	}
	restored(t, Limits{}, changelog(state))
}
