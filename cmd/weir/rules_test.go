package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rulesOutput runs "weir rules" with arguments.
func rulesOutput(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), &app{out: &o, errOut: &e}, append([]string{"rules"}, args...))
	return code, o.String(), e.String()
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const brokenRule = "version: 1\nrules:\n  - name: a\n    when: card.contry == \"DE\"\n    outcome: hold\n    on_missing: hold\n"

func TestRulesCheck(t *testing.T) {
	if code, out, _ := rulesOutput(t, "check"); code != exitOK || !strings.Contains(out, "no mistakes") {
		t.Errorf("the built-in rules: %d, %s", code, out)
	}
	if code, out, errOut := rulesOutput(t, "check", "../../testdata/rules"); code != exitOK {
		t.Errorf("a directory: %d, %s%s", code, out, errOut)
	}
	code, _, errOut := rulesOutput(t, "check", writeFile(t, "broken.yaml", brokenRule))
	if code != exitProblem || !strings.Contains(errOut, `broken.yaml:4:11: unknown field "card.contry"`) || !strings.Contains(errOut, "1 problem\n") {
		t.Errorf("a broken file: %d, %s", code, errOut)
	}
	if code, _, errOut := rulesOutput(t, "check", "/nowhere"); code != exitProblem || !strings.Contains(errOut, "/nowhere") {
		t.Errorf("no file: %d, %s", code, errOut)
	}
}

func TestRulesTest(t *testing.T) {
	if code, out, errOut := rulesOutput(t, "test"); code != exitOK || !strings.Contains(out, "tests passed") {
		t.Errorf("the built-in rules: %d, %s%s", code, out, errOut)
	}
	failing := strings.Replace(brokenRule, "contry", "country", 1) + "    tests: [{ given: { card.country: DE }, expect: miss }]\n"
	code, _, errOut := rulesOutput(t, "test", writeFile(t, "failing.yaml", failing))
	if code != exitProblem || !strings.Contains(errOut, "failing.yaml:7:13: test") || !strings.Contains(errOut, "1 of 1 test failed") {
		t.Errorf("a failing test: %d, %s", code, errOut)
	}
}

// TestRulesCheckWarnsOfTheEnded: a rule that was valid once passes its tests and never decides.
func TestRulesCheckWarnsOfTheEnded(t *testing.T) {
	const rule = "version: 1\nrules:\n  - { name: a, when: tenant == \"x\", outcome: hold, valid_until: \"%s\" }\n"
	_, _, errOut := rulesOutput(t, "check", writeFile(t, "ended.yaml", strings.Replace(rule, "%s", "2020-01-01", 1)))
	if !strings.Contains(errOut, "ended.yaml:3:1: rule a was valid until 2020-01-01, so it is never in force") || !strings.HasSuffix(errOut, "1 warning, which keeps nothing from coming into force\n") {
		t.Errorf("%s", errOut)
	}
	if _, _, errOut := rulesOutput(t, "check", writeFile(t, "valid.yaml", strings.Replace(rule, "%s", "2999-01-01", 1))); errOut != "" {
		t.Errorf("%s", errOut)
	}
}

func TestRulesExplain(t *testing.T) {
	const command = `{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","type":"create","tenant":"acme","customer_id":"cus_1",` +
		`"amount":90000,"currency":"EUR","card":{"token":"tok","bin":"411111","country":"FR"},"context":{"country":"DE"}}`
	code, out, errOut := rulesOutput(t, "explain", "--command", writeFile(t, "command.json", command))
	if code != exitOK {
		t.Fatalf("%d, %s", code, errOut)
	}
	for _, want := range []string{"foreign_card", "step_up", "prepaid_card", "card.type", "outcome   step_up", "reasons   foreign_card"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for name, c := range map[string]struct{ command, want string }{
		"card number": {strings.Replace(command, `"tok"`, `"4111111111111111"`, 1), "card_number"},
		"not JSON":    {"hello 4111111111111111", "want one JSON object"},
		"invalid":     {strings.Replace(command, `EUR`, `EUX`, 1), "currency"},
	} {
		code, out, errOut := rulesOutput(t, "explain", "--command", writeFile(t, "command.json", c.command))
		if code != exitProblem || !strings.Contains(errOut, c.want) || strings.Contains(out+errOut, "41111111") {
			t.Errorf("%s: %d, %s%s", name, code, out, errOut)
		}
	}
	capture := `{"command_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b","type":"void","tenant":"acme","customer_id":"cus_1","payment_id":"pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b"}`
	if code, out, errOut := rulesOutput(t, "explain", "--command", writeFile(t, "command.json", capture)); code != exitOK || !strings.Contains(out, "it passes") {
		t.Errorf("a void: %d, %s%s", code, out, errOut)
	}
	if code, _, _ := rulesOutput(t, "explain"); code != exitUsage {
		t.Errorf("without a command: %d", code)
	}
}

func TestRulesFields(t *testing.T) {
	if code, out, _ := rulesOutput(t, "fields"); code != exitOK || !strings.Contains(out, "card.country") {
		t.Errorf("%d, %s", code, out)
	}
}
