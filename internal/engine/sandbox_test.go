package engine_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestSandboxByHand: what is decided and done with the buttons of the sandbox's pages becomes so in weir, and the books agree.
func TestSandboxByHand(t *testing.T) {
	began, cfg := time.Now(), load(t)
	cfg.API.Wait = 100 * time.Millisecond // nobody decides while the intent waits
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	_, answer := post(t, e.URL+"/v1/intents", "by-hand", `{"customer_id":"hand","amount":1050,"currency":"EUR",
		"authorize":true,"capture_method":"manual","card":{"token":"tok_by_hand","bin":"411111","country":"DE"}}`)
	var payment struct{ ID string }
	if err := json.Unmarshal(answer, &payment); err != nil || payment.ID == "" {
		t.Fatalf("intent: %s %v", answer, err)
	}
	sandbox, ours := "http://"+cfg.Sandbox.Listen, e.URL+"/v1/intents/"+payment.ID
	until(t, sandbox+"/v1/payments/"+payment.ID, `"status":"pending"`)
	var there []struct{ Authorization string }
	if _, body := get(t, sandbox+"/v1/payments/"+payment.ID); json.Unmarshal([]byte(body), &there) != nil || len(there) != 1 {
		t.Fatalf("the sandbox has %s", body)
	}
	press := func(form url.Values) {
		t.Helper()
		response, err := http.PostForm(sandbox+"/buttons/"+there[0].Authorization, form)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%v: %s", form, response.Status)
		}
	}
	press(url.Values{"do": {"settle"}, "operation": {"0"}, "status": {"approved"}})
	until(t, ours, `"status":"authorized"`)
	press(url.Values{"do": {"webhook"}, "operation": {"0"}, "kind": {"forged"}})
	press(url.Values{"do": {"webhook"}, "operation": {"0"}, "kind": {"duplicate"}})
	press(url.Values{"do": {"capture"}, "after": {"1"}, "amount": {"1050"}})
	until(t, ours, `"captured":1050`)
	press(url.Values{"do": {"webhook"}, "operation": {"1"}, "kind": {"reordered"}}) // events with other ids, of the same capture
	press(url.Values{"do": {"refund"}, "after": {"2"}, "amount": {"50"}})
	press(url.Values{"do": {"settle"}, "operation": {"2"}, "status": {"approved"}})
	until(t, ours, `"refunded":50`)
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %q", found)
	}
	report := ""
	for _, day := range []time.Time{began, time.Now()} { // midnight may lie between
		_, text := get(t, sandbox+"/v1/reports/settlement?date="+day.UTC().Format(time.DateOnly))
		report += text
	}
	if !strings.Contains(report, payment.ID+",capture,1050,40,1010,EUR,") || !strings.Contains(report, payment.ID+",refund,-50,0,-50,EUR,") {
		t.Errorf("settlement report: %s", report)
	}
}
