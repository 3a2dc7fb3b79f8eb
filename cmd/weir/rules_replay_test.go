package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestRulesReplay: what an engine decided comes out again, byte for byte; decisions
// whose rule set is not to be had are told.
func TestRulesReplay(t *testing.T) {
	testRules, err := filepath.Abs("../../testdata/rules")
	if err != nil {
		t.Fatal(err)
	}
	w := newDeadLetterWorld(t)
	w.start(t)
	const payments = 12
	for i := range payments {
		value, _ := w.create(t, fmt.Sprintf("cus_%d", i))
		if i%3 == 0 {
			value = []byte(strings.Replace(string(value), `"amount":1050`, `"amount":90000000`, 1)) // held
		}
		w.produce(t, value)
		w.produce(t, value) // a repeat: the first assessment counts
	}
	replay := func(want int, args ...string) string {
		t.Helper()
		code, out, errOut := rulesOutput(t, append([]string{"replay", "--brokers", strings.Join(w.broker.Config.Brokers, ",")}, args...)...)
		if code != want {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, out, errOut)
		}
		return out + errOut
	}
	until(t, func() string { return replay(exitOK) }, fmt.Sprintf("%d decisions reproduced, 0 different\n", payments))
	if out := replay(exitOK, "--since", "1h"); !strings.HasPrefix(out, fmt.Sprintf("%d decisions reproduced", payments)) {
		t.Error(out)
	}
	other := writeFile(t, "other.yaml", strings.Replace(brokenRule, "contry", "country", 1))
	if out := replay(exitProblem, "--set", "risk.rules="+other); !strings.Contains(out, fmt.Sprintf("%d decisions by rule set", payments)) {
		t.Error(out)
	}
	if out := replay(exitOK, "--set", "risk.rules="+other, "--rules", testRules); !strings.HasPrefix(out, fmt.Sprintf("%d decisions reproduced", payments)) {
		t.Error(out)
	}
}
