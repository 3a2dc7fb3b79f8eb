package faulttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/until"
	"github.com/weirhq/weir/topics"
)

// signed are the headers of a delivery.
func signed(t *testing.T, secret, id string, at time.Time, body string) header {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return header{"Authorization": "", "Webhook-Id": id, "Webhook-Timestamp": strconv.FormatInt(at.Unix(), 10), "Webhook-Signature": signature}
}

// fact is what the PSP says of an operation; fields override.
func fact(t *testing.T, payment, request, operation, status string, amount int64, fields map[string]any) string {
	t.Helper()
	data := map[string]any{"request_id": request, "operation": operation, "status": status, "merchant_account": tenant,
		"merchant_reference": payment, "amount": amount, "currency": "EUR"}
	event := map[string]any{"id": "ev_" + newID(), "type": operation + "." + status, "data": data}
	for key, value := range fields {
		if key == "id" || key == "type" || key == "metadata" {
			event[key] = value
		} else {
			data[key] = value
		}
	}
	body, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// deliver sends a delivery that is signed as it should be.
func (w *world) deliver(t *testing.T, body string) *answer {
	t.Helper()
	a := w.post(t, "/webhooks/sandbox", body, signed(t, webhookSecret, "msg_"+newID(), time.Now(), body))
	if a.status != http.StatusOK {
		t.Fatalf("a signed webhook is answered %s", a)
	}
	return a
}

// digested waits until every webhook about a payment that was accepted before has been folded.
func (w *world) digested(t *testing.T, payment string) {
	t.Helper()
	pid, err := topics.ParsePaymentID(payment)
	if err != nil {
		t.Fatal(err)
	}
	for p := range int32(partitions) {
		w.normalised(t, p)
	}
	w.barrier(t, pid.Partition)
}

// normalised waits until every webhook of a partition that was accepted before has been put into the inbox, aside or parked: the
// role commits no offset before.
func (w *world) normalised(t *testing.T, partition int32) {
	t.Helper()
	envelope := topics.WebhookEnvelope("sandbox", "barrier", "barrier-"+newID(), time.Now())
	r := &kgo.Record{Topic: topics.PSPWebhooks, Partition: partition, Value: []byte(`{"id":"ev_barrier","type":"barrier.passed"}`)}
	for _, h := range append(envelope.Headers(), topics.Header{Key: topics.HeaderVerified, Value: []byte("true")}) {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	want := w.produce(t, r).Offset + 1
	admin := kadm.NewClient(w.client)
	until.True(t, patience, fmt.Sprintf("webhooks of partition %d are passed by", partition), func() bool {
		offsets, err := admin.FetchOffsets(t.Context(), "weir-webhooks")
		if err != nil {
			t.Fatal(err)
		}
		at, ok := offsets.Lookup(topics.PSPWebhooks, partition)
		return ok && at.At >= want
	})
}

// barrier puts a report of an unknown payment into a partition of the inbox and waits for its case.
func (w *world) barrier(t *testing.T, partition int32) {
	t.Helper()
	trace := "barrier-" + newID()
	value, err := topics.Marshal(topics.PSPReport{ReportID: newID(), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: tenant, TraceID: trace,
		PaymentID: topics.PaymentID{Partition: partition, UUID: uuid.Must(uuid.NewV7())}.String(), Operation: topics.OperationCapture, Outcome: topics.PSPApproved,
		Amount: 1, Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	r := &kgo.Record{Topic: topics.Inbox, Partition: partition, Value: value}
	for _, h := range (topics.Envelope{ID: trace, Source: "faulttest", Type: topics.TypePSPReport, Time: time.Now()}).Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	w.produce(t, r)
	w.event(t, "the case of the barrier", func(e *topics.PaymentEvent) bool { return e.TraceID == trace })
}

// wrongWebhooks are deliveries that the PSP did not send, or that say something else than was asked for.
func wrongWebhooks(t *testing.T, w *world) {
	authorized := w.paid(t, 10_000, "EUR", true)
	captured := w.paid(t, 10_000, "EUR", false)
	forged := fact(t, authorized.ID, "", "capture", "approved", 10_000, map[string]any{"authorization": "auth_1"})
	now := time.Now()
	good := signed(t, webhookSecret, "msg_1", now, forged)
	with := func(name, value string) header {
		h := header{}
		for k, v := range good {
			h[k] = v
		}
		h[name] = value
		return h
	}
	for name, c := range map[string]struct {
		headers header
		path    string
		body    string
		status  int
		code    string
	}{
		"unsigned":                    {headers: header{"Authorization": ""}, status: 401, code: "bad_signature"},
		"an API key for a signature":  {headers: header{}, status: 401, code: "bad_signature"},
		"signed with another secret":  {headers: signed(t, "whsec_YW5vdGhlci1zZWNyZXQtYW5vdGhlci1zZWNyZXQ=", "msg_1", now, forged), status: 401, code: "bad_signature"},
		"the body changed afterwards": {headers: good, body: strings.Replace(forged, "10000", "99999", 1), status: 401, code: "bad_signature"},
		"replayed under another id":   {headers: with("Webhook-Id", "msg_2"), status: 401, code: "bad_signature"},
		"replayed with another time":  {headers: with("Webhook-Timestamp", strconv.FormatInt(now.Unix()+1, 10)), status: 401, code: "bad_signature"},
		"too old":                     {headers: signed(t, webhookSecret, "msg_1", now.Add(-6*time.Minute), forged), status: 401, code: "stale"},
		"from the future":             {headers: signed(t, webhookSecret, "msg_1", now.Add(6*time.Minute), forged), status: 401, code: "stale"},
		"a time that overflows":       {headers: with("Webhook-Timestamp", "9223372036854775807"), status: 401, code: "bad_signature"},
		"a signature without version": {headers: with("Webhook-Signature", "AAAA"), status: 401, code: "bad_signature"},
		"of a PSP that nobody has":    {headers: good, path: "/webhooks/nobody", status: 404, code: "not_found"},
		"5 MB":                        {headers: header{"Authorization": ""}, body: strings.Repeat("x", 5<<20), status: 413, code: "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			body, path := forged, "/webhooks/sandbox"
			if c.body != "" {
				body = c.body
			}
			if c.path != "" {
				path = c.path
			}
			w.unmoved(t, func() {
				if a := w.post(t, path, body, c.headers); a.status != c.status || a.Error != c.code {
					t.Errorf("got %s; want %d %s", a, c.status, c.code)
				}
			})
		})
	}

	request := captured.Operations[0].ID
	unknown := topics.PaymentID{Partition: 1, UUID: uuid.Must(uuid.NewV7())}.String()
	for name, c := range map[string]struct {
		payment, body string
		code          topics.RefusalCode // of the case that is opened; "" for none
	}{
		"another amount":                {captured.ID, fact(t, captured.ID, request, "authorize", "approved", 10_001, nil), topics.RefusedAmountMismatch},
		"a negative amount":             {captured.ID, fact(t, captured.ID, request, "capture", "approved", -10_000, nil), ""},
		"another currency":              {w.paid(t, 10_000, "EUR", false).ID, "", topics.RefusedAmountMismatch},
		"an unknown payment":            {unknown, fact(t, unknown, "1-1-0", "capture", "approved", 10_000, nil), ""}, // it is parked
		"another tenant":                {captured.ID, fact(t, captured.ID, request, "authorize", "approved", 10_000, map[string]any{"merchant_account": rival}), topics.RefusedUnmatchedReport},
		"a refund that nobody asked":    {captured.ID, fact(t, captured.ID, "", "refund", "approved", 10_000, map[string]any{"authorization": "not_ours"}), topics.RefusedUnmatchedReport},
		"a refund above the capture":    {captured.ID, fact(t, captured.ID, "0-99-9", "refund", "approved", 99_999, nil), topics.RefusedUnmatchedReport},
		"a capture of another request":  {authorized.ID, fact(t, authorized.ID, "0-99-9", "capture", "approved", 10_000, nil), topics.RefusedUnmatchedReport},
		"a decline after the capture":   {captured.ID, fact(t, captured.ID, request, "authorize", "declined", 10_000, nil), ""},
		"a second success":              {captured.ID, fact(t, captured.ID, request, "authorize", "approved", 10_000, map[string]any{"authorization": "auth_other"}), topics.RefusedDuplicateOperation},
		"the capture once more":         {captured.ID, fact(t, captured.ID, request, "authorize", "approved", 10_000, map[string]any{"captured": true}), ""},
		"a fee above the amount, again": {captured.ID, fact(t, captured.ID, request, "authorize", "approved", 10_000, map[string]any{"captured": true, "fee": 1 << 60}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.body == "" {
				c.body = fact(t, c.payment, w.get(t, c.payment).Operations[0].ID, "authorize", "approved", 10_000, map[string]any{"currency": "JPY"})
			}
			before, entries := w.get(t, c.payment), w.ledger(t)
			w.deliver(t, c.body)
			if c.code != "" {
				w.event(t, "a case "+string(c.code)+" of "+c.payment, func(e *topics.PaymentEvent) bool {
					return e.Type == topics.EventCaseOpened && e.PaymentID == c.payment && e.Refusal == c.code
				})
			}
			w.digested(t, captured.ID)
			if after := w.ledger(t); after != entries {
				t.Errorf("the ledger moved: %s, before %s", after, entries)
			}
			if after := w.get(t, c.payment); after.Status != before.Status || after.Captured != before.Captured || after.Refunded != before.Refunded {
				t.Errorf("the payment is %s, before %s", after, before)
			}
		})
	}
	if n := w.scalar(t, `SELECT count(*)::text FROM parked_webhooks`); n != "1" {
		t.Errorf("%s webhooks are parked, want that of the unknown payment", n)
	}
	for name, body := range map[string]string{
		"no JSON":                          "nonsense",
		"amount as a fraction":             strings.Replace(fact(t, captured.ID, request, "capture", "approved", 10_000, nil), "10000", "100.5", 1),
		"amount above 64 bits":             strings.Replace(fact(t, captured.ID, request, "capture", "approved", 10_000, nil), "10000", "92233720368547758080", 1),
		"a kind that no document names":    fact(t, captured.ID, request, "chargeback", "approved", 10_000, nil),
		"a type that its data contradicts": fact(t, captured.ID, request, "refund", "approved", 10_000, map[string]any{"type": "refund.failed"}),
		"no merchant reference":            fact(t, "", request, "capture", "approved", 10_000, nil),
		"a partition that does not exist":  fact(t, "pay_7fff_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b", request, "capture", "approved", 10_000, nil),
		"no event id":                      fact(t, captured.ID, request, "capture", "approved", 10_000, map[string]any{"id": ""}),
	} {
		t.Run("a body that cannot be understood: "+name, func(t *testing.T) {
			w.unmoved(t, func() {
				w.deliver(t, body)
				w.seen(t, topics.PSPWebhooksDeadLetters, "the dead letter of "+body, func(r *kgo.Record) bool {
					var letter topics.DeadLetter
					return json.Unmarshal(r.Value, &letter) == nil && string(letter.Value) == body && (letter.Reason == topics.RefusedUndecodable || letter.Reason == topics.RefusedUnknownEvent)
				})
			})
		})
	}
	t.Run("the same event again, under other delivery ids", func(t *testing.T) {
		first := w.post(t, "/v1/intents/"+captured.ID+"/refunds", `{"amount":1000}`, nil)
		w.until(t, captured.ID, "partially_refunded")
		body := fact(t, captured.ID, first.ID, "refund", "approved", 1000, nil)
		w.unmoved(t, func() {
			for range 3 {
				w.deliver(t, body)
				w.deliver(t, fact(t, captured.ID, first.ID, "refund", "approved", 1000, nil)) // the same under another event id
			}
			w.digested(t, captured.ID)
		})
	})
	t.Run("a refund that is reversed three times", func(t *testing.T) {
		id := w.paid(t, 500, "EUR", false).ID
		refund := w.post(t, "/v1/intents/"+id+"/refunds", `{}`, nil)
		w.until(t, id, "refunded")
		for range 3 {
			w.deliver(t, fact(t, id, refund.ID, "refund", "reversed", 500, nil))
		}
		w.digested(t, id)
		if a := w.get(t, id); a.Status != "captured" || a.Refunded != 0 {
			t.Errorf("%s", a)
		}
		if n := w.scalar(t, `SELECT count(*)::text FROM entries WHERE payment = $1::uuid`, strings.ReplaceAll(id[9:], "-", "")); n != "4" {
			t.Errorf("%s entries, want capture, refund requested, settled, reversed", n)
		}
		if balance := w.scalar(t, `SELECT balance::text FROM accounts WHERE code = 'customer_wallet' AND owner = $1`, w.customer(t, id)); balance != "-500" {
			t.Errorf("the wallet stands at %s, want -500", balance)
		}
	})
	t.Run("a card number in it", func(t *testing.T) {
		before := w.ledger(t)
		for place, fields := range map[string]map[string]any{
			"metadata": {"metadata": map[string]any{"note": "PAN"}}, "detail": {"detail": "card PAN"}, "reference": {"authorization": "PAN"},
			"network reference": {"network_reference": "PAN"}, "event id": {"id": "PAN"}, "decline code": {"decline_code": "PAN"},
		} {
			number := w.card("webhook: " + place)
			w.deliver(t, strings.ReplaceAll(fact(t, authorized.ID, authorized.Operations[0].ID, "authorize", "approved", 10_000, fields), "PAN", number))
		}
		body := fact(t, authorized.ID, "0-9-9", "capture", "approved", 1, nil)
		w.post(t, "/webhooks/sandbox", body, signed(t, webhookSecret, w.card("webhook: delivery id"), time.Now(), body))
		w.digested(t, authorized.ID)
		if after := w.ledger(t); after != before {
			t.Errorf("the ledger moved: %s, before %s", after, before)
		}
	})
}
