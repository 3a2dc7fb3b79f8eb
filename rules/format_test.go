package rules_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weirhq/weir/rules"
)

// everything is a file that uses every part of the language.
const everything = `version: 1
stage: before_authorization
limits:
  large: ["2500.00 EUR", "2700.00 USD"]
lists:
  denied_devices:
    entries: ["dev_1", { value: "dev_2", expires: "2027-01-31", reason: abuse }]
  blocked_bins:
    match: bin_prefix
    entries: ["411111"]
velocity:
  - name: card_attempts_1h
    aggregate: count
    events: [attempt]
    by: card.fingerprint
    window: 1h
  - { name: deposits, aggregate: sum, currency: EUR, events: [approved], by: customer.id, window: 7d, reserve: true }
rules:
  - name: denied_device
    when: known(context.device_id) && context.device_id in list("denied_devices")
    outcome: block
    overridable: false
    on_missing: hold
    tests:
      - given: { context.device_id: dev_1 }
        expect: hit
      - { given: { context.device_id: dev_3 }, expect: miss }
  - name: blocked_bin
    when: card.bin in list("blocked_bins") || card.country == "KP"
    outcome: block
    on_missing: hold
    on_error: block
    score: 20
  - name: card_testing
    when: velocity.card_attempts_1h >= 5 && payment.amount <= limit("large")
    outcome: step_up
    on_missing: step_up
    shadow: true
  - name: much
    when: velocity.deposits + payment.amount > money("5000.00 EUR")
    outcome: hold
    on_missing: hold
    rollout: 20%
    tests:
      - { given: { velocity.deposits: "4000.00 EUR", payment.amount: "1000.01 EUR" }, expect: hit }
scorecards:
  - name: signs
    items:
      - { name: foreign, when: card.country != context.country, points: 30 }
      - { name: prepaid, when: card.type == "prepaid", points: 30, missing: 0 }
    bands:
      - { from: 50, outcome: hold }
tests:
  - given: { context.device_id: dev_1 }
    expect: block
`

// meaning loads a file and runs its tests: what it means, or the problems.
func meaning(text string) (string, error) {
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(text)}}, nil)
	if err != nil {
		return "", err
	}
	if _, failures := set.Test(); failures != nil {
		return "", failures
	}
	return set.Hash(), nil
}

// difference shows the lines that a mutation changed.
func difference(before, after string) string {
	var b strings.Builder
	old := strings.Split(before, "\n")
	for i, line := range strings.Split(after, "\n") {
		if i >= len(old) || line != old[i] {
			fmt.Fprintf(&b, "%d: %s\n", i+1, line)
		}
	}
	return b.String()
}

// TestLayoutMeansNothing: white space, comments, quotes and the order of keys change no meaning.
func TestLayoutMeansNothing(t *testing.T) {
	want, err := meaning(everything)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		lines := strings.Split(everything, "\n")
		for i, line := range lines {
			switch random.IntN(12) {
			case 0:
				lines[i] = line + "   "
			case 1:
				if line != "" {
					lines[i] = line + " # a comment"
				}
			case 2:
				lines[i] = "\n" + line
			case 3:
				lines[i] = "# a comment: with a colon\n" + line
			case 4:
				lines[i] = strings.NewReplacer(" && ", "   &&  ", " || ", "||", " >= ", ">=", " == ", "  ==  ").Replace(line)
			case 5:
				if before, condition, ok := strings.Cut(line, "    when: "); ok && before == "" {
					lines[i] = "    when: '" + strings.ReplaceAll(condition, "'", "''") + "'"
				}
			case 6:
				if before, condition, ok := strings.Cut(line, "    when: "); ok && before == "" {
					lines[i] = "    when: >-\n      (" + condition + ")"
				}
			case 7:
				if i > 0 && strings.HasPrefix(line, "    on_missing: ") && strings.HasPrefix(lines[i-1], "    outcome: ") {
					lines[i-1], lines[i] = line, lines[i-1]
				}
			}
		}
		text := strings.Join(lines, "\n")
		if random.IntN(3) == 0 {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		if got, err := meaning(text); err != nil || got != want {
			t.Fatalf("%v, rule set %s, want %s\n%s", err, got, want, text)
		}
		formatted := string(rules.Format([]byte(text)))
		if got, err := meaning(formatted); err != nil || got != want {
			t.Fatalf("laid out: %v, rule set %s, want %s\n%s", err, got, want, formatted)
		}
		if again := string(rules.Format([]byte(formatted))); again != formatted {
			t.Fatalf("laid out again, it changes:\n%s", difference(formatted, again))
		}
	}
}
