package rules

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// The results that a rule's test may expect, and the outcomes that a file's test may.
var (
	ruleResults  = []string{string(topics.RuleHit), string(topics.RuleMiss), string(topics.RuleMissing), string(topics.RuleError)}
	fileOutcomes = []string{string(topics.OutcomeBlock), string(topics.OutcomeHold), string(topics.OutcomeStepUp),
		string(topics.OutcomePass), string(topics.OutcomeAllow)}
)

// test reads an inline test of a rule (testKeys) or of a file (fileTestKeys).
func (s *source) test(n ast.Node, keys []string) Test {
	t := Test{at: placeOf(tokenOf(n)), source: s, Given: map[string]string{}}
	expected := ruleResults
	if slices.Contains(keys, "rules") {
		expected = fileOutcomes
	}
	for _, p := range s.mapping(n, "a test") {
		at := placeOf(tokenOf(p.value))
		switch {
		case !slices.Contains(keys, p.key):
			s.fail(p.at, suggest(p.key, keys), "unknown key %q in a test", p.key)
		case p.key == "name":
			t.Name = s.text(p.value, "name")
		case p.key == "given":
			for _, g := range s.mapping(p.value, "given") {
				s.given(&t, g)
			}
		case p.key == "now":
			text := s.text(p.value, "now")
			day, err := parseExpiry(text)
			if err != nil && text != "" {
				s.fail(at, "", "%s", err)
			}
			t.Now = day
			if len(text) == len("2027-01-31") {
				t.Now = day.AddDate(0, 0, -1) // the day's beginning
			}
		case p.key == "expect":
			t.Expect = s.text(p.value, "expect")
			if t.Expect != "" && !slices.Contains(expected, t.Expect) {
				s.fail(at, suggest(t.Expect, expected), "a test cannot expect %q", t.Expect)
			}
		case p.key == "rules":
			t.Rules = []string{}
			for _, r := range s.sequence(p.value, "rules") {
				t.Rules = append(t.Rules, s.text(r, "a rule's name"))
			}
		}
	}
	if t.Expect == "" {
		s.fail(t.at, "expect one of "+strings.Join(expected, ", "), "the test expects nothing")
	}
	return t
}

// given reads one field's value for a test and checks that the field exists and can have it.
func (s *source) given(t *Test, g pair) {
	before := len(*s.problems)
	value := s.value(g.value)
	at := placeOf(tokenOf(g.value))
	if len(*s.problems) > before {
		return
	}
	if value == "" {
		s.fail(at, "leave the field out to test missing data", "%s is given no value", g.key)
		return
	}
	f, key, ok := fieldNamed(g.key)
	switch {
	case !ok:
		s.fail(g.at, suggest(g.key, fieldNames()), "unknown field %q", g.key)
		return
	case f.Type == TypeMoney:
		if _, err := ledger.ParseMoney(value); err != nil {
			s.fail(at, "", "%s", err)
			return
		}
	case f.Type == TypeCounts:
		if strings.Trim(value, "0123456789") != "" || len(value) > 18 {
			s.fail(at, "", "%s[%q] must be a whole number", f.Name, key)
			return
		}
	case holdsCardNumber(value):
		s.fail(at, "use a BIN or a fingerprint", "a card number must not stand in a rule file")
		return
	}
	t.Given[g.key] = value
}

// fieldNamed finds a field by the name a test uses: card.bin, or payment.metadata.promotion with the key promotion.
func fieldNamed(name string) (f Field, key string, ok bool) {
	for _, f := range Fields() {
		if f.Type == TypeTexts || f.Type == TypeCounts {
			if key, ok := strings.CutPrefix(name, f.Name+"."); ok && key != "" {
				return f, key, true
			}
			continue
		}
		if f.Name == name {
			return f, "", true
		}
	}
	return Field{}, "", false
}

func fieldNames() []string {
	var names []string
	for _, f := range Fields() {
		names = append(names, f.Name)
	}
	return names
}
