package rules

import (
	"iter"
	"slices"

	"github.com/weirhq/weir/topics"
)

// maxDetail bounds RuleResult.Detail in bytes: a decision is stored with its payment.
const maxDetail = 200

// Evaluate decides on a valid input by the rules of its stage. It is deterministic: the same set and input give the same
// decision. The input's time is used for validity and the expiry of list entries alone. What the set does not assess
// (Assesses) passes with an empty RuleSet.
func (s *Set) Evaluate(in Input) topics.Decision {
	e := s.evaluation()
	defer s.done(e)
	e.Evaluate(in)
	return e.Decision()
}

// Explain decides like Evaluate and tells the result of every rule that was evaluated, misses included.
func (s *Set) Explain(in Input) (topics.Decision, []topics.RuleResult) {
	e := s.evaluation()
	defer s.done(e)
	e.Evaluate(in)
	var all []topics.RuleResult
	for i := range e.rules {
		all = append(all, e.result(i))
	}
	return e.Decision(), all
}

func (s *Set) evaluation() *Evaluation {
	if e, ok := s.evaluations.Get().(*Evaluation); ok {
		return e
	}
	return s.NewEvaluation()
}

func (s *Set) done(e *Evaluation) {
	e.machine.end()
	e.in = Input{}
	s.evaluations.Put(e)
}

// Evaluation is what a set says of one input: the result of every rule, and the values that they read. It is used again
// for the next input, without allocating. One goroutine at a time uses it.
type Evaluation struct {
	set      *Set
	machine  *machine
	in       Input // is kept here because fields are read through it
	command  string
	stage    topics.Stage
	assessed bool
	rules    []int32 // that were evaluated, in the order of the set
	own      []int32 // holds them where it depends on the input which they are
	said     []truth // by them
	outcome  topics.Outcome
	best     int // rank of the outcome
	score    int64
	tripped  []string
	edits    int64 // version of the lists
}

// NewEvaluation returns an Evaluation for a first input.
func (s *Set) NewEvaluation() *Evaluation {
	return &Evaluation{set: s, machine: newMachine(s.program), said: make([]truth, 0, len(s.rules))}
}

// Evaluate is Set.Evaluate without the record of it. The input must not change until the results have been read.
func (e *Evaluation) Evaluate(input Input) {
	e.in = input
	in := &e.in
	e.command, e.stage, e.rules, e.said = in.id(), in.Stage(), nil, e.said[:0]
	e.outcome, e.best, e.score, e.tripped, e.edits = topics.OutcomePass, rank(topics.OutcomePass, true), 0, in.Tripped, 0
	if e.assessed = e.set.Assesses(in); !e.assessed {
		return
	}
	if e.rules = e.set.staged[e.stage]; e.stage == topics.StageBeforeAuthorization {
		e.rules = e.set.applying[in.Command.Type]
	}
	if e.set.partly {
		e.own = e.set.inForce(e.own[:0], e.rules, in)
		e.rules = e.own
	}
	if e.set.editable {
		e.edits = in.Edits.Version()
	}
	e.machine.begin(in)
	for _, at := range e.rules {
		r := &e.set.rules[at]
		t := r.truth(e.machine)
		e.said = append(e.said, t)
		if t == no || e.inShadow(r) {
			continue
		}
		if t == yes {
			e.score += r.score(e.machine)
		}
		outcome := e.lessened(r, r.asks(e.machine, t))
		if k := rank(outcome, r.Overridable); k > e.best {
			e.best, e.outcome = k, outcome
		}
	}
}

// inShadow tells whether a rule's result changes nothing.
func (e *Evaluation) inShadow(r *compiled) bool {
	tripped, to := e.set.trippedTo(r, e.tripped)
	return r.Shadow || tripped && to == ""
}

// lessened is what a rule asks for after a breaker has tripped.
func (e *Evaluation) lessened(r *compiled, asks topics.Outcome) topics.Outcome {
	if asks != topics.OutcomeBlock {
		return asks
	}
	if _, to := e.set.trippedTo(r, e.tripped); to != "" {
		return to
	}
	return asks
}

// Outcome is what the set asks for.
func (e *Evaluation) Outcome() topics.Outcome { return e.outcome }

// Score is the sum of the scores of the rules that hit.
func (e *Evaluation) Score() int64 { return e.score }

// Results yields the rules that were evaluated, as their places in Set.Rules, and what each said.
func (e *Evaluation) Results() iter.Seq2[int, topics.RuleStatus] {
	return func(yield func(int, topics.RuleStatus) bool) {
		for i, at := range e.rules {
			if !yield(int(at), e.said[i].status()) {
				return
			}
		}
	}
}

// Decision is the evaluation as it is stored: rules that miss are left out.
func (e *Evaluation) Decision() topics.Decision {
	d := topics.Decision{CommandID: e.command, Outcome: e.outcome, Score: e.score, Evaluated: len(e.rules)}
	if e.stage != topics.StageBeforeAuthorization {
		d.Stage = e.stage
	}
	if e.stage == topics.StageEvent {
		d.CommandID, d.EventID = "", e.command
	}
	if e.assessed {
		d.RuleSet, d.Tripped, d.ListEdits = e.set.hash, e.tripped, e.edits
		d.Reviews = e.reviews()
	}
	size := 0
	for i, t := range e.said {
		if t == no {
			continue
		}
		result := e.result(i)
		if size += readBytes(result.Read); size > maxReadsDecision {
			result.Read = nil
		}
		d.Rules = append(d.Rules, result)
		r := &e.set.rules[e.rules[i]]
		if !result.Shadow && rank(result.Outcome, r.Overridable) == e.best && !slices.Contains(d.Reasons, r.Reason) {
			d.Reasons = append(d.Reasons, r.Reason) // in rule order, without repeats
		}
	}
	return d
}

// reviews tells whether rules of stage after_authorization are in force for the payment that the command is of, be they in
// the shadow.
func (e *Evaluation) reviews() bool {
	if e.stage != topics.StageBeforeAuthorization {
		return false
	}
	for _, at := range e.set.staged[topics.StageAfterAuthorization] {
		if e.set.enforces(at, &e.in) {
			return true
		}
	}
	return false
}

// result is what one of the evaluated rules said.
func (e *Evaluation) result(i int) topics.RuleResult {
	r := &e.set.rules[e.rules[i]]
	result := r.result(e.machine, e.said[i])
	result.Shadow, result.Outcome = e.inShadow(r), e.lessened(r, result.Outcome)
	return result
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

// result is what a rule says where its condition came out as it did.
func (r *compiled) result(m *machine, t truth) topics.RuleResult {
	result := topics.RuleResult{Rule: r.Name, Result: t.status(), Outcome: r.asks(m, t), Read: r.values(m)}
	if r.card != nil {
		result.Detail = r.card.detail(m)
		return result
	}
	switch t {
	case absent:
		result.Detail = shorten(m.lacking(r.condition))
	case yes, no:
	default:
		result.Detail = failures[t]
	}
	return result
}

// truth is what the rule's condition comes to; a score card's is whether a band is reached.
func (r *compiled) truth(m *machine) truth {
	if r.card != nil {
		return truthOf(r.card.outcome(r.card.points(m)) != "")
	}
	return m.truth(r.condition)
}

// score is what a hit adds to the decision's score.
func (r *compiled) score(m *machine) int64 {
	if r.card != nil {
		return r.card.points(m)
	}
	return r.Score
}

// status is how a decision names the truth of a condition.
func (t truth) status() topics.RuleStatus {
	switch t {
	case yes:
		return topics.RuleHit
	case no:
		return topics.RuleMiss
	case absent:
		return topics.RuleMissing
	}
	return topics.RuleError
}

// asks is what the rule asks for where its condition came out as it did.
func (r *compiled) asks(m *machine, t truth) topics.Outcome {
	switch t {
	case yes:
		if r.card != nil {
			return r.card.outcome(r.card.points(m))
		}
		return r.Outcome
	case no:
		return ""
	case absent:
		return r.onMissing()
	}
	return r.OnError
}

// onMissing is what the rule asks for where data is missing. Every rule that can miss data says it; a field that a
// valid command has by contract is missing only if that contract is broken, which is held.
func (r *compiled) onMissing() topics.Outcome {
	if r.OnMissing == "" {
		return topics.OutcomeHold
	}
	return r.OnMissing
}

func shorten(text string) string { return shortened(text, maxDetail) }

// shortened is at most so many bytes of a text, not cut inside a character.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for cut > 0 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut] + "…"
}
