package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

func settle(t *testing.T, s *sandbox.Server, key string, status sandbox.Status) (sandbox.Operation, int) {
	t.Helper()
	var op sandbox.Operation
	code := call(t, "POST", s.URL()+"/v1/test/settle", "", fmt.Sprintf(`{"request_id":%q,"status":%q}`, key, status), &op)
	return op, code
}

// TestByHand takes tok_by_hand through everything that can be decided, and back.
func TestByHand(t *testing.T) {
	received, url := receive(t, 0)
	s := start(t, sandbox.Config{WebhookURL: url, WebhookSecret: secret, WebhookAlways: true})
	post := func(path, key, body string) (op sandbox.Operation) {
		t.Helper()
		if code := call(t, "POST", s.URL()+path, key, body, &op); code != 200 {
			t.Fatalf("POST %s: %d", path, code)
		}
		return op
	}
	payment := authorize(t, s, "declined", "tok_by_hand", 1000, true)
	if payment.Status != sandbox.Pending {
		t.Fatalf("answered %+v", payment)
	}
	if op, code := settle(t, s, "declined", sandbox.Declined); code != 200 || op.DeclineCode != "05" {
		t.Errorf("declined: %d %+v", code, op)
	}
	payment = authorize(t, s, "approved", "tok_by_hand", 1000, true)
	if op, code := settle(t, s, "approved", sandbox.Approved); code != 200 || !op.Captured || op.Fee != 39 {
		t.Errorf("approved: %d %+v", code, op)
	}
	for _, c := range []struct {
		key      string
		statuses []sandbox.Status
		refunded int64
	}{
		{"r1", []sandbox.Status{sandbox.Failed}, 0},
		{"r2", []sandbox.Status{sandbox.Approved}, 1000},
	} {
		if op := post("/v1/refunds", c.key, fmt.Sprintf(`{"authorization":%q,"amount":1000}`, payment.Authorization)); op.Status != sandbox.Pending {
			t.Errorf("%s: answered %+v", c.key, op)
		}
		for _, status := range c.statuses {
			if op, code := settle(t, s, c.key, status); code != 200 || op.Status != status {
				t.Errorf("%s to %s: %d %+v", c.key, status, code, op)
			}
		}
		if sum := summaryOf(t, s); sum.Refunded["EUR"] != c.refunded {
			t.Errorf("after %s %d are refunded, want %d", c.key, sum.Refunded["EUR"], c.refunded)
		}
	}
	settle(t, s, "r2", sandbox.Reversed)
	for _, c := range []struct {
		key      string
		statuses []sandbox.Status
		paidOut  int64
	}{
		{"p1", []sandbox.Status{sandbox.Failed}, 0},
		{"p2", []sandbox.Status{sandbox.Approved, sandbox.Failed}, 0},
		{"p3", []sandbox.Status{sandbox.Approved, sandbox.Reversed}, 0},
		{"p4", []sandbox.Status{sandbox.Approved}, 600},
	} {
		post("/v1/payouts", c.key, payoutBody("tok_by_hand", 600))
		for _, status := range c.statuses {
			if _, code := settle(t, s, c.key, status); code != 200 {
				t.Errorf("%s to %s: %d", c.key, status, code)
			}
		}
		if sum := summaryOf(t, s); sum.PaidOut["EUR"] != c.paidOut {
			t.Errorf("after %s %d are paid out, want %d", c.key, sum.PaidOut["EUR"], c.paidOut)
		}
	}
	sum := summaryOf(t, s)
	if sum.Refunded["EUR"] != 0 || sum.Captured["EUR"] != 1000 {
		t.Errorf("a reversed refund counts no more: %+v", sum)
	}
	for key, status := range map[string]sandbox.Status{"approved": sandbox.Declined, "r1": sandbox.Approved, "p4": sandbox.Pending, "p2": "odd"} {
		if _, code := settle(t, s, key, status); code != 422 {
			t.Errorf("%s to %s: %d, want 422", key, status, code)
		}
	}
	if _, code := settle(t, s, "nobody", sandbox.Approved); code != 404 {
		t.Errorf("a request that nobody made: %d", code)
	}
	eventually(t, "a webhook for each of the eleven", func() bool { return received.count() == 11 })
}

// What comes by hand before its time is not settled again when the time comes.
func TestByHandBeforeItsTime(t *testing.T) {
	t.Parallel()
	received, url := receive(t, 0)
	s := start(t, sandbox.Config{WebhookURL: url, WebhookSecret: secret, SettleDelay: 3 * time.Second}) // two calls take less, however busy the machine is
	authorize(t, s, "async", "tok_async", 1000, true)
	if op, code := settle(t, s, "async", sandbox.Declined); code != 200 || op.Status != sandbox.Declined {
		t.Fatalf("%d %+v", code, op)
	}
	authorize(t, s, "later", "tok_async", 1000, true) // settles after the first would have
	eventually(t, "both webhooks", func() bool { return received.count() == 2 })
	if sum := summaryOf(t, s); sum.Captured["EUR"] != 1000 || sum.Statuses["authorize.declined"] != 1 {
		t.Errorf("summary %+v", sum)
	}
}

func TestForgedWebhook(t *testing.T) {
	received, url := receive(t, 100)
	s := start(t, sandbox.Config{WebhookURL: url, WebhookSecret: secret, RetryDelay: time.Millisecond})
	authorize(t, s, "1-1-0", "tok_approved", 1000, true)
	trigger := func(body string, want int) {
		t.Helper()
		if code := call(t, "POST", s.URL()+"/v1/test/trigger", "", body, nil); code != want {
			t.Errorf("%s: %d, want %d", body, code, want)
		}
	}
	trigger(`{"request_id":"1-1-0","forged":true,"copies":2}`, 202)
	eventually(t, "nothing is owed", func() bool { return summaryOf(t, s).Owed == 0 })
	received.mu.Lock()
	if len(received.errs) != 2 || len(received.bodies) != 2 {
		t.Errorf("%d deliveries, %d of them not verified; want 2 and 2, as a forger does not try again", len(received.bodies), len(received.errs))
	}
	received.refuse = 0
	received.mu.Unlock()
	trigger(`{"request_id":"1-1-0"}`, 202) // the last true event; there was none
	eventually(t, "a true one", func() bool { return received.count() == 3 })
	received.mu.Lock()
	defer received.mu.Unlock()
	if len(received.errs) != 2 {
		t.Errorf("after a true one: %v", received.errs)
	}
}

func TestReorderedWebhooks(t *testing.T) {
	received, url := receive(t, 0)
	s := start(t, sandbox.Config{WebhookURL: url, WebhookSecret: secret})
	payment := authorize(t, s, "a", "tok_refund_pending", 1000, true)
	call(t, "POST", s.URL()+"/v1/refunds", "r", fmt.Sprintf(`{"authorization":%q,"amount":1}`, payment.Authorization), nil)
	settle(t, s, "r", sandbox.Approved)
	eventually(t, "the refund's own webhook", func() bool { return received.count() == 1 })
	if code := call(t, "POST", s.URL()+"/v1/test/trigger", "", `{"request_id":"a","reordered":true}`, nil); code != 202 {
		t.Fatalf("trigger: %d", code)
	}
	eventually(t, "all states", func() bool { return received.count() == 4 })
	received.mu.Lock()
	defer received.mu.Unlock()
	for n, want := range []string{"refund.approved", "refund.pending", "authorize.approved"} {
		if body := string(received.bodies[n+1]); !strings.Contains(body, `"type":"`+want+`"`) {
			t.Errorf("event %d is %s, want %s", n, body, want)
		}
	}
}

func TestWrongTriggers(t *testing.T) {
	_, url := receive(t, 0)
	s := start(t, sandbox.Config{WebhookURL: url, WebhookSecret: secret})
	authorize(t, s, "a", "tok_approved", 1000, true)
	for _, fields := range []string{`"copies":-1`, `"copies":101`, `"delay_ms":-1`, `"delay_ms":86400001`, `"reordered":true,"forged":true`, `"forged":true,"event_id":"evt_1"`} {
		if code := call(t, "POST", s.URL()+"/v1/test/trigger", "", `{"request_id":"a",`+fields+`}`, nil); code != 422 {
			t.Errorf("%s: %d, want 422", fields, code)
		}
	}
	if sum := summaryOf(t, s); sum.Owed != 0 {
		t.Errorf("something is owed: %+v", sum)
	}
}
