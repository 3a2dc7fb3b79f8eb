package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/config"
)

// TestDeployedRulesDecide: an engine decides by what is deployed, goes back when that is taken back, and everything comes
// out again under the sets of the topic.
func TestDeployedRulesDecide(t *testing.T) {
	w := newDeadLetterWorld(t)
	brokers := strings.Join(w.broker.Config.Brokers, ",")
	ruled := func(want int, args ...string) string {
		t.Helper()
		code, out, errOut := rulesOutput(t, append(args, "--brokers", brokers)...)
		if code != want {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, out, errOut)
		}
		return out + errOut
	}
	const calm = "version: 1\nrules:\n  - { name: calm, when: payment.currency == \"EUR\", outcome: pass }\n"
	strict := strings.NewReplacer("calm", "strict", "pass", "block").Replace(calm)
	deploy := func(text, as string) {
		t.Helper()
		ruled(exitOK, "deploy", writeFile(t, "rules.yaml", text), "--author", "ann", "--comment", "a test", as)
	}
	deploy(calm, "--candidate=false")
	w.start(t, config.Setting{Key: "risk.rules_from", Value: "topic"})
	n := 0
	pay := func() string { // one payment, and why it was decided as it was
		t.Helper()
		n++
		value, id := w.create(t, fmt.Sprintf("cus_%d", n))
		w.produce(t, value)
		return until(t, func() string {
			_, out, _ := weir(t, nil, "rules", "explain", id, "--database-url", w.db.URL())
			return out
		}, "outcome ")
	}
	if out := pay(); !strings.Contains(out, "outcome   pass") || !strings.Contains(out, "calm ") {
		t.Error(out)
	}
	deploy(strict, "--candidate")
	until(t, pay, "candidate ", ": block, reasons strict", "outcome   pass")
	deploy(strict, "--candidate=false")
	until(t, pay, "outcome   block", "reasons   strict")
	ruled(exitOK, "rollback", "--author", "bob")
	until(t, pay, "outcome   pass")
	until(t, func() string { return ruled(exitOK, "replay") }, fmt.Sprintf("%d decisions reproduced, 0 different\n", n))
	w.fsck(t)
}

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
