package rulecost

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/backtest"
	"github.com/weirhq/weir/topics"
)

func compiled(t *testing.T, text string) *rules.Set {
	t.Helper()
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(text)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

const text = `version: 1
velocity:
  - { name: card_1h, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
  - { name: spent, aggregate: sum, currency: EUR, events: [approved], by: customer.id, window: 7d }
rules:
  - { name: cheap, when: card.country == "DE", outcome: step_up, on_missing: step_up }
  - { name: dear, when: 'context.user_agent.matches("(a|b|c)*[0-9]+(x|y|z)*$") || context.email.matches("^[a-m]+.*[n-z]+@[a-z.]+$")', outcome: step_up, on_missing: step_up }
  - { name: counted, when: velocity.card_1h > 3 && velocity.spent > money("1000.00 EUR"), outcome: step_up, on_missing: step_up }
  - { name: elsewhere, when: card.type == "debit", commands: [authorize], outcome: step_up, on_missing: step_up }
  - { name: gone, enabled: false, when: card.type == "credit", outcome: step_up, on_missing: step_up }
`

// TestMeasure: a rule with patterns takes longer than one that compares, whatever else the machine does.
func TestMeasure(t *testing.T) {
	set := compiled(t, text)
	inputs, err := MadeUp(set)
	if err != nil {
		t.Fatal(err)
	}
	r := Measure(set, inputs)
	if len(r.Rules) != 3 || r.Rules[0].Name != "dear" || r.Rules[0].Time < 2*r.Rules[2].Time || r.Decision <= 0 || r.Inputs != maxInputs {
		t.Errorf("%+v", r)
	}
	if len(r.Unused) != 1 || r.Unused[0] != "elsewhere" {
		t.Errorf("unused are %v", r.Unused)
	}
	for _, one := range r.Rules {
		if one.Worst == 0 || one.Worst > rules.MaxCost || one.Name == "cheap" && one.Worst >= r.Rules[0].Worst {
			t.Errorf("%s costs %d in the worst case", one.Name, one.Worst)
		}
	}
}

// TestMadeUp: made-up payments are the same each time, and let rules hit, miss and miss data.
func TestMadeUp(t *testing.T) {
	set := compiled(t, text)
	said := map[topics.RuleStatus]int{}
	for range 2 {
		inputs, err := MadeUp(set)
		if err != nil {
			t.Fatal(err)
		}
		e := set.NewEvaluation()
		for _, in := range inputs {
			e.Evaluate(in)
			for _, status := range e.Results() {
				said[status]++
			}
		}
	}
	for _, status := range []topics.RuleStatus{topics.RuleHit, topics.RuleMiss, topics.RuleMissing} {
		if n := said[status]; n == 0 || n%2 != 0 {
			t.Errorf("%d times %s, want twice the same", n, status)
		}
	}
}

// TestFromHistory: payments come with the answers that velocity gave, and stay as they were.
func TestFromHistory(t *testing.T) {
	set := compiled(t, text)
	inputs, err := FromHistory(set, backtest.NewReader(strings.NewReader(`{"time":1772366401000,"id":"p1","card.fingerprint":"a","card.country":"DE","payment.amount":"1.00 EUR"}
{"time":1772366402000,"id":"l1","event":"login"}
{"time":1772366403000,"id":"p2","card.fingerprint":"a","card.country":"FR","payment.amount":"1.00 EUR"}
`)))
	if err != nil {
		t.Fatal(err)
	}
	if len(inputs) != 2 || inputs[0].Command.Card.Country != "DE" || inputs[0].Answers[0].Value != 0 || inputs[1].Answers[0].Value != 1 {
		t.Errorf("%+v", inputs)
	}
	if _, err := FromHistory(set, backtest.NewReader(strings.NewReader(""))); err == nil {
		t.Error("an empty history is measured")
	}
}
