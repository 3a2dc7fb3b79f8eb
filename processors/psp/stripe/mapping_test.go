package stripe_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

const payment = "pay_0001_0198c0de0198700a800a0198c0de0001"

func request(operation topics.PSPOperation, id string) *topics.PSPRequest {
	return &topics.PSPRequest{
		RequestID: id, Operation: operation, PSP: "stripe", Tenant: "acme", PaymentID: payment, Amount: 1000, Currency: "EUR",
		NotAfter: time.Now().Add(time.Minute), Card: &topics.Card{Token: "pm_approved"},
	}
}

// TestRefusals: what Stripe documents of its errors, and what each says of money.
func TestRefusals(t *testing.T) {
	const declined, failed = topics.PSPDeclined, topics.PSPFailed
	for name, c := range map[string]struct {
		status  int
		body    string
		outcome topics.PSPOutcome
		err     error
		code    string
		hard    bool
	}{
		"declined":             {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"do_not_honor"}}`, declined, nil, "do_not_honor", false},
		"declined for ever":    {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card"}}`, declined, nil, "lost_card", true},
		"advised against":      {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"generic_decline","advice_code":"do_not_try_again"}}`, declined, nil, "generic_decline", true},
		"advice of Mastercard": {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"generic_decline","network_advice_code":"03","payment_method":{"id":"pm_1","type":"card","card":{"brand":"mastercard"}}}}`, declined, nil, "generic_decline", true},
		"advice of Visa":       {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"generic_decline","network_advice_code":"03","payment_method":{"id":"pm_1","type":"card","card":{"brand":"visa"}}}}`, declined, nil, "generic_decline", false},
		"advice of nobody":     {402, `{"error":{"type":"card_error","code":"card_declined","decline_code":"generic_decline","network_advice_code":"03"}}`, declined, nil, "generic_decline", false},
		"expired":              {402, `{"error":{"type":"card_error","code":"expired_card"}}`, declined, nil, "expired_card", true},
		"invalid":              {400, `{"error":{"type":"invalid_request_error","code":"parameter_invalid_integer"}}`, failed, nil, "", false},
		"missing":              {404, `{"error":{"type":"invalid_request_error","code":"resource_missing"}}`, failed, nil, "", false},
		"wrong key of ours":    {401, `{"error":{"type":"invalid_request_error"}}`, "", psp.ErrNotSent, "", false},
		"not permitted":        {403, `{"error":{"type":"invalid_request_error"}}`, "", psp.ErrNotSent, "", false},
		"too many":             {429, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`, "", psp.ErrNotSent, "", false},
		"locked":               {429, `{"error":{"type":"invalid_request_error","code":"lock_timeout"}}`, "", psp.ErrUnknown, "", false},
		"refused and held":     {400, `{"error":{"type":"invalid_request_error","code":"payment_intent_unexpected_state","payment_intent":{"id":"pi_1","status":"requires_capture"}}}`, "", psp.ErrUnknown, "", false},
		"refused and charged":  {402, `{"error":{"type":"card_error","code":"processing_error","payment_intent":{"id":"pi_1","status":"succeeded"}}}`, "", psp.ErrUnknown, "", false},
		"to another address":   {307, ``, "", psp.ErrUnknown, "", false},
		"first one under way":  {409, `{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}`, "", psp.ErrUnknown, "", false},
		"other parameters":     {400, `{"error":{"type":"idempotency_error"}}`, "", psp.ErrUnknown, "", false},
		"their fault":          {500, `{"error":{"type":"api_error"}}`, "", psp.ErrUnknown, "", false},
		"error of a new kind":  {400, `{"error":{"type":"other_error"}}`, "", psp.ErrUnknown, "", false},
		"not Stripe's":         {400, `{"message":"no"}`, "", psp.ErrUnknown, "", false},
		"another payment's":    {200, `{"id":"pi_1","status":"succeeded","amount":1000,"currency":"eur","metadata":{"weir_payment":"pay_x","weir_request":"1-1-0"}}`, "", psp.ErrUnknown, "", false},
		"another request's":    {200, `{"id":"pi_1","status":"succeeded","amount":1000,"currency":"eur","metadata":{"weir_payment":"` + payment + `","weir_request":"1-2-0"}}`, "", psp.ErrUnknown, "", false},
		"state of a new kind":  {200, `{"id":"pi_1","status":"paused","amount":1000,"currency":"eur","metadata":{"weir_payment":"` + payment + `","weir_request":"1-1-0"}}`, "", psp.ErrUnknown, "", false},
		"unknown currency":     {200, `{"id":"pi_1","status":"succeeded","amount":1000,"currency":"xxx","metadata":{"weir_payment":"` + payment + `","weir_request":"1-1-0"}}`, "", psp.ErrUnknown, "", false},
		"amount with decimals": {200, `{"id":"pi_1","status":"succeeded","amount":10.5,"currency":"eur","metadata":{"weir_payment":"` + payment + `","weir_request":"1-1-0"}}`, "", psp.ErrUnknown, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			report, err := adapter(t, server.URL).Do(t.Context(), request(topics.OperationAuthorize, "1-1-0"))
			if !errors.Is(err, c.err) || psp.NotSent(err) != (c.err == psp.ErrNotSent) || report.Outcome != c.outcome || report.DeclineCode != c.code || report.HardDecline != c.hard {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}

func TestWhatStripeCannotPerform(t *testing.T) {
	p := newPeer(t)
	for name, change := range map[string]func(*topics.PSPRequest){
		"a token of another PSP":  func(r *topics.PSPRequest) { r.Card.Token = "tok_visa" },
		"a mandate":               func(r *topics.PSPRequest) { r.StoredCredential = &topics.StoredCredential{Use: topics.CredentialFirst} },
		"no card":                 func(r *topics.PSPRequest) { r.Card = nil },
		"a third decimal":         func(r *topics.PSPRequest) { r.Currency, r.Amount = "KWD", 1234 },
		"a currency it lacks":     func(r *topics.PSPRequest) { r.Currency = "LYD" },
		"decimals of the ariary":  func(r *topics.PSPRequest) { r.Currency, r.Amount = "MGA", 150 },
		"a payment method it has": func(r *topics.PSPRequest) { r.Card.Token = "pm_missing" },
	} {
		r := request(topics.OperationAuthorize, "1-1-0")
		change(r)
		if report, err := adapter(t, p.URL).Do(t.Context(), r); err != nil || report.Outcome != topics.PSPFailed || report.Detail == "" {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

func TestNothingOfACardNumberIsKept(t *testing.T) {
	r := request(topics.OperationAuthorize, "1-1-0")
	r.Card.Token = "pm_leaky"
	report, err := adapter(t, newPeer(t).URL).Do(t.Context(), r)
	if err != nil || report.Outcome != topics.PSPDeclined || strings.Contains(report.Detail, "1111") || report.Detail == "" {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestPollGoesThroughPages: a request whose answer was lost is found behind newer ones, and one that never came is not.
func TestPollGoesThroughPages(t *testing.T) {
	p := newPeer(t)
	a := adapter(t, p.URL)
	lost := request(topics.OperationAuthorize, "1-1-0")
	if _, err := a.Do(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	for range 250 {
		other := object{"id": "pi_" + strings.Repeat("9", 3+len(p.intents)), "object": "payment_intent", "created": time.Now().Unix(), "metadata": map[string]string{}}
		p.intents = append(p.intents, &other)
	}
	p.mu.Unlock()
	if report, err := a.Poll(t.Context(), lost); err != nil || report.Outcome != topics.PSPApproved {
		t.Errorf("%+v, %v", report, err)
	}
	if report, err := a.Poll(t.Context(), request(topics.OperationAuthorize, "1-2-0")); err != nil || report.Outcome != topics.PSPNotFound {
		t.Errorf("%+v, %v", report, err)
	}
	if n := p.asked["GET /v1/payment_intents"]; n != 6 {
		t.Errorf("%d pages", n)
	}
}

func TestWebhooks(t *testing.T) {
	p := newPeer(t)
	a := adapter(t, p.URL)
	authorization := request(topics.OperationAuthorize, "1-1-0")
	authorization.Card.Token = "pm_slow_refund"
	authorized, err := a.Do(t.Context(), authorization)
	if err != nil {
		t.Fatal(err)
	}
	capture := request(topics.OperationCapture, "1-2-0")
	capture.PSPReference = authorized.PSPReference
	if _, err := a.Do(t.Context(), capture); err != nil {
		t.Fatal(err)
	}
	refund := request(topics.OperationRefund, "1-3-0")
	refund.PSPReference = authorized.PSPReference
	if report, err := a.Do(t.Context(), refund); err != nil || report.Outcome != topics.PSPPending {
		t.Fatalf("%+v, %v", report, err)
	}
	intent, made := p.of(t, payment), *p.refunds[0]
	with := func(o object, changes ...any) object {
		changed := object{}
		for name, value := range o {
			changed[name] = value
		}
		for i := 0; i < len(changes); i += 2 {
			changed[changes[i].(string)] = changes[i+1]
		}
		return changed
	}
	meta := object{"weir_payment": payment, "weir_tenant": "acme", "weir_request": "1-1-0"}
	type want struct {
		operation topics.PSPOperation
		outcome   topics.PSPOutcome
		request   string
		captured  bool
		reference string
		object    string
	}
	refused := with(intent, "status", "canceled", "latest_charge", object{"id": "ch_1", "object": "charge", "status": "failed"})
	for name, c := range map[string]struct {
		kind string
		of   object
		want want
	}{
		"captured":                   {"payment_intent.succeeded", intent, want{topics.OperationCapture, topics.PSPApproved, "1-2-0", false, authorized.PSPReference, ""}},
		"captured in the dashboard":  {"payment_intent.succeeded", with(intent, "metadata", meta), want{topics.OperationCapture, topics.PSPApproved, "", false, authorized.PSPReference, authorized.PSPReference}},
		"captured at once":           {"payment_intent.succeeded", with(intent, "capture_method", "automatic"), want{topics.OperationAuthorize, topics.PSPApproved, "1-1-0", true, authorized.PSPReference, ""}},
		"challenge":                  {"payment_intent.requires_action", with(intent, "status", "requires_action"), want{topics.OperationAuthorize, topics.PSPRequiresAction, "1-1-0", false, authorized.PSPReference, ""}},
		"declined":                   {"payment_intent.payment_failed", with(intent, "status", "requires_payment_method"), want{topics.OperationAuthorize, topics.PSPDeclined, "1-1-0", false, authorized.PSPReference, ""}},
		"processing":                 {"payment_intent.processing", with(intent, "status", "processing"), want{topics.OperationAuthorize, topics.PSPPending, "1-1-0", false, authorized.PSPReference, ""}},
		"released":                   {"payment_intent.canceled", with(intent, "status", "canceled"), want{topics.OperationVoid, topics.PSPApproved, "", false, authorized.PSPReference, ""}},
		"given up in the challenge":  {"payment_intent.canceled", with(intent, "status", "canceled", "latest_charge", nil), want{topics.OperationAuthorize, topics.PSPDeclined, "1-1-0", false, authorized.PSPReference, ""}},
		"declined and given up":      {"payment_intent.canceled", refused, want{topics.OperationAuthorize, topics.PSPDeclined, "1-1-0", false, authorized.PSPReference, ""}},
		"declined, charge unshown":   {"payment_intent.canceled", with(intent, "status", "canceled", "latest_charge", "ch_1", "last_payment_error", object{"type": "card_error"}), want{topics.OperationAuthorize, topics.PSPDeclined, "1-1-0", false, authorized.PSPReference, ""}},
		"released, charge unshown":   {"payment_intent.canceled", with(intent, "status", "canceled", "latest_charge", "ch_1"), want{topics.OperationVoid, topics.PSPApproved, "", false, authorized.PSPReference, ""}},
		"refund on its way":          {"refund.created", made, want{topics.OperationRefund, topics.PSPPending, "1-3-0", false, made["id"].(string), ""}},
		"refund settled":             {"refund.updated", with(made, "status", "succeeded"), want{topics.OperationRefund, topics.PSPApproved, "1-3-0", false, made["id"].(string), ""}},
		"refund failed":              {"refund.failed", with(made, "status", "failed", "failure_reason", "expired_or_canceled_card"), want{topics.OperationRefund, topics.PSPReversed, "1-3-0", false, made["id"].(string), ""}},
		"refunded in the dashboard":  {"refund.created", with(made, "status", "succeeded", "metadata", object{}), want{topics.OperationRefund, topics.PSPApproved, "", false, authorized.PSPReference, made["id"].(string)}},
		"refund's older event":       {"charge.refund.updated", with(made, "status", "succeeded"), want{topics.OperationRefund, topics.PSPApproved, "1-3-0", false, made["id"].(string), ""}},
		"intent of nobody known yet": {"payment_intent.succeeded", with(intent, "metadata", object{}), want{topics.OperationCapture, topics.PSPApproved, "", false, authorized.PSPReference, authorized.PSPReference}},
	} {
		report, err := a.Webhook(event(t, c.kind, c.of))
		got := want{report.Operation, report.Outcome, report.RequestID, report.Captured, report.PSPReference, report.Object}
		if err != nil || got != c.want || report.Currency != "EUR" || report.OccurredAt.Unix() != 1_700_000_000 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	for name, body := range map[string][]byte{
		"state does not fit":  event(t, "payment_intent.payment_failed", intent),
		"void does not fit":   event(t, "payment_intent.canceled", with(intent, "status", "requires_capture")),
		"no object":           []byte(`{"id":"evt_1","type":"refund.created","data":{}}`),
		"object without id":   event(t, "refund.created", object{"status": "succeeded"}),
		"masked refund":       event(t, "refund.created", with(made, "id", "re_************1111", "status", "succeeded", "metadata", object{})),
		"masked id":           []byte(`{"id":"evt_************1111","type":"refund.created","data":{"object":{}}}`),
		"charge.refunded":     event(t, "charge.refunded", object{"id": "ch_1"}), // its refund is told by refund.created
		"dispute of nobody":   event(t, "charge.dispute.closed", object{"id": "du_1", "amount": 1000, "currency": "eur", "status": "won"}),
		"currency of nowhere": event(t, "payment_intent.succeeded", with(intent, "currency", "zzz")),
	} {
		if report, err := a.Webhook(body); err == nil {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

// TestOneRefundOfTheDashboard: Stripe tells of it by several events, each as often as it changes. They are one report for each state.
func TestOneRefundOfTheDashboard(t *testing.T) {
	a := adapter(t, "http://127.0.0.1:1")
	ids := map[string]string{}
	for i, c := range []struct{ kind, status string }{
		{"refund.created", "pending"}, {"refund.updated", "pending"},
		{"refund.updated", "succeeded"}, {"refund.created", "succeeded"}, {"charge.refund.updated", "succeeded"},
		{"refund.failed", "failed"}, {"charge.refund.updated", "failed"},
	} {
		for _, id := range []string{"re_1", "re_2"} {
			r, err := a.Webhook(fmt.Appendf(nil, `{"id":"evt_%d","type":%q,"created":1,"data":{"object":{"id":%q,"amount":3000,"currency":"eur","status":%q,"payment_intent":"pi_1"}}}`, i, c.kind, id, c.status))
			if err != nil || r.Object != id || r.PSPReference != "pi_1" || r.RequestID != "" {
				t.Fatalf("%s: %+v, %v", c.kind, r, err)
			}
			if said := id + " " + c.status; ids[said] == "" {
				ids[said] = r.ReportID
			} else if ids[said] != r.ReportID {
				t.Errorf("%s: %s has two report ids", c.kind, said)
			}
		}
	}
	different := map[string]bool{}
	for _, id := range ids {
		different[id] = true
	}
	if len(ids) != 6 || len(different) != 6 {
		t.Errorf("%d ids of %d states", len(different), len(ids))
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, url := range []string{"127.0.0.1:80", "ftp://host"} {
		if _, err := stripeAt(url, "sk_1"); err == nil {
			t.Errorf("%q was accepted", url)
		}
	}
	if _, err := stripeAt("", ""); err == nil {
		t.Error("no key was accepted")
	}
}

// TestALostIntentIsFoundByTheAgeOfItsPayment: however long before its NotAfter it was asked for. Requests of earlier versions name no age.
func TestALostIntentIsFoundByTheAgeOfItsPayment(t *testing.T) {
	p := newPeer(t)
	a := adapter(t, p.URL)
	made := request(topics.OperationAuthorize, "1-1-0")
	if report, err := a.Do(t.Context(), made); err != nil || report.Outcome != topics.PSPApproved {
		t.Fatalf("%+v, %v", report, err)
	}
	for name, c := range map[string]struct {
		request          string
		notAfter, create time.Duration // from now; create 0: unsaid
		want             topics.PSPOutcome
	}{
		"asked for in a minute":          {"1-1-0", time.Minute, -time.Second, topics.PSPApproved},
		"asked for long before":          {"1-1-0", 20 * time.Minute, -time.Second, topics.PSPApproved},
		"asked for days before":          {"1-1-0", 72 * time.Hour, -time.Hour, topics.PSPApproved},
		"of an earlier version":          {"1-1-0", 20 * time.Minute, 0, topics.PSPApproved},
		"another request":                {"1-2-0", 20 * time.Minute, -time.Second, topics.PSPNotFound},
		"another, of an earlier version": {"1-2-0", 20 * time.Minute, 0, topics.PSPNotFound},
	} {
		r := request(topics.OperationAuthorize, c.request)
		r.Poll, r.Card, r.NotAfter = true, nil, time.Now().Add(c.notAfter)
		if c.create != 0 {
			r.CreatedAt = time.Now().Add(c.create)
		}
		if report, err := a.Poll(t.Context(), r); err != nil || report.Outcome != c.want {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}
