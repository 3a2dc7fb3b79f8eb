package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

func payoutBody(token string, amount int64) string {
	return fmt.Sprintf(`{"merchant_reference":"po-%s","amount":%d,"currency":"EUR","card":{"token":%q}}`, token, amount, token)
}

// Each token's payout is answered, repeated and settled as the table says, and the webhook tells of what came later.
func TestPayouts(t *testing.T) {
	received, url := receive(t, 0)
	s := start(t, sandbox.Config{SettleDelay: time.Millisecond, WebhookURL: url, WebhookSecret: secret})
	events, paidOut := 0, int64(0)
	for _, c := range []struct {
		token             string
		answered, settled sandbox.Status
	}{
		{"tok_approved", sandbox.Approved, sandbox.Approved},
		{"tok_declined_hard", sandbox.Approved, sandbox.Approved},
		{"tok_payout_pending", sandbox.Pending, sandbox.Approved},
		{"tok_payout_fails", sandbox.Failed, sandbox.Failed},
		{"tok_payout_fails_late", sandbox.Pending, sandbox.Failed},
		{"tok_payout_returned", sandbox.Approved, sandbox.Reversed},
	} {
		key, body := "key-"+c.token, payoutBody(c.token, 600)
		var op sandbox.Operation
		if code := call(t, "POST", s.URL()+"/v1/payouts", key, body, &op); code != 200 || op.Status != c.answered || op.Operation != sandbox.Payout {
			t.Errorf("%s: %d %+v; want %s", c.token, code, op, c.answered)
		}
		if fee := map[bool]int64{true: 25}[c.answered == sandbox.Approved]; op.Fee != fee {
			t.Errorf("%s: fee %d, want %d", c.token, op.Fee, fee)
		}
		eventually(t, c.token+" settles", func() bool {
			var now sandbox.Operation
			call(t, "GET", s.URL()+"/v1/requests/"+key, "", "", &now)
			return now.Status == c.settled && (c.settled != sandbox.Approved || now.Fee == 25)
		})
		if code := call(t, "POST", s.URL()+"/v1/payouts", key, body, &op); code != 200 || op.Status != c.answered {
			t.Errorf("%s: a repeat is answered %d %+v; want %s", c.token, code, op, c.answered)
		}
		if c.answered != c.settled {
			events++
		}
		if c.settled == sandbox.Approved {
			paidOut += 600
		}
	}
	eventually(t, "the webhooks come", func() bool { return received.count() == events })
	var sum sandbox.Summary
	if call(t, "GET", s.URL()+"/v1/test/summary", "", "", &sum); sum.PaidOut["EUR"] != paidOut {
		t.Errorf("summary %+v; want %d paid out", sum, paidOut)
	}
}

func TestPayoutFaults(t *testing.T) {
	s := start(t, sandbox.Config{Hang: time.Millisecond})
	// On a connection that was used before, Go's client repeats a request with a key by itself.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for token, performed := range map[string]bool{
		"tok_payout_timeout_after": true, "tok_payout_timeout_before": false, "tok_payout_connection_lost": true,
	} {
		req, err := http.NewRequest("POST", s.URL()+"/v1/payouts", strings.NewReader(payoutBody(token, 600)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Idempotency-Key", "key-"+token)
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
			t.Errorf("%s: answered %d", token, res.StatusCode)
		}
		want := map[bool]int{true: 200, false: 404}[performed]
		if code := call(t, "GET", s.URL()+"/v1/requests/key-"+token, "", "", nil); code != want {
			t.Errorf("%s: the look-up is answered %d, want %d", token, code, want)
		}
	}
	for token, codes := range map[string][]int{
		"tok_payout_unavailable": {503, 503}, "tok_payout_unavailable_once": {503, 200}, "tok_payout_error_500": {500, 500},
		"tok_unknown": {422, 422},
	} {
		for n, want := range codes {
			if code := call(t, "POST", s.URL()+"/v1/payouts", "key-"+token, payoutBody(token, 600), nil); code != want {
				t.Errorf("%s, attempt %d: answered %d, want %d", token, n+1, code, want)
			}
		}
	}
}

// A payout is no authorization: nothing can be captured, voided or refunded of it.
func TestPayoutIsNoAuthorization(t *testing.T) {
	s := start(t, sandbox.Config{})
	var op sandbox.Operation
	call(t, "POST", s.URL()+"/v1/payouts", "key", payoutBody("tok_approved", 600), &op)
	for path, body := range map[string]string{
		"/v1/authorizations/" + op.Authorization + "/capture": `{"amount":1}`,
		"/v1/authorizations/" + op.Authorization + "/void":    `{}`,
		"/v1/authorizations/" + op.Authorization + "/confirm": `{"challenge":{"result":"authenticated"}}`,
		"/v1/refunds": fmt.Sprintf(`{"authorization":%q,"amount":1}`, op.Authorization),
	} {
		if code := call(t, "POST", s.URL()+path, "key"+path, body, nil); code != 422 {
			t.Errorf("%s: answered %d, want 422", path, code)
		}
	}
}
