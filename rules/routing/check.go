package routing

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

var testKeys = []string{"name", "given", "now", "unhealthy", "disabled", "full", "expect", "left_out"}

// test is one that stands in the file.
type test struct {
	node  rules.Node
	name  string
	given rules.Input
	// PSPs that are unhealthy or disabled, routes whose day is full.
	unhealthy, disabled, full []string
	expect                    []string // routes, in their order
	leftOut                   map[string]string
}

// testPayment stands for the id of a test's payment.
const testPayment = "00000000-0000-4000-8000-000000000000"

func (p *parser) tests(entries []rules.SheetEntry) {
	for _, e := range entries {
		if e.Key != "tests" {
			continue
		}
		for i, n := range p.Sequence(e.Value, "tests") {
			if i == maxTests {
				p.Fail(n, "", "the file has more than %d tests", maxTests)
				return
			}
			p.set.tests = append(p.set.tests, p.test(n))
		}
	}
}

func (p *parser) test(n rules.Node) test {
	t := test{node: n, given: rules.Input{Enrichment: &topics.Enrichment{},
		Command: &topics.Command{CommandID: testPayment, Type: topics.CommandCreate, Tenant: "test"}}}
	var routes, psps []string
	for _, r := range p.set.routes {
		routes, psps = append(routes, r.Name), append(psps, r.PSP)
	}
	expected := false
	for _, e := range p.Mapping(n, "a test", testKeys) {
		switch e.Key {
		case "name":
			t.name = p.Text(e.Value, "name")
		case "given":
			for _, g := range p.Mapping(e.Value, "given", nil) {
				p.give(&t.given, g)
			}
		case "now":
			t.given.Now = p.moment(e.Value)
		case "unhealthy":
			t.unhealthy = p.known(e.Value, "PSP", psps)
		case "disabled":
			t.disabled = p.known(e.Value, "PSP", psps)
		case "full":
			t.full = p.known(e.Value, "route", routes)
			for _, name := range t.full {
				if !slices.ContainsFunc(p.set.routes, func(r Route) bool { return r.Name == name && r.daily != nil }) {
					p.Fail(e.Value, "give it daily: { count: 1000 }, or leave it out here", "the route %q has no limit, so it is never full", name)
				}
			}
		case "expect":
			t.expect, expected = p.known(e.Value, "route", routes), true
		case "left_out":
			t.leftOut = map[string]string{}
			for _, l := range p.Mapping(e.Value, "left_out", psps) {
				t.leftOut[l.Key] = p.OneOf(l.Value, "a reason", toldReasons...)
			}
		}
	}
	if !expected {
		p.Fail(n, "add the routes that are asked, in their order, such as expect: [main]; expect: [] where none is", "the test expects nothing")
	}
	return t
}

func (p *parser) give(in *rules.Input, e rules.SheetEntry) {
	set, err := rules.SheetSetter(e.Key)
	if err != nil {
		p.FailKey(e, rules.Hint(err), "%s", err)
		return
	}
	if value := p.Value(e.Value); value != "" {
		if err := set(in, value); err != nil {
			p.Fail(e.Value, rules.Hint(err), "%s", err)
		}
	}
}

func (p *parser) moment(n rules.Node) time.Time {
	text := p.Text(n, "now")
	at, err := time.Parse(time.RFC3339, text)
	if err != nil && text != "" {
		p.Fail(n, `write it as "2027-01-31T18:00:00Z"`, "now is a moment, not %q", text)
	}
	return at
}

// known reads a list of names that stand in the file.
func (p *parser) known(n rules.Node, what string, names []string) []string {
	listed := []string{}
	for _, item := range p.Sequence(n, "the "+what+"s") {
		name := p.Text(item, "the "+what)
		if name != "" && !slices.Contains(names, name) {
			p.Fail(item, rules.Suggest(name, slices.Compact(slices.Sorted(slices.Values(names)))), "no route is named so or goes there: %s %q", what, name)
			continue
		}
		listed = append(listed, name)
	}
	return listed
}

// Test runs the tests in the file. tests is how many there are; failures is nil where all pass.
func (s *Set) Test() (tests int, failures rules.Problems) {
	for i := range s.tests {
		s.run(&s.tests[i], &failures)
	}
	return len(s.tests), failures
}

// run tries one test. What is drawn by weight or from what was learnt is expected in any order.
func (s *Set) run(t *test, failures *rules.Problems) {
	q := &Query{Input: t.given, Payment: testPayment, Off: func(psp string) string {
		if slices.Contains(t.disabled, psp) {
			return "by the test"
		}
		return ""
	}}
	plan, verdicts := s.Explain(q, s.imagined(t))
	var got, said []string
	for _, c := range plan.Candidates {
		got = append(got, c.Route)
	}
	want := t.expect
	if s.strategy == VolumeSplit || s.strategy == Bandit {
		got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	}
	if !slices.Equal(got, want) {
		for _, v := range verdicts {
			if v.Place == 0 {
				said = append(said, told(v))
			}
		}
		failure := fmt.Sprintf("the routes are [%s], not [%s]", joined(got), joined(want))
		if len(said) > 0 {
			failure += "; left out: " + joined(said)
		}
		s.failed(t, failures, failure)
		return
	}
	for _, psp := range slices.Sorted(maps.Keys(t.leftOut)) {
		at := slices.IndexFunc(plan.LeftOut, func(l topics.RouteLeftOut) bool { return l.PSP == psp })
		switch {
		case at < 0:
			s.failed(t, failures, fmt.Sprintf("%s is not left out", psp))
		case plan.LeftOut[at].Reason != t.leftOut[psp]:
			s.failed(t, failures, fmt.Sprintf("%s is left out for reason %s, not %s", psp, plan.LeftOut[at].Reason, t.leftOut[psp]))
		}
	}
}

// imagined is a state in which a test's PSPs are unhealthy and its routes full.
func (s *Set) imagined(t *test) *State {
	st := &State{}
	for _, psp := range t.unhealthy {
		st.psp(psp).imagine()
	}
	for _, name := range t.full {
		d := st.day(name, dayOf(t.given.Now, s.zone))
		d.count = math.MaxInt64
		for i := range s.routes {
			if r := &s.routes[i]; r.Name == name && r.daily != nil {
				for currency := range r.daily.Amounts {
					d.amounts[currency] = math.MaxInt64
				}
			}
		}
	}
	return st
}

// told is why a route is left out, on one line.
func told(v Verdict) string {
	text := v.Route + " by " + v.Reason
	if v.Why != "" {
		text += " (" + v.Why + ")"
	}
	return text
}

func (s *Set) failed(t *test, failures *rules.Problems, what string) {
	name := ""
	if t.name != "" {
		name = fmt.Sprintf(" %q", t.name)
	}
	s.sheet.FailTest(t.node, failures, "", "test%s failed: %s", name, what)
}
