package rules

import (
	"sort"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/weirhq/weir/topics"
)

// maxDetail bounds RuleResult.Detail in bytes: a decision is stored with its payment.
const maxDetail = 200

// Assessed tells whether rules are evaluated for a type of command.
func Assessed(t topics.CommandType) bool {
	return t == topics.CommandCreate || t == topics.CommandAuthorize
}

// Evaluate decides on a valid command. It is deterministic: the same set and input give the same decision. The input's
// time is used for the expiry of list entries alone. A command of a type that is not assessed passes with an empty
// RuleSet.
func (s *Set) Evaluate(in Input) topics.Decision {
	return s.evaluate(in, nil)
}

// Explain decides like Evaluate and tells the result of every rule that was evaluated, misses included.
func (s *Set) Explain(in Input) (topics.Decision, []topics.RuleResult) {
	var all []topics.RuleResult
	d := s.evaluate(in, func(r topics.RuleResult) { all = append(all, r) })
	return d, all
}

func (s *Set) evaluate(in Input, observe func(topics.RuleResult)) topics.Decision {
	c := in.Command
	d := topics.Decision{CommandID: c.CommandID, Outcome: topics.OutcomePass}
	if !Assessed(c.Type) {
		return d
	}
	d.RuleSet = s.hash
	a := s.activations.Get().(*activation)
	a.begin(in)
	best := rank(topics.OutcomePass, true)
	for i := range s.rules {
		r := &s.rules[i]
		if !r.Enabled || !r.appliesTo(c.Type) {
			continue
		}
		d.Evaluated++
		result := r.evaluate(a)
		if observe != nil {
			observe(result)
		}
		if result.Result == topics.RuleMiss {
			continue
		}
		if result.Result == topics.RuleHit {
			d.Score += r.Score
		}
		d.Rules = append(d.Rules, result)
		if k := rank(result.Outcome, r.Overridable); k > best {
			best, d.Outcome = k, result.Outcome
		}
	}
	a.end()
	s.activations.Put(a)
	d.Reasons = s.reasons(d.Rules, best)
	return d
}

// rank is the order of precedence: non-overridable block > allow > block > hold > step_up > pass.
func rank(o topics.Outcome, overridable bool) int {
	switch o {
	case topics.OutcomeStepUp:
		return 1
	case topics.OutcomeHold:
		return 2
	case topics.OutcomeBlock:
		if !overridable {
			return 5
		}
		return 3
	case topics.OutcomeAllow:
		return 4
	}
	return 0
}

// reasons are the reason codes of the results that have the rank that decided, in rule order, without repeats.
func (s *Set) reasons(results []topics.RuleResult, best int) []string {
	var reasons []string
	next := 0
	for _, result := range results {
		for s.rules[next].Name != result.Rule {
			next++
		}
		r := &s.rules[next]
		if rank(result.Outcome, r.Overridable) != best {
			continue
		}
		repeated := false
		for _, have := range reasons {
			repeated = repeated || have == r.Reason
		}
		if !repeated {
			reasons = append(reasons, r.Reason)
		}
	}
	return reasons
}

// evaluate is what one rule says. CEL turns its own panics into errors.
func (r *compiled) evaluate(a *activation) topics.RuleResult {
	out, _, err := r.program.Eval(a)
	if err != nil {
		return topics.RuleResult{Rule: r.Name, Result: topics.RuleError, Outcome: r.OnError, Detail: shorten(err.Error())}
	}
	switch out {
	case ref.Val(types.True):
		return topics.RuleResult{Rule: r.Name, Result: topics.RuleHit, Outcome: r.Outcome}
	case ref.Val(types.False):
		return topics.RuleResult{Rule: r.Name, Result: topics.RuleMiss}
	}
	if u, ok := out.(*types.Unknown); ok {
		return topics.RuleResult{Rule: r.Name, Result: topics.RuleMissing, Outcome: r.onMissing(), Detail: whatIsMissing(u)}
	}
	return topics.RuleResult{Rule: r.Name, Result: topics.RuleError, Outcome: r.OnError, Detail: "the condition is neither true nor false"}
}

// onMissing is what the rule asks for where data is missing. Every rule that can miss data says it; a field that a
// valid command has by contract is missing only if that contract is broken, which is held.
func (r *compiled) onMissing() topics.Outcome {
	if r.OnMissing == "" {
		return topics.OutcomeHold
	}
	return r.OnMissing
}

// whatIsMissing names what CEL found unknown, in alphabetical order.
func whatIsMissing(u *types.Unknown) string {
	var names []string
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			names = append(names, t.Variable())
		}
	}
	sort.Strings(names)
	return shorten(strings.Join(names, ", "))
}

func shorten(text string) string {
	if len(text) <= maxDetail {
		return text
	}
	cut := maxDetail - len("…")
	for cut > 0 && text[cut]&0xC0 == 0x80 { // not inside a character
		cut--
	}
	return text[:cut] + "…"
}
