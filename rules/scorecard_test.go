package rules_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// TestScorecard: the highest band that the points reach decides, whatever each item says.
func TestScorecard(t *testing.T) {
	set := compileFiles(t, `scorecards:
  - name: card
    reason: points
    items:
      - { name: foreign, when: card.country != context.country, points: 30, missing: 10 }
      - { name: prepaid, when: card.type == "prepaid", points: 25 }
      - { name: customer, when: known(customer.id), points: -15 }
      - { name: ratio, when: size(card.last4) / size(card.scheme) > 100, points: 7, missing: 3 }
    bands: [{ from: 10, outcome: pass }, { from: 20, outcome: step_up }, { from: 50, outcome: hold }]
rules:
  - { name: rule, when: tenant != "x", outcome: pass, score: 1 }
`)
	rapid.Check(t, func(t *rapid.T) {
		c := ordinary()
		points := int64(0)
		switch rapid.SampledFrom([]string{"same", "other", "none"}).Draw(t, "country") {
		case "other":
			c.Card.Country = "FR"
			points += 30
		case "none":
			c.Card.Country = ""
			points += 10
		}
		switch rapid.SampledFrom([]string{"credit", "prepaid", "none"}).Draw(t, "type") {
		case "prepaid":
			c.Card.Type = "prepaid"
			points += 25
		case "none":
			c.Card.Type = ""
			points += 25
		}
		if rapid.Bool().Draw(t, "guest") {
			c.CustomerID = ""
		} else {
			points -= 15
		}
		if rapid.Bool().Draw(t, "no digits") {
			c.Card.Last4 = ""
			points += 3
		}
		want, score := topics.Outcome("pass"), points+1
		switch {
		case points >= 50:
			want = "hold"
		case points >= 20:
			want = "step_up"
		case points < 10:
			score = 1
		}
		d, all := set.Explain(rules.Input{Command: c})
		if d.Outcome != want || d.Score != score {
			t.Fatalf("%d points: outcome %s, score %d; want %s, %d\n%+v", points, d.Outcome, d.Score, want, score, all)
		}
		if want != topics.OutcomePass && (len(d.Reasons) != 1 || d.Reasons[0] != "points") {
			t.Fatalf("reasons %v", d.Reasons)
		}
	})
	c := ordinary()
	c.Card.Country, c.CustomerID, c.Card.Type = "", "", "prepaid"
	d := set.Evaluate(rules.Input{Command: c})
	if want := "35 points: foreign 10 (missing), prepaid 25"; d.Rules[1].Detail != want || d.Rules[1].Rule != "card" {
		t.Errorf("results %+v, want %s", d.Rules, want)
	}
}
