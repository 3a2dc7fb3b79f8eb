package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Test runs the inline tests. tests is how many there are; failures is nil where all pass.
func (s *Set) Test() (tests int, failures Problems) {
	for i := range s.rules {
		r := &s.rules[i]
		for _, t := range r.Tests {
			tests++
			s.testRule(r, t, &failures)
		}
	}
	for _, t := range s.tests {
		tests++
		s.testFile(t, &failures)
	}
	if err := failures.orNil(); err == nil {
		return tests, nil
	}
	return tests, failures
}

// testRule evaluates one rule alone, enabled or not.
func (s *Set) testRule(r *compiled, t Test, failures *Problems) {
	m := newMachine(s.program)
	in := t.input(r.Commands)
	m.begin(&in)
	result := r.result(m, r.truth(m))
	got := string(result.Result)
	if r.card != nil {
		got = string(cmp.Or(result.Outcome, topics.OutcomePass))
	}
	if got != t.Expect {
		detail := ""
		if result.Detail != "" {
			detail = " (" + result.Detail + ")"
		}
		t.failed(failures, fmt.Sprintf("rule %q", r.Name), "", fmt.Sprintf("the result is %s%s, not %s", got, detail, t.Expect))
	}
}

// testFile evaluates the whole set.
func (s *Set) testFile(t Test, failures *Problems) {
	d := s.Evaluate(t.input(nil))
	var hits, said, missing []string
	for _, r := range d.Rules {
		text := fmt.Sprintf("%s: %s asks for %s", r.Rule, r.Result, r.Outcome)
		switch r.Result {
		case topics.RuleHit:
			hits = append(hits, r.Rule)
		case topics.RuleMissing:
			text = fmt.Sprintf("%s: missing %s asks for %s", r.Rule, r.Detail, r.Outcome)
			missing = append(missing, strings.Split(r.Detail, ", ")...)
		}
		said = append(said, text)
	}
	if string(d.Outcome) != t.Expect {
		t.failed(failures, "the rule set", hintToGive(missing), fmt.Sprintf("the outcome is %s, not %s; %s", d.Outcome, t.Expect, strings.Join(said, "; ")))
		return
	}
	if t.Rules != nil && !slices.Equal(hits, t.Rules) {
		t.failed(failures, "the rule set", "", fmt.Sprintf("the rules that hit are [%s], not [%s]", strings.Join(hits, ", "), strings.Join(t.Rules, ", ")))
	}
}

// hintToGive names the velocity answers that a test of the whole set would have to give, "" where there are none.
func hintToGive(missing []string) string {
	var answers []string
	for _, name := range missing {
		if strings.HasPrefix(name, velocityPrefix) && !slices.Contains(answers, name) {
			answers = append(answers, name)
		}
	}
	if len(answers) == 0 {
		return ""
	}
	return "an answer of velocity that given does not name is missing, as it is where velocity does not answer; give " + strings.Join(answers, ", ")
}

func (t Test) failed(failures *Problems, of, hint, what string) {
	name := ""
	if t.Name != "" {
		name = fmt.Sprintf(" %q", t.Name)
	}
	s := *t.source
	s.problems = failures
	s.fail(t.at, hint, "test%s of %s failed: %s", name, of, what)
}

// input is what a test describes; before authorisation by the first of these commands, by default a create command.
func (t Test) input(of []topics.CommandType) Input {
	in := t.bare(of)
	features, fields := map[string]topics.Feature{}, FieldsAt(t.stage)
	for name, value := range t.Given {
		if answer, ok := strings.CutPrefix(name, velocityPrefix); ok {
			features[answer] = topics.Feature{Value: answerOf(value)}
			continue
		}
		f, key, _ := fieldNamed(fields, name)
		switch {
		case f.Type == TypeMoney:
			minor, currency := f.money(&in)
			m, _ := ledger.ParseMoney(value) // checked when the test was read
			*minor = m.Minor
			if *currency == "" {
				*currency = string(m.Currency)
			}
		case f.Type == TypeTexts:
			f.setText(&in, key, value)
		case f.Type == TypeDuration:
			*f.seconds(&in) = answerOf(value)
		case f.setFound != nil:
			f.setFound(in.Enrichment, value)
		default:
			f.set(&in, value)
		}
	}
	in.Features = features
	return in
}

// testID stands for the id of a test's command or event.
const testID = "00000000-0000-4000-8000-000000000000"

// bare is an input of the test's stage of which only the tenant and the region are known.
func (t Test) bare(of []topics.CommandType) Input {
	in := Input{Enrichment: &topics.Enrichment{}, Now: t.Now, everyone: true}
	tenant := cmp.Or(t.tenant, "test")
	switch t.stage {
	case topics.StageWallet:
		in.Wallet = &topics.WalletCommand{CommandID: testID, Type: topics.WalletDebit, Tenant: tenant, Region: t.region}
		return in
	case topics.StagePayout:
		in.Payout = &topics.PayoutCommand{CommandID: testID, Type: topics.PayoutCreate, Tenant: tenant, Region: t.region}
		return in
	case topics.StageEvent:
		in.Event = &topics.CustomerEvent{EventID: testID, Tenant: tenant, Region: t.region}
		return in
	case topics.StageAfterAuthorization:
		in.Authorization = &topics.Authorization{}
	}
	in.Command = &topics.Command{CommandID: testID, Type: topics.CommandCreate, Tenant: tenant, Region: t.region}
	if len(of) > 0 {
		in.Command.Type = of[0]
	}
	if t.stage == topics.StageRefund {
		in.Command.Type = topics.CommandRefund
	}
	return in
}

// answerOf is a velocity answer as a test writes it, checked when the test was read: a number, an amount or a time.
func answerOf(value string) int64 {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return n
	}
	if m, err := ledger.ParseMoney(value); err == nil {
		return m.Minor
	}
	d, _ := parseDuration(value)
	return int64(d / time.Second)
}
