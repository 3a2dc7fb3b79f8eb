package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

func TestEveryBehaviourIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range sandbox.Behaviours() {
		if row := fmt.Sprintf("| `%s` | `%s` | %s |", b.Method, b.Name, b.Does); !strings.Contains(string(doc), row) {
			t.Errorf("docs/sandbox.md lacks the row %s", row)
		}
	}
}

// pay opens a payment that no card pays.
func pay(t *testing.T, s *sandbox.Server, key, method, name string) (op sandbox.Operation) {
	t.Helper()
	body := fmt.Sprintf(`{"merchant_reference":%q,"amount":1000,"currency":"EUR","capture":true,"payment_method":{"type":%q,"name":%q},"return_url":"https://shop.example/back"}`,
		key, method, name)
	if code := call(t, "POST", s.URL()+"/v1/authorizations", key, body, &op); code != 200 || op.Status != sandbox.RequiresAction {
		t.Fatalf("POST: %d %+v", code, op)
	}
	return op
}

// TestBehaviours takes each test name to its end: what the webhooks told, and what the sandbox has in the end.
func TestBehaviours(t *testing.T) {
	for _, c := range []struct {
		method, name, told string
		captured           int64
	}{
		{"bank_redirect", "paid", "pending 1000, approved 1000", 1000},
		{"bank_redirect", "cancelled", "declined 1000", 0},
		{"bank_redirect", "rejected", "pending 1000, declined 1000", 0},
		{"bank_redirect", "returned", "pending 1000, approved 1000, reversed 1000", 0},
		{"qr", "paid", "approved 1000", 1000},
		{"qr", "expired", "declined 1000", 0},
		{"qr", "paid_twice", "approved 1000, approved 1000", 2000},
		{"crypto", "paid", "pending 1000 0/2, pending 1000 1/2, approved 1000", 1000},
		{"crypto", "short", "approved 400, declined 1000", 400},
		{"crypto", "topped_up", "approved 400, approved 1000", 1000},
		{"crypto", "overpaid", "approved 1300", 1300},
		{"crypto", "dropped", "approved 1000, reversed 1000", 0},
	} {
		t.Run(c.method+" "+c.name, func(t *testing.T) {
			t.Parallel()
			received, hook := receive(t, 0)
			s := start(t, sandbox.Config{WebhookURL: hook, WebhookSecret: secret, SettleDelay: 100 * time.Millisecond})
			op := pay(t, s, "k", c.method, c.name)
			if shown := op.Action; shown == nil || (shown.QRCode == "") != (c.method == "bank_redirect") || !strings.Contains(shown.URL, "/pay/auth_") ||
				strings.HasSuffix(shown.URL, "/pay/"+op.Authorization) == (c.method == "qr") { // a code has an id of its own: more than one payment may come by it
				t.Errorf("of %s shown %+v", op.Authorization, shown)
			}
			events := strings.Count(c.told, ",") + 1
			eventually(t, c.told, func() bool { return received.count() >= events && summaryOf(t, s).Owed == 0 })
			var told, ids []string
			for _, body := range received.bodies {
				var e sandbox.Event
				if err := json.Unmarshal(body, &e); err != nil {
					t.Fatal(err)
				}
				one := fmt.Sprint(e.Data.Status, " ", e.Data.Amount)
				if n := e.Data.Confirmations; n != nil {
					one += fmt.Sprintf(" %d/%d", n.Have, n.Need)
				}
				if told, ids = append(told, one), append(ids, e.Data.Authorization); e.Data.RequestID != "k" {
					t.Errorf("an event names the request %q", e.Data.RequestID)
				}
			}
			want := strings.Split(c.told, ", ")
			slices.Sort(want) // a delivery may be overtaken
			if slices.Sort(told); !slices.Equal(told, want) || len(received.errs) > 0 {
				t.Errorf("told %v, want %v; %v", told, want, received.errs)
			}
			slices.Sort(ids)
			if twice := c.name == "paid_twice"; twice != (len(slices.Compact(ids)) == 2) {
				t.Errorf("the events name %v", ids)
			}
			if sum := summaryOf(t, s); sum.Captured["EUR"] != c.captured {
				t.Errorf("captured %d, want %d", sum.Captured["EUR"], c.captured)
			}
		})
	}
}

// TestPayByHand: the page decides, and a part may come by crypto.
func TestPayByHand(t *testing.T) {
	s := start(t, sandbox.Config{})
	op := pay(t, s, "crypto", "crypto", "btc")
	page := "/pay/" + op.Authorization
	if text, code := get(t, s.URL()+page); code != 200 || !strings.Contains(text, "requires_action") {
		t.Fatalf("%d: %s", code, text)
	}
	if text, code := press(t, s, page, s.URL(), url.Values{"status": {"approved"}, "amount": {"400"}}); code != 200 || !strings.Contains(text, "approved") {
		t.Errorf("%d: %s", code, text)
	}
	var paid sandbox.Operation
	if code := call(t, "GET", s.URL()+"/v1/requests/crypto", "", "", &paid); code != 200 || paid.Amount != 400 || !paid.Captured {
		t.Errorf("%d: %+v", code, paid)
	}
	if code := call(t, "POST", s.URL()+"/v1/test/settle", "", `{"request_id":"crypto","status":"approved","amount":1500}`, &paid); code != 200 || paid.Amount != 1500 {
		t.Errorf("%d: %+v", code, paid)
	}
	pay(t, s, "bank", "bank_redirect", "")
	if code := call(t, "POST", s.URL()+"/v1/test/settle", "", `{"request_id":"bank","status":"approved","amount":400}`, nil); code != 422 {
		t.Errorf("a part by a bank: %d", code)
	}
	if _, code := get(t, s.URL()+"/pay/"+authorize(t, s, "card", "tok_3ds_challenge", 1000, true).Authorization); code != 404 {
		t.Errorf("the page of a card: %d", code)
	}
	var refund sandbox.Operation
	if code := call(t, "POST", s.URL()+"/v1/refunds", "back", fmt.Sprintf(`{"authorization":%q,"amount":500}`, op.Authorization), &refund); code != 200 || refund.Status != sandbox.Approved {
		t.Errorf("%d: %+v", code, refund)
	}
}

func TestWrongMethods(t *testing.T) {
	s := start(t, sandbox.Config{})
	for what, body := range map[string]string{
		"both":     `{"merchant_reference":"r","amount":1,"currency":"EUR","payment_method":{"type":"qr"},"card":{"token":"tok_approved"}}`,
		"no type":  `{"merchant_reference":"r","amount":1,"currency":"EUR","payment_method":{"name":"pix"}}`,
		"of cards": `{"merchant_reference":"r","amount":1,"currency":"EUR","payment_method":{"type":"card"}}`,
	} {
		if code := call(t, "POST", s.URL()+"/v1/authorizations", what, body, nil); code != 422 {
			t.Errorf("%s: %d", what, code)
		}
	}
}
