package routing

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/routing/draw"
	"github.com/weirhq/weir/topics"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func compile(t testing.TB, text string) *Set {
	t.Helper()
	set, err := Compile(rules.File{Name: "routes.yaml", Text: []byte(text)}, nil, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func query(payment string, minor int64, currency string) *Query {
	return &Query{Payment: payment, Input: rules.Input{Now: start, Command: &topics.Command{Type: topics.CommandCreate, Tenant: "acme",
		CustomerID: "cus_" + payment, Amount: minor, Currency: currency, Card: &topics.Card{Token: "tok"}}}}
}

func order(p topics.RoutePlan) string {
	var names []string
	for _, c := range p.Candidates {
		names = append(names, c.Route)
	}
	return strings.Join(names, " ")
}

// A separate authorisation knows neither card nor amount: its plan is partial where the file asks for them.
func TestPartial(t *testing.T) {
	const a, b = "version: 1\n", "routes: [{ name: a, psp: acme }]\n"
	for _, c := range []struct {
		file string
		want bool
	}{
		{a + b, false},
		{a + "strategy: volume_split\nroutes: [{ name: a, psp: acme, weight: 1 }, { name: b, psp: beta, weight: 1 }]\n", false},
		{a + "routes: [{ name: a, psp: acme, daily: { count: 5 } }]\n", false},
		{a + "routes: [{ name: a, psp: acme, daily: { amount: [5.00 EUR] } }]\n", true},
		{a + "strategy: least_cost\nroutes: [{ name: a, psp: acme, cost: [{ percent: 1% }] }]\n", true},
		{a + "routes: [{ name: a, psp: acme, when: '!known(card.country) || card.country == \"DE\"' }]\n", true},
	} {
		set, q := compile(t, c.file), query("p", 0, "")
		q.Input.Command.Type, q.Input.Command.Card = topics.CommandAuthorize, nil
		if p := set.Plan(q, &State{}); p.Partial != c.want {
			t.Errorf("%s: partial is %v", c.file, p.Partial)
		}
		if p := set.Plan(query("p", 1000, "EUR"), &State{}); p.Partial {
			t.Errorf("%s: a whole plan is partial", c.file)
		}
	}
}

func TestFileTests(t *testing.T) {
	set, err := Load("testdata/shop.yaml", []string{"acme", "beta", "world"})
	if err != nil {
		t.Fatal(err)
	}
	n, failures := set.Test()
	if n != 6 || len(failures) > 0 {
		t.Fatalf("%d tests, failures:\n%s", n, failures)
	}
	if w := set.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %s", w)
	}
	plan := set.Plan(query("p1", 2000, "EUR"), &State{})
	if plan.Attempts != 3 || plan.WithinSeconds != 30 || plan.DeferSeconds != 600 || plan.Version != set.Hash() {
		t.Errorf("plan: %+v", plan)
	}
}

// A test that expects what does not come out fails where it stands.
func TestFailingTest(t *testing.T) {
	set := compile(t, "version: 1\nroutes:\n  - { name: a, psp: acme }\n  - { name: b, psp: beta, when: card.country == \"DE\" }\ntests:\n"+
		"  - name: b comes\n    given: { card.country: FR }\n    expect: [a, b]\n  - { given: { card.country: FR }, expect: [a], left_out: { beta: limit } }\n"+
		"  - { given: {}, expect: [a], left_out: { acme: limit } }\n")
	n, failures := set.Test()
	want := []string{
		`routes.yaml:6:5: test "b comes" failed: the routes are [a], not [a, b]; left out: b by condition`,
		`routes.yaml:9:5: test failed: beta is left out for reason condition, not limit`,
		`routes.yaml:10:5: test failed: acme is not left out`,
	}
	if n != 3 || len(failures) != len(want) {
		t.Fatalf("%d tests, %d failures:\n%s", n, len(failures), failures)
	}
	for i, f := range failures {
		if got, _, _ := strings.Cut(f.String(), "\n"); got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
}

func TestMistakes(t *testing.T) {
	head := "version: 1\n"
	route := "routes:\n  - { name: a, psp: acme }\n"
	for _, test := range []struct{ name, text, want string }{
		{"key", head + "strategie: priority\n" + route, `2:1: unknown key "strategie" in a routing file|did you mean "strategy"?`},
		{"version", route, `1:1: the file does not say its version|begin with: version: 1`},
		{"no routes", head + "strategy: priority\n", `the file has no routes|add routes`},
		{"strategy", head + "strategy: cheapest\n" + route, `2:11: strategy cannot be "cheapest"`},
		{"psp unknown", head + "routes:\n  - { name: a, psp: acmee }\n", `3:21: the configuration has no PSP "acmee"|did you mean "acme"?`},
		{"twice", head + route + "  - { name: a, psp: acme }\n", `the route "a" is defined twice (first at line 3)`},
		{"no psp", head + "routes:\n  - { name: a }\n", `the route has no psp`},
		{"condition's field", head + "routes:\n  - name: a\n    psp: acme\n    when: card.contry == \"DE\"\n", `5:11: unknown field "card.contry"|did you mean "card.country"?`},
		{"condition's value", head + "routes:\n  - name: a\n    psp: acme\n    when: card.country == \"Germany\"\n", `card.country can never equal "Germany"`},
		{"condition's type", head + "routes:\n  - { name: a, psp: acme, when: payment.amount > 100 }\n", `write the amount as money("250.00 EUR")`},
		{"unknown list", head + "routes:\n  - { name: a, psp: acme, when: card.bin in list(\"x\") }\n", `unknown list "x"`},
		{"editable list", head + "lists:\n  x: { editable: true, match: bin_prefix, entries: [\"4111\"] }\nroutes:\n  - { name: a, psp: acme, when: card.bin in list(\"x\") }\n", `the list "x" cannot be edited while weir runs`},
		{"percent", head + "routes:\n  - { name: a, psp: acme, cost: [{ percent: 1.4 }] }\n", `percent must be a percentage, not the number 1.4|write percent: 1.4%`},
		{"within without a unit", "version: 1\ncascade: { attempts: 2, within: 30 }\nroutes:\n  - { name: a, psp: acme }\n", `within 30 has no unit|write within: 30s for seconds`},
		{"percent form", head + "routes:\n  - { name: a, psp: acme, cost: [{ percent: 1.40001% }] }\n", `percent must be 0% to 99.9999%`},
		{"empty cost", head + "routes:\n  - { name: a, psp: acme, cost: [{}] }\n", `the cost says nothing`},
		{"cost never reached", head + "routes:\n  - { name: a, psp: acme, cost: [{ percent: 1% }, { percent: 2% }] }\n", `this cost is never reached`},
		{"amount", head + "routes:\n  - { name: a, psp: acme, daily: { amount: [\"10 XYZ\"] } }\n", `10 XYZ`},
		{"no limit", head + "routes:\n  - { name: a, psp: acme, daily: {} }\n", `daily says no limit`},
		{"cascade", head + "cascade: { attempts: 3 }\n" + route, `cascade does not say within which time`},
		{"attempts", head + "cascade: { attempts: 30, within: 30s }\n" + route, `attempts: 30 is not between 1 and 10`},
		{"health", head + "health: { window: 1m }\n" + route, `health does not say when a PSP is unhealthy`},
		{"half-life", head + "strategy: bandit\n" + route, `strategy bandit needs half_life`},
		{"half-life elsewhere", head + "half_life: 1h\n" + route, `half_life is for strategy bandit`},
		{"stable", head + "stable_by: payment\n" + route, `stable_by is for strategy volume_split`},
		{"test's route", head + route + "tests:\n  - { expect: [b] }\n", `route "b"`},
		{"test's field", head + route + "tests:\n  - { given: { card.contry: DE }, expect: [a] }\n", `there is no field "card.contry"`},
		{"test's value", head + route + "tests:\n  - { given: { risk.score: high }, expect: [a] }\n", `risk.score: "high" is not a whole number`},
		{"never full", head + route + "tests:\n  - { full: [a], expect: [] }\n", `the route "a" has no limit, so it is never full`},
		{"expects nothing", head + route + "tests:\n  - { given: {} }\n", `the test expects nothing`},
		{"card number", head + "routes:\n  - { name: a, psp: acme, when: card.bin == \"4111111111111111\" }\n", `a card number must not stand in a rule file`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Compile(rules.File{Name: "routes.yaml", Text: []byte(test.text)}, []string{"acme"}, os.ReadFile)
			var problems rules.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v", err)
			}
			for _, want := range strings.Split(test.want, "|") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got\n%s\nwant %s", err, want)
				}
			}
		})
	}
}

func TestLeastCost(t *testing.T) {
	set := compile(t, `version: 1
strategy: least_cost
routes:
  - { name: none, psp: none }
  - name: flat
    psp: flat
    cost: [{ fixed: ["0.30 EUR"] }]
  - name: part
    psp: part
    cost:
      - { when: card.scheme == "amex", percent: 3.5% }
      - { fixed: ["0.05 EUR", "0.06 USD"], percent: 1.25% }
`)
	for _, test := range []struct {
		minor            int64
		currency, scheme string
		want, why        string
	}{
		{1999, "EUR", "visa", "part flat none", "costs 0.30 EUR"}, // 29.9875 against 30
		{2000, "EUR", "visa", "flat part none", "costs 0.30 EUR"}, // equal: as in the file
		{2001, "EUR", "visa", "flat part none", "costs 0.30 EUR"}, // 30.0125
		{2000, "USD", "visa", "part none flat", "costs 0.31 USD"}, // flat has no amount in USD
		{100, "EUR", "amex", "part flat none", "costs 0.04 EUR"},  // 3.5, rounded up
		{2000, "EUR", "", "flat none part", "costs 0.30 EUR"},     // which of its costs it is, nobody knows
		{999_999_999_999_999, "EUR", "visa", "flat part none", "costs 0.30 EUR"},
	} {
		q := query("p", test.minor, test.currency)
		q.Input.Command.Card.Scheme = test.scheme
		plan := set.Plan(q, &State{})
		if order(plan) != test.want || plan.Candidates[0].Why != test.why {
			t.Errorf("%d %s %s: got %s (%s), want %s (%s)", test.minor, test.currency, test.scheme, order(plan), plan.Candidates[0].Why, test.want, test.why)
		}
	}
}

// A price is that of unlimited numbers.
func TestPriceExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(1, 999_999_999_999_999).Draw(t, "minor")
		c := cost{millionths: rapid.Int64Range(0, 999_999).Draw(t, "rate"), fixed: map[ledger.Currency]int64{"EUR": rapid.Int64Range(0, 1<<50).Draw(t, "fixed")}}
		got := c.of(ledger.Money{Minor: minor, Currency: "EUR"})
		// By parts, none of which overflows.
		whole, rest := minor/million*c.millionths, minor%million*c.millionths
		want := whole + c.fixed["EUR"] + (rest+million-1)/million
		if !got.known || got.minor() != want {
			t.Fatalf("got %d, want %d", got.minor(), want)
		}
	})
}

func TestVolumeSplit(t *testing.T) {
	set := compile(t, "version: 1\nstrategy: volume_split\nroutes:\n  - { name: a, psp: acme, weight: 70 }\n  - { name: b, psp: beta, weight: 30 }\n  - { name: c, psp: gamma, weight: 0 }\n")
	first := map[string]int{}
	const payments = 20_000
	for i := range payments {
		plan := set.Plan(query(fmt.Sprint(i), 1000, "EUR"), &State{})
		first[plan.Candidates[0].Route]++
		if plan.Candidates[2].Route != "c" {
			t.Fatalf("a route without weight comes last; got %s", order(plan))
		}
	}
	if share := float64(first["a"]) / payments; share < 0.685 || share > 0.715 {
		t.Errorf("a has %.3f of the payments, want 0.7", share)
	}
	one, two := query("1", 1000, "EUR"), query("2", 5000, "EUR")
	two.Input.Command.CustomerID = one.Input.Command.CustomerID
	for range 50 {
		two.Payment += "x"
		if order(set.Plan(one, &State{})) != order(set.Plan(two, &State{})) {
			t.Fatal("a customer's payments go different ways")
		}
	}
}

// T1 to T3, and that a bandit's draw can be repeated from what stands in the plan.
func TestPlanInvariants(t *testing.T) {
	strategies := []string{"priority", "least_cost", "volume_split", "bandit\nhalf_life: 1h"}
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		strategy := rapid.SampledFrom(strategies).Draw(t, "strategy")
		fmt.Fprintf(&text, "version: 1\nstrategy: %s\n%shealth: { window: 1m, at_least: 1, error_rate: 10%% }\nroutes:\n", strategy,
			rapid.SampledFrom([]string{"", "defer: 10m\n"}).Draw(t, "defer"))
		for i := range rapid.IntRange(1, 8).Draw(t, "routes") {
			fmt.Fprintf(&text, "  - { name: r%d, psp: p%d, weight: %d", i, rapid.IntRange(0, 4).Draw(t, "psp"), rapid.IntRange(0, 3).Draw(t, "weight"))
			if c := rapid.SampledFrom([]string{"", "DE", "FR"}).Draw(t, "country"); c != "" {
				fmt.Fprintf(&text, ", when: card.country == %q", c)
			}
			text.WriteString(" }\n")
		}
		set, err := Compile(rules.File{Name: "r", Text: []byte(text.String())}, nil, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		q := query(rapid.StringMatching("[a-z]{1,8}").Draw(t, "payment"), 1000, "EUR")
		q.Input.Command.Card.Country = rapid.SampledFrom([]string{"", "DE", "FR", "IT"}).Draw(t, "card")
		off := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"p0", "p1", "p2", "p3"}), rapid.ID).Draw(t, "off")
		q.Off = func(psp string) string {
			for _, o := range off {
				if o == psp {
					return "switched off"
				}
			}
			return ""
		}
		results := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Result {
			return Result{Route: fmt.Sprintf("r%d", rapid.IntRange(0, 7).Draw(t, "route")), PSP: fmt.Sprintf("p%d", rapid.IntRange(0, 4).Draw(t, "psp")),
				Asked: start.Add(-time.Minute), At: start.Add(-time.Second * time.Duration(rapid.IntRange(0, 50).Draw(t, "ago"))),
				Answer: Answer(rapid.IntRange(0, 2).Draw(t, "answer")), Decided: rapid.Bool().Draw(t, "decided"), Approved: rapid.Bool().Draw(t, "approved")}
		})).Draw(t, "results")
		learnt := func() *State {
			st := &State{}
			for _, r := range results {
				st.Observe(set, r)
			}
			return st
		}
		st := learnt()
		plan := set.Plan(q, st)
		if again := set.Plan(q, learnt()); fmt.Sprint(again) != fmt.Sprint(plan) {
			t.Fatalf("T1: %v, then %v", plan, again)
		}
		named := map[string]bool{}
		bad := func(psp string) bool {
			ok, _ := st.psps[psp].admits(set.health, q.Input.Now)
			return q.Off(psp) != "" || !ok && st.psps[psp].state == open
		}
		good := 0
		for _, c := range plan.Candidates {
			if named[c.PSP] {
				t.Fatalf("T2: %s stands twice in %+v", c.PSP, plan)
			}
			named[c.PSP] = true
			if !bad(c.PSP) {
				good++
			}
			if set.strategy == Bandit && good > 0 && c.Why != "drew an approval rate of "+percent(draw.Of("sample", q.Payment).Rate(c.Route, c.Approved, c.Declined)) {
				t.Fatalf("T1: the draw of %+v cannot be repeated", c)
			}
		}
		if good > 0 && good < len(plan.Candidates) {
			t.Fatalf("T3: %+v", plan)
		}
		for _, l := range plan.LeftOut {
			if named[l.PSP] {
				t.Fatalf("T2: %s stands twice in %+v", l.PSP, plan)
			}
			named[l.PSP] = true
		}
		for _, c := range plan.Later {
			if good == 0 || set.deferred == 0 || !slices.ContainsFunc(plan.LeftOut, func(l topics.RouteLeftOut) bool {
				return l.PSP == c.PSP && (l.Reason == ReasonUnhealthy || l.Reason == ReasonDisabled)
			}) {
				t.Fatalf("T3: %s is asked later in %+v", c.PSP, plan)
			}
		}
		for _, r := range set.routes {
			if !named[r.PSP] {
				t.Fatalf("%s is neither a candidate nor left out of %+v", r.PSP, plan)
			}
		}
	})
}

// A bandit finds the better of two routes, and the other one again after it has become the better.
func TestBanditFollows(t *testing.T) {
	set := compile(t, "version: 1\nstrategy: bandit\nhalf_life: 1h\nroutes:\n  - { name: a, psp: acme }\n  - { name: b, psp: beta }\n")
	st, waiting := &State{}, []Result(nil)
	rate := map[string]int64{"a": 900_000_000, "b": 700_000_000}
	phase := func(payments int, from time.Time) (share float64) {
		for i := range payments {
			q := query(fmt.Sprintf("%d-%d", from.Unix(), i), 1000, "EUR")
			q.Input.Now = from.Add(time.Duration(i) * 10 * time.Second)
			chosen := set.Plan(q, st).Candidates[0].Route
			if chosen == "a" && i >= payments/2 {
				share += 2 / float64(payments)
			}
			// What the issuer says is drawn by a seed of its own, and is heard of a minute later.
			approved := draw.Of("issuer", q.Payment).Rate("", 0, 0) < rate[chosen]
			waiting = append(waiting, Result{Route: chosen, PSP: chosen, Asked: q.Input.Now, At: q.Input.Now.Add(time.Minute), Decided: true, Approved: approved})
			for len(waiting) > 0 && !waiting[0].At.After(q.Input.Now) {
				st.Observe(set, waiting[0])
				waiting = waiting[1:]
			}
		}
		return share
	}
	if share := phase(4000, start); share < 0.8 {
		t.Errorf("the better route has %.2f of the payments", share)
	}
	rate["a"], rate["b"] = 500_000_000, 900_000_000
	if share := phase(4000, start.Add(24*time.Hour)); share > 0.2 {
		t.Errorf("the route that has become worse has %.2f of the payments", share)
	}
}

func TestDecay(t *testing.T) {
	a := &arm{}
	a.learn(time.Hour, true, start, start)
	if a.approved != million {
		t.Fatalf("got %d", a.approved)
	}
	a.to(tickOf(time.Hour, start.Add(time.Hour)))
	if a.approved < 499_900 || a.approved > 500_100 {
		t.Errorf("after a half-life %d millionths are left", a.approved)
	}
	late := &arm{}
	late.learn(time.Hour, true, start, start.Add(time.Hour))
	if late.approved < 499_900 || late.approved > 500_100 {
		t.Errorf("a result that is a half-life late counts %d millionths", late.approved)
	}
	if decayed(math.MaxInt64, 1<<40) != 0 {
		t.Error("nothing is left of what is very old")
	}
}
