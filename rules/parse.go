package rules

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// draft is a rule as parsed, with the places that later checks point at.
type draft struct {
	Rule
	source   *source
	at       map[string]place // of the values, by key; "" is the rule itself
	whenNode ast.Node         // the condition, whose characters are looked for where one of them is a mistake
	removal  bool             // it only says enabled: false, and takes another rule away
	newness  string           // of a cool-off: the field of the instrument
}

// listDraft is a list as parsed; the entries of a file are read later.
type listDraft struct {
	List
	source  *source
	at      place
	file    string // CSV, relative to the rule file
	fileAt  place
	entryAt []place
	list    *List // what it becomes
}

// document is one rule file as parsed.
type document struct {
	rules  []*draft
	cards  []*cardDraft
	lists  []*listDraft
	limits []*limitDraft
	tests  []Test

	velocity []*definitionDraft
	rates    *ratesDraft
	gaming   []*gamingDraft
	zone     *zoneDraft
	scope    Scope
	stage    topics.Stage

	source  *source
	bound   *Bound // of the whole set
	boundAt place
}

type limitDraft struct {
	Limit
	source *source
	at     place
	value  *limit
}

var (
	documentKeys = []string{"version", "description", "stage", "tenants", "regions", "time_zone", "gaming_limits", "limits", "lists", "rates", "velocity", "breaker", "rules", "cool_offs", "scorecards", "tests"}
	ruleKeys     = []string{"name", "description", "owner", "commands", "when", "outcome", "overridable", "reason", "score",
		"on_missing", "on_error", "enabled", "shadow", "rollout", "valid_from", "valid_until", "breaker", "tags", "tests"}
	listKeys     = []string{"description", "match", "editable", "four_eyes", "file", "entries"}
	entryKeys    = []string{"value", "expires", "reason"}
	testKeys     = []string{"name", "given", "now", "expect"}
	fileTestKeys = []string{"name", "given", "now", "expect", "rules"}
)

// parse reads one rule file. What cannot be read is left out of the document and stands in the source's problems.
func parse(s *source, text []byte) document {
	d := document{source: s, stage: topics.StageBeforeAuthorization}
	body, ok := s.body(text)
	if !ok {
		return d
	}
	versioned := false
	for _, p := range s.mapping(body, "a rule file") {
		switch p.key {
		case "version":
			versioned = true
			s.version(p.value)
		case "description":
			s.text(p.value, "description")
		case "stage":
			d.stage = s.stage(p.value)
		case "tenants":
			d.scope.Tenants = s.scope(p.value, "tenants")
		case "regions":
			d.scope.Regions = s.scope(p.value, "regions")
		case "time_zone":
			d.zone = s.timeZone(p.value)
		case "gaming_limits":
			for _, n := range s.sequence(p.value, "gaming_limits") {
				d.gaming = append(d.gaming, s.gamingLimit(n))
			}
		case "limits":
			d.limits = s.limits(p.value)
		case "lists":
			d.lists = s.lists(p.value)
		case "rates":
			d.rates = s.rates(p.value, p.at)
		case "velocity":
			for _, n := range s.sequence(p.value, "velocity") {
				d.velocity = append(d.velocity, s.definition(n))
			}
		case "breaker":
			d.bound, d.boundAt = s.bound(p.value), p.at
		case "rules":
			for _, n := range s.sequence(p.value, "rules") {
				d.rules = append(d.rules, s.rule(n))
			}
		case "cool_offs":
			for _, n := range s.sequence(p.value, "cool_offs") {
				rule, definitions := s.coolOff(n)
				d.rules, d.velocity = append(d.rules, rule), append(d.velocity, definitions...)
			}
		case "scorecards":
			for _, n := range s.sequence(p.value, "scorecards") {
				d.cards = append(d.cards, s.scorecard(n))
			}
		case "tests":
			for _, n := range s.sequence(p.value, "tests") {
				d.tests = append(d.tests, s.test(n, fileTestKeys, fileOutcomes))
			}
		default:
			hint := suggest(p.key, documentKeys)
			if slices.Contains(ruleKeys, p.key) {
				hint = "the keys of a rule begin in the column of its name"
			}
			s.fail(p.at, hint, "unknown key %q", p.key)
		}
	}
	d.place()
	if !versioned {
		s.unversioned()
	}
	return d
}

// place gives everything in the file its scope and its stage.
func (d *document) place() {
	in := func(t *Test) {
		t.stage = d.stage
		if len(d.scope.Tenants) > 0 {
			t.tenant = d.scope.Tenants[0]
		}
		if len(d.scope.Regions) > 0 {
			t.region = d.scope.Regions[0]
		}
	}
	for _, r := range d.rules {
		r.place(d)
		for i := range r.Tests {
			in(&r.Tests[i])
		}
	}
	for _, c := range d.cards {
		c.place(d)
		for i, b := range c.bands {
			c.stepUp(b.outcome, c.bandAt[i])
		}
		for i := range c.Tests {
			in(&c.Tests[i])
		}
	}
	for i := range d.tests {
		in(&d.tests[i])
	}
}

// checkName checks a name's form.
func (s *source) checkName(at place, name, what string) string {
	if !nameForm.MatchString(name) || len(name) > maxNameLength {
		s.fail(at, nameHint(name), "%s %q must begin with a small letter and have only small letters, digits and _ (at most %d)", what, name, maxNameLength)
	}
	return name
}

// newDraft is what holds where a rule does not say otherwise.
func (s *source) newDraft(n ast.Node) *draft {
	d := &draft{source: s, at: map[string]place{"": placeOf(tokenOf(n))}}
	d.Rule = Rule{Commands: []topics.CommandType{topics.CommandCreate}, Overridable: true, Enabled: true, File: s.name, Line: d.at[""].line}
	return d
}

func (s *source) rule(n ast.Node) *draft {
	d := s.newDraft(n)
	before := len(*s.problems)
	pairs := s.mapping(n, "a rule")
	whole := len(*s.problems) == before // nothing was left out
	for _, p := range pairs {
		d.read(p)
	}
	_, when := d.at["when"]
	_, outcome := d.at["outcome"]
	d.removal = !d.Enabled && !when && !outcome
	for _, key := range []string{"name", "when", "outcome"} {
		if _, ok := d.at[key]; !ok && whole && (!d.removal || key == "name") {
			s.fail(d.at[""], example(key), "the rule has no %s", key)
		}
	}
	if d.Reason == "" {
		d.Reason = d.Name
	}
	return d
}

// read takes one key of a rule.
func (d *draft) read(p pair) {
	s := d.source
	at := placeOf(tokenOf(p.value))
	d.at[p.key] = at
	switch p.key {
	case "name":
		d.Name = s.text(p.value, "name")
		if d.Name != "" {
			s.checkName(at, d.Name, "the name")
		}
	case "description":
		d.Description = s.text(p.value, "description")
	case "owner":
		d.Owner = s.text(p.value, "owner")
	case "commands":
		d.Commands = s.commands(p.value)
	case "when":
		d.When = strings.TrimSpace(s.text(p.value, "when"))
		d.whenNode = p.value
		if len(d.When) > maxWhen {
			s.fail(at, "split the rule", "the condition has %d bytes; at most %d are allowed", len(d.When), maxWhen)
			d.When = ""
		}
	case "outcome":
		d.Outcome = s.outcome(p.value, "outcome", topics.OutcomeBlock, topics.OutcomeHold, topics.OutcomeStepUp, topics.OutcomePass, topics.OutcomeAllow)
	case "overridable":
		d.Overridable = s.boolean(p.value, "overridable")
	case "reason":
		d.Reason = s.text(p.value, "reason")
		if d.Reason != "" {
			s.checkName(at, d.Reason, "the reason code")
		}
	case "score":
		d.Score = s.integer(p.value, "score")
		if d.Score < -maxScore || d.Score > maxScore {
			s.fail(at, "", "score %d is not between -%d and %d", d.Score, maxScore, maxScore)
		}
	case "on_missing":
		d.OnMissing = s.outcome(p.value, "on_missing", topics.OutcomeBlock, topics.OutcomeHold, topics.OutcomeStepUp, topics.OutcomePass)
	case "on_error":
		d.OnError = s.outcome(p.value, "on_error", topics.OutcomeBlock, topics.OutcomeHold, topics.OutcomeStepUp, topics.OutcomePass)
	case "enabled":
		d.Enabled = s.boolean(p.value, "enabled")
	case "shadow":
		d.Shadow = s.boolean(p.value, "shadow")
	case "rollout":
		d.Rollout = s.percentage(p.value, "rollout", "leave it out for all customers, write enabled: false or shadow: true for none")
	case "breaker":
		d.Breaker = s.bound(p.value)
	case "valid_from":
		d.ValidFrom = s.moment(p.value, "valid_from", false)
	case "valid_until":
		d.ValidUntil = s.moment(p.value, "valid_until", true)
	case "tags":
		for _, tag := range s.sequence(p.value, "tags") {
			if t := s.text(tag, "a tag"); t != "" {
				d.Tags = append(d.Tags, s.checkName(placeOf(tokenOf(tag)), t, "the tag"))
			}
		}
	case "tests":
		d.tests(p.value, ruleResults)
	default:
		hint := suggest(p.key, ruleKeys)
		if p.key == "stage" || p.key == "tenants" || p.key == "regions" {
			hint = "write it at the beginning of the file: it is for all its rules"
		}
		s.fail(p.at, hint, "unknown key %q in a rule", p.key)
	}
}

func (d *draft) tests(n ast.Node, expected []string) {
	for _, test := range d.source.sequence(n, "tests") {
		d.Tests = append(d.Tests, d.source.test(test, testKeys, expected))
	}
	if len(d.Tests) > maxTests {
		d.source.fail(placeOf(tokenOf(n)), "", "the rule has %d tests; at most %d are allowed", len(d.Tests), maxTests)
	}
}

func (s *source) outcome(n ast.Node, what string, allowed ...topics.Outcome) topics.Outcome {
	o := topics.Outcome(s.text(n, what))
	if o == "" || slices.Contains(allowed, o) {
		return o
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	hint := suggest(string(o), names)
	if same, ok := otherOutcomes[string(o)]; ok && slices.Contains(allowed, same) {
		hint = fmt.Sprintf("did you mean %q?", string(same))
	}
	s.fail(placeOf(tokenOf(n)), hint, "%s cannot be %q", what, o)
	return ""
}

// otherOutcomes are what others call an outcome.
var otherOutcomes = map[string]topics.Outcome{
	"decline": topics.OutcomeBlock, "reject": topics.OutcomeBlock, "deny": topics.OutcomeBlock, "refuse": topics.OutcomeBlock,
	"review": topics.OutcomeHold, "challenge": topics.OutcomeStepUp, "3ds": topics.OutcomeStepUp, "accept": topics.OutcomeAllow, "approve": topics.OutcomeAllow,
}

func (s *source) commands(n ast.Node) []topics.CommandType {
	var types []topics.CommandType
	known := commandTypes(topics.StageBeforeAuthorization)
	for _, c := range s.sequence(n, "commands") {
		switch t := topics.CommandType(s.text(c, "a command type")); {
		case t == "":
		case !slices.Contains(known, string(t)):
			s.fail(placeOf(tokenOf(c)), suggest(string(t), known), "rules are not evaluated for %q", t)
		case slices.Contains(types, t):
			s.fail(placeOf(tokenOf(c)), "", "%q stands here twice", t)
		default:
			types = append(types, t)
		}
	}
	sort.Slice(types, func(i, j int) bool {
		return slices.Index(known, string(types[i])) < slices.Index(known, string(types[j]))
	})
	if seq, ok := n.(*ast.SequenceNode); ok && len(seq.Values) == 0 {
		s.fail(placeOf(tokenOf(n)), "write commands: [create], or leave it out", "commands names nothing that rules are evaluated for")
	}
	return types
}

func (s *source) limits(n ast.Node) []*limitDraft {
	var drafts []*limitDraft
	for _, p := range s.mapping(n, "limits") {
		l := &limitDraft{Limit: Limit{Name: s.checkName(p.at, p.key, "the limit")}, source: s, at: p.at}
		l.value = &limit{name: l.Name, amounts: map[ledger.Currency]int64{}}
		for _, a := range s.sequence(p.value, "a limit") {
			at := placeOf(tokenOf(a))
			text := s.text(a, "an amount")
			if text == "" {
				continue
			}
			m, err := ledger.ParseMoney(text)
			if err != nil {
				s.fail(at, amountHint, "%s", err)
				continue
			}
			if _, ok := l.value.amounts[m.Currency]; ok {
				s.fail(at, "leave one of them out", "limit %q has two amounts in %s", l.Name, m.Currency)
			}
			l.value.amounts[m.Currency] = m.Minor
			l.Amounts = append(l.Amounts, m.String())
		}
		sort.Strings(l.Amounts)
		drafts = append(drafts, l)
	}
	return drafts
}
