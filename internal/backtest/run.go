package backtest

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/rules/velocity"
)

// Source is a history in the order of time. Next returns io.EOF at its end; after a *backtest.LineError it can go on. An
// event is valid until backtest.Ahead others were read after it.
type Source interface {
	Next() (*backtest.Event, error)
}

// Config says what is tested on what.
type Config struct {
	Source Source
	Input  string // how the source is named in errors
	Set    *rules.Set
	// Baseline is the set whose decisions the set's are compared with; nil: those that were recorded, if they were.
	Baseline *rules.Set
	Labels   *Labels // nil: what the events say themselves
	LabelsOf string  // how their file is named
	// Warmup is how long the beginning is that nothing measures; below zero: the longest window of the sets, at most
	// MaxWarmup.
	Warmup time.Duration
	Cards  int           // that a team looks at in a day
	Skew   time.Duration // as velocity.skew
}

// MaxWarmup bounds the warm-up that nobody has asked for: windows of 90 days would leave little to measure.
const MaxWarmup = 7 * 24 * time.Hour

// side is one of the two sets.
type side struct {
	*rules.Evaluation
	set    *rules.Set
	replay *backtest.Replay
}

// run is a backtest on its way.
type run struct {
	config         Config
	tested         side
	baseline       side // its set is nil where there is none
	warmup         time.Duration
	until          time.Time // the end of the warm-up
	history        History
	warming        int64  // attempts in the warm-up
	compared       int64  // attempts with another decision
	someID         string // of an attempt
	noAmount       int64  // measured attempts that do not say how much
	problems       problems
	tally          *tally
	countsOutcomes []string // velocity definitions that do
	countsCustom   []string
}

// Run reads the whole history. Where it has bad lines, the error names them and nothing is measured.
func Run(c Config) (*Result, error) {
	r := &run{config: c, warmup: c.Warmup, tally: newTally(c.Set, c.Cards)}
	err := decides(c.Set)
	if err != nil {
		return nil, err
	}
	if r.tested, err = newSide(c.Set, c.Skew); err != nil {
		return nil, err
	}
	definitions := c.Set.Velocity()
	if c.Baseline != nil {
		if r.baseline, err = newSide(c.Baseline, c.Skew); err != nil {
			return nil, err
		}
		if reflect.DeepEqual(definitions, c.Baseline.Velocity()) {
			r.baseline.replay = r.tested.replay // one answer for both
		}
		definitions = slices.Concat(definitions, c.Baseline.Velocity())
	}
	if r.warmup < 0 {
		r.warmup = 0
		for _, d := range definitions {
			r.warmup = min(max(r.warmup, d.Window), MaxWarmup)
		}
	}
	custom := func(kind string) bool { return strings.HasPrefix(kind, velocity.KindCustom) }
	for _, d := range c.Set.Velocity() {
		if slices.ContainsFunc(d.Kinds, custom) {
			r.countsCustom = append(r.countsCustom, "velocity."+d.Name)
		}
		if slices.ContainsFunc(d.Kinds, func(kind string) bool { return kind != velocity.KindAttempt && !custom(kind) }) {
			r.countsOutcomes = append(r.countsOutcomes, "velocity."+d.Name)
		}
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r.result()
}

func newSide(set *rules.Set, skew time.Duration) (side, error) {
	replay, err := backtest.New(backtest.Config{Definitions: set.Velocity(), Convert: set.Convert, Skew: skew})
	return side{set.NewEvaluation(), set, replay}, err
}

// read reads to the end. After the first bad line it only looks for more of them.
func (r *run) read() error {
	var events []*backtest.Event
	for {
		var end error
		for events = events[:0]; len(events) < backtest.Ahead && end == nil; {
			var e *backtest.Event
			if e, end = r.next(); end == nil {
				events = append(events, e)
			}
		}
		if err := r.takeAll(events); err != nil {
			return err
		}
		switch {
		case end == io.EOF:
			return r.problems.err(r.config.Input)
		case end != nil:
			return fmt.Errorf("%s: %w", r.config.Input, end)
		}
	}
}

// next is the next event that has no mistake; of bad lines it takes note.
func (r *run) next() (*backtest.Event, error) {
	for {
		e, err := r.config.Source.Next()
		var wrong *backtest.LineError
		if !errors.As(err, &wrong) {
			return e, err
		}
		r.problems.add(wrong.Line, wrong.Err)
	}
}

// takeAll takes events that follow each other, unless a line was bad.
func (r *run) takeAll(events []*backtest.Event) error {
	if r.problems.lines > 0 {
		return nil
	}
	r.tested.replay.Fetch(events)
	for _, e := range events {
		if err := r.take(e); err != nil {
			return fmt.Errorf("%s: line %d: %w", r.config.Input, e.Line, err)
		}
	}
	return nil
}

func (r *run) take(e *backtest.Event) error {
	now := e.Input.Now
	if r.history.From.IsZero() {
		r.history.From, r.until = now, now.Add(r.warmup)
	}
	r.history.To = now
	r.history.Outcomes += int64(len(e.Later))
	switch {
	case e.Attempt():
		r.history.Attempts++
	case e.Outcome():
		r.history.Outcomes++
	default:
		r.history.Custom++
	}
	if err := r.tested.replay.Take(e); err != nil {
		return err
	}
	if e.Attempt() {
		r.tested.Evaluate(e.Input)
	}
	if r.baseline.set != nil {
		if r.baseline.replay != r.tested.replay {
			if err := r.baseline.replay.Take(e); err != nil {
				return err
			}
		}
		if e.Attempt() {
			r.baseline.Evaluate(e.Input)
		}
	}
	if !e.Attempt() {
		return nil
	}
	return r.count(e)
}

// count counts the decisions on an attempt.
func (r *run) count(e *backtest.Event) error {
	if r.config.Labels != nil && e.Fraud != backtest.Unlabelled {
		return errors.New("fraud: the labels have a file of their own; leave one of them out")
	}
	if r.someID == "" {
		r.someID = strings.Clone(e.ID)
	}
	said, about := r.config.Labels.of(e)
	warm := e.Input.Now.Before(r.until)
	r.tally.day(e.Input.Now, r.tested.Outcome(), said, warm)
	if warm {
		r.warming++
		return nil
	}
	one := attempt{event: e, label: said, about: about, amount: amountOf(e)}
	if one.amount.Currency == "" {
		r.noAmount++
	}
	r.tally.add(&one, r.tested.Evaluation)
	var before decided
	switch {
	case r.baseline.set != nil:
		before = r.baseline.Evaluation
	case e.Recorded != nil:
		before = recorded{e.Recorded}
	default:
		return nil
	}
	r.compared++
	if before.Outcome() != r.tested.Outcome() {
		r.tally.changed(&one, before, r.tested.Evaluation)
	}
	return nil
}
