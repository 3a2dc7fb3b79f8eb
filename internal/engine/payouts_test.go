package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/internal/fsck"
)

// payoutRules hold what is large, and block who takes a little of a deposit out again without having played.
const payoutRules = `version: 1
stage: payout
velocity:
  - { name: deposited_24h, aggregate: sum, events: [approved], by: customer.id, window: 24h, currency: EUR }
  - { name: staked_24h, aggregate: sum, events: [stake], by: customer.id, window: 24h, currency: EUR }
rules:
  - { name: large_payout, when: payout.amount > money("100.00 EUR"), outcome: hold, on_missing: hold }
  - name: unplayed
    when: payout.amount < money("2.00 EUR") && velocity.staked_24h < velocity.deposited_24h
    outcome: block
    on_missing: block
`

// TestPayoutsOverHTTP takes payouts through risk, the fold, the gateway, the sandbox and its webhooks: what the customer does
// not get comes back to the wallet, and the books agree.
func TestPayoutsOverHTTP(t *testing.T) {
	cfg := load(t)
	cfg.API.Rate, cfg.API.Burst = 100_000, 100_000 // who waits asks again and again
	const second = "key-of-a-second-person"
	cfg.API.Keys = append(cfg.API.Keys, config.APIKey{Name: "ben", Tenant: config.DevelopmentTenant, Key: second, Approver: true})
	cfg.Risk.Rules = filepath.Join(cfg.DataDir, "rules.yaml")
	if err := os.WriteFile(cfg.Risk.Rules, []byte(payoutRules), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	for token, status := range map[string]string{
		"tok_approved": "paid", "tok_payout_pending": "paid", "tok_payout_connection_lost": "paid", "tok_payout_unavailable_once": "paid",
		"tok_payout_fails": "failed", "tok_payout_fails_late": "failed", "tok_payout_returned": "returned",
	} {
		deposit(t, e, token, token)
		id := payout(t, e, token, 40_00, http.StatusCreated, "sent", "")
		until(t, e.URL+"/v1/payouts/"+id, fmt.Sprintf(`"status":%q`, status))
		left := map[bool]string{true: `"available":16000`, false: `"available":20000`}[status == "paid"]
		until(t, e.URL+"/v1/wallets/"+token, left)
	}

	deposit(t, e, "anna", "tok_approved")
	held := payout(t, e, "anna", 150_00, http.StatusCreated, "held", `,"requested_by":"anna"`)
	until(t, e.URL+"/v1/wallets/anna", `"available":5000,"held":15000`)
	if status, answer := post(t, e.URL+"/v1/payouts/"+held+"/approve", "approve alone", `{}`); status != http.StatusConflict || !bytes.Contains(answer, []byte(`"review_required"`)) {
		t.Errorf("approved by the key that asked for it: %d %s", status, answer)
	}
	if status, answer := postAs(t, second, e.URL+"/v1/payouts/"+held+"/approve", "approve", `{}`); status != http.StatusOK || !bytes.Contains(answer, []byte(`"approved_by":"ben"`)) {
		t.Errorf("approved: %d %s", status, answer)
	}
	until(t, e.URL+"/v1/payouts/"+held, `"status":"paid"`)

	deposit(t, e, "bert", "tok_approved")
	counted := time.Now().Add(2 * time.Minute) // the deposit's approval, by way of its event
	for n := 0; ; n++ {
		status, answer := post(t, e.URL+"/v1/payouts", fmt.Sprint("unplayed", n), `{"customer_id":"bert","amount":100,"currency":"EUR"}`)
		if status == http.StatusPaymentRequired && bytes.Contains(answer, []byte(`"reasons":["unplayed"]`)) {
			break
		}
		if status != http.StatusCreated || time.Now().After(counted) {
			t.Fatalf("not blocked: %d %s", status, answer)
		}
	}
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %q", found)
	}
	if _, err := e.Database.Pool.Exec(t.Context(), `UPDATE idempotency_keys SET body = convert_to(replace(convert_from(body, 'UTF8'), '"amount":15000', '"amount":1'), 'UTF8')
		WHERE key = 'payout-anna'`); err != nil {
		t.Fatal(err)
	}
	if found := check(t, e); len(found) != 1 || !strings.Contains(found[0], "it says 1 EUR for anna; payout "+held+" is of 15000 EUR") {
		t.Errorf("fsck of an answer that was changed: %q", found)
	}
}

func deposit(t *testing.T, e *engine.Engine, customer, token string) {
	t.Helper()
	status, answer := post(t, e.URL+"/v1/intents", "deposit-"+customer, fmt.Sprintf(`{"customer_id":%q,"amount":20000,"currency":"EUR",
		"authorize":true,"capture_method":"automatic","card":{"token":%q,"bin":"411111","country":"DE"}}`, customer, token))
	if status != http.StatusCreated || !bytes.Contains(answer, []byte(`"status":"captured"`)) {
		t.Fatalf("deposit of %s: %d %s", customer, status, answer)
	}
}

func payout(t *testing.T, e *engine.Engine, customer string, amount int64, status int, says, more string) (id string) {
	t.Helper()
	got, answer := post(t, e.URL+"/v1/payouts", "payout-"+customer, fmt.Sprintf(`{"customer_id":%q,"amount":%d,"currency":"EUR"%s}`, customer, amount, more))
	var p struct{ ID, Status string }
	if err := json.Unmarshal(answer, &p); err != nil || got != status || p.Status != says {
		t.Fatalf("payout of %s: %d %s, want %d and %s", customer, got, answer, status, says)
	}
	return p.ID
}

// check is what fsck finds.
func check(t *testing.T, e *engine.Engine) (found []string) {
	t.Helper()
	_, err := fsck.Run(t.Context(), fsck.Config{Database: e.Database, Kafka: e.Kafka, Problem: func(p fsck.Problem) { found = append(found, fmt.Sprint(p)) }})
	if err != nil {
		t.Errorf("fsck: %v", err)
	}
	return found
}

// TestPayoutThatCannotBeSentIsQueued: a PSP that is away is asked again later, and who does not want to wait has the money back.
func TestPayoutThatCannotBeSentIsQueued(t *testing.T) {
	cfg := load(t)
	cfg.Payments.FollowTTL = time.Second
	cfg.API.Rate, cfg.API.Burst = 100_000, 100_000
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	deposit(t, e, "anna", "tok_payout_unavailable")
	id := payout(t, e, "anna", 40_00, http.StatusCreated, "sent", "")
	until(t, e.URL+"/v1/payouts/"+id, `"status":"queued"`)
	until(t, e.URL+"/v1/payouts/"+id, `"waits_for":"retry"`)
	if status, answer := post(t, e.URL+"/v1/payouts/"+id+"/cancel", "cancel", `{}`); status != http.StatusOK || !bytes.Contains(answer, []byte(`"status":"cancelled"`)) {
		t.Errorf("cancelled: %d %s", status, answer)
	}
	until(t, e.URL+"/v1/wallets/anna", `"available":20000`)
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %q", found)
	}
}
