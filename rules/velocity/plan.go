package velocity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Plan is what a tenant's definitions ask of velocity: which signals an event makes, and which definition an answer
// belongs to. It is not changed after it was made, and safe for concurrent use.
type Plan struct {
	tenant      string
	version     int64
	definitions []Definition
	dimensions  []planned
	queries     map[uint64]int // the places of asked, by Query.ID
	asked       []questioned   // in the order in which signals ask
	local       *local         // what keys and commands are hashed by; nil: as in records
}

// questioned are the definitions that ask one query.
type questioned struct {
	id     uint64
	places []int
}

// planned is one dimension of a plan.
type planned struct {
	retained Retained
	queries  []Query
	number   int // in the plan that was made of definitions
}

// NewPlan plans a tenant's definitions. version orders the rule sets of the tenant: a later one has a higher one. The
// error names every definition that cannot be counted.
func NewPlan(tenant string, version int64, definitions []Definition) (*Plan, error) {
	p := &Plan{tenant: tenant, version: version, definitions: slices.Clone(definitions)}
	var wrong []error
	names := map[string]bool{}
	for place := range definitions {
		d := &definitions[place]
		if err := d.check(); err != nil {
			wrong = append(wrong, err)
		}
		if names[d.Name] {
			wrong = append(wrong, fmt.Errorf("velocity %s: there are two of this name", d.Name))
		}
		names[d.Name] = true
		p.add(place, d)
	}
	p.index()
	return p, errors.Join(wrong...)
}

// check says what is wrong with a definition that is not written in a rule file, where it has a line and a column.
func (d *Definition) check() error {
	adds := d.Aggregate == Sum || d.Aggregate == Max
	switch {
	case !slices.Contains(aggregates[:], d.Aggregate):
		return fmt.Errorf("velocity %s: aggregate %q, want one of %v", d.Name, d.Aggregate, aggregates)
	case d.By == "":
		return fmt.Errorf("velocity %s: names no field to count by", d.Name)
	case len(d.Kinds) == 0:
		return fmt.Errorf("velocity %s: names no kind of event to count", d.Name)
	case d.Window < MinWindow || d.Window > MaxWindow:
		return fmt.Errorf("velocity %s: window %v, want %v to %v", d.Name, d.Window, MinWindow, MaxWindow)
	case (d.Aggregate == Distinct) != (d.Of != ""):
		return fmt.Errorf("velocity %s: distinct, and nothing else, needs the field whose values it tells apart", d.Name)
	case adds != (d.Currency != ""):
		return fmt.Errorf("velocity %s: sum and max, and nothing else, need a currency", d.Name)
	case d.Reserve && !slices.Contains(d.Kinds, KindApproved):
		return fmt.Errorf("velocity %s: reserves attempts as approved, but does not count approved", d.Name)
	}
	return nil
}

// add plans one definition.
func (p *Plan) add(place int, d *Definition) {
	q := d.query()
	if at, ok := p.queries[q.ID]; ok {
		p.asked[at].places = append(p.asked[at].places, place)
		return
	}
	if p.queries == nil {
		p.queries = map[uint64]int{}
	}
	p.queries[q.ID] = len(p.asked)
	p.asked = append(p.asked, questioned{q.ID, []int{place}})
	at := slices.IndexFunc(p.dimensions, func(known planned) bool { return known.retained.Field == d.By })
	if at < 0 {
		at = len(p.dimensions)
		p.dimensions = append(p.dimensions, planned{retained: Retained{Field: d.By}, number: at})
	}
	to := &p.dimensions[at]
	to.queries = append(to.queries, q)
	r := &to.retained
	r.Window = max(r.Window, q.Window)
	r.Reserve = r.Reserve || d.Reserve
	for _, kind := range q.Kinds {
		r.Kinds = with(r.Kinds, kind)
	}
	if d.Of != "" {
		r.Of = with(r.Of, d.Of)
	}
	if d.Currency != "" {
		r.Currencies = with(r.Currencies, d.Currency)
	}
}

// index puts what is asked in the order in which signals ask.
func (p *Plan) index() {
	var ordered []questioned
	for i := range p.dimensions {
		for _, q := range p.dimensions[i].queries {
			ordered = append(ordered, p.asked[p.queries[q.ID]])
		}
	}
	p.asked = ordered
	for at, q := range ordered {
		p.queries[q.id] = at
	}
}

func with[T comparable](list []T, one T) []T {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

// query is the question that a definition asks. Its id is a hash of all that the answer depends on: a definition that
// was changed does not take an answer to what it was before.
func (d *Definition) query() Query {
	q := Query{
		Kinds: slices.Compact(slices.Sorted(slices.Values(d.Kinds))), Aggregate: d.Aggregate, Of: d.Of,
		Currency: d.Currency, Window: d.Window.Milliseconds(), Reserve: d.Reserve,
	}
	sum := digest("query", d.By, string(q.append(nil)))
	q.ID = binary.LittleEndian.Uint64(sum[:])
	return q
}

// Retain is what velocity must record for the plan. It is to be written to every partition before the plan's first signal.
func (p *Plan) Retain() Retain {
	plan := Retain{Tenant: p.tenant, Version: p.version}
	for i := range p.dimensions {
		plan.Dimensions = append(plan.Dimensions, p.dimensions[i].retained)
	}
	return plan
}

// Event is something that happened, as signals are made from it.
type Event struct {
	Origin Origin
	ID     string // of the command, or of the custom event
	Kind   string // "" where only a reservation is to be released
	// Asks makes the signals ask every query of the plan.
	Asks    bool
	Settles bool         // the outcome of the command is known
	Time    time.Time    // as given
	Amount  ledger.Money // 0: not said, or of a custom event that was not about money
	// Field returns a field's value, "" where the event has none.
	Field func(name string) string
	// Convert returns an amount in another currency by the rate of the event's day; false where there is no rate.
	Convert func(ledger.Money, ledger.Currency) (int64, bool)
}

// Target is a signal and the partition of risk.signals.v1 that it is for.
type Target struct {
	Partition int32
	Signal    Signal
}

// Signals makes an event's signals: dimensions that one partition owns ride together. A dimension of which the event has
// no value is left out. The targets stand in the room of targets, whose contents it uses again.
func (p *Plan) Signals(targets []Target, e *Event, partitions int32) []Target {
	targets = targets[:0]
	command := p.Command(e.ID)
	for i := range p.dimensions {
		d := &p.dimensions[i]
		about := Dimension{
			Record:  d.retained.counts(e.Kind),
			Reserve: d.retained.Reserve && e.Kind == KindAttempt,
		}
		if !e.Asks && !about.Record && !about.Reserve && !(e.Settles && d.retained.Reserve) {
			continue
		}
		value := e.Field(d.retained.Field)
		if value == "" {
			continue
		}
		about.Field, about.Key = d.retained.Field, p.key(d, value)
		if e.Asks {
			about.Queries = d.queries
		}
		partition := about.Key.Partition(partitions)
		at := slices.IndexFunc(targets, func(t Target) bool { return t.Partition == partition })
		if at < 0 {
			at = len(targets)
			targets = resized(targets, at+1)
			targets[at] = Target{partition, Signal{
				Origin: e.Origin, Command: command, Tenant: p.tenant, Time: e.Time.UnixMilli(), Kind: e.Kind, Settles: e.Settles,
				Dimensions: targets[at].Signal.Dimensions[:0],
			}}
		}
		signal := &targets[at].Signal
		n := len(signal.Dimensions)
		signal.Dimensions = resized(signal.Dimensions, n+1)
		about.Amounts, about.Distinct = signal.Dimensions[n].Amounts[:0], signal.Dimensions[n].Distinct[:0]
		if about.Record || about.Reserve {
			about.describe(&d.retained, e)
		}
		signal.Dimensions[n] = about
	}
	return targets
}

// Counts tells whether any definition counts a kind of event.
func (p *Plan) Counts(kind string) bool {
	for i := range p.dimensions {
		if p.dimensions[i].retained.counts(kind) {
			return true
		}
	}
	return false
}

// counts tells whether any definition of the dimension counts a kind.
func (r *Retained) counts(kind string) bool {
	for _, counted := range r.Kinds {
		if counted == kind || counted == KindDeclined && strings.HasPrefix(kind, KindDeclined+".") {
			return true
		}
	}
	return false
}

// in is the event's amount in a currency.
func (e *Event) in(currency ledger.Currency) Amount {
	amount := Amount{Currency: currency, Minor: e.Amount.Minor}
	if currency != e.Amount.Currency {
		minor, ok := e.Convert(e.Amount, currency)
		amount.Minor, amount.Unknown = minor, !ok
	}
	if amount.Minor < 0 {
		amount.Minor, amount.Unknown = 0, true
	}
	return amount
}

// describe adds what is recorded of the event besides that it was.
func (d *Dimension) describe(r *Retained, e *Event) {
	for _, currency := range r.Currencies {
		switch {
		case e.Amount.Minor == 0 && !isCustom(e.Kind): // money moves, as with all that is left: how much is not said
			d.Amounts = append(d.Amounts, Amount{Currency: currency, Unknown: true})
		case e.Amount.Currency != "":
			d.Amounts = append(d.Amounts, e.in(currency))
		}
	}
	for _, of := range r.Of {
		if value := e.Field(of); value != "" {
			d.Distinct = append(d.Distinct, Value{of, valueOf(value)})
		}
	}
}

// Names are those of the definitions, in the order in which Fill fills.
func (p *Plan) Names() []string {
	names := make([]string, len(p.definitions))
	for i := range p.definitions {
		names[i] = p.definitions[i].Name
	}
	return names
}

// Begin makes every feature missing, in the room of features: what no answer comes to stays so.
func (p *Plan) Begin(features []topics.Feature) []topics.Feature {
	features = resized(features, len(p.definitions))
	for i := range features {
		features[i] = topics.Feature{Missing: true}
	}
	return features
}

// Fill puts answers into the features of the definitions that asked. Answers to what nobody asks, as to a signal of
// an earlier rule set, are ignored.
func (p *Plan) Fill(features []topics.Feature, answers []Answer) {
	next := 0
	for i := range answers {
		a := &answers[i]
		if next == len(p.asked) || p.asked[next].id != a.ID {
			at, ok := p.queries[a.ID]
			if !ok {
				continue
			}
			next = at
		}
		for _, place := range p.asked[next].places {
			features[place] = a.feature()
		}
		next++
	}
}

func (a *Answer) feature() topics.Feature {
	f := topics.Feature{Value: a.Value, Approximate: a.Approximate, Missing: a.Unknown}
	if a.WarmingUntil != 0 {
		f.WarmingUntil = time.UnixMilli(a.WarmingUntil).UTC()
	}
	return f
}
