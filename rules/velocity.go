package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// velocityPrefix begins the names under which rules read velocity.
const velocityPrefix = "velocity."

// TypeDuration is a time in whole seconds: what since_first and since_last answer.
const TypeDuration FieldType = "duration"

const (
	maxDefinitions = 200
	maxEvents      = 16 // of one definition
)

var (
	velocityKeys = []string{"name", "description", "aggregate", "events", "by", "of", "window", "currency", "reserve"}
	aggregates   = []string{string(velocity.Count), string(velocity.Sum), string(velocity.Max), string(velocity.Distinct),
		string(velocity.SinceFirst), string(velocity.SinceLast)}
	eventKinds = []string{velocity.KindAttempt, velocity.KindApproved, velocity.KindDeclined, velocity.KindDeclined + ".hard",
		velocity.KindDeclined + ".soft", velocity.KindRefunded, velocity.KindDisputed, velocity.KindPayout,
		velocity.KindRefundAttempt, velocity.KindPayoutAttempt, velocity.KindStake, velocity.KindWin, velocity.KindCustom + "NAME"}
)

// definitionDraft is a velocity definition as parsed, with the places that later checks point at.
type definitionDraft struct {
	velocity.Definition
	source *source
	at     map[string]place // of the values, by key; "" is the definition itself
	whole  bool             // nothing is wrong with it
}

// Velocity are the definitions of the rule set, in the order of the files.
func (s *Set) Velocity() []velocity.Definition { return s.velocity }

func (s *source) definition(n ast.Node) *definitionDraft {
	d := &definitionDraft{source: s, at: map[string]place{"": placeOf(tokenOf(n))}}
	before := len(*s.problems)
	for _, p := range s.mapping(n, "a velocity definition") {
		d.read(p)
	}
	for _, key := range []string{"name", "aggregate", "events", "by", "window"} {
		if _, ok := d.at[key]; !ok && len(*s.problems) == before {
			s.fail(d.at[""], example(key), "the velocity definition has no %s", key)
			break
		}
	}
	d.check()
	d.whole = len(*s.problems) == before
	return d
}

// read takes one key of a definition.
func (d *definitionDraft) read(p pair) {
	s, at := d.source, placeOf(tokenOf(p.value))
	d.at[p.key] = at
	switch p.key {
	case "name":
		if d.Name = s.text(p.value, "name"); d.Name != "" {
			s.checkName(at, d.Name, "the name")
		}
	case "description":
		s.text(p.value, "description")
	case "aggregate":
		d.Aggregate = velocity.Aggregate(s.text(p.value, "aggregate"))
		if d.Aggregate != "" && !slices.Contains(aggregates, string(d.Aggregate)) {
			s.fail(at, suggest(string(d.Aggregate), aggregates), "aggregate cannot be %q", d.Aggregate)
			d.Aggregate = ""
		}
	case "events":
		d.Kinds = s.kinds(p.value)
	case "by":
		d.By = s.dimension(p.value, "by")
	case "of":
		d.Of = s.dimension(p.value, "of")
	case "window":
		d.Window = s.window(p.value, "window")
	case "currency":
		text := s.text(p.value, "currency")
		if d.Currency = ledger.Currency(text); text != "" && currencyLiteral(text) != "" {
			s.fail(at, "write an ISO 4217 code of three capital letters, such as EUR", "currency cannot be %q", text)
		}
	case "reserve":
		d.Reserve = s.boolean(p.value, "reserve")
	default:
		s.fail(p.at, suggest(p.key, velocityKeys), "unknown key %q in a velocity definition", p.key)
	}
}

// check looks at the keys together.
func (d *definitionDraft) check() {
	s := d.source
	amount := d.Aggregate == velocity.Sum || d.Aggregate == velocity.Max
	_, currency := d.at["currency"]
	_, of := d.at["of"]
	switch {
	case amount && !currency:
		s.fail(d.at["aggregate"], "add currency: EUR", "%s needs the currency of its answer", d.Aggregate)
	case !amount && currency && d.Aggregate != "":
		s.fail(d.at["currency"], "leave it out", "aggregate %s has no currency", d.Aggregate)
	}
	switch {
	case d.Aggregate == velocity.Distinct && !of:
		s.fail(d.at["aggregate"], "add of: card.fingerprint, or another field", "distinct needs the field whose different values it counts")
	case d.Aggregate != velocity.Distinct && of && d.Aggregate != "":
		s.fail(d.at["of"], "leave it out, or write aggregate: distinct", "aggregate %s has no of", d.Aggregate)
	case of && d.Of == d.By && d.Of != "":
		s.fail(d.at["of"], "", "by and of are the same field, so the answer would always be 1 or 0")
	}
	d.known("by", d.By)
	d.known("of", d.Of)
	approved, attempt := slices.Contains(d.Kinds, velocity.KindApproved), slices.Contains(d.Kinds, velocity.KindAttempt)
	switch {
	case d.Reserve && !approved:
		s.fail(d.at["reserve"], "leave it out, or add approved to events", "reserve is for definitions that count approved payments")
	case d.Reserve && attempt:
		s.fail(d.at["events"], "leave attempt out, or reserve", "with reserve an attempt would count twice")
	case d.Reserve && d.Aggregate != velocity.Count && d.Aggregate != velocity.Sum:
		s.fail(d.at["reserve"], "leave it out", "reserve is for count and sum")
	}
}

// known refuses to count events by a field that they never have.
func (d *definitionDraft) known(key, name string) {
	f, _, ok := fieldNamed(Fields(), name)
	for _, kind := range d.Kinds {
		if stage := countedAt(kind); ok && stage != "" && f.at&stageBit(stage) == 0 {
			d.source.fail(d.at[key], "count by customer.id, or by another field of stage "+string(stage), "an event %s has no %s, so it would never be counted", kind, name)
			return
		}
	}
}

// countedAt is the stage whose inputs are counted as a kind of event, or became of what was counted there; "" where there
// are several.
func countedAt(kind string) topics.Stage {
	switch {
	case kind == velocity.KindRefundAttempt:
		return topics.StageRefund
	case kind == velocity.KindPayoutAttempt:
		return topics.StagePayout
	case kind == velocity.KindStake, kind == velocity.KindWin:
		return topics.StageWallet
	case strings.HasPrefix(kind, velocity.KindCustom):
		return topics.StageEvent
	case kind == velocity.KindPayout, kind == velocity.KindDisputed:
		return ""
	}
	return topics.StageBeforeAuthorization
}

func (s *source) kinds(n ast.Node) []string {
	var kinds []string
	for _, e := range s.sequence(n, "events") {
		at, kind := placeOf(tokenOf(e)), s.text(e, "an event")
		custom, isCustom := strings.CutPrefix(kind, velocity.KindCustom)
		switch {
		case kind == "":
		case slices.Contains(kinds, kind):
			s.fail(at, "", "%q stands here twice", kind)
		case isCustom && velocity.CustomKind(custom) != kind:
			s.fail(at, "write "+velocity.CustomKind(custom), "customer events of type %s count as %s", custom, velocity.CustomKind(custom))
		case isCustom && nameForm.MatchString(custom) && custom != "" && len(kind) <= maxNameLength:
			kinds = append(kinds, kind)
		case isCustom:
			s.fail(at, "write it in small letters, such as event.login", "%q does not name an event", kind)
		case !slices.Contains(eventKinds, kind):
			s.fail(at, suggest(kind, eventKinds), "unknown event %q", kind)
		default:
			kinds = append(kinds, kind)
		}
	}
	for _, kind := range kinds {
		if strings.HasPrefix(kind, velocity.KindDeclined+".") && slices.Contains(kinds, velocity.KindDeclined) {
			s.fail(placeOf(tokenOf(n)), "leave "+kind+" out", "declined counts %s already", kind)
		}
	}
	if len(kinds) > maxEvents {
		s.fail(placeOf(tokenOf(n)), "", "the definition has %d events; at most %d are allowed", len(kinds), maxEvents)
	}
	if seq, ok := n.(*ast.SequenceNode); ok && len(seq.Values) == 0 {
		s.fail(placeOf(tokenOf(n)), "", "events names nothing that counts")
	}
	return kinds
}

// dimension reads the name of a field whose values are told apart.
func (s *source) dimension(n ast.Node, what string) string {
	at, name := placeOf(tokenOf(n)), s.text(n, what)
	if name == "" {
		return ""
	}
	f, key, ok := fieldNamed(Fields(), name)
	switch {
	case !ok:
		s.fail(at, suggest(name, fieldNames(Fields())), "unknown field %q", name)
	case f.Type != TypeText && f.Type != TypeNumber && (f.Type != TypeTexts || key == ""):
		s.fail(at, "count by a field such as customer.id or card.fingerprint", "%s cannot be told apart by its values", name)
	default:
		return name
	}
	return ""
}

func (s *source) window(n ast.Node, what string) time.Duration {
	w, ok := s.duration(n, what)
	if ok && (w < velocity.MinWindow || w > velocity.MaxWindow) {
		s.fail(placeOf(tokenOf(n)), fmt.Sprintf("write %s: 1h, 24h or 30d", what), "%s %s is not between 1m and 90d", what, shortDuration(w))
	}
	return w
}

// definitions collects the definitions of all files; a name stands once in the whole set. What rules may read besides
// the fields of a command follows from them.
func (c *compiler) definitions() {
	seen := map[string]*definitionDraft{}
	c.fields = Fields()
	for _, doc := range c.docs {
		for _, d := range doc.velocity {
			if first, ok := seen[d.Name]; ok && d.Name != "" {
				d.source.fail(d.at["name"], anotherName, "velocity.%s is defined twice (first at %s:%d)", d.Name, first.source.name, first.at["name"].line)
				continue
			}
			if len(c.definitionDrafts) == maxDefinitions {
				d.source.fail(d.at[""], "", "the rule set has more than %d velocity definitions", maxDefinitions)
				return
			}
			seen[d.Name] = d
			c.definitionDrafts = append(c.definitionDrafts, d)
			c.set.velocity = append(c.set.velocity, d.Definition)
			f := velocityField(d.Definition)
			f.broken = !d.whole
			c.fields = append(c.fields, f)
		}
	}
	c.fieldsAt = map[topics.Stage][]Field{}
	for _, stage := range Stages() {
		c.fieldsAt[stage] = fieldsAt(stage, c.fields)
	}
}

// velocityField is what a definition's answer is to rules.
func velocityField(d velocity.Definition) Field {
	f := Field{Name: velocityPrefix + d.Name, Type: TypeNumber, Example: "3", Currency: d.Currency, window: d.Window, by: d.By, at: atAll}
	if by, _, ok := fieldNamed(Fields(), d.By); ok {
		f.at = by.at
	}
	if f.at &^= atAfter; f.at&atBefore != 0 {
		f.at |= atAfter // the answers of then: nothing is asked again
	}
	switch d.Aggregate {
	case velocity.Sum, velocity.Max:
		f.Type, f.Example = TypeMoney, "250.00 "+string(d.Currency)
	case velocity.SinceFirst, velocity.SinceLast:
		f.Type, f.Example = TypeDuration, "24h"
	}
	return f
}

// unusedDefinitions tells of definitions that no condition reads.
func (c *compiler) unusedDefinitions(conditions []*condition) {
	for _, condition := range conditions {
		if condition.failed && !condition.removal {
			return // it may be the one that was to read them
		}
	}
	for _, d := range c.definitionDrafts {
		read := slices.ContainsFunc(conditions, func(c *condition) bool {
			return c.reads[velocityPrefix+d.Name] || c.asks[velocityPrefix+d.Name]
		})
		if d.whole && !read {
			d.source.fail(d.at["name"], "read it in a rule, or leave it out", "no rule reads velocity.%s", d.Name)
		}
	}
}

// canonicalDefinition is what of a definition decides, as texts for the content hash.
func canonicalDefinition(d velocity.Definition) []string {
	kinds := slices.Sorted(slices.Values(d.Kinds))
	return []string{"velocity", d.Name, string(d.Aggregate), d.By, d.Of, string(d.Currency), fmt.Sprint(int64(d.Window / time.Second)),
		fmt.Sprint(d.Reserve), strings.Join(kinds, ",")}
}
