package rules

import (
	"fmt"
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

// maxDigits is the longest whole number that is certain to fit.
const maxDigits = 18

// test reads an inline test of a rule (testKeys) or of a file (fileTestKeys).
func (s *source) test(n ast.Node, keys, expected []string) Test {
	t := Test{at: placeOf(tokenOf(n)), source: s, Given: map[string]string{}}
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
			day, err := ParseExpiry(text)
			if err != nil && text != "" {
				s.fail(at, hintOf(err), "%s", err)
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

// given reads one field's value for a test.
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
	t.given = append(t.given, given{g.key, value, g.at, at})
}

// given checks that the fields of a test exist and can have their values.
func (c *compiler) given(t *Test) {
	for _, g := range t.given {
		if problem, hint, at := c.wrong(t.stage, g); problem != "" {
			t.source.fail(at, hint, "%s", problem)
			continue
		}
		t.Given[g.name] = g.value
	}
}

// wrong says what is wrong with a value that a test gives, "" where nothing is.
func (c *compiler) wrong(stage topics.Stage, g given) (problem, hint string, at place) {
	f, key, ok := fieldNamed(c.fieldsAt[stage], g.name)
	switch {
	case !ok:
		if elsewhere, _, ok := fieldNamed(c.fields, g.name); ok {
			problem, hint := elsewhere.notAt(stage)
			return problem, hint, g.nameAt
		}
		if name, velocity := strings.CutPrefix(g.name, velocityPrefix); velocity {
			return fmt.Sprintf("no velocity definition is named %q", name), suggest(name, velocityNames(c.fields)), g.nameAt
		}
		return fmt.Sprintf("unknown field %q", g.name), suggest(g.name, fieldNames(c.fieldsAt[stage])), g.nameAt
	case f.broken:
		return "", "", place{}
	case f.Type == TypeMoney:
		m, err := ledger.ParseMoney(g.value)
		if err != nil {
			return err.Error(), amountHint, g.valueAt
		}
		if f.Currency != "" && m.Currency != f.Currency {
			return fmt.Sprintf("%s is always in %s", f.Name, f.Currency), "write it as " + f.Example, g.valueAt
		}
	case f.Name == fieldZoneCountries && zoneOf(g.value) == "":
		return fmt.Sprintf("no time zone has just the countries %q", g.value), "give context.time_zone instead, such as Europe/Dublin", g.valueAt
	case f.Type == TypeNumber && f.number != nil && strings.Trim(g.value, "0") == "":
		return fmt.Sprintf("%s is a whole number above 0", f.Name), "", g.valueAt
	case f.Type == TypeNumber:
		if strings.Trim(g.value, "0123456789") != "" || len(g.value) > maxDigits {
			return fmt.Sprintf("%s is a whole number, not %q", f.Name, g.value), "write it without quotes and unit, such as 6", g.valueAt
		}
	case f.Type == TypeDuration:
		if _, err := parseDuration(g.value); err != nil {
			return err.Error(), hintOf(err), g.valueAt
		}
	case holdsCardNumber(g.value):
		return "a card number must not stand in a rule file", "use a BIN or a fingerprint", g.valueAt
	case f.Type == TypeTexts && holdsCardNumber(key):
		return "a card number must not stand in a rule file", "use a BIN or a fingerprint", g.nameAt
	}
	return "", "", place{}
}

// fieldNamed finds a field by the name a test uses: card.bin, or payment.metadata.promotion with the key promotion.
func fieldNamed(fields []Field, name string) (f Field, key string, ok bool) {
	for _, f := range fields {
		if f.Type == TypeTexts {
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

func fieldNames(fields []Field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// velocityNames are the names of the velocity definitions among fields.
func velocityNames(fields []Field) []string {
	var names []string
	for _, f := range fields {
		if name, ok := strings.CutPrefix(f.Name, velocityPrefix); ok {
			names = append(names, name)
		}
	}
	return names
}
