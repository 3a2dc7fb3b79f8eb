package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/rules"
)

// TestDiff: what changes what is decided is named, with what was and what is; nothing else is.
func TestDiff(t *testing.T) {
	const base = `
limits: { large: ["100.00 EUR"] }
lists: { devices: { entries: ["dev_1", "dev_2"] } }
velocity: [{ name: tries, aggregate: count, events: [attempt], by: customer.id, window: 24h }]
rules:
  - { name: a, when: context.device_id in list("devices"), outcome: block, on_missing: hold, score: 1 }
  - { name: b, when: payment.amount > limit("large") && velocity.tries > 2, outcome: hold, on_missing: hold }
scorecards:
  - { name: c, items: [{ name: i, when: card.type == "debit", points: 20 }], bands: [{ from: 20, outcome: hold }] }
`
	for _, c := range []struct{ replace, with, want string }{
		{"name: a,", "name: a, description: x, owner: y, tags: [z],", ""},
		{`"dev_1", "dev_2"`, `"dev_2", "dev_1"`, ""},
		{"outcome: block", "outcome: hold", `rule a, outcome: "block" to "hold"`},
		{"score: 1", "score: 2", `rule a, score: "1" to "2"`},
		{"velocity.tries > 2", "velocity.tries > 3", `rule b, when: "payment.amount > limit(\"large\") && velocity.tries > 2" to "payment.amount > limit(\"large\") && velocity.tries > 3"`},
		{"score: 1 }", "score: 1, shadow: true }", `rule a, in force: "" to "shadow"`},
		{`"dev_2"`, `{ value: "dev_2", expires: "2027-01-01" }`, `list devices, entry dev_2: "listed" to "until 2027-01-02T00:00:00Z"`},
		{`, "dev_2"`, ``, `list devices, entry dev_2: "listed" to ""`},
		{"100.00 EUR", "90.00 EUR", `limit large, amounts: "100.00 EUR" to "90.00 EUR"`},
		{"24h", "7d", `velocity tries, definition: "count of attempt by customer.id in 1d" to "count of attempt by customer.id in 7d"`},
		{"points: 20", "points: 30", `rule c, items: "i 20/20: card.type == \"debit\"" to "i 30/30: card.type == \"debit\""`},
		{"name: b, when", "name: d, when", `rule b: "payment.amount > limit(\"large\") && velocity.tries > 2" to ""; rule d: "" to "payment.amount > limit(\"large\") && velocity.tries > 2"`},
	} {
		before, after := compile(t, base), compile(t, strings.Replace(base, c.replace, c.with, 1))
		var got []string
		for _, change := range rules.Diff(before, after) {
			key := ""
			if change.Key != "" {
				key = ", " + change.Key
			}
			got = append(got, fmt.Sprintf("%s%s: %q to %q", change.What, key, change.Before, change.After))
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s becomes %s:\n%s, want\n%s", c.replace, c.with, text, c.want)
		}
		if same := before.Hash() == after.Hash(); same != (c.want == "") {
			t.Errorf("%s becomes %s: the content hash is the same: %t", c.replace, c.with, same)
		}
	}
}

// TestDiffOfWhatGoes: what is gone is told in short, each kind in its own words.
func TestDiffOfWhatGoes(t *testing.T) {
	const rule = "rules:\n  - { name: a, when: payment.amount > money(\"9.00 EUR\"), outcome: hold, on_missing: hold }\n"
	after := compile(t, rule)
	for text, want := range map[string]string{
		"gaming_limits: [{ kind: loss, period: week }]\n":              "gaming limit loss week: no amount of the brand's, raised after 1d",
		"lists: { gone: { entries: [dev_1, dev_2], match: exact } }\n": "list gone: 2 entries",
		"rates: { entries: [{ date: \"2026-11-20\", from: EUR, to: USD, rate: 1.0842 }, { date: \"2026-11-21\", from: EUR, to: USD, rate: 1.09 }] }\n": "rates: 2 rates",
	} {
		changes := rules.Diff(compile(t, text+rule), after)
		if len(changes) != 1 || changes[0].What+": "+changes[0].Before != want {
			t.Errorf("%+v, want %s", changes, want)
		}
	}
}
