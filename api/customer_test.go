package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
)

func (a answer) event(t testing.TB) RecordedEvent {
	t.Helper()
	var e RecordedEvent
	if err := json.Unmarshal(a.body, &e); err != nil || e.EventID == "" {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return e
}

// What risk decides comes back as the answer and stays readable; the event is what the topic has.
func TestAnEventIsAnsweredWithTheDecision(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	const path = "/v1/customers/cus_1/events"
	body := `{"type":"login","occurred_at":"` + time.Now().Add(-time.Hour).Format(time.RFC3339) + `","duration_seconds":5,"context":{"ip":"203.0.113.7"},"card":{"token":"tok"},"metadata":{"a":"b"}}`
	first := want(t, f.post(t, path, "k", body), 200, "login")
	e := first.event(t)
	if e.Status != "assessed" || e.CustomerID != "cus_1" || e.Type != "login" || e.Outcome != topics.OutcomePass || e.At == nil || e.Evaluated != 2 {
		t.Errorf("answer %s", first.body)
	}
	var event topics.CustomerEvent
	if err := topics.Unmarshal(f.records(t, topics.CustomerEvents, 1)[0].Value, &event); err != nil {
		t.Fatal(err)
	}
	if event.EventID != e.EventID || event.Tenant != "acme" || event.Region != "eu" || event.Context.IP != "203.0.113.7" ||
		event.Card.Token != "tok" || event.DurationSeconds != 5 || event.Metadata["a"] != "b" || event.OccurredAt.IsZero() {
		t.Errorf("event %+v", event)
	}
	again := f.post(t, path, "k", strings.Replace(body, "203.0.113.7", "203.0.113.8", 1))
	if string(again.body) != string(first.body) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repeat differs:\n%s%s", first.body, again.body)
	}
	if a := f.post(t, path, "k", `{"type":"signup"}`); a.status != 422 || a.error(t).Error != "idempotency_mismatch" {
		t.Errorf("another event under the same key: %d %s", a.status, a.body)
	}
	blocked := want(t, f.post(t, path, "other", `{"type":"block_me","amount":500,"currency":"EUR"}`), 200, "an event that rules block")
	if b := blocked.event(t); b.Outcome != topics.OutcomeBlock || len(b.Reasons) != 1 || b.Score != 7 {
		t.Errorf("blocked: %s", blocked.body)
	}

	at := first.header.Get("Location")
	listed := want(t, f.get(t, at), 200, "decisions")
	var list DecisionList
	if err := json.Unmarshal(listed.body, &list); err != nil || len(list.Data) != 1 || list.Data[0].EventID != e.EventID || list.Data[0].CustomerID != "cus_1" {
		t.Errorf("GET %s: %s (%v)", at, listed.body, err)
	}
	for _, other := range []string{strings.Replace(at, "cus_1", "cus_2", 1), strings.Replace(at, e.EventID, uuid.Must(uuid.NewV7()).String(), 1)} {
		if a := want(t, f.get(t, other), 200, "of nobody"); string(a.body) != "{\"data\":[]}\n" {
			t.Errorf("GET %s: %s", other, a.body)
		}
	}
	if a := f.call(t, "GET", at, "", header{"Authorization": "Bearer " + otherSecret}); string(a.body) != "{\"data\":[]}\n" {
		t.Errorf("another tenant reads %s", a.body)
	}
	if a := f.get(t, "/v1/customers/cus_1/events/7/decisions"); a.status != 422 {
		t.Errorf("an id that is none: %d %s", a.status, a.body)
	}
}

// What can be known to be wrong from the request alone leaves its key free and reaches no topic.
func TestUnreadableEvents(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	const card = "4111111111111111"
	now := time.Now()
	for _, test := range []struct {
		name, customer, body string
		status               int
		code, field          string
	}{
		{name: "no type", body: `{}`, status: 422, code: "invalid", field: "type"},
		{name: "a type that is none", body: `{"type":"Log in"}`, status: 422, code: "invalid", field: "type"},
		{name: "an amount in no currency", body: `{"type":"payout","amount":5}`, status: 422, code: "invalid", field: "currency"},
		{name: "a fraction", body: `{"type":"payout","amount":5.5,"currency":"EUR"}`, status: 400, code: "malformed", field: "amount"},
		{name: "a payment that is none", body: `{"type":"dispute","payment_id":"7"}`, status: 422, code: "invalid", field: "payment_id"},
		{name: "a card without a token", body: `{"type":"login","card":{"bin":"411111"}}`, status: 422, code: "invalid", field: "card.token"},
		{name: "an address that is none", body: `{"type":"login","context":{"ip":"here"}}`, status: 422, code: "invalid", field: "context.ip"},
		{name: "too long ago", body: fmt.Sprintf(`{"type":"login","occurred_at":%q}`, now.AddDate(0, 0, -31).Format(time.RFC3339)), status: 422, code: "too_old"},
		{name: "ahead", body: fmt.Sprintf(`{"type":"login","occurred_at":%q}`, now.AddDate(0, 0, 2).Format(time.RFC3339)), status: 422, code: "invalid", field: "occurred_at"},
		{name: "a field that is misspelt", body: `{"type":"login","ip":"203.0.113.7"}`, status: 400, code: "malformed", field: "ip"},
		{name: "an id of its own choice", body: `{"type":"login","event_id":"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"}`, status: 400, code: "malformed", field: "event_id"},
		{name: "a customer with a space", customer: "w%20w", body: `{"type":"login"}`, status: 422, code: "invalid", field: "customer_id"},
		{name: "a card number", body: `{"type":"login","metadata":{"pan":"` + card + `"}}`, status: 422, code: "card_number"},
		{name: "a card number as the customer", customer: card, body: `{"type":"login"}`, status: 422, code: "card_number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			customer := test.customer
			if customer == "" {
				customer = "w"
			}
			a := want(t, f.post(t, "/v1/customers/"+customer+"/events", test.name, test.body), test.status, test.name)
			e := a.error(t)
			if e.Error != test.code || test.field != "" && (e.Details == nil || e.Details.Field != test.field) {
				t.Errorf("got %s, want %s of %s", a.body, test.code, test.field)
			}
			if strings.Contains(string(a.body), card) {
				t.Errorf("the answer repeats the card number: %s", a.body)
			}
		})
	}
	if keys, events := f.keys(t), f.count(t, topics.CustomerEvents); keys != 0 || events != 0 {
		t.Errorf("%d keys are bound and %d events written, want none", keys, events)
	}
	if strings.Contains(f.logs.String(), card) {
		t.Error("the log holds the card number")
	}
}

// An event that is not decided on in time is named all the same, and its repeat gets the decision once there is one.
func TestEventDeadline(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.AnswerWithin = 50 * time.Millisecond }).ready(t)
	const path, body = "/v1/customers/cus_1/events", `{"type":"login"}`
	first := want(t, f.post(t, path, "k", body), 202, "without an engine").event(t)
	if first.Status != "accepted" || first.CustomerID != "cus_1" || first.Outcome != "" {
		t.Errorf("got %+v", first)
	}
	f.withEngine(t)
	eventually(t, "the repeat gets the decision", func() bool {
		a := f.post(t, path, "k", body)
		return a.status == 200 && a.event(t).EventID == first.EventID
	})
}

// A process that dies at any step leaves what the repeat repairs: the event is decided on once.
func TestDeathBetweenTheStepsOfAnEvent(t *testing.T) {
	const path, body = "/v1/customers/cus_1/events", `{"type":"login"}`
	for _, test := range []struct {
		name     string
		produced bool // before the death
		applied  bool // before the repeat
		events   int64
	}{
		{name: "claimed", events: 1},
		{name: "produced", produced: true, events: 2},
		{name: "decided", produced: true, applied: true, events: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, nil).ready(t)
			o := &eventOrder{call: &call{api: f.api, pattern: "POST /v1/customers/{customer}/events"},
				event: topics.CustomerEvent{Type: "login", Tenant: "acme", Region: "eu", CustomerID: "cus_1"}}
			f.carry(t, o, "k", test.produced)
			if test.applied {
				f.withEngine(t)
				f.records(t, topics.Decisions, 1)
			}
			f.abandon(t, "k")
			repeat := make(chan answer, 1)
			go func() { repeat <- f.post(t, path, "k", body) }()
			if !test.applied {
				eventually(t, "the event is produced", func() bool { return f.count(t, topics.CustomerEvents) == test.events })
				f.withEngine(t)
			}
			a := <-repeat
			for a.status == 202 { // it met its own deadline while the engine started
				a = f.post(t, path, "k", body)
			}
			want(t, a, 200, "repeat")
			if e := a.event(t); e.EventID != o.id.String() {
				t.Errorf("got %s, want the event %s", a.body, o.id)
			}
			if n := f.count(t, topics.CustomerEvents); n != test.events {
				t.Errorf("%d events were written, want %d", n, test.events)
			}
		})
	}
}
