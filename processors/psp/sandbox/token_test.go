package sandbox_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

func TestEveryTokenIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range sandbox.Tokens() {
		if row := fmt.Sprintf("| `%s` | %s |", token.Name, token.Does); !strings.Contains(string(doc), row) {
			t.Errorf("docs/sandbox.md lacks the row %s", row)
		}
	}
}

// TestLaterOutcomes follows the tokens whose result comes with a later operation or with time.
func TestLaterOutcomes(t *testing.T) {
	received, url := receive(t, 0)
	s := start(t, sandbox.Config{SettleDelay: time.Millisecond, LateDelay: time.Millisecond, WebhookURL: url, WebhookSecret: secret})
	status := func(key string) sandbox.Status {
		var op sandbox.Operation
		call(t, "GET", s.URL()+"/v1/requests/"+key, "", "", &op)
		return op.Status
	}
	post := func(path, key, body string) sandbox.Operation {
		t.Helper()
		var op sandbox.Operation
		if code := call(t, "POST", s.URL()+path, key, body, &op); code != 200 {
			t.Fatalf("POST %s: %d", path, code)
		}
		return op
	}
	for token, c := range map[string]struct{ answered, settled sandbox.Status }{
		"tok_refund_pending":    {sandbox.Pending, sandbox.Approved},
		"tok_refund_fails":      {sandbox.Failed, sandbox.Failed},
		"tok_refund_fails_late": {sandbox.Pending, sandbox.Failed},
		"tok_refund_reversed":   {sandbox.Approved, sandbox.Reversed},
	} {
		charged := authorize(t, s, token, token, 1000, true)
		key := token + "-refund"
		body := fmt.Sprintf(`{"authorization":%q,"amount":600}`, charged.Authorization)
		if op := post("/v1/refunds", key, body); op.Status != c.answered {
			t.Errorf("%s: answered %+v", token, op)
		}
		eventually(t, token+" settles", func() bool { return status(key) == c.settled })
		if op := post("/v1/refunds", key, body); op.Status != c.answered {
			t.Errorf("%s: a repeat is answered %s", token, op.Status)
		}
		// What was not given back can be refunded.
		again := post("/v1/refunds", key+"-rest", fmt.Sprintf(`{"authorization":%q,"amount":400}`, charged.Authorization))
		if again.Status != c.answered {
			t.Errorf("%s: rest answered %+v", token, again)
		}
	}
	fails := authorize(t, s, "capture", "tok_capture_fails", 1000, true)
	if fails.Status != sandbox.Approved || fails.Captured {
		t.Errorf("tok_capture_fails: %+v", fails)
	}
	if op := post("/v1/authorizations/"+fails.Authorization+"/capture", "capture-2", `{"amount":1000}`); op.Status != sandbox.Failed {
		t.Errorf("tok_capture_fails: capture %+v", op)
	}
	raised := authorize(t, s, "raised", "tok_approved", 1000, false)
	for _, c := range []struct {
		key    string
		amount int
		want   sandbox.Status
	}{{"raise-1", 1500, sandbox.Approved}, {"raise-1", 1500, sandbox.Approved}, {"raise-2", 1700, sandbox.Approved}} {
		if op := post("/v1/authorizations/"+raised.Authorization+"/increment", c.key, fmt.Sprintf(`{"amount":%d}`, c.amount)); op.Status != c.want || op.Amount != int64(c.amount) {
			t.Errorf("raised to %d: %+v", c.amount, op)
		}
	}
	if op := post("/v1/authorizations/"+raised.Authorization+"/capture", "raise-3", `{"amount":1700}`); op.Status != sandbox.Approved {
		t.Errorf("capture of what was raised: %+v", op)
	}
	stays := authorize(t, s, "stays", "tok_increment_declined", 1000, false)
	if op := post("/v1/authorizations/"+stays.Authorization+"/increment", "stays-1", `{"amount":1500}`); op.Status != sandbox.Declined || op.DeclineCode != "51" {
		t.Errorf("tok_increment_declined: %+v", op)
	}
	if op := post("/v1/authorizations/"+stays.Authorization+"/capture", "stays-2", `{"amount":1000}`); op.Status != sandbox.Approved {
		t.Errorf("tok_increment_declined: capture %+v", op)
	}
	keeps := authorize(t, s, "void", "tok_void_fails", 1000, false)
	if op := post("/v1/authorizations/"+keeps.Authorization+"/void", "void-2", `{}`); op.Status != sandbox.Failed {
		t.Errorf("tok_void_fails: void %+v", op)
	}
	authorize(t, s, "declined", "tok_async_declined", 1000, true)
	eventually(t, "tok_async_declined settles", func() bool { return status("declined") == sandbox.Declined })
	before := received.count()
	for _, token := range []string{"tok_webhook", "tok_late_webhook", "tok_wrong_amount_webhook", "tok_unknown_webhook", "tok_foreign_webhook"} {
		authorize(t, s, token, token, 1000, true)
	}
	eventually(t, "five more webhooks", func() bool { return received.count() >= before+5 })
}

// TestVerification follows the tokens that differ in what the issuer says of the cardholder.
func TestVerification(t *testing.T) {
	s := start(t, sandbox.Config{})
	for token, want := range map[string]sandbox.Authentication{
		"tok_approved": {AVS: "Y", CVV: "M"}, "tok_avs_mismatch": {AVS: "N", CVV: "M"}, "tok_avs_partial": {AVS: "Z", CVV: "M"},
		"tok_avs_unavailable": {AVS: "U", CVV: "M"}, "tok_cvv_mismatch": {AVS: "Y", CVV: "N"},
		"tok_3ds_frictionless": {ECI: "05", AVS: "Y", CVV: "M"},
	} {
		op := authorize(t, s, token, token, 1000, false)
		got := op.Authentication
		if op.Status != sandbox.Approved || got == nil || got.AVS != want.AVS || got.CVV != want.CVV || got.ECI != want.ECI {
			t.Errorf("%s: %s with %+v, want %+v", token, op.Status, got, want)
		}
		if got != nil && (got.ECI == "05") != (got.CAVV != "" && got.DSTransactionID != "") {
			t.Errorf("%s: %+v: an authentication has a value and a transaction id", token, got)
		}
	}
}

func TestChallenges(t *testing.T) {
	s := start(t, sandbox.Config{})
	for _, c := range []struct {
		token, result string
		want          sandbox.Status
		code          string
	}{
		{"tok_3ds_challenge", "authenticated", sandbox.Approved, ""},
		{"tok_3ds_challenge", "attempted", sandbox.Approved, ""},
		{"tok_3ds_challenge", "failed", sandbox.Declined, "1A"},
		{"tok_3ds_challenge", "abandoned", sandbox.Declined, "1A"},
		{"tok_3ds_fail", "authenticated", sandbox.Declined, "1A"},
	} {
		key := c.token + c.result
		asked := authorize(t, s, key, c.token, 1000, true)
		if asked.Status != sandbox.RequiresAction || asked.Action == nil {
			t.Fatalf("%s: %+v", key, asked)
		}
		var op sandbox.Operation
		body := fmt.Sprintf(`{"challenge":{"result":%q}}`, c.result)
		call(t, "POST", s.URL()+"/v1/authorizations/"+asked.Authorization+"/confirm", key+"-confirm", body, &op)
		if op.Status != c.want || op.DeclineCode != c.code || op.Captured != (c.want == sandbox.Approved) {
			t.Errorf("%s: %+v", key, op)
		}
		var now sandbox.Operation
		call(t, "GET", s.URL()+"/v1/requests/"+key, "", "", &now)
		if now.Status != c.want {
			t.Errorf("%s: the authorization is %s", key, now.Status)
		}
		if again := authorize(t, s, key, c.token, 1000, true); again.Status != sandbox.RequiresAction {
			t.Errorf("%s: a repeat is answered %s", key, again.Status)
		}
		if code := call(t, "POST", s.URL()+"/v1/authorizations/"+asked.Authorization+"/confirm", key+"-twice", body, nil); code != 422 {
			t.Errorf("%s: confirmed twice: %d", key, code)
		}
	}
}
