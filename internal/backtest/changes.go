package backtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/topics"
)

// Bounds of what is told of changed decisions.
const (
	maxExamples = 5 // of each transition
	maxReasons  = 8 // of each example
)

// changes are the decisions that differ, by the places of both outcomes.
type changes map[[2]int]*change

type change struct {
	Counts
	examples []example // the largest amounts first; of the same, the first
}

type example struct {
	Example
	amount ledger.Money
}

// decided is a decision, made now or then.
type decided interface {
	Outcome() topics.Outcome
	Decision() topics.Decision
}

// recorded is a decision of the log.
type recorded struct{ said *topics.Decision }

func (r recorded) Outcome() topics.Outcome   { return r.said.Outcome }
func (r recorded) Decision() topics.Decision { return *r.said }

func (t *tally) changed(a *attempt, before, after decided) {
	places := [2]int{placeOf(before.Outcome()), placeOf(after.Outcome())}
	c := t.changes[places]
	if c == nil {
		c = &change{}
		t.changes[places] = c
	}
	c.add(a)
	if n := len(c.examples); n == maxExamples && !larger(a.amount, c.examples[n-1].amount) {
		return
	}
	e := example{amount: a.amount, Example: Example{ID: strings.Clone(a.event.ID), Time: a.event.Input.Now}}
	if e.amount.Currency != "" {
		e.amount.Currency = ledger.Currency(strings.Clone(string(e.amount.Currency)))
		e.Amount = e.amount.String()
	}
	if a.label != backtest.Unlabelled {
		fraud := a.label == backtest.Fraud
		e.Fraud = &fraud
	}
	was, is := before.Decision(), after.Decision()
	e.Rules = differences(&was, &is)
	at := slices.IndexFunc(c.examples, func(other example) bool { return larger(e.amount, other.amount) })
	if at < 0 {
		at = len(c.examples)
	}
	c.examples = slices.Insert(c.examples, at, e)
	c.examples = c.examples[:min(len(c.examples), maxExamples)]
}

// larger compares amounts of one currency; those of others are not comparable, and never larger.
func larger(a, b ledger.Money) bool { return a.Currency == b.Currency && a.Minor > b.Minor }

// differences are the rules that said something else.
func differences(before, after *topics.Decision) []string {
	said := func(d *topics.Decision, rule string) string {
		at := slices.IndexFunc(d.Rules, func(r topics.RuleResult) bool { return r.Rule == rule })
		if at < 0 {
			return "no hit"
		}
		r := &d.Rules[at]
		text := fmt.Sprintf("%s, %s", r.Result, r.Outcome)
		if r.Shadow {
			text += " in the shadow"
		}
		return text
	}
	var names, told []string
	for _, d := range []*topics.Decision{before, after} {
		for i := range d.Rules {
			if !slices.Contains(names, d.Rules[i].Rule) {
				names = append(names, d.Rules[i].Rule)
			}
		}
	}
	for _, name := range names {
		if was, is := said(before, name), said(after, name); was != is {
			told = append(told, fmt.Sprintf("%s: %s → %s", name, was, is))
		}
	}
	if len(told) > maxReasons {
		told = append(told[:maxReasons], fmt.Sprintf("and %d more", len(told)-maxReasons))
	}
	return told
}

func (c changes) result() *Changes {
	r := &Changes{Transitions: []Transition{}}
	for places, one := range c {
		t := Transition{From: outcomes[places[0]], To: outcomes[places[1]], Counts: one.Counts}
		for _, e := range one.examples {
			t.Examples = append(t.Examples, e.Example)
		}
		r.Attempts += one.Attempts
		r.Transitions = append(r.Transitions, t)
	}
	slices.SortFunc(r.Transitions, func(a, b Transition) int {
		return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return r
}
