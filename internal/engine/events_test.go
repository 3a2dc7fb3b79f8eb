package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// eventRules count logins: rules for events and rules for payments read them.
var eventRules = map[string]string{
	"events.yaml": `version: 1
stage: event
velocity:
  - { name: logins_1h, aggregate: count, events: [event.login], by: customer.id, window: 1h }
rules:
  - { name: third_login, when: event.type == "login" && velocity.logins_1h >= 2, outcome: step_up, on_missing: block, score: 7 }
`,
	"payments.yaml": `version: 1
rules:
  - { name: busy_account, when: velocity.logins_1h >= 3, outcome: block, on_missing: block }
`,
}

// TestEventsOverHTTP: what is told of a customer is answered by the rules for events, once, and counts for payments.
func TestEventsOverHTTP(t *testing.T) {
	cfg := load(t)
	cfg.Risk.Rules = filepath.Join(cfg.DataDir, "rules")
	if err := os.Mkdir(cfg.Risk.Rules, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range eventRules {
		if err := os.WriteFile(filepath.Join(cfg.Risk.Rules, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	var last struct {
		EventID string   `json:"event_id"`
		Outcome string   `json:"outcome"`
		Reasons []string `json:"reasons"`
		Score   int      `json:"score"`
	}
	for i := range 3 {
		for range 2 { // the second is a repeat
			status, answer := post(t, e.URL+"/v1/customers/cus_1/events", fmt.Sprint("login-", i), `{"type":"login"}`)
			if err := json.Unmarshal(answer, &last); err != nil || status != http.StatusOK {
				t.Fatalf("login %d: %d %s", i, status, answer)
			}
		}
		if want := map[bool]string{false: "pass", true: "step_up"}[i == 2]; last.Outcome != want {
			t.Errorf("login %d: %+v, want %s", i, last, want)
		}
	}
	if last.Score != 7 || len(last.Reasons) != 1 || last.Reasons[0] != "third_login" {
		t.Errorf("the third login: %+v", last)
	}
	until(t, e.URL+"/v1/customers/cus_1/events/"+last.EventID+"/decisions", `"read":{"event.type":"login","velocity.logins_1h":"2"}`)
	status, answer := post(t, e.URL+"/v1/intents", "first", `{"customer_id":"cus_1","amount":1050,"currency":"EUR","card":{"token":"tok_approved"}}`)
	if status != http.StatusPaymentRequired || !bytes.Contains(answer, []byte(`"busy_account"`)) {
		t.Errorf("a payment after three logins: %d %s", status, answer)
	}
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %q", found)
	}
}
