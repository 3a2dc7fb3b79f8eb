package main

import (
	"strings"
	"testing"
)

// TestExplainTakesVelocity: what is given decides, what is not is missing, and what is wrong is told.
// TestExplainOfWhatTheIssuerAnswered: a create command with an authorization is looked at by the rules of after it.
func TestExplainOfWhatTheIssuerAnswered(t *testing.T) {
	set := writeFile(t, "rules.yaml", `version: 1
stage: after_authorization
rules:
  - { name: wrong_code, when: authorization.cvv == "N" && card.country == "DE", outcome: block, on_missing: hold }
`)
	command := writeFile(t, "command.json", `{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","type":"create","tenant":"acme","amount":1050,"currency":"EUR",
		"card":{"token":"tok_1","country":"DE"},"authorization":{"amount":1050,"authentication":{"cvv":"N"}}}`)
	code, out, errOut := rulesOutput(t, "explain", "--command", command, set)
	if code != exitOK || !strings.Contains(out, "wrong_code  hit     block") {
		t.Errorf("%d %s%s", code, out, errOut)
	}
}

func TestExplainTakesVelocity(t *testing.T) {
	file := writeFile(t, "rules.yaml", `version: 1
velocity:
  - { name: attempts, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
  - { name: deposits, aggregate: sum, currency: EUR, events: [approved], by: customer.id, window: 7d }
rules:
  - { name: fast, when: velocity.attempts >= 5, outcome: block, on_missing: hold }
  - { name: much, when: velocity.deposits > money("5000.00 EUR"), outcome: step_up, on_missing: step_up }
`)
	command := writeFile(t, "command.json", `{"command_id": "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", "type": "create", "tenant": "acme", "customer_id": "cus_1",
		"amount": 90000, "currency": "EUR", "card": {"token": "tok_1"}}`)
	answers := writeFile(t, "answers.json", `{"deposits": "5000.01 EUR", "attempts": "9"}`)
	for name, c := range map[string]struct {
		args  []string
		code  int
		wants []string
	}{
		"nothing":     {nil, exitOK, []string{"outcome   hold", "attempts  (missing)", "deposits  (missing)"}},
		"one":         {[]string{"--velocity", "attempts=5"}, exitOK, []string{"outcome   block", "attempts  5", "deposits  (missing)"}},
		"a file":      {[]string{"--velocity-file", answers}, exitOK, []string{"outcome   block", "attempts  9", "deposits  5000.01 EUR"}},
		"both":        {[]string{"--velocity-file", answers, "--velocity", "velocity.attempts=0"}, exitOK, []string{"outcome   step_up", "attempts  0"}},
		"first time":  {[]string{"--first-time"}, exitOK, []string{"outcome   hold", "attempts  (missing)", "deposits  0.00 EUR"}}, // the card has no fingerprint
		"a misspelt":  {[]string{"--velocity", "attemps=5"}, exitProblem, []string{`did you mean "attempts"?`}},
		"no unit":     {[]string{"--velocity", "deposits=5"}, exitProblem, []string{"write it as 250.00 EUR"}},
		"no equation": {[]string{"--velocity", "attempts"}, exitUsage, []string{"want name=value"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := rulesOutput(t, append(append([]string{"explain", "--command", command}, c.args...), file)...)
			if code != c.code {
				t.Fatalf("exit %d, want %d\n%s%s", code, c.code, out, errOut)
			}
			for _, want := range c.wants {
				if !strings.Contains(out+errOut, want) {
					t.Errorf("%q is not in\n%s%s", want, out, errOut)
				}
			}
		})
	}
}

// TestCheckSaysWhatItChecks: without a path it is not the analyst's own file.
func TestCheckSaysWhatItChecks(t *testing.T) {
	for _, verb := range []string{"check", "test", "show"} {
		if code, _, errOut := rulesOutput(t, verb); code != exitOK || !strings.Contains(errOut, "no path was given: these are the rules that are built in") {
			t.Errorf("weir rules %s: exit %d, %s", verb, code, errOut)
		}
	}
	file := writeFile(t, "rules.yaml", "version: 1\nlists: { vip: { entries: [cus_1] } }\nrules:\n  - { name: a, when: tenant == \"x\", outcome: pass }\n")
	code, out, errOut := rulesOutput(t, "check", file)
	if code != exitOK || !strings.Contains(out, "no mistakes") || !strings.Contains(errOut, `no rule uses the list "vip"`) || !strings.Contains(errOut, "1 warning") {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
}

// TestExplainWithoutRules: a set that has no rule for a command says so; it does not say pass.
func TestExplainWithoutRules(t *testing.T) {
	command := writeFile(t, "command.json", `{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","type":"create","tenant":"acme","amount":90000,"currency":"EUR","card":{"token":"tok"}}`)
	const rule = "rules:\n  - { name: large, when: payment.amount > money(\"5.00 EUR\"), outcome: hold, on_missing: hold }\n"
	for name, c := range map[string]struct{ rules, want string }{
		"refunds":       {"version: 1\nstage: refund\n" + rule, "it is of stage before_authorization, the rules are of stage refund"},
		"limits":        {"version: 1\ngaming_limits:\n  - { kind: deposit, period: day, amounts: [\"1000.00 EUR\"] }\n", "the rule set has no rules, so it says nothing of this; limits"},
		"another brand": {"version: 1\ntenants: [other]\n" + rule, "none of its rules of stage before_authorization is for its tenant"},
	} {
		code, out, errOut := rulesOutput(t, "explain", "--command", command, writeFile(t, "rules.yaml", c.rules))
		if code != exitOK || !strings.Contains(out, c.want) || strings.Contains(out, "pass") {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, errOut)
		}
	}
}
