package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Test runs the inline tests. tests is how many there are; failures is nil where all pass.
func (s *Set) Test() (tests int, failures Problems) {
	for i := range s.rules {
		r := &s.rules[i]
		for _, t := range r.Tests {
			tests++
			s.testRule(r, t, &failures)
		}
	}
	for _, t := range s.tests {
		tests++
		s.testFile(t, &failures)
	}
	if err := failures.orNil(); err == nil {
		return tests, nil
	}
	return tests, failures
}

// testRule evaluates one rule alone, enabled or not.
func (s *Set) testRule(r *compiled, t Test, failures *Problems) {
	m := newMachine(s.program)
	in := t.input(r.Commands[0])
	m.begin(&in)
	result := r.result(m, r.truth(m))
	got := string(result.Result)
	if r.card != nil {
		got = string(cmp.Or(result.Outcome, topics.OutcomePass))
	}
	if got != t.Expect {
		detail := ""
		if result.Detail != "" {
			detail = " (" + result.Detail + ")"
		}
		t.failed(failures, fmt.Sprintf("rule %q", r.Name), fmt.Sprintf("the result is %s%s, not %s", got, detail, t.Expect))
	}
}

// testFile evaluates the whole set.
func (s *Set) testFile(t Test, failures *Problems) {
	d := s.Evaluate(t.input(topics.CommandCreate))
	var hits, said []string
	for _, r := range d.Rules {
		if r.Result == topics.RuleHit {
			hits = append(hits, r.Rule)
		}
		said = append(said, fmt.Sprintf("%s: %s asks for %s", r.Rule, r.Result, r.Outcome))
	}
	if string(d.Outcome) != t.Expect {
		t.failed(failures, "the rule set", fmt.Sprintf("the outcome is %s, not %s; %s", d.Outcome, t.Expect, strings.Join(said, "; ")))
		return
	}
	if t.Rules != nil && !slices.Equal(hits, t.Rules) {
		t.failed(failures, "the rule set", fmt.Sprintf("the rules that hit are [%s], not [%s]", strings.Join(hits, ", "), strings.Join(t.Rules, ", ")))
	}
}

func (t Test) failed(failures *Problems, of, what string) {
	name := ""
	if t.Name != "" {
		name = fmt.Sprintf(" %q", t.Name)
	}
	s := *t.source
	s.problems = failures
	s.fail(t.at, "", "test%s of %s failed: %s", name, of, what)
}

// input is what a test describes.
func (t Test) input(of topics.CommandType) Input {
	c := &topics.Command{CommandID: "00000000-0000-4000-8000-000000000000", Type: of, Tenant: "test", Region: t.region}
	if t.tenant != "" {
		c.Tenant = t.tenant
	}
	found, features, fields := &topics.Enrichment{}, map[string]topics.Feature{}, Fields()
	for name, value := range t.Given {
		if answer, ok := strings.CutPrefix(name, velocityPrefix); ok {
			features[answer] = topics.Feature{Value: answerOf(value)}
			continue
		}
		f, key, _ := fieldNamed(fields, name)
		switch f.Type {
		case TypeMoney:
			m, _ := ledger.ParseMoney(value) // checked when the test was read
			c.Amount = m.Minor
			if c.Currency == "" {
				c.Currency = string(m.Currency)
			}
		case TypeTexts:
			if c.Metadata == nil {
				c.Metadata = map[string]string{}
			}
			c.Metadata[key] = value
		default:
			if f.setFound != nil {
				f.setFound(found, value)
			} else {
				f.set(c, value)
			}
		}
	}
	return Input{Command: c, Enrichment: found, Features: features, Now: t.Now, everyone: true}
}

// answerOf is a velocity answer as a test writes it, checked when the test was read: a number, an amount or a time.
func answerOf(value string) int64 {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return n
	}
	if m, err := ledger.ParseMoney(value); err == nil {
		return m.Minor
	}
	d, _ := parseDuration(value)
	return int64(d / time.Second)
}
