package engine_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
)

// TestAPaymentAtADescribedPSP: the sandbox under another name, spoken to as a file describes, from the intent to the refund.
func TestAPaymentAtADescribedPSP(t *testing.T) {
	cfg := load(t)
	p := cfg.PSP["sandbox"]
	p.Adapter, p.Definition, p.Secret = "generic", "../../processors/psp/generic/testdata/sandbox.yaml", "key-of-the-sandbox"
	cfg.PSP, cfg.Payments.PSP = map[string]config.PSP{"acquirer": p}, "acquirer"
	cfg.Sandbox.APIKey, cfg.Sandbox.WebhookURL = p.Secret, strings.Replace(cfg.Sandbox.WebhookURL, "/webhooks/sandbox", "/webhooks/acquirer", 1)
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	for i, c := range []struct {
		token, status string
		code          int
	}{{"tok_approved", "captured", http.StatusCreated}, {"tok_declined_hard", "declined", http.StatusPaymentRequired}, {"tok_3ds_challenge", "requires_action", http.StatusCreated}} {
		status, answer := post(t, e.URL+"/v1/intents", fmt.Sprint("d", i), `{"customer_id":"cus_1","amount":1050,"currency":"EUR",
			"authorize":true,"capture_method":"automatic","card":{"token":"`+c.token+`","bin":"411111","country":"DE"}}`)
		if status != c.code || !bytes.Contains(answer, []byte(`"status":"`+c.status+`"`)) || !bytes.Contains(answer, []byte(`"psp":"acquirer"`)) {
			t.Errorf("%s: %d %s", c.token, status, answer)
		}
	}
}

// TestAdaptersAreBuiltOfTheConfiguration: each under its name, and what is wrong with one stops the start.
func TestAdaptersAreBuiltOfTheConfiguration(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("version: 1\noperations: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.PSP = map[string]config.PSP{
		"a": {Adapter: "stripe", Secret: "sk_1"}, "b": {Adapter: "adyen", BaseURL: "http://b", Secret: "k", MerchantAccount: "m"},
		"c": {Adapter: "generic", BaseURL: "http://c", Secret: "k", Definition: "../../processors/psp/generic/examples/bank.yaml"},
		"d": {Adapter: "sandbox", BaseURL: "http://d"}, "e": {Adapter: "sandbox", BaseURL: "http://e"},
	}
	mappers, err := engine.Mappers(&cfg)
	if err != nil || len(mappers) != len(cfg.PSP) {
		t.Fatalf("%v, %v", mappers, err)
	}
	for want, p := range map[string]config.PSP{
		"psp.x: definition: " + broken + ":2:13: operations must be a mapping": {Adapter: "generic", BaseURL: "http://c", Definition: broken},
		"psp.x: definition: open /nowhere":                                     {Adapter: "generic", BaseURL: "http://c", Definition: "/nowhere"},
		"psp.x: the definition uses ${secret}":                                 {Adapter: "generic", BaseURL: "http://c", Definition: cfg.PSP["c"].Definition},
		"psp.x: the API key of Stripe is missing":                              {Adapter: "stripe"},
	} {
		cfg.PSP = map[string]config.PSP{"x": p}
		if _, err := engine.Mappers(&cfg); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
