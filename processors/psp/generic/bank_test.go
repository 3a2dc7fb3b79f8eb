package generic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

type object = map[string]any

// bank answers as examples/bank.yaml describes one: payment requests by key, settled when the customer approves.
type bank struct {
	mu       sync.Mutex
	requests map[string]object // by requestId
	refunds  map[string]object
	fault    func(w http.ResponseWriter) bool // answers in the bank's place
	settled  int
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil && b.fault(w) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer key_1" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	status, body := b.answer(r)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller who gave up is no concern of the bank
}

func (b *bank) answer(r *http.Request) (int, object) {
	missing := object{"code": "RESOURCE_UNKNOWN", "text": "no such resource"}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method == http.MethodGet {
		found := b.requests[r.URL.Query().Get("requestId")]
		switch {
		case path[1] == "refunds":
			found = b.refunds[r.URL.Query().Get("requestId")]
		case len(path) == 3:
			found = b.find(path[2])
		}
		if found == nil {
			return http.StatusNotFound, missing
		}
		return http.StatusOK, found
	}
	var asked object
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return http.StatusBadRequest, object{"code": "FORMAT_ERROR", "text": err.Error()}
	}
	key := r.Header.Get("X-Request-Id")
	if asked["requestId"] != key {
		return http.StatusBadRequest, object{"code": "FORMAT_ERROR", "text": "requestId and X-Request-ID differ"}
	}
	if len(path) == 4 {
		of := b.find(path[2])
		switch {
		case of == nil:
			return http.StatusNotFound, missing
		case of["status"] != "ACSC":
			return http.StatusUnprocessableEntity, object{"code": "STATUS_INVALID", "text": "is not settled"}
		case b.refunds[key] == nil:
			b.refunds[key] = object{"requestId": key, "status": "PDNG", "instructedAmount": asked["instructedAmount"], "endToEndId": of["endToEndId"], "paymentId": of["paymentId"]}
		}
		return http.StatusCreated, b.refunds[key]
	}
	if b.requests[key] == nil {
		asked["paymentId"], asked["status"] = fmt.Sprintf("BNK-%d", len(b.requests)+1), "RCVD"
		asked["links"], asked["validUntil"] = object{"approve": "https://bank.example/approve"}, "2030-01-02T03:04:05.123456Z"
		b.requests[key] = asked
	}
	return http.StatusCreated, b.requests[key]
}

func (b *bank) find(id string) object {
	for _, r := range b.requests {
		if r["paymentId"] == id {
			return r
		}
	}
	return nil
}

// settle is the customer at the bank, and what the bank tells of it.
func (b *bank) settle(t *testing.T, of map[string]object, request, status, event string) []byte {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	of[request]["status"] = status
	b.settled++
	body, err := json.Marshal(object{"eventId": fmt.Sprint("e", b.settled), "event": event, "at": "2026-11-22T10:00:00Z", "data": of[request]})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

const ours = "pay_0001_0198c0de0198700a800a0198c0de0001"

func request(operation topics.PSPOperation, id string, amount int64, currency string) *topics.PSPRequest {
	return &topics.PSPRequest{
		RequestID: id, Operation: operation, PSP: "described", Tenant: "acme", PaymentID: ours, Amount: amount, Currency: currency,
		NotAfter: time.Now().Add(time.Minute), ReturnURL: "https://shop.example/?a=1&b=\"2\"", Capture: true,
		PaymentMethod: &topics.PaymentMethod{Type: topics.MethodBankRedirect},
	}
}

func TestBank(t *testing.T) {
	b := &bank{requests: map[string]object{}, refunds: map[string]object{}}
	server := httptest.NewServer(b)
	defer server.Close()
	a := described(t, "examples/bank.yaml", server.URL)
	must := func(want topics.PSPOutcome, amount int64, report topics.PSPReport, err error) topics.PSPReport {
		t.Helper()
		if err != nil || report.Outcome != want || want != topics.PSPFailed && report.Amount != amount {
			t.Fatalf("%+v, %v; want %s of %d", report, err, want, amount)
		}
		return report
	}
	do := func(want topics.PSPOutcome, r *topics.PSPRequest) topics.PSPReport {
		t.Helper()
		report, err := a.Do(t.Context(), r)
		return must(want, r.Amount, report, err)
	}
	poll := func(want topics.PSPOutcome, r *topics.PSPRequest) topics.PSPReport {
		t.Helper()
		report, err := a.Poll(t.Context(), r)
		return must(want, r.Amount, report, err)
	}
	if window, ok := a.Idempotent(); !ok || window != 48*time.Hour {
		t.Errorf("idempotent %s, %t", window, ok)
	}

	r := request(topics.OperationAuthorize, "1-1-0", 1050, "EUR")
	poll(topics.PSPNotFound, r)
	asked := do(topics.PSPRequiresAction, r)
	if asked.Action == nil || asked.Action.URL != "https://bank.example/approve" || asked.Action.ExpiresAt.Format(time.RFC3339Nano) != "2030-01-02T03:04:05.123Z" {
		t.Errorf("action %+v", asked.Action)
	}
	do(topics.PSPRequiresAction, r) // a repeat
	if len(b.requests) != 1 || b.requests["1-1-0"]["instructedAmount"].(object)["amount"] != "10.50" || b.requests["1-1-0"]["redirectUri"] != r.ReturnURL {
		t.Errorf("requests %v", b.requests)
	}
	confirm := request(topics.OperationConfirm, "1-2-0", 1050, "EUR")
	confirm.PSPReference = asked.PSPReference
	do(topics.PSPPending, confirm)

	told, err := a.Webhook(b.settle(t, b.requests, "1-1-0", "ACSC", "payment.settled"))
	must(topics.PSPApproved, 1050, told, err)
	if !told.Captured || told.PaymentID != ours || told.RequestID != "1-1-0" || told.PSPReference != asked.PSPReference || told.Currency != "EUR" || told.OccurredAt.IsZero() {
		t.Errorf("webhook %+v", told)
	}
	if polled := poll(topics.PSPApproved, r); !polled.Captured {
		t.Errorf("polled %+v", polled)
	}
	do(topics.PSPApproved, confirm)

	refund := request(topics.OperationRefund, "1-3-0", 300, "EUR")
	refund.PSPReference = asked.PSPReference
	poll(topics.PSPNotFound, refund)
	do(topics.PSPPending, refund)
	told, err = a.Webhook(b.settle(t, b.refunds, "1-3-0", "RJCT", "refund.returned"))
	must(topics.PSPReversed, 300, told, err)
	poll(topics.PSPDeclined, refund)

	// What the bank's file does not describe is refused, and nothing is sent.
	if report := do(topics.PSPFailed, request(topics.OperationCapture, "1-4-0", 1050, "EUR")); !strings.Contains(report.Detail, "does not describe it") {
		t.Errorf("%+v", report)
	}
	if report := do(topics.PSPFailed, request(topics.OperationPayout, "1-5-0", 1050, "EUR")); report.Detail == "" {
		t.Errorf("%+v", report)
	}
	early := request(topics.OperationRefund, "1-6-0", 100, "JPY")
	do(topics.PSPRequiresAction, request(topics.OperationAuthorize, "1-7-0", 1230, "KWD"))
	early.PSPReference = b.requests["1-7-0"]["paymentId"].(string)
	do(topics.PSPFailed, early)
	if got := b.requests["1-7-0"]["instructedAmount"].(object)["amount"]; got != "1.230" {
		t.Errorf("KWD %v", got)
	}
}

func TestBankMisbehaves(t *testing.T) {
	b := &bank{requests: map[string]object{}, refunds: map[string]object{}}
	server := httptest.NewServer(b)
	defer server.Close()
	a := described(t, "examples/bank.yaml", server.URL)
	say := func(status int, body string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	id := `"endToEndId":"` + ours + `","requestId":"1-1-0"`
	link := `,"links":{"approve":"https://bank.example"}}`
	for name, c := range map[string]struct {
		status  int
		body    string
		err     error
		outcome topics.PSPOutcome
	}{
		"maintenance":            {503, `{"code":"MAINTENANCE"}`, psp.ErrNotSent, ""},
		"maintenance of a proxy": {503, `<html>`, psp.ErrUnknown, ""},
		"another payment":        {201, `{"endToEndId":"x","requestId":"1-1-0","status":"RCVD"` + link, psp.ErrUnknown, ""},
		"another request":        {201, `{"endToEndId":"` + ours + `","requestId":"1-9-0","status":"RCVD"` + link, psp.ErrUnknown, ""},
		"no way to the bank":     {201, `{` + id + `,"status":"RCVD"}`, psp.ErrUnknown, ""},
		"a word of no meaning":   {201, `{` + id + `,"status":"SHRUG"` + link, psp.ErrUnknown, ""},
		"approved unexpectedly":  {201, `{` + id + `,"status":"ACSC"` + link, psp.ErrUnknown, ""}, // not described for this call
		"two answers":            {201, `{` + id + `,"status":"RJCT"}{}`, psp.ErrUnknown, ""},
		"rejected":               {201, `{` + id + `,"status":"RJCT","reason":"AC04"}`, nil, topics.PSPDeclined},
		"invalid":                {400, `{"code":"AMOUNT_INVALID","text":"account 4111 1111 1111 1111"}`, nil, topics.PSPFailed},
		"an error of a new kind": {400, `{"code":"OTHER"}`, psp.ErrUnknown, ""},
		"wrong key of ours":      {401, ``, psp.ErrUnknown, ""},
	} {
		b.fault = say(c.status, c.body)
		report, err := a.Do(t.Context(), request(topics.OperationAuthorize, "1-1-0", 1050, "EUR"))
		if !errors.Is(err, c.err) || report.Outcome != c.outcome || strings.Contains(report.Detail, "1111") {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	for name, c := range map[string]struct {
		amount, currency string
		want             int64 // -1: unknown
	}{
		"the same":         {`"10.50"`, "EUR", 1050},
		"as a number":      {`10.5`, "EUR", 1050},
		"another":          {`"10.05"`, "EUR", 1005}, // the payment opens a case
		"zeros":            {`"10.5000"`, "EUR", 1050},
		"more decimals":    {`"10.501"`, "EUR", -1},
		"exponent":         {`1.05e1`, "EUR", -1},
		"negative":         {`"-10.50"`, "EUR", -1},
		"huge":             {`"99999999999999999999"`, "EUR", -1},
		"no such currency": {`"10.50"`, "EUX", -1},
		"yen":              {`"1050.00"`, "JPY", 1050},
		"dinar":            {`"1.050"`, "KWD", 1050},
	} {
		b.fault = say(200, `{`+id+`,"status":"ACSC","paymentId":"BNK-1","instructedAmount":{"amount":`+c.amount+`,"currency":"`+c.currency+`"}}`)
		report, err := a.Poll(t.Context(), request(topics.OperationAuthorize, "1-1-0", 1050, "EUR"))
		if c.want < 0 && !errors.Is(err, psp.ErrUnknown) || c.want >= 0 && (err != nil || report.Amount != c.want || report.Currency != c.currency) {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	for _, sum := range []string{"null", "{}", `{"currency":"EUR"}`, `{"amount":null,"currency":"EUR"}`, `{"amount":{"value":1},"currency":"EUR"}`, `{"amount":"10.50"}`} {
		b.fault = say(200, `{`+id+`,"status":"ACSC","paymentId":"BNK-1","instructedAmount":`+sum+`}`)
		if report, err := a.Poll(t.Context(), request(topics.OperationAuthorize, "1-1-0", 1050, "EUR")); !errors.Is(err, psp.ErrUnknown) {
			t.Errorf("settled, of %s: %+v, %v", sum, report, err) // not of what was asked for
		}
	}
}
