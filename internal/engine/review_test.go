package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/config"
)

const reviewRules = `version: 1
stage: after_authorization
tenants: [%s]
rules:
  - { name: cvv_mismatch, when: authorization.cvv == "N", outcome: block, on_missing: hold }
  - { name: avs_mismatch, when: authorization.avs == "N", outcome: hold, on_missing: hold }
`

// TestReviewsOverHTTP: what the issuer answered decides before anything is captured, and the write waits for it.
func TestReviewsOverHTTP(t *testing.T) {
	cfg := load(t)
	cfg.Risk.Rules = filepath.Join(cfg.DataDir, "rules.yaml")
	if err := os.WriteFile(cfg.Risk.Rules, fmt.Appendf(nil, reviewRules, config.DevelopmentTenant), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	create := func(token, method string) (int, []byte) {
		return post(t, e.URL+"/v1/intents", token+method, fmt.Sprintf(`{"customer_id":"cus_1","amount":1050,"currency":"EUR",
			"authorize":true,"capture_method":%q,"card":{"token":%q,"bin":"411111","country":"DE"}}`, method, token))
	}
	for _, c := range []struct {
		token, method string
		status        int
		says          string
	}{
		{"tok_approved", "automatic", http.StatusCreated, `"status":"captured"`},
		{"tok_approved", "manual", http.StatusCreated, `"status":"authorized"`},
		{"tok_cvv_mismatch", "automatic", http.StatusPaymentRequired, `"reasons":["cvv_mismatch"]`},
		{"tok_avs_mismatch", "automatic", http.StatusCreated, `"status":"held"`},
	} {
		status, answer := create(c.token, c.method)
		if status != c.status || !bytes.Contains(answer, []byte(c.says)) {
			t.Fatalf("%s, %s: %d %s, want %d and %s", c.token, c.method, status, answer, c.status, c.says)
		}
		var intent struct {
			ID      string `json:"id"`
			Details struct {
				Intent struct {
					ID string `json:"id"`
				} `json:"intent"`
			} `json:"details"`
		}
		if err := json.Unmarshal(answer, &intent); err != nil {
			t.Fatal(err)
		}
		switch c.token {
		case "tok_cvv_mismatch":
			until(t, e.URL+"/v1/intents/"+intent.Details.Intent.ID, `"status":"voided"`)
			until(t, e.URL+"/v1/intents/"+intent.Details.Intent.ID+"/decisions", `"stage":"after_authorization"`)
		case "tok_avs_mismatch":
			status, answer = post(t, e.URL+"/v1/intents/"+intent.ID+"/capture", "capture", `{}`)
			if status != http.StatusConflict {
				t.Errorf("captured while it is held: %d %s", status, answer)
			}
			status, answer = post(t, e.URL+"/v1/intents/"+intent.ID+"/approve", "approve", `{"reason":"called"}`)
			if status != http.StatusOK || !bytes.Contains(answer, []byte(`"status":"captured"`)) {
				t.Errorf("approved: %d %s", status, answer)
			}
		}
	}
}

// until reads a resource until it says something.
func until(t *testing.T, url, says string) {
	t.Helper()
	var answer []byte
	tick := time.NewTicker(20 * time.Millisecond) // asking without a pause takes the machine from what is waited for
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); <-tick.C {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+config.DevelopmentKey)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(answer, []byte(says)) {
			return
		}
	}
	t.Fatalf("GET %s: %s, want %s", url, answer, says)
}
