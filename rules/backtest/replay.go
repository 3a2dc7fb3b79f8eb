package backtest

import (
	"cmp"
	"container/heap"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// Convert returns an amount in another currency by the rate of a day; false where there is none.
type Convert func(amount ledger.Money, to ledger.Currency, day time.Time) (int64, bool)

// Config is what a Replay is made of.
type Config struct {
	Definitions []velocity.Definition
	Convert     Convert
	Skew        time.Duration // how far an event's time may lie before its record's, as velocity.Limits has it
}

// Replay is history going through velocity in one process: what risk and velocity do live, without what lies between
// them.
type Replay struct {
	definitions []velocity.Definition
	texts       []field                                                    // that were read
	text        func(name string) string                                   // of current
	rate        func(ledger.Money, ledger.Currency) (minor int64, ok bool) // of its day
	current     *Event
	state       *velocity.State
	tenants     map[string]*tenant
	due         outcomes
	open        opened
	spare       []*outcome // used again
	targets     []velocity.Target
	attempt     velocity.Event // as velocity takes the event at hand
	followed    velocity.Event // of later
	features    []topics.Feature
	keys        []velocity.Key
	count       int64 // of events and outcomes: the order among those of one time
}

type tenant struct {
	plan  *velocity.Plan
	later *velocity.Plan // of what becomes of attempts; nil where none of it is counted
}

// field is one that velocity counts by or tells apart.
type field struct {
	name string
	of   func(*rules.Input) string
}

// outcome is what became of an attempt, as the signal that it will be.
type outcome struct {
	at     int64 // milliseconds since 1970
	count  int64
	signal velocity.Signal
}

// New returns a replay of history that begins with nothing known: answers warm up as they do in a new installation.
func New(c Config) (*Replay, error) {
	if _, err := velocity.NewPlan(DefaultTenant, 1, c.Definitions); err != nil {
		return nil, err
	}
	p := &Replay{definitions: c.Definitions, state: velocity.NewState(velocity.Limits{Skew: c.Skew, Unlogged: true}), tenants: map[string]*tenant{}, open: newOpened()}
	p.text = func(name string) string { return p.field(name)(&p.current.Input) }
	p.rate = func(m ledger.Money, to ledger.Currency) (int64, bool) { return c.Convert(m, to, p.current.Input.Now) }
	return p, nil
}

// Unmatched is how many outcomes were for an attempt that is not there, or not kept any more.
func (p *Replay) Unmatched() int64 { return p.open.unmatched }

// Fetch has the processor fetch, side by side, what velocity holds of events that come next. It changes nothing: most of the
// time of an event is waiting for memory.
func (p *Replay) Fetch(events []*Event) {
	p.keys = p.keys[:0]
	for _, e := range events {
		if t := p.tenants[e.Input.Command.Tenant]; t != nil && !e.Outcome() {
			p.current = e
			p.keys = t.plan.Keys(p.keys, p.text)
		}
	}
	p.state.Fetch(p.keys)
}

// Take records the next event, after the outcomes that came before it. An attempt and a custom event get velocity's
// answers into their input, in the order of the definitions, which are valid until the next event is taken.
func (p *Replay) Take(e *Event) error {
	now := e.Input.Now.UnixMilli()
	t, err := p.tenant(e.Input.Command.Tenant, now)
	if err != nil {
		return err
	}
	for len(p.due) > 0 && p.due[0].at <= now {
		p.settle(heap.Pop(&p.due).(*outcome))
	}
	if e.Outcome() {
		return p.became(t, e, now)
	}
	p.attempt = p.about(e)
	about := &p.attempt
	p.targets = t.plan.Signals(p.targets, about, 1)
	p.features = t.plan.Begin(p.features)
	for i := range p.targets {
		t.plan.Fill(p.features, p.state.Fold(now, &p.targets[i].Signal))
	}
	e.Input.Answers = p.features
	if t.later == nil || !e.Attempt() {
		return nil
	}
	if len(p.targets) > 0 { // there is something that it is counted by
		for i := range e.Later {
			p.later(t, about, &e.Later[i])
		}
	}
	if len(e.Later) == 0 {
		p.open.put(t.plan.Command(about.ID), t.later.Case([16]byte{}, *about, 1))
	}
	return nil
}

// field reads a field.
func (p *Replay) field(name string) func(*rules.Input) string {
	for i := range p.texts {
		if p.texts[i].name == name {
			return p.texts[i].of
		}
	}
	p.texts = append(p.texts, field{name, rules.TextOf(name)})
	return p.texts[len(p.texts)-1].of
}

// about is the event as velocity's planner takes it.
func (p *Replay) about(e *Event) velocity.Event {
	c := e.Input.Command
	p.count++
	p.current = e
	return velocity.Event{
		Origin: velocity.Origin{Role: velocity.RoleAttempts, Offset: p.count},
		ID:     c.CommandID, Kind: e.Kind, Asks: true, Time: e.Time,
		Amount: ledger.Money{Minor: c.Amount, Currency: ledger.Currency(c.Currency)},
		Field:  p.text, Convert: p.rate,
	}
}

// later keeps an outcome until its time.
func (p *Replay) later(t *tenant, attempt *velocity.Event, what *Outcome) {
	p.followed = *attempt
	about := &p.followed
	p.count++
	about.Origin = velocity.Origin{Role: velocity.RoleOutcomes, Offset: p.count}
	about.Kind, about.Time, about.Asks, about.Settles = what.Kind, what.Time, false, true
	var o *outcome
	if last := len(p.spare) - 1; last >= 0 {
		o, p.spare = p.spare[last], p.spare[:last]
	} else {
		o = &outcome{}
	}
	o.at, o.count = what.Time.UnixMilli(), p.count
	t.plan.Outcome(&o.signal, &p.targets[0].Signal, about)
	if len(o.signal.Dimensions) == 0 {
		p.spare = append(p.spare, o) // nothing counts it
		return
	}
	heap.Push(&p.due, o)
}

func (p *Replay) settle(o *outcome) {
	p.state.Fold(o.at, &o.signal)
	p.spare = append(p.spare, o)
}

// became counts what became of an attempt that had no outcome of its own.
func (p *Replay) became(t *tenant, e *Event, now int64) error {
	if t.later == nil {
		return nil
	}
	attempt, err := p.open.find(t.plan.Command(e.Input.Command.CommandID))
	if attempt == nil || err != nil {
		return err
	}
	p.count++
	o := velocity.Outcome{Kind: e.Kind, Settles: true, Time: e.Time.UnixMilli(), Amount: e.Input.Command.Amount}
	targets := attempt.Signals(&o, velocity.Origin{Role: velocity.RoleOutcomes, Offset: p.count})
	for i := range targets {
		p.state.Fold(now, &targets[i].Signal)
	}
	return nil
}

// tenant is what is known of a tenant; its definitions are recorded from its first event on.
func (p *Replay) tenant(name string, now int64) (*tenant, error) {
	if t := p.tenants[name]; t != nil {
		return t, nil
	}
	name = strings.Clone(name)
	plan, err := velocity.NewPlan(name, 1, p.definitions)
	if err != nil {
		return nil, err
	}
	plan.Local()
	retain := plan.Retain()
	p.state.Retain(now-1, &retain)
	t := &tenant{plan: plan, later: plan.Later()}
	p.tenants[name] = t
	return t, nil
}

// outcomes are those to come, the earliest first.
type outcomes []*outcome

func (o outcomes) Len() int { return len(o) }
func (o outcomes) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(o[i].at, o[j].at), cmp.Compare(o[i].count, o[j].count)) < 0
}
func (o outcomes) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *outcomes) Push(x any)   { *o = append(*o, x.(*outcome)) }
func (o *outcomes) Pop() any {
	last := len(*o) - 1
	x := (*o)[last]
	*o = (*o)[:last]
	return x
}
