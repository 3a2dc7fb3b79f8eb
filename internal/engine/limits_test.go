package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/weirhq/weir/internal/config"
)

const limitRules = `version: 1
tenants: [%s]
time_zone: Asia/Tokyo
gaming_limits:
  - { kind: deposit, period: month, amounts: ["100.00 EUR"], raise_after: 3d }
  - { kind: loss, period: month, amounts: ["40.00 EUR"] }
rules:
  - { name: vip, when: customer.id == "cus_1", outcome: allow, on_missing: pass }
`

// TestTheBrandsLimitsOverHTTP: of many deposits at once as many pass as the brand's limit lets through, whatever its rules
// allow, and a customer reads what is left.
func TestTheBrandsLimitsOverHTTP(t *testing.T) {
	cfg := load(t)
	cfg.Risk.Rules = filepath.Join(cfg.DataDir, "rules.yaml")
	if err := os.WriteFile(cfg.Risk.Rules, fmt.Appendf(nil, limitRules, config.DevelopmentTenant), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	const attempts = 100
	statuses, answers := make([]int, attempts), make([][]byte, attempts)
	var all sync.WaitGroup
	for i := range attempts {
		all.Go(func() {
			statuses[i], answers[i] = post(t, e.URL+"/v1/intents", fmt.Sprint("d", i), `{"customer_id":"cus_1","amount":1500,"currency":"EUR",
				"authorize":true,"capture_method":"automatic","card":{"token":"tok_approved"}}`)
		})
	}
	all.Wait()
	passed := 0
	for i, status := range statuses {
		if status != http.StatusPaymentRequired {
			passed++
			continue
		}
		for _, says := range []string{`"reasons":["deposit_limit_month"]`, `"set_by":"brand"`, `"limit":10000,"used":9000,"asked":1500,"left":1000,"outcome":"block"`} {
			if !bytes.Contains(answers[i], []byte(says)) {
				t.Fatalf("%s is not in %s", says, answers[i])
			}
		}
	}
	if passed != 6 {
		t.Errorf("%d deposits of 15.00 EUR passed a limit of 100.00 EUR", passed)
	}
	limits := e.URL + "/v1/customers/cus_1/limits"
	until(t, limits, `"time_zone":"Asia/Tokyo"`)
	until(t, limits, `{"currency":"EUR","kind":"deposit","left":1000,"limit":10000,"period":"month","set_by":"brand","used":9000}`)

	stake := func(key, amount string, want int, says string) {
		t.Helper()
		status, answer := post(t, e.URL+"/v1/wallets/cus_1/debits", key, `{"amount":`+amount+`,"currency":"EUR","reason":"game","round_id":"r1"}`)
		if status != want || !bytes.Contains(answer, []byte(says)) {
			t.Errorf("a stake of %s: %d %s, want %d and %s", amount, status, answer, want, says)
		}
	}
	stake("s1", "3000", http.StatusCreated, `"debited"`)
	stake("s2", "1001", http.StatusUnprocessableEntity, `"error":"loss_limit"`)
	stake("s3", "1000", http.StatusCreated, `"debited"`)

	status, answer := post(t, limits, "l1", `{"kind":"deposit","period":"month","amount":9500,"currency":"EUR"}`)
	if status != http.StatusOK || !bytes.Contains(answer, []byte(`"limit":9500`)) {
		t.Errorf("a limit of the customer's own: %d %s", status, answer)
	}
	status, answer = post(t, e.URL+"/v1/intents", "last", `{"customer_id":"cus_1","amount":501,"currency":"EUR","card":{"token":"tok_approved"}}`)
	if status != http.StatusPaymentRequired || !bytes.Contains(answer, []byte(`"set_by":"customer"`)) {
		t.Errorf("above the customer's own limit: %d %s", status, answer)
	}
	var blocked struct {
		Details struct {
			Intent struct {
				ID string `json:"id"`
			} `json:"intent"`
		} `json:"details"`
	}
	if err := json.Unmarshal(answer, &blocked); err != nil {
		t.Fatal(err)
	}
	until(t, e.URL+"/v1/intents/"+blocked.Details.Intent.ID+"/decisions", `"gaming_limit":{"kind":"deposit","period":"month","set_by":"customer","currency":"EUR","limit":9500`)
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %q", found)
	}
}
