package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

// TestAnswersHaveUnits: what an analyst writes is what is printed.
func TestAnswersHaveUnits(t *testing.T) {
	set, err := Compile([]File{{Name: "rules.yaml", Text: []byte(`version: 1
velocity:
  - { name: attempts, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
  - { name: deposits, aggregate: sum, currency: JPY, events: [approved], by: customer.id, window: 7d }
  - { name: decline, aggregate: since_last, events: [declined], by: card.fingerprint, window: 7d }
rules:
  - { name: a, when: velocity.attempts > 3 && velocity.deposits > money("500 JPY") && velocity.decline < duration("1h"), outcome: hold, on_missing: hold }
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ name, given, said, wrong string }{
		{name: "attempts", given: "5", said: "5"},
		{name: "deposits", given: "1500 JPY", said: "1500 JPY"},
		{name: "decline", given: "90s", said: "1m 30s, since 2026-03-02T11:58:30Z"},
		{name: "decline", given: "25h", said: "1d 1h, since 2026-03-01T11:00:00Z"},
		{name: "decline", given: "7d", said: "7d or more"},
		{name: "attempt", given: "5", wrong: `did you mean "attempts"?`},
		{name: "attempts", given: "5.5", wrong: "a whole number"},
		{name: "attempts", given: "", wrong: "a whole number"},
		{name: "deposits", given: "15.00 EUR", wrong: "always in JPY"},
		{name: "deposits", given: "15", wrong: "write it as"},
		{name: "decline", given: "soon", wrong: "9m, 24h or 7d"},
	} {
		answer, err := set.Answer(c.name, c.given)
		switch {
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s %q: error %v, want %q", c.name, c.given, err, c.wrong)
		case c.wrong == "" && err != nil:
			t.Errorf("%s %q: %v", c.name, c.given, err)
		case c.wrong == "":
			if got := set.AnswerText(c.name, answer, asked); got != c.said {
				t.Errorf("%s %q is said as %q, want %q", c.name, c.given, got, c.said)
			}
		}
	}
	if got := set.AnswerText("unknown", topics.Feature{Value: 7}, asked); got != "7" {
		t.Errorf("an answer of another set: %q", got)
	}
}
