package risk

import (
	"maps"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// candidate evaluates the rule set on trial, after the one that decides and on the same data. Nothing is asked of velocity
// for it, so that nothing counts twice: it has the answers of the definitions that both sets share, the others are missing.
type candidate struct {
	set   func() *rules.Set // nil where there is none
	edits func() *rules.Edits
	of    atomic.Pointer[trial]
}

// trial is what follows from a pair of sets.
type trial struct {
	live, candidate *rules.Set
	strange         []string // answers that mean another thing to the candidate
}

// decide is what the candidate would decide; nil where there is none. Whatever happens to it, the decision stands: a panic
// in it is no more than a failed result.
func (c *candidate) decide(live *rules.Set, in rules.Input) (said *topics.CandidateDecision) {
	set := c.set()
	if set == nil {
		return nil
	}
	said = &topics.CandidateDecision{RuleSet: set.Hash()}
	defer func() {
		if recover() != nil {
			*said = topics.CandidateDecision{RuleSet: set.Hash()}
		}
	}()
	if strange := c.pair(live, set).strange; len(strange) > 0 && len(in.Features) > 0 {
		in.Features = maps.Clone(in.Features)
		for _, name := range strange {
			delete(in.Features, name)
		}
	}
	in.Edits = c.edits()
	d := set.Evaluate(in)
	said.Outcome, said.Reasons, said.Score = d.Outcome, d.Reasons, d.Score
	return said
}

func (c *candidate) pair(live, set *rules.Set) *trial {
	if t := c.of.Load(); t != nil && t.live == live && t.candidate == set {
		return t
	}
	t := &trial{live: live, candidate: set}
	for _, d := range set.Velocity() {
		if !slices.ContainsFunc(live.Velocity(), func(l velocity.Definition) bool { return reflect.DeepEqual(l, d) }) {
			t.strange = append(t.strange, d.Name)
		}
	}
	c.of.Store(t)
	return t
}
