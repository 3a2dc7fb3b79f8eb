package rules

import (
	"slices"
	"strings"
	"sync"

	"github.com/weirhq/weir/topics"
)

// Conditions compiles the conditions of a sheet: written, checked and evaluated as those of rules before authorisation,
// and with lists and limits of the sheet's own.
type Conditions struct {
	compiler
	conditions []*condition
}

// NewConditions returns a compiler for a sheet. readList reads a list's file, as in Compile.
func NewConditions(s *Sheet, readList func(name string) ([]byte, error)) (*Conditions, error) {
	c := &Conditions{compiler: compiler{problems: s.problems, set: &Set{}, readList: readList, lint: (*condition).lint}}
	c.docs = []document{{source: s.source}}
	c.definitions()
	c.fields = append(c.fields, sheetFields()...)
	c.fieldsAt[topics.StageBeforeAuthorization] = fieldsAt(topics.StageBeforeAuthorization, c.fields)
	var err error
	c.env, err = newEnvironment(c.fields)
	return c, err
}

// Constants reads what stands under lists and limits, either of which may be nil. They come before the first condition.
func (c *Conditions) Constants(lists, limits Node) {
	d := &c.docs[0]
	if lists != nil {
		d.lists = d.source.lists(lists)
		for _, l := range d.lists {
			if l.Editable {
				d.source.fail(l.at, "leave editable out, or write the condition as a rule", "the list %q cannot be edited while weir runs: only lists of rules can", l.Name)
			}
		}
	}
	if limits != nil {
		d.limits = d.source.limits(limits)
	}
	c.compiler.lists()
	c.compiler.limits()
}

// Add takes a condition in, and returns its number, counted from 0.
func (c *Conditions) Add(n Node) int {
	s := c.docs[0].source
	d := s.newDraft(n)
	d.Stage = topics.StageBeforeAuthorization
	d.at["when"], d.whenNode = d.at[""], n
	d.When = strings.TrimSpace(s.text(n, "when"))
	switch {
	case len(d.When) > maxWhen:
		s.fail(d.at[""], "split it", "the condition has %d bytes; at most %d are allowed", len(d.When), maxWhen)
		fallthrough
	case d.When == "":
		c.conditions = append(c.conditions, &condition{draft: d, failed: true})
	default:
		parsed := c.condition(d)
		c.constants(parsed)
		c.conditions = append(c.conditions, parsed)
	}
	return len(c.conditions) - 1
}

// Compile is the conditions that were added. Mistakes are problems of the sheet, and then the matcher must not be used.
// The error is a failure of the language itself.
func (c *Conditions) Compile() (*Matcher, error) {
	c.entries(c.conditions)
	if err := c.programs(c.conditions); err != nil {
		return nil, err
	}
	c.unusedConstants(c.conditions)
	return &Matcher{set: c.set}, nil
}

// Matcher evaluates compiled conditions. It never changes and may be used by several goroutines at once.
type Matcher struct {
	set  *Set
	idle sync.Pool
}

// Canonical is what the conditions say, for a content hash: each in a normalised form, then the lists and limits.
func (m *Matcher) Canonical() []string {
	var texts []string
	for _, r := range m.set.rules {
		texts = append(texts, r.text)
	}
	for _, l := range m.set.lists {
		texts = append(texts, "list", l.Name, string(l.Match))
		var entries []string
		for _, e := range l.Entries {
			entries = append(entries, e.Value+"\x00"+moment(e.Expires))
		}
		slices.Sort(entries)
		texts = append(texts, entries...)
	}
	for _, l := range m.set.limits {
		texts = append(append(texts, "limit", l.Name), l.Amounts...)
	}
	return texts
}

// Warnings are what is right as it stands and may not be what was meant.
func (m *Matcher) Warnings() Problems { return m.set.warnings }

// ListFiles are the files that lists were read from.
func (m *Matcher) ListFiles() []string { return m.set.files }

// Matching is what the conditions say of one input; End must be called.
type Matching struct {
	matcher *Matcher
	machine *machine
}

// Begin takes an input of stage before_authorization. It must not change before End.
func (m *Matcher) Begin(in *Input) *Matching {
	of, ok := m.idle.Get().(*Matching)
	if !ok {
		of = &Matching{m, newMachine(m.set.program)}
	}
	of.machine.begin(in)
	return of
}

// End lets go of the input.
func (m *Matching) End() {
	m.machine.end()
	m.matcher.idle.Put(m)
}

// Result is what a condition comes to: hit, miss, missing or error.
func (m *Matching) Result(at int) topics.RuleStatus {
	return m.machine.truth(m.matcher.set.rules[at].condition).status()
}

// Detail says what a condition misses, or why it fails.
func (m *Matching) Detail(at int) string {
	r := &m.matcher.set.rules[at]
	switch t := m.machine.truth(r.condition); t {
	case yes, no:
		return ""
	case absent:
		return shorten(m.machine.lacking(r.condition))
	default:
		return failures[t]
	}
}

// Read are the values that a condition's fields have, as decisions tell them; what is missing is left out.
func (m *Matching) Read(at int) map[string]string {
	return m.matcher.set.rules[at].values(m.machine)
}

// sheetFields are what the conditions of sheets read beside the fields of rules.
func sheetFields() []Field {
	return []Field{
		{Name: "risk.score", Type: TypeNumber, at: atBefore, Example: "35",
			Doc:     "The sum of the scores of the rules that hit. Missing where no rules were evaluated.",
			counted: func(in *Input) (int64, bool) { return in.Score.Value, in.Score.Known }},
		{Name: "risk.outcome", Type: TypeText, at: atBefore, Example: "step_up", Match: MatchExact,
			Doc:     "What the rules decided: pass, allow, step_up or hold. Missing where no rules were evaluated.",
			literal: oneOf(string(topics.OutcomePass), string(topics.OutcomeAllow), string(topics.OutcomeStepUp), string(topics.OutcomeHold)),
			get:     func(in *Input) string { return string(in.Score.Outcome) },
			set:     func(in *Input, v string) { in.Score.Outcome = topics.Outcome(v) }},
	}
}

// SheetFields are the fields that conditions of sheets may read, in the order of the manual.
func SheetFields() []Field {
	return append(FieldsAt(topics.StageBeforeAuthorization), sheetFields()...)
}
