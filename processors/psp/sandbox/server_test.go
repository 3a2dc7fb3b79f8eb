package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/until"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/processors/psp/webhook"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func start(t *testing.T, cfg sandbox.Config) *sandbox.Server {
	t.Helper()
	s, err := sandbox.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// call performs a request and decodes the answer into out.
func call(t *testing.T, method, url, key, body string, out any) int {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatalf("%s %s: %s: %v", method, url, answer, err)
		}
	}
	return res.StatusCode
}

func authorization(reference, token string, amount int64, capture bool) string {
	return fmt.Sprintf(`{"merchant_reference":%q,"amount":%d,"currency":"EUR","card":{"token":%q},"capture":%t}`, reference, amount, token, capture)
}

func authorize(t *testing.T, s *sandbox.Server, key, token string, amount int64, capture bool) sandbox.Operation {
	t.Helper()
	var op sandbox.Operation
	if status := call(t, "POST", s.URL()+"/v1/authorizations", key, authorization("ref-"+key, token, amount, capture), &op); status != 200 {
		t.Fatalf("authorize with %s: status %d, %+v", token, status, op)
	}
	return op
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	until.True(t, 2*time.Minute, what, done)
}

func TestOneLife(t *testing.T) {
	s := start(t, sandbox.Config{})
	op := authorize(t, s, "1-1-0", "tok_approved", 1000, false)
	if op.Status != sandbox.Approved || op.Captured || op.Authentication == nil || op.NetworkReference == "" {
		t.Fatalf("authorize: %+v", op)
	}
	base := s.URL() + "/v1/authorizations/" + op.Authorization
	post := func(url, key, body string, want int) (got sandbox.Operation) {
		t.Helper()
		if status := call(t, "POST", url, key, body, &got); status != want {
			t.Fatalf("POST %s %s: status %d, want %d", url, body, status, want)
		}
		return got
	}
	if got := post(base+"/capture", "1-2-0", `{"amount":400,"currency":"EUR"}`, 200); got.Status != sandbox.Approved || got.Fee != 31 {
		t.Errorf("capture: %+v; want approved with a fee of 6 + 25", got)
	}
	post(base+"/capture", "1-3-0", `{"amount":601}`, 422)
	post(base+"/capture", "1-3-1", `{"amount":100,"currency":"USD"}`, 422)
	if got := post(base+"/void", "1-4-0", `{}`, 200); got.Amount != 600 {
		t.Errorf("void: %+v; want the 600 that are left", got)
	}
	post(base+"/capture", "1-5-0", `{"amount":1}`, 422)
	refund := func(amount int) string {
		return fmt.Sprintf(`{"authorization":%q,"amount":%d}`, op.Authorization, amount)
	}
	post(s.URL()+"/v1/refunds", "1-6-0", refund(300), 200)
	post(s.URL()+"/v1/refunds", "1-7-0", refund(101), 422)
	post(s.URL()+"/v1/refunds", "1-8-0", refund(100), 200)
	var payments []sandbox.Payment
	call(t, "GET", s.URL()+"/v1/payments/ref-1-1-0", "", "", &payments)
	if len(payments) != 1 || payments[0].Captured != 400 || payments[0].Refunded != 400 || len(payments[0].Operations) != 5 {
		t.Errorf("payments: %+v", payments)
	}
	post(s.URL()+"/v1/authorizations/auth_none/capture", "1-9-0", `{"amount":1}`, 404)
}

func TestSameKeySameAnswer(t *testing.T) {
	s := start(t, sandbox.Config{SettleDelay: time.Millisecond})
	first := authorize(t, s, "1-1-0", "tok_async", 1000, true)
	if first.Status != sandbox.Pending {
		t.Fatalf("tok_async: %+v", first)
	}
	eventually(t, "the authorization settles", func() bool {
		var now sandbox.Operation
		call(t, "GET", s.URL()+"/v1/requests/1-1-0", "", "", &now)
		return now.Status == sandbox.Approved && now.Captured && now.Fee == 39
	})
	if again := authorize(t, s, "1-1-0", "tok_async", 1000, true); !reflect.DeepEqual(first, again) {
		t.Errorf("repeat: %+v\nwant     %+v", again, first)
	}
	var refused sandbox.Error
	if status := call(t, "POST", s.URL()+"/v1/authorizations", "1-1-0", authorization("ref-1-1-0", "tok_async", 1001, true), &refused); status != 422 || refused.Code != sandbox.CodeKeyReused {
		t.Errorf("same key, other body: %d %+v", status, refused)
	}
}

func TestConcurrentRepeatsChargeOnce(t *testing.T) {
	s := start(t, sandbox.Config{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { authorize(t, s, "1-1-0", "tok_approved", 1000, true) })
	}
	wg.Wait()
	var sum sandbox.Summary
	call(t, "GET", s.URL()+"/v1/test/summary", "", "", &sum)
	if sum.Payments != 1 || sum.Captured["EUR"] != 1000 {
		t.Errorf("summary: %+v", sum)
	}
}

func TestInvalidRequests(t *testing.T) {
	s := start(t, sandbox.Config{})
	for name, c := range map[string]struct {
		key, body string
		want      sandbox.ErrorCode
	}{
		"no key":           {"", authorization("r", "tok_approved", 1, false), sandbox.CodeInvalid},
		"not JSON":         {"k", "{", sandbox.CodeInvalid},
		"no amount":        {"k", authorization("r", "tok_approved", 0, false), sandbox.CodeInvalid},
		"no reference":     {"k", authorization("", "tok_approved", 1, false), sandbox.CodeInvalid},
		"unknown token":    {"k", authorization("r", "4242", 1, false), sandbox.CodeUnknownToken},
		"unknown currency": {"k", strings.Replace(authorization("r", "tok_approved", 1, false), "EUR", "EUX", 1), sandbox.CodeInvalid},
		"large":            {"k", `{"merchant_reference":"` + strings.Repeat("x", sandbox.MaxBody) + `"}`, sandbox.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			var refused sandbox.Error
			if status := call(t, "POST", s.URL()+"/v1/authorizations", c.key, c.body, &refused); status != 422 || refused.Code != c.want {
				t.Errorf("status %d, %+v; want %s", status, refused, c.want)
			}
		})
	}
}

func TestAPIKey(t *testing.T) {
	s := start(t, sandbox.Config{APIKey: "sk_test"})
	if status := call(t, "GET", s.URL()+"/v1/requests/1-1-0", "", "", nil); status != 401 {
		t.Errorf("without the key: %d", status)
	}
	if status := call(t, "GET", s.URL()+"/v1/tokens", "", "", nil); status != 200 {
		t.Errorf("the token table needs no key: %d", status)
	}
}

// receiver verifies and keeps what the sandbox delivers, and refuses the first attempts.
type receiver struct {
	mu     sync.Mutex
	refuse int
	bodies [][]byte
	ids    []string
	errs   []error
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	verifier, err := webhook.NewStandard(secret)
	var delivery webhook.Delivery
	if err == nil {
		delivery, err = verifier.Verify(req.Header, body, time.Now())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.errs = append(r.errs, err)
	}
	r.bodies, r.ids = append(r.bodies, body), append(r.ids, delivery.ID)
	if r.refuse > 0 {
		r.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.bodies)
}

func receive(t *testing.T, refuse int) (*receiver, string) {
	r := &receiver{refuse: refuse}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, server.URL
}

func TestWebhooksAreDeliveredUntilAccepted(t *testing.T) {
	received, url := receive(t, 2)
	s := start(t, sandbox.Config{WebhookURL: url, WebhookSecret: secret, SettleDelay: time.Millisecond, RetryDelay: time.Millisecond})
	authorize(t, s, "1-1-0", "tok_duplicate_webhook", 1000, true)
	eventually(t, "two refused attempts and two deliveries", func() bool { return received.count() == 4 })
	eventually(t, "nothing is owed", func() bool {
		var sum sandbox.Summary
		call(t, "GET", s.URL()+"/v1/test/summary", "", "", &sum)
		return sum.Owed == 0
	})
	received.mu.Lock()
	defer received.mu.Unlock()
	for i := range received.bodies {
		if received.ids[i] != received.ids[0] || !bytes.Equal(received.bodies[i], received.bodies[0]) {
			t.Errorf("delivery %d differs: %s %s", i, received.ids[i], received.bodies[i])
		}
	}
	if len(received.errs) > 0 {
		t.Errorf("signatures: %v", received.errs)
	}
	var e sandbox.Event
	if err := json.Unmarshal(received.bodies[0], &e); err != nil || e.ID != received.ids[0] || e.Type != "authorize.approved" || e.Data.Amount != 1000 || !e.Data.Captured {
		t.Errorf("event %+v, %v", e, err)
	}
}

func TestTrigger(t *testing.T) {
	received, url := receive(t, 0)
	s := start(t, sandbox.Config{WebhookURL: url, WebhookSecret: secret})
	authorize(t, s, "1-1-0", "tok_approved", 1000, true)
	var first, again sandbox.Triggered
	if status := call(t, "POST", s.URL()+"/v1/test/trigger", "", `{"request_id":"1-1-0","amount":5,"type":"authorize.odd"}`, &first); status != 202 {
		t.Fatalf("trigger: %d", status)
	}
	eventually(t, "the event", func() bool { return received.count() == 1 })
	call(t, "POST", s.URL()+"/v1/test/trigger", "", `{"request_id":"1-1-0","copies":3}`, &again)
	eventually(t, "three more", func() bool { return received.count() == 4 })
	if first.EventID == "" || first != again {
		t.Errorf("events %+v and %+v; want the same", first, again)
	}
	if status := call(t, "POST", s.URL()+"/v1/test/trigger", "", `{"request_id":"1-9-0"}`, nil); status != 404 {
		t.Errorf("trigger of nothing: %d", status)
	}
}

// TestTriggerDuringADelivery has the receiver keep the first delivery until the trigger was answered.
func TestTriggerDuringADelivery(t *testing.T) {
	var atOnce, delivered atomic.Int32
	answered := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if atOnce.Add(1) > 1 {
			t.Error("delivered while another delivery of the same event was under way")
		}
		if delivered.Add(1) == 1 {
			<-answered
		}
		atOnce.Add(-1)
	}))
	defer receiver.Close()
	s := start(t, sandbox.Config{WebhookURL: receiver.URL, WebhookSecret: secret})
	authorize(t, s, "1-1-0", "tok_approved", 1000, true)
	call(t, "POST", s.URL()+"/v1/test/trigger", "", `{"request_id":"1-1-0","type":"authorize.odd"}`, nil)
	eventually(t, "the first delivery", func() bool { return delivered.Load() == 1 })
	call(t, "POST", s.URL()+"/v1/test/trigger", "", `{"request_id":"1-1-0","copies":3}`, nil)
	close(answered)
	eventually(t, "nothing is owed", func() bool { return summaryOf(t, s).Owed == 0 })
	if err := s.Close(); err != nil { // no delivery is under way any more
		t.Fatal(err)
	}
	if delivered.Load() != 4 {
		t.Errorf("%d deliveries, want 4", delivered.Load())
	}
}

// TestWhatIsOwedWaitsForAnAddress restarts without a webhook URL while an event is owed, and then with one.
func TestWhatIsOwedWaitsForAnAddress(t *testing.T) {
	received, url := receive(t, 1_000_000)
	config := sandbox.Config{DataDir: t.TempDir(), WebhookURL: url, WebhookSecret: secret, RetryDelay: time.Millisecond, SettleDelay: time.Millisecond}
	s := start(t, config)
	authorize(t, s, "1-1-0", "tok_approved", 1000, true)
	call(t, "POST", s.URL()+"/v1/test/trigger", "", `{"request_id":"1-1-0"}`, nil)
	eventually(t, "an attempt, which is refused", func() bool { return received.count() > 0 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := received.count()
	config.WebhookURL = ""
	s = start(t, config)
	authorize(t, s, "1-2-0", "tok_async", 500, true)
	eventually(t, "a settlement", func() bool { return summaryOf(t, s).Captured["EUR"] == 1500 })
	if sum := summaryOf(t, s); sum.Owed != 1 || received.count() != before {
		t.Errorf("without an address %d payments are owed something, want the first; %d deliveries, want none", sum.Owed, received.count()-before)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	received.mu.Lock()
	received.refuse = 0
	received.mu.Unlock()
	config.WebhookURL = url
	s = start(t, config)
	eventually(t, "nothing is owed", func() bool { return received.count() == before+1 && summaryOf(t, s).Owed == 0 })
}

func TestStateSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	received, url := receive(t, 0)
	first := start(t, sandbox.Config{DataDir: dir})
	before := authorize(t, first, "1-1-0", "tok_approved", 1000, true)
	authorize(t, first, "1-2-0", "tok_approved", 500, false)
	call(t, "POST", first.URL()+"/v1/refunds", "1-3-0", fmt.Sprintf(`{"authorization":%q,"amount":10}`, before.Authorization), nil)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, sandbox.Config{DataDir: dir, WebhookURL: url, WebhookSecret: secret})
	if after := authorize(t, second, "1-1-0", "tok_approved", 1000, true); !reflect.DeepEqual(before, after) {
		t.Errorf("after the restart: %+v\nwant %+v", after, before)
	}
	var sum sandbox.Summary
	call(t, "GET", second.URL()+"/v1/test/summary", "", "", &sum)
	if sum.Payments != 2 || sum.Captured["EUR"] != 1000 || sum.Refunded["EUR"] != 10 {
		t.Errorf("summary after the restart: %+v", sum)
	}
	call(t, "POST", second.URL()+"/v1/test/trigger", "", `{"request_id":"1-3-0"}`, nil)
	eventually(t, "an event of an operation from before", func() bool { return received.count() == 1 })
}

func TestTokens(t *testing.T) {
	s := start(t, sandbox.Config{SlowLatency: time.Millisecond, Hang: time.Millisecond})
	for _, c := range []struct {
		token   string
		status  int
		outcome sandbox.Status
		decline string
		hard    bool
	}{
		{"tok_approved", 200, sandbox.Approved, "", false},
		{"tok_approved.17", 200, sandbox.Approved, "", false},
		{"tok_declined_soft", 200, sandbox.Declined, "51", false},
		{"tok_declined_hard", 200, sandbox.Declined, "43", true},
		{"tok_3ds_challenge", 200, sandbox.RequiresAction, "", false},
		{"tok_slow", 200, sandbox.Approved, "", false},
		{"tok_unavailable", 503, "", "", false},
		{"tok_error_500", 500, "", "", false},
	} {
		var op sandbox.Operation
		status := call(t, "POST", s.URL()+"/v1/authorizations", "key-"+c.token, authorization("ref", c.token, 1000, false), &op)
		if status != c.status || op.Status != c.outcome || op.DeclineCode != c.decline || op.HardDecline != c.hard {
			t.Errorf("%s: %d %+v", c.token, status, op)
		}
	}
	for token, performed := range map[string]int{"tok_timeout_after_charge": 200, "tok_connection_lost": 200, "tok_timeout_before_charge": 404} {
		req, err := http.NewRequest("POST", s.URL()+"/v1/authorizations", strings.NewReader(authorization("ref", token, 1000, true)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Idempotency-Key", "lost-"+token)
		// A transport of its own: net/http repeats a keyed POST on a connection that it had used before.
		if res, err := (&http.Transport{}).RoundTrip(req); err == nil {
			res.Body.Close()
			t.Errorf("%s: was answered %s", token, res.Status)
		}
		if status := call(t, "GET", s.URL()+"/v1/requests/lost-"+token, "", "", nil); status != performed {
			t.Errorf("%s: look-up gave %d, want %d", token, status, performed)
		}
	}
}
