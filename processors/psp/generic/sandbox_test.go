package generic_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/generic"
	"github.com/weirhq/weir/processors/psp/psptest"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// described is the adapter that a file describes, at an address.
func described(t *testing.T, file, url string) *generic.Adapter {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	definition, err := generic.Parse(rules.File{Name: file, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	a, err := generic.New(generic.Config{Name: "described", BaseURL: url, Secret: "key_1", Definition: definition, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func get(t *testing.T, url string, to any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer key_1")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, to)
	}
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
}

// TestADescribedPSPConforms: the sandbox, described by a file, passes what its own adapter passes.
func TestADescribedPSPConforms(t *testing.T) {
	server := startSandbox(t)
	payments := func(t *testing.T, payment string) []sandbox.Payment {
		var all []sandbox.Payment
		get(t, server.URL()+"/v1/payments/"+payment, &all)
		return all
	}
	const file = "testdata/sandbox.yaml"
	psptest.Run(t, psptest.Harness{
		Adapter: described(t, file, server.URL()),
		At:      func(t *testing.T, url string) psp.Adapter { return described(t, file, url) },
		Cards: psptest.Cards{
			Approved: "tok_approved", Declined: "tok_declined_soft", HardDeclined: "tok_declined_hard",
			Challenge: "tok_3ds_challenge", Unavailable: "tok_unavailable",
			LostBefore: "tok_timeout_before_charge", LostAfter: "tok_timeout_after_charge",
		},
		OverCapture: &psptest.OverCapture{Card: "tok_over_capture", Refused: "tok_approved"},
		Statement:   func(t *testing.T, payment string) string { return payments(t, payment)[0].Descriptor },
		Charges:     func(t *testing.T, payment string) int { return len(payments(t, payment)) },
		Charged: func(t *testing.T, payment string) string {
			p := payments(t, payment)[0]
			return ledger.Money{Minor: p.Authorized, Currency: ledger.Currency(p.Currency)}.String()
		},
		Event: func(t *testing.T, r *topics.PSPRequest) []byte {
			var op sandbox.Operation
			get(t, server.URL()+"/v1/requests/"+r.RequestID, &op)
			body, err := json.Marshal(sandbox.Event{ID: "evt_1", Type: string(op.Operation) + "." + string(op.Status), CreatedAt: time.Now(), Data: op})
			if err != nil {
				t.Fatal(err)
			}
			return body
		},
		Odd: []byte(`{"id":"evt_2","type":"authorize.audited","data":{"operation":"authorize","status":"approved","amount":1,"currency":"EUR"}}`),
	})
}

func startSandbox(t *testing.T) *sandbox.Server {
	t.Helper()
	s, err := sandbox.Start(sandbox.Config{APIKey: "key_1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("sandbox: %v", err)
		}
	})
	return s
}
