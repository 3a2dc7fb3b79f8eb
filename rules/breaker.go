package rules

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirhq/weir/topics"
)

// Bound is how much a rule, or a rule set, may block before it counts as wrong.
type Bound struct {
	MaxBlockRate int           // percent of the commands that it is evaluated for
	Interval     time.Duration // in which they are counted, by the time of their records
	AtLeast      int           // commands in the interval, before the rate says anything
	// TripTo is what is asked for in the place of a block once it has tripped: hold, or "" for the shadow.
	TripTo topics.Outcome

	said bool // the file says it
}

// WholeSet stands for all rules before authorisation where a rule could be named; those of another stage have its name
// behind.
const WholeSet = "*"

func allOf(stage topics.Stage) string {
	if stage == topics.StageBeforeAuthorization {
		return WholeSet
	}
	return WholeSet + " " + string(stage)
}

// Trip says that something blocked more than it may: it is in the shadow from the next command on.
type Trip struct {
	Rule             string // as in Decision.Tripped: WholeSet, or a rule's name and, where it has one, its scope
	Bound            Bound
	Blocked, Counted int
	At               time.Time // of the record that was one too many
}

// Breaker decides by one rule set, and puts in the shadow whatever of it exceeds its bound: a rule, or, where the set
// does, every rule but those with overridable: false, which nothing lifts. A bound may say that it holds instead where it
// would block. It stays so as long as the Breaker is used; a person looks at the rules and has them loaded anew.
//
// Time is that of the records, never a clock's. What is counted is what this Breaker has decided: processes, and a process
// after a restart, count for themselves. Decision.Tripped tells what was in the shadow, so that a decision can be
// recomputed. Several goroutines may use a Breaker at once.
type Breaker struct {
	set     *Set
	tripped atomic.Pointer[[]string]

	mu    sync.Mutex
	whole map[topics.Stage]*window
	rules map[int32]*window // by place in the set
}

// NewBreaker returns a Breaker that has counted nothing.
func NewBreaker(s *Set) *Breaker {
	b := &Breaker{set: s, whole: map[topics.Stage]*window{}, rules: map[int32]*window{}}
	b.tripped.Store(new([]string))
	for stage, bound := range s.bounds {
		b.whole[stage] = &window{bound: *bound}
	}
	for i := range s.rules {
		if r := &s.rules[i]; r.Breaker != nil && r.Enabled {
			b.rules[int32(i)] = &window{bound: *r.Breaker}
		}
	}
	return b
}

// Set is the rule set that the Breaker decides by.
func (b *Breaker) Set() *Set { return b.set }

// Tripped are the rules in the shadow, as in Decision.Tripped.
func (b *Breaker) Tripped() []string { return slices.Clone(*b.tripped.Load()) }

// Evaluate is Set.Evaluate, with what has tripped in the shadow. trips are what this command was one too many for.
func (b *Breaker) Evaluate(in Input) (d topics.Decision, trips []Trip) {
	in.Tripped = *b.tripped.Load()
	e := b.set.evaluation()
	defer b.set.done(e)
	e.Evaluate(in)
	if e.assessed && (len(b.whole) > 0 || len(b.rules) > 0) {
		trips = b.count(e, in.Now)
	}
	return e.Decision(), trips
}

// count adds an evaluation to the windows.
func (b *Breaker) count(e *Evaluation, at time.Time) (trips []Trip) {
	b.mu.Lock()
	defer b.mu.Unlock()
	check := func(name string, w *window, blocked bool) {
		if !w.add(at, blocked) || slices.Contains(*b.tripped.Load(), name) {
			return
		}
		counted, of := w.sum()
		trips = append(trips, Trip{Rule: name, Bound: w.bound, Blocked: counted, Counted: of, At: at})
		tripped := append(slices.Clone(*b.tripped.Load()), name)
		slices.Sort(tripped)
		b.tripped.Store(&tripped)
	}
	for i, place := range e.rules {
		if w := b.rules[place]; w != nil {
			r := &b.set.rules[place]
			check(r.scopedName(), w, r.asks(e.machine, e.said[i]) == topics.OutcomeBlock)
		}
	}
	if w := b.whole[e.stage]; w != nil {
		check(allOf(e.stage), w, e.outcome == topics.OutcomeBlock)
	}
	return trips
}

// scopedName tells a rule from others of its name.
func (r *Rule) scopedName() string {
	if r.Scope.rank() == 0 {
		return r.Name
	}
	return r.Name + " " + r.Scope.String()
}

// trippedTo tells whether a breaker has tripped for a rule, and what the rule asks for then where it would block; "": it is
// in the shadow. Where its own and the set's have tripped, hold goes before the shadow.
func (s *Set) trippedTo(r *compiled, tripped []string) (is bool, to topics.Outcome) {
	if len(tripped) == 0 || !r.Overridable {
		return false, ""
	}
	if slices.Contains(tripped, allOf(r.Stage)) {
		is, to = true, s.bounds[r.Stage].to()
	}
	if slices.Contains(tripped, r.scopedName()) {
		is, to = true, cmp.Or(to, r.Breaker.to())
	}
	return is, to
}

// String is the bound as a rule file says it, "" where there is none.
func (b *Bound) String() string {
	if b == nil {
		return ""
	}
	return fmt.Sprintf("max_block_rate: %d%%, interval: %s, at_least: %d, trip_to: %s", b.MaxBlockRate, shortDuration(b.Interval), b.AtLeast,
		cmp.Or(string(b.TripTo), tripToShadow))
}

func (b *Bound) to() topics.Outcome {
	if b == nil {
		return ""
	}
	return b.TripTo
}

// parts is into how many an interval is cut: it is exact to one of them.
const parts = 10

// window counts what happened in the latest interval.
type window struct {
	bound Bound
	last  int64 // number of the latest part
	part  [parts]struct {
		number           int64
		blocked, counted int
	}
}

// add counts one command and tells whether the bound is exceeded. A command from before the interval is left out.
func (w *window) add(at time.Time, blocked bool) bool {
	number := max(nanoseconds(at), 0) / int64(w.bound.Interval/parts)
	if number <= w.last-parts {
		return false
	}
	w.last = max(w.last, number)
	p := &w.part[number%parts]
	if p.number != number {
		p.number, p.blocked, p.counted = number, 0, 0
	}
	p.counted++
	if blocked {
		p.blocked++
	}
	blocks, counted := w.sum()
	return counted >= w.bound.AtLeast && 100*blocks > w.bound.MaxBlockRate*counted
}

func (w *window) sum() (blocked, counted int) {
	for _, p := range w.part {
		if p.number > w.last-parts {
			blocked, counted = blocked+p.blocked, counted+p.counted
		}
	}
	return blocked, counted
}
