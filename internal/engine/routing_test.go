package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
)

// TestTrafficMoves: one of two PSPs is away, then the other is switched off, and on again. Payments take the route that there
// is or wait for one, none is charged twice, and the books agree.
func TestTrafficMoves(t *testing.T) {
	cfg := load(t)
	cfg.API.Rate, cfg.API.Burst = 100_000, 100_000 // who waits asks again and again
	away := cfg.PSP["sandbox"]
	away.BaseURL = "http://" + freeAddress(t)
	cfg.PSP["away"] = away
	cfg.Risk.Routing = filepath.Join(cfg.DataDir, "routes.yaml")
	if err := os.WriteFile(cfg.Risk.Routing, []byte(`version: 1
cascade: { attempts: 2, within: 30s }
defer: 10m
routes:
  - { name: first, psp: away }
  - { name: second, psp: sandbox }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, cfg, quiet(t))

	moved := pay(t, e, "anna", http.StatusCreated)
	if moved.Status != "captured" || moved.PSP != "sandbox" || len(moved.Operations) != 2 || moved.Operations[0].PSP != "away" || !moved.Operations[0].GivenUp {
		t.Errorf("%+v, want it captured by the second route", moved)
	}
	turn(t, e, http.MethodPut, "/v1/routes/switches/sandbox", `{"reason":"drill"}`)
	var queued intent
	customer, followed := "", time.Now().Add(2*time.Minute) // by the gateway: in a second, where the machine is not busy
	for n := 0; queued.Status != "queued"; n++ {
		customer = fmt.Sprint("bert-", n)
		if queued = pay(t, e, customer, 0); time.Now().After(followed) {
			t.Fatalf("%+v, want it queued", queued)
		}
	}
	turn(t, e, http.MethodDelete, "/v1/routes/switches/sandbox?reason=over", "")
	until(t, e.URL+"/v1/intents/"+queued.ID, `"status":"captured"`)
	for _, customer := range []string{"anna", customer} {
		until(t, e.URL+"/v1/wallets/"+customer, `"available":20000`)
	}
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %q", found)
	}
}

type intent struct {
	ID         string
	Status     string
	PSP        string
	Operations []struct {
		PSP     string
		GivenUp bool `json:"given_up"`
	}
}

// pay makes a payment; want is the status of the answer, 0 for created or accepted.
func pay(t *testing.T, e *engine.Engine, customer string, want int) (paid intent) {
	t.Helper()
	status, answer := post(t, e.URL+"/v1/intents", "pay-"+customer, fmt.Sprintf(`{"customer_id":%q,"amount":20000,"currency":"EUR",
		"authorize":true,"capture_method":"automatic","card":{"token":"tok_approved","bin":"411111","country":"DE"}}`, customer))
	if want == 0 && (status == http.StatusCreated || status == http.StatusAccepted) {
		want = status
	}
	if err := json.Unmarshal(answer, &paid); err != nil || status != want {
		t.Fatalf("payment of %s: %d %s, want %d", customer, status, answer, want)
	}
	return paid
}

func turn(t *testing.T, e *engine.Engine, method, path, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, e.URL+path, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+config.DevelopmentKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d", method, path, response.StatusCode)
	}
}
