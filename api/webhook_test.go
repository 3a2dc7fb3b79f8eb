package api

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/weirhq/weir/processors/psp/webhook"
	"github.com/weirhq/weir/topics"
)

func signed(t testing.TB, body string, at time.Time) header {
	t.Helper()
	sender, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := sender.Sign("msg_1", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return header{
		"Authorization": "", "webhook-id": "msg_1", "webhook-timestamp": strconv.FormatInt(at.Unix(), 10), "webhook-signature": signature,
	}
}

// The body is stored byte for byte.
func TestWebhookIsDurableBeforeItIsAnswered(t *testing.T) {
	const body = "{ \"id\": \"1111111111111111\",\r\n \"amount\": 1050 }"
	f := newFixture(t, nil)
	headers := signed(t, body, time.Now())
	headers["Content-Type"], headers["X-Trace-Id"] = "application/json; charset=utf-8", "trace-1"
	if a := f.call(t, http.MethodPost, "/webhooks/sandbox", body, headers); a.status != http.StatusOK {
		t.Fatalf("got %d %s, want 200", a.status, a.body)
	}
	record := f.records(t, topics.PSPWebhooks, 1)[0]
	if string(record.Value) != body || string(record.Key) != "msg_1" {
		t.Errorf("got %q under key %q", record.Value, record.Key)
	}
	var found []topics.Header
	verified := ""
	for _, h := range record.Headers {
		found = append(found, topics.Header{Key: h.Key, Value: h.Value})
		if h.Key == topics.HeaderVerified {
			verified = string(h.Value)
		}
	}
	envelope, err := topics.ParseEnvelope(found)
	if err != nil {
		t.Fatal(err)
	}
	if envelope.Subject != "sandbox" || envelope.ID != "msg_1" || envelope.Type != topics.TypePSPWebhook ||
		envelope.TraceID != "trace-1" || envelope.ContentType != "application/json" || envelope.Time.IsZero() || verified != "true" {
		t.Errorf("got %+v, verified %q", envelope, verified)
	}
}

func TestCardNumberInAWebhookIsNotStored(t *testing.T) {
	const body = `{"id":"ev_1","metadata":{"note":"card 4111 1111 1111 1111"}}`
	f := newFixture(t, nil)
	if a := f.call(t, http.MethodPost, "/webhooks/sandbox", body, signed(t, body, time.Now())); a.status != http.StatusOK {
		t.Fatalf("got %d %s, want 200", a.status, a.body)
	}
	if stored := f.records(t, topics.PSPWebhooks, 1)[0].Value; string(stored) != `{"id":"ev_1","metadata":{"note":"card **** **** **** 1111"}}` {
		t.Errorf("stored %s", stored)
	}
}

func TestRefusedWebhooks(t *testing.T) {
	const body = `{"id":"ev_1"}`
	f := newFixture(t, nil)
	now := time.Now()
	tampered := signed(t, body+" ", now)
	for name, test := range map[string]struct {
		headers header
		code    string
	}{
		"unsigned":           {headers: header{}, code: "bad_signature"},
		"another body":       {headers: tampered, code: "bad_signature"},
		"replayed later":     {headers: signed(t, body, now.Add(-time.Hour)), code: "stale"},
		"signed ahead":       {headers: signed(t, body, now.Add(time.Hour)), code: "stale"},
		"an API key instead": {headers: header{"Authorization": "Bearer " + testSecret}, code: "bad_signature"},
	} {
		a := f.call(t, http.MethodPost, "/webhooks/sandbox", body, test.headers)
		if a.status != http.StatusUnauthorized || a.error(t).Error != test.code {
			t.Errorf("%s: got %d %s, want 401 %s", name, a.status, a.body, test.code)
		}
	}
	if n := f.count(t, topics.PSPWebhooks); n != 0 {
		t.Errorf("%d refused deliveries were stored", n)
	}
}

// Without a broker the PSP gets no 2xx, and so delivers again.
func TestWebhookWithoutABroker(t *testing.T) {
	const body = `{"id":"ev_1"}`
	f := newFixture(t, func(c *Config) { c.Limits.ProduceWithin = time.Second })
	f.refuseProduce(t)
	if a := f.call(t, http.MethodPost, "/webhooks/sandbox", body, signed(t, body, time.Now())); a.status != http.StatusServiceUnavailable {
		t.Errorf("got %d %s, want 503", a.status, a.body)
	}
}

// Adyen delivers again until it reads the answer that it waits for.
func TestAnswerThatAPSPWaitsFor(t *testing.T) {
	const body = `{"notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},` +
		`"amount":{"value":1130,"currency":"EUR"},"pspReference":"7914073381342284","eventCode":"AUTHORISATION","merchantAccountCode":"TestMerchant",` +
		`"merchantReference":"TestPayment-1407325143704","success":"true"}}]}`
	verifier, err := webhook.New(webhook.Scheme{Name: "adyen", Secrets: []string{"44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(c *Config) { c.Webhooks["adyen"] = verifier })
	a := f.call(t, http.MethodPost, "/webhooks/adyen", body, header{"Authorization": ""})
	if a.status != http.StatusOK || string(a.body) != "[accepted]" || a.header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %d %s, want 200 [accepted]", a.status, a.body)
	}
	first := string(f.records(t, topics.PSPWebhooks, 1)[0].Key)
	if a := f.call(t, http.MethodPost, "/webhooks/adyen", body+" ", header{"Authorization": ""}); a.status != http.StatusOK {
		t.Fatalf("delivered again: %d", a.status)
	}
	if again := f.records(t, topics.PSPWebhooks, 2)[1].Key; string(again) != first {
		t.Errorf("delivered again under the key %s, before under %s", again, first)
	}
}
