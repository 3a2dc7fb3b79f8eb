package rules_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// deposit is an ordinary one from a card of a country.
func deposit(country string, now time.Time) rules.Input {
	c := ordinary()
	c.Card.Country = country
	return rules.Input{Command: c, Now: now}
}

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func TestBreakerPutsARuleInTheShadow(t *testing.T) {
	b := rules.NewBreaker(compile(t, `
rules:
  - { name: france, when: card.country == "FR", outcome: block, on_missing: hold, breaker: { max_block_rate: 20%, interval: 10m, at_least: 10 } }
  - { name: spain, when: card.country == "ES", outcome: block, on_missing: hold }
`))
	decide := func(country string, now time.Time) (topics.Outcome, []rules.Trip) {
		d, trips := b.Evaluate(deposit(country, now))
		return d.Outcome, trips
	}
	now := noon
	for i := range 10 { // 2 of 10 are 20 %: as much as is allowed
		country := "DE"
		if i < 2 {
			country = "FR"
		}
		if o, trips := decide(country, now); (o == topics.OutcomeBlock) != (i < 2) || trips != nil {
			t.Fatalf("command %d: %s, %v", i, o, trips)
		}
		now = now.Add(time.Second)
	}
	o, trips := decide("FR", now) // 3 of 11: blocked still, and the last
	want := []rules.Trip{{Rule: "france", Bound: rules.Bound{MaxBlockRate: 20, Interval: 10 * time.Minute, AtLeast: 10}, Blocked: 3, Counted: 11, At: now}}
	if o != topics.OutcomeBlock || !reflect.DeepEqual(trips, want) {
		t.Fatalf("%s, %+v, want %+v", o, trips, want)
	}
	in := deposit("FR", now.Add(24*time.Hour)) // it stays there
	d, trips := b.Evaluate(in)
	if d.Outcome != topics.OutcomePass || trips != nil || !slices.Equal(d.Tripped, []string{"france"}) || len(d.Rules) != 1 || !d.Rules[0].Shadow ||
		d.Rules[0].Outcome != topics.OutcomeBlock || len(d.Reasons) > 0 {
		t.Errorf("after the trip: %+v, %v", d, trips)
	}
	if o, _ := decide("ES", now); o != topics.OutcomeBlock {
		t.Errorf("another rule: %s", o)
	}
	in.Tripped = d.Tripped
	if again := b.Set().Evaluate(in); !reflect.DeepEqual(again, d) {
		t.Errorf("recomputed %+v, was %+v", again, d)
	}
	if b = rules.NewBreaker(b.Set()); len(b.Tripped()) > 0 {
		t.Error("a new breaker remembers")
	}
	if o, _ := decide("FR", now); o != topics.OutcomeBlock {
		t.Errorf("with the rules loaded anew: %s", o)
	}
}

// TestBreakerOfTheSet: everything is in the shadow, but for what nothing lifts.
func TestBreakerOfTheSet(t *testing.T) {
	b := rules.NewBreaker(compile(t, `
breaker: { max_block_rate: 50%, interval: 1h, at_least: 20 }
rules:
  - { name: france, when: card.country == "FR", outcome: block, on_missing: hold, score: 5 }
  - { name: embargo, when: card.country == "KP", outcome: block, on_missing: hold, overridable: false }
  - { name: large, when: payment.amount > money("10.00 EUR"), outcome: hold, on_missing: hold }
`))
	for i := range 20 {
		d, trips := b.Evaluate(deposit("FR", noon))
		if d.Outcome != topics.OutcomeBlock || (i == 19) != (len(trips) == 1 && trips[0].Rule == rules.WholeSet) {
			t.Fatalf("command %d: %s, %v", i, d.Outcome, trips)
		}
	}
	for country, want := range map[string]topics.Outcome{"FR": topics.OutcomePass, "DE": topics.OutcomePass, "KP": topics.OutcomeBlock} {
		d, trips := b.Evaluate(deposit(country, noon))
		if d.Outcome != want || d.Score != 0 || trips != nil || !slices.Equal(d.Tripped, []string{"*"}) {
			t.Errorf("%s: %+v, %v", country, d, trips)
		}
	}
}

// TestBreakerCountsByRecordTime: it trips exactly where a count over all commands of the latest ten parts of the interval
// says so, in whatever order their times are.
func TestBreakerCountsByRecordTime(t *testing.T) {
	set := compile(t, `
rules:
  - { name: rule, when: card.country == "FR", outcome: block, on_missing: hold, breaker: { max_block_rate: 30%, interval: 10m, at_least: 10 } }
`)
	rapid.Check(t, func(t *rapid.T) {
		b := rules.NewBreaker(set)
		type seen struct {
			minute  int64
			blocked bool
		}
		var all []seen
		now, latest := noon, int64(0)
		for i := range rapid.IntRange(1, 80).Draw(t, "commands") {
			now = now.Add(time.Duration(rapid.IntRange(-240, 300).Draw(t, "seconds")) * time.Second)
			blocked := rapid.IntRange(0, 3).Draw(t, "blocked") == 0
			country := map[bool]string{true: "FR", false: "DE"}[blocked]
			minute := now.Unix() / 60
			late := minute <= latest-10
			latest = max(latest, minute)
			all = append(all, seen{minute, blocked})
			blocks, counted := 0, 0
			for _, s := range all {
				if s.minute > latest-10 {
					counted++
					if s.blocked {
						blocks++
					}
				}
			}
			want := !late && counted >= 10 && blocks*10 > counted*3
			_, trips := b.Evaluate(deposit(country, now))
			if (len(trips) == 1) != want {
				t.Fatalf("command %d: trips %v, and %d of %d are blocked", i, trips, blocks, counted)
			}
			if want {
				return
			}
		}
	})
}

// TestBreakersAreOfScopes: the rule that takes another's place for a tenant is counted by itself.
func TestBreakersAreOfScopes(t *testing.T) {
	file := func(name, scope, when string) rules.File {
		return rules.File{Name: name, Text: fmt.Appendf(nil, `version: 1
%srules:
  - { name: rule, when: %s, outcome: block, on_missing: hold, breaker: { max_block_rate: 1%%, interval: 1m, at_least: 10 } }
`, scope, when)}
	}
	set, err := rules.Compile([]rules.File{file("base.yaml", "", `card.country != "DE"`), file("acme.yaml", "tenants: [acme]\n", `card.country == "FR"`)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := rules.NewBreaker(set)
	for range 10 {
		b.Evaluate(deposit("FR", noon))
	}
	if tripped := b.Tripped(); !slices.Equal(tripped, []string{"rule acme/all"}) {
		t.Errorf("tripped: %q", tripped)
	}
	in := deposit("FR", noon)
	in.Command.Tenant = "other"
	if d, _ := b.Evaluate(in); d.Outcome != topics.OutcomeBlock {
		t.Errorf("another tenant: %+v", d)
	}
}

// TestBreakerThatHolds: once tripped, what was blocked waits for a reviewer; what asked for anything else goes on.
func TestBreakerThatHolds(t *testing.T) {
	const own, whole = ", breaker: { max_block_rate: 20%, interval: 10m, at_least: 10, trip_to: hold }", "breaker: { max_block_rate: 20%, interval: 10m, at_least: 10, trip_to: hold }\n"
	for name, c := range map[string]struct {
		rule, set string
		tripped   string
		score     int64 // of what was blocked, after
	}{
		"a rule's":         {rule: own, tripped: "france", score: 5},
		"the set's":        {set: whole, tripped: rules.WholeSet, score: 5},
		"both, one shadow": {rule: strings.Replace(own, "hold", "shadow", 1), set: whole, tripped: rules.WholeSet, score: 5},
	} {
		t.Run(name, func(t *testing.T) {
			b := rules.NewBreaker(compile(t, c.set+`
rules:
  - { name: france, when: card.country == "FR", outcome: block, on_missing: hold, score: 5`+c.rule+` }
  - { name: embargo, when: card.country == "KP", outcome: block, on_missing: hold, overridable: false }
  - { name: portugal, when: card.country == "PT", outcome: step_up, on_missing: step_up }
`))
			for range 10 {
				b.Evaluate(deposit("FR", noon))
			}
			if !slices.Contains(b.Tripped(), c.tripped) {
				t.Fatalf("tripped: %v", b.Tripped())
			}
			for country, want := range map[string]topics.Outcome{"FR": topics.OutcomeHold, "KP": topics.OutcomeBlock, "PT": topics.OutcomeStepUp, "DE": topics.OutcomePass} {
				in := deposit(country, noon)
				d, _ := b.Evaluate(in)
				if d.Outcome != want || country == "FR" && (d.Score != c.score || !slices.Equal(d.Reasons, []string{"france"}) || d.Rules[0].Shadow || d.Rules[0].Outcome != want) {
					t.Errorf("%s: %+v", country, d)
				}
				in.Tripped = d.Tripped
				if again := b.Set().Evaluate(in); !reflect.DeepEqual(again, d) {
					t.Errorf("recomputed %+v, was %+v", again, d)
				}
			}
		})
	}
}

// TestABreakerThatLetsPassIsAWarning: unless the file says that it is meant.
func TestABreakerThatLetsPassIsAWarning(t *testing.T) {
	for trip, want := range map[string]int{"": 2, ", trip_to: shadow": 0, ", trip_to: hold": 0} {
		bound := "{ max_block_rate: 20%, interval: 10m, at_least: 10" + trip + " }"
		set := compile(t, "breaker: "+bound+"\nrules:\n  - { name: france, when: card.country == \"FR\", outcome: block, on_missing: hold, breaker: "+bound+" }\n")
		if got := set.Warnings(); len(got) != want {
			t.Errorf("%q: %d warnings, want %d:\n%s", trip, len(got), want, got)
		}
	}
}
