package rules

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"

	"github.com/weirhq/weir/topics"
)

// File is one rule file: its name, which problems are reported under and list files are found beside, and its text.
type File struct {
	Name string
	Text []byte
}

// Compile builds a rule set from its files, in their order. readList reads a list's CSV file; its name is the rule
// file's directory joined with what the rule file says. The error is of type Problems and holds every mistake found.
//
// Compile does not run the inline tests; Set.Test does.
func Compile(files []File, readList func(name string) ([]byte, error)) (*Set, error) {
	return compile(files, readList, (*condition).lint)
}

// compile is Compile with what looks at a condition for what cannot be meant. Tests of the evaluator leave it out: it
// must be right about such conditions, too.
func compile(files []File, readList func(name string) ([]byte, error), lint func(*condition, ast.Expr)) (*Set, error) {
	var problems Problems
	c := compiler{problems: &problems, set: &Set{}, readList: readList, lint: lint}
	for _, f := range files {
		c.set.files = append(c.set.files, f.Name)
		text := bytes.ReplaceAll(bytes.TrimPrefix(f.Text, byteOrderMark), []byte("\r\n"), []byte("\n"))
		c.docs = append(c.docs, parse(newSource(f.Name, string(text), &problems), text))
	}
	c.definitions()
	var err error
	if c.env, err = newEnvironment(c.fields); err != nil {
		return nil, err
	}
	c.lists()
	c.limits()
	c.rates()
	c.gaming()
	c.breaker()
	conditions := c.conditions()
	c.entries(slices.Concat(conditions, c.items))
	if err := c.programs(conditions); err != nil {
		return nil, err
	}
	c.unusedDefinitions(slices.Concat(conditions, c.items))
	c.unusedConstants(slices.Concat(conditions, c.items))
	c.tests()
	if len(problems) == 0 && len(conditions) == 0 && len(c.items) == 0 && len(c.set.gaming.limits) == 0 && len(files) > 0 {
		problems = append(problems, Problem{File: files[0].Name, Line: 1, Column: 1, Message: "there are no rules: every payment would pass",
			Hint: "write at least one; a rule with shadow: true decides nothing"})
	}
	if err := problems.orNil(); err != nil {
		return nil, err
	}
	c.set.finish()
	return c.set, nil
}

// byteOrderMark is what some editors and spreadsheets begin a file with.
var byteOrderMark = []byte("\ufeff")

type compiler struct {
	env      *cel.Env
	problems *Problems
	docs     []document
	set      *Set
	fields   []Field                  // that conditions may read
	fieldsAt map[topics.Stage][]Field // those of a stage

	definitionDrafts []*definitionDraft
	items            []*condition // of score cards
	translated       []*condition
	readList         func(string) ([]byte, error)
	lint             func(*condition, ast.Expr)
}

func (c *compiler) limits() {
	seen := map[string]place{}
	for _, d := range c.docs {
		for _, l := range d.limits {
			if first, ok := seen[l.Name]; ok {
				l.source.fail(l.at, anotherName, "the limit %q is defined twice (first at line %d)", l.Name, first.line)
				continue
			}
			seen[l.Name] = l.at
			c.set.limits = append(c.set.limits, l)
		}
	}
}

// condition parses a rule's condition and looks at what it says.
func (c *compiler) condition(d *draft) *condition {
	parsed := parseCondition(c.env, c.fieldsAt[d.Stage], c.fields, d)
	if !parsed.failed {
		c.lint(parsed, parsed.parsed.NativeRep().Expr())
	}
	return parsed
}

// conditions parses every rule's condition and checks what concerns the rules as a whole.
func (c *compiler) conditions() []*condition {
	var conditions []*condition
	names, rules := map[string][]*draft{}, 0
	for _, doc := range c.docs {
		for _, d := range doc.rules {
			c.named(names, d)
			if rules++; rules == maxRules+1 {
				d.source.fail(d.at[""], "", "the rule set has more than %d rules", maxRules)
			}
			if d.When == "" {
				conditions = append(conditions, &condition{draft: d, failed: true})
				continue
			}
			conditions = append(conditions, c.condition(d))
		}
	}
	c.items = c.cardConditions(names)
	c.removals(names)
	duplicates := map[string][]*condition{}
	for _, d := range conditions {
		if d.removal {
			continue
		}
		c.constants(d)
		d.outcomes()
		d.inForce()
		d.breaker()
		c.bypass(d.source, d.at["breaker"], d.Breaker)
		c.lackedByAuthorize(d)
		c.lackedByEvents(d)
		if d.failed || !d.Enabled {
			continue
		}
		key := fmt.Sprint(d.Stage, d.Commands, d.text)
		for _, first := range duplicates[key] {
			if first.Name != d.Name && first.overlaps(d.Scope) && !first.partly() && !d.partly() {
				d.source.fail(d.at["when"], "put them together, or disable one", "the rule %q has the same condition as %q (%s:%d)",
					d.Name, first.Name, first.source.name, first.at["when"].line)
				break
			}
		}
		duplicates[key] = append(duplicates[key], d)
	}
	return conditions
}

// constants checks that the lists and limits a condition names exist and fit.
func (c *compiler) constants(d *condition) {
	for _, name := range sortedNames(d.constants) {
		if list, ok := strings.CutPrefix(name, listPrefix); ok && c.list(list) == nil {
			var known []string
			for _, l := range c.set.lists {
				known = append(known, l.Name)
			}
			d.failAt(d.find(list), suggest(list, known), "unknown list %q", list)
		}
		if limit, ok := strings.CutPrefix(name, limitPrefix); ok && c.limit(limit) == nil {
			var known []string
			for _, l := range c.set.limits {
				known = append(known, l.Name)
			}
			d.failAt(d.find(limit), suggest(limit, known), "unknown limit %q", limit)
		}
	}
	c.conversions(d)
	for _, use := range d.lookUps {
		l := c.list(use.list)
		if l == nil || l.Match == use.field.Match {
			continue
		}
		d.failAt(use.offset, fmt.Sprintf("give the list match: %s", use.field.Match),
			"%s is looked up in list %q, which compares by %s", use.field.Name, l.Name, l.Match)
	}
}

func (c *compiler) list(name string) *List {
	for _, l := range c.set.lists {
		if l.Name == name {
			return l
		}
	}
	return nil
}

func (c *compiler) limit(name string) *limitDraft {
	for _, l := range c.set.limits {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// find is where a quoted name stands in the condition.
func (c *condition) find(name string) int {
	for _, quote := range []string{`"`, `'`} {
		if before, _, ok := strings.Cut(c.When, quote+name+quote); ok {
			return len([]rune(before))
		}
	}
	return 0
}

// outcomes checks that a rule says what happens where data is missing, and that a rule that stops a payment does not
// let it pass for want of data.
func (c *condition) outcomes() {
	if c.Outcome != topics.OutcomeBlock && !c.Overridable {
		c.source.fail(c.at["overridable"], "leave it out, or write outcome: block", "only a rule with outcome: block can say overridable: false")
	}
	stops := c.Outcome == topics.OutcomeBlock || c.Outcome == topics.OutcomeHold
	weak := func(o topics.Outcome) bool { return o == topics.OutcomePass || o == topics.OutcomeStepUp }
	if stops && weak(c.OnMissing) {
		c.source.fail(c.at["on_missing"], "write on_missing: hold or on_missing: block",
			"a rule with outcome: %s would let payments pass for want of data", c.Outcome)
	}
	if stops && weak(c.OnError) {
		c.source.fail(c.at["on_error"], "write on_error: hold or on_error: block",
			"a rule with outcome: %s would let payments pass because of an error", c.Outcome)
	}
	if missing := c.mayMiss(); missing != "" && c.OnMissing == "" && !c.failed {
		if _, written := c.at["on_missing"]; !written {
			hint := "write on_missing: pass, step_up, hold or block"
			if stops {
				hint = "write on_missing: hold or on_missing: block"
			}
			c.source.fail(c.at["when"], hint, "%s, and the rule does not say on_missing", missing)
		}
	}
	if c.OnError == "" {
		c.OnError = topics.OutcomeHold
		if c.OnMissing == topics.OutcomeBlock {
			c.OnError = topics.OutcomeBlock
		}
	}
}

// ofIncrement tells whether an increment command has a field that every create command has.
func ofIncrement(field string) bool {
	switch field {
	case "tenant", "command.type", "payment.amount", "payment.currency":
		return true
	}
	return false
}

// mayMiss says what a condition may find missing, "" where nothing can be.
func (c *condition) mayMiss() string {
	authorize, increment := c.appliesTo(topics.CommandAuthorize), c.appliesTo(topics.CommandIncrement)
	for _, f := range c.fields {
		switch {
		case !c.reads[f.Name]:
		case f.Type == TypeMoney && f.Required:
			return "the amount may be in another currency than it is compared with"
		case !f.Required:
			return fmt.Sprintf("%s may be missing", f.Name)
		case authorize && f.Name != "tenant" && f.Name != "command.type":
			return fmt.Sprintf("%s may be missing in an authorize command", f.Name)
		case increment && !ofIncrement(f.Name):
			return fmt.Sprintf("%s may be missing in an increment command", f.Name)
		}
	}
	return ""
}

// programs checks types and translates what has no problem so far.
func (c *compiler) programs(conditions []*condition) error {
	env, err := withConstants(c.env, slices.Concat(conditions, c.items))
	if err != nil {
		return err
	}
	b := newBuilder()
	fields := map[string]*Field{}
	for i := range c.fields {
		fields[c.fields[i].Name] = &c.fields[i]
	}
	for _, d := range conditions {
		r := compiled{Rule: d.Rule, text: d.text}
		if !d.failed {
			t := translator{builder: b, condition: d, set: c.set, fields: fields}
			d.node = c.translate(env, &t)
			r.condition, r.reads, r.converts = d.node, t.reads, t.converts
			c.translated = append(c.translated, d)
		}
		c.set.rules = append(c.set.rules, r)
	}
	c.cardPrograms(env, b, fields)
	b.placeAnswers(c.set.velocity)
	b.rates = c.set.rates
	c.set.program = &b.program
	c.constantConditions()
	return nil
}

// withConstants declares the lists, limits and amounts that conditions name.
func withConstants(env *cel.Env, conditions []*condition) (*cel.Env, error) {
	declared := map[string]bool{}
	var variables []cel.EnvOption
	for _, d := range conditions {
		for _, name := range sortedNames(d.constants) {
			if !declared[name] {
				declared[name] = true
				variables = append(variables, cel.Variable(name, constantType(name)))
			}
		}
	}
	env, err := env.Extend(variables...)
	if err != nil {
		return nil, fmt.Errorf("declare lists and limits: %w", err)
	}
	return env, nil
}

// translate checks the types and the cost of one condition and translates it; a mistake becomes a problem.
func (c *compiler) translate(env *cel.Env, t *translator) int32 {
	d := t.condition
	checked, issues := env.Check(d.parsed)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			plain, hint := plainTypeError(e.Message)
			d.failAt(d.offset(e.Location.Line(), e.Location.Column()), hint, "%s", plain)
		}
		return 0
	}
	if t := checked.OutputType(); !t.IsExactType(cel.BoolType) {
		d.failAt(0, "compare it with something", "the condition must be true or false; this is %s", plainType(t.String()))
		return 0
	}
	estimate, err := env.EstimateCost(checked, sizes{})
	if err != nil || estimate.Max > maxCost {
		d.failAt(0, "shorten the pattern or split the rule", "the condition may cost up to %d; at most %d is allowed", estimate.Max, maxCost)
		return 0
	}
	t.checked = checked.NativeRep()
	node := t.expression(t.checked.Expr())
	t.builder.worst[node] = estimate.Max
	return node
}

// constantConditions finds conditions with the same result for every payment: they have one where no field is known.
func (c *compiler) constantConditions() {
	m := newMachine(c.set.program)
	m.probing = true
	for _, d := range c.translated {
		if d.failed {
			continue
		}
		switch t := m.truth(d.node); t {
		case yes, no:
			d.failAt(0, "leave out the term that decides alone, or the whole rule", "the condition is always %t, whatever the payment", t == yes)
		case absent:
		default:
			d.failAt(0, "leave out what fails for every payment", "the condition always fails: %s", failures[t])
		}
	}
}

// sizes tells the cost estimate how long fields can be.
type sizes struct{}

// maxFieldBytes is the longest text that a valid command has in a field that rules read.
const maxFieldBytes = 512

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

func (sizes) EstimateSize(cost.AstNode) *cost.SizeEstimate {
	return &cost.SizeEstimate{Min: 0, Max: maxFieldBytes}
}

// tests checks the names in the files' tests.
func (c *compiler) tests() {
	var names []string
	for _, r := range c.set.rules {
		names = append(names, r.Name)
	}
	for _, d := range c.docs {
		for i := range d.rules {
			for j := range d.rules[i].Tests {
				c.given(&d.rules[i].Tests[j])
			}
		}
		for i := range d.cards {
			for j := range d.cards[i].Tests {
				c.given(&d.cards[i].Tests[j])
			}
		}
		for i := range d.tests {
			t := &d.tests[i]
			c.given(t)
			for _, r := range t.Rules {
				if !slices.Contains(names, r) {
					t.source.fail(t.at, suggest(r, names), "the test expects an unknown rule %q", r)
				}
			}
		}
		c.set.tests = append(c.set.tests, d.tests...)
	}
}
