package rules_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/rules"
)

// TestWarnings: what is right as it stands and may not be meant is told with its line, and keeps no set from use.
func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a list that no rule uses": {"lists: { vip: { entries: [cus_1] } }\nrules:\n  - { name: a, when: tenant == \"x\", outcome: pass }\n",
			`no rule uses the list "vip"`},
		"a limit that no rule uses": {"limits: { large: [\"5.00 EUR\"] }\nrules:\n  - { name: a, when: tenant == \"x\", outcome: pass }\n",
			`no rule uses the limit "large"`},
		"what authorize lacks": {"rules:\n  - { name: a, commands: [create, authorize], when: card.country == \"FR\", outcome: hold, on_missing: hold }\n",
			"an authorize command has no card.country: there the rule asks for hold"},
		"what most events lack": {"stage: event\nrules:\n  - { name: a, when: event.duration > duration(\"8h\"), outcome: block, on_missing: block }\n",
			"most events have no event.duration: for each of them the rule asks for block"},
		"what one event has": {"stage: event\nrules:\n  - { name: a, when: event.type == \"session_end\" && event.duration > duration(\"8h\"), outcome: block, on_missing: block }\n", ""},
		"what is known":      {"stage: event\nrules:\n  - { name: a, when: known(event.duration) && event.duration > duration(\"8h\"), outcome: block, on_missing: block }\n", ""},
		"rates that contradict": {"rates: { entries: [{ date: \"2026-11-20\", from: EUR, to: USD, rate: 1.0842 }, { date: \"2026-11-20\", from: USD, to: EUR, rate: 1.0842 }] }\nrules:\n  - { name: a, when: payment.amount.to(\"EUR\") > money(\"5.00 EUR\"), outcome: hold, on_missing: hold }\n",
			"the rate from EUR to USD on 2026-11-20 is 1.0842, and 1.0842 from USD to EUR: there and back is not 1"},
		"rates with a spread":     {"rates: { entries: [{ date: \"2026-11-20\", from: EUR, to: USD, rate: 1.0842 }, { date: \"2026-11-20\", from: USD, to: EUR, rate: 0.91 }] }\nrules:\n  - { name: a, when: payment.amount.to(\"EUR\") > money(\"5.00 EUR\"), outcome: hold, on_missing: hold }\n", ""},
		"what authorize may lack": {"rules:\n  - { name: a, commands: [create, authorize], when: known(card.country) && card.country == \"FR\", outcome: hold, on_missing: hold }\n", ""},
		"a cool-off of authorize": {"cool_offs:\n  - { name: a, commands: [create, authorize], instrument: card.fingerprint, for: 24h, outcome: hold, on_missing: hold }\n", ""},
		"what is asked for":       {"rules:\n  - { name: a, commands: [create, authorize], when: known(card.country), outcome: pass }\n", ""},
		"what is used":            {"lists: { vip: { entries: [cus_1] } }\nrules:\n  - { name: a, when: customer.id in list(\"vip\"), outcome: allow, on_missing: pass }\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte("version: 1\n" + c.text)}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := set.Warnings().Error()
			if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("%q, want %q", got, c.want)
			}
			for _, w := range set.Warnings() {
				if w.Line == 0 || w.Hint == "" {
					t.Errorf("no place or no hint: %s", w)
				}
			}
		})
	}
}

// TestAFailedTestNamesTheAnswersItLacks: a test of the whole set has to give the answers of velocity.
func TestAFailedTestNamesTheAnswersItLacks(t *testing.T) {
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(`version: 1
velocity:
  - { name: attempts, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
rules:
  - { name: fast, when: velocity.attempts > 3, outcome: block, on_missing: hold }
  - { name: large, when: payment.amount > money("5.00 EUR"), outcome: step_up, on_missing: step_up }
tests:
  - { given: { payment.amount: "6.00 EUR" }, expect: step_up }
  - { given: { payment.amount: "6.00 EUR", velocity.attempts: 0 }, expect: step_up }
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, failures := set.Test()
	if len(failures) != 1 || !strings.Contains(failures.Error(), "fast: missing velocity.attempts asks for hold") || !strings.Contains(failures[0].Hint, "give velocity.attempts") {
		t.Errorf("%s", failures)
	}
}
