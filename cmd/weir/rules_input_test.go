package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRulesExplainAnyStage: a file may hold what any stage looks at, and the rules of that stage alone are explained.
func TestRulesExplainAnyStage(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var paths []string
	for stage, when := range map[string]string{"refund": `payment.currency == "EUR"`, "wallet": `wallet.reason == "bonus"`, "event": `event.type == "login"`, "payout": `payout.destination == "chosen"`} {
		paths = append(paths, write(stage+".yaml", "version: 1\nstage: "+stage+"\nrules:\n  - { name: at_"+stage+", when: '"+when+"', outcome: block, on_missing: block }\n"))
	}
	const about = `"tenant":"acme","customer_id":"cus_1"`
	const id = `"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"`
	for _, c := range []struct {
		name, record, want string
		code               int
	}{
		{"a refund", `{"command_id":` + id + `,"type":"refund","payment_id":"pay_0003_019ac1b2f5a87c3e9d10aa5be2c17f44","amount":100,"currency":"EUR",` + about + `}`, "at_refund  hit", exitOK},
		{"a wallet command", `{"command_id":` + id + `,"type":"credit","amount":100,"currency":"EUR","reason":"bonus",` + about + `}`, "at_wallet  hit", exitOK},
		{"a payout", `{"command_id":` + id + `,"type":"create","stage":"payout","amount":100,"currency":"EUR",` + about + `}`, "at_payout  hit", exitOK},
		{"its approval", `{"command_id":` + id + `,"type":"approve","payout_id":"po_0003_019ac1b2f5a87c3e9d10aa5be2c17f44","approved_by":"bob",` + about + `}`, "no rule is evaluated for it; it passes", exitOK},
		{"a customer event", `{"event_id":` + id + `,"type":"login",` + about + `}`, "at_event  hit", exitOK},
		{"what no rule looks at", `{"command_id":` + id + `,"type":"close",` + about + `}`, "no rule is evaluated for it; it passes", exitOK},
		{"an invalid one", `{"command_id":` + id + `,"type":"credit",` + about + `}`, "would be refused before any rule sees it: invalid: amount", exitProblem},
		{"none", `{}`, "would be refused before any rule sees it: invalid: command_id", exitProblem},
	} {
		code, out, errOut := rulesOutput(t, append([]string{"explain", "--command", write("record.json", c.record)}, paths...)...)
		if code != c.code || !strings.Contains(out+errOut, c.want) || strings.Count(out, "at_") > 2 {
			t.Errorf("%s: exit %d\n%s%s", c.name, code, out, errOut)
		}
	}
}

// TestRulesFieldsOfAStage: those of the stage, and what they are there.
func TestRulesFieldsOfAStage(t *testing.T) {
	code, out, _ := rulesOutput(t, "fields", "--stage", "refund")
	if code != exitOK || !strings.Contains(out, "command.requested_by") || strings.Contains(out, "card.bin") || strings.Contains(out, "wallet.amount") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, _, errOut := rulesOutput(t, "fields", "--stage", "settlement"); code != exitUsage || !strings.Contains(errOut, "none of before_authorization, after_authorization, refund, payout, wallet, event") {
		t.Errorf("exit %d\n%s", code, errOut)
	}
}
