package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
)

// authorize returns a create request that also authorises.
func authorize(token, more string) string {
	return `{"amount":1050,"currency":"EUR","customer_id":"c1","authorize":true,"card":{"token":"` + token + `","last4":"1111"}` + more + `}`
}

func want(t testing.TB, a answer, status int, what string) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("%s: got %d %s, want %d", what, a.status, a.body, status)
	}
	return a
}

// One payment through the whole interface.
func TestAPaymentsLife(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	created := want(t, f.post(t, "/v1/intents", "create", goodCreate), 201, "create")
	intent := created.intent(t)
	path := "/v1/intents/" + intent.ID
	if intent.Status != "created" || intent.CustomerID != "c1" || created.header.Get("Location") != path {
		t.Errorf("got %s at %s", created.body, created.header.Get("Location"))
	}
	authorized := want(t, f.post(t, path+"/authorize", "authorize", ""), 200, "authorize").intent(t)
	if authorized.Status != "authorized" || authorized.Authorized != 1050 || authorized.Capturable != 1050 {
		t.Errorf("got %+v", authorized)
	}
	captured := want(t, f.post(t, path+"/capture", "capture", `{"amount":600}`), 200, "capture").intent(t)
	if captured.Status != "partially_captured" || captured.Captured != 600 {
		t.Errorf("got %+v", captured)
	}
	if authorized.ExpiresAt == nil || captured.ExpiresAt == nil {
		t.Errorf("expires at %v, captured in part at %v, want when the authorisation does", authorized.ExpiresAt, captured.ExpiresAt)
	}
	voided := want(t, f.post(t, path+"/void", "void", `{"reason":"the rest is out of stock"}`), 200, "void").intent(t)
	if voided.Released != 450 || voided.Capturable != 0 || voided.ExpiresAt != nil {
		t.Errorf("got %+v, want nothing left that expires", voided)
	}
	var refund Refund
	body := want(t, f.post(t, path+"/refunds", "refund", `{"amount":250,"reason":"damaged"}`), 201, "refund").body
	if err := json.Unmarshal(body, &refund); err != nil || refund.Status != "settled" || refund.Amount != 250 || refund.IntentID != intent.ID {
		t.Errorf("got %s", body)
	}
	var refunds RefundList
	if err := json.Unmarshal(f.get(t, path+"/refunds").body, &refunds); err != nil || len(refunds.Data) != 1 || refunds.Data[0] != refund {
		t.Errorf("got %+v, want the refund", refunds)
	}
	var decided DecisionList
	answer := want(t, f.get(t, path+"/decisions"), 200, "decisions").body
	if err := json.Unmarshal(answer, &decided); err != nil || len(decided.Data) < 2 || strings.Contains(string(answer), "0001-01-01") || decided.Data[0].RuleSet != "test_set" ||
		decided.Data[0].Rules[0].Read["card.type"] != "credit" || decided.Data[0].Features["tries"].Value != 3 {
		t.Errorf("decisions %s (%v)", answer, err)
	}
	last := want(t, f.get(t, path), 200, "read").intent(t)
	if last.Status != "partially_refunded" || last.Refunded != 250 || last.Refundable != 350 {
		t.Errorf("got %+v", last)
	}
	for _, refused := range []struct {
		path, body string
		status     int
		code       topics.RefusalCode
	}{
		{path: "/refunds", body: `{"amount":351}`, status: 422, code: topics.RefusedExceedsCaptured},
		{path: "/refunds", body: `{"amount":1,"currency":"USD"}`, status: 422, code: topics.RefusedCurrencyMismatch},
		{path: "/capture", body: `{"amount":451}`, status: 422, code: topics.RefusedExceedsAuthorized},
		{path: "/cancel", body: `{}`, status: 409, code: topics.RefusedWrongState},
		{path: "/refunds", body: `{"amount":0}`, status: 422, code: topics.RefusedInvalid},
	} {
		a := f.post(t, path+refused.path, "refused"+refused.path+refused.body, refused.body)
		if a.status != refused.status || a.error(t).Error != string(refused.code) {
			t.Errorf("%s %s: got %d %s, want %d %s", refused.path, refused.body, a.status, a.body, refused.status, refused.code)
		}
	}
	if a := f.call(t, "GET", path, "", header{"Authorization": "Bearer " + otherSecret}); a.status != 404 {
		t.Errorf("another tenant reads it: %d", a.status)
	}
	if a := f.call(t, "POST", path+"/refunds", "", header{"Authorization": "Bearer " + otherSecret, "Idempotency-Key": "k"}); a.status != 404 {
		t.Errorf("another tenant refunds it: %d", a.status)
	}
}

func TestOutcomesOfAnAuthorisation(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	for _, test := range []struct {
		name, body, intent string
		status             int
		code               string
	}{
		{name: "approved", body: authorize("tok_approved", ""), status: 201, intent: "authorized"},
		{name: "captured in one call", body: authorize("tok_approved", `,"capture_method":"automatic"`), status: 201, intent: "captured"},
		{name: "a guest", body: strings.Replace(authorize("tok_approved", ""), `"customer_id":"c1",`, "", 1), status: 201, intent: "authorized"},
		{name: "declined", body: authorize("tok_declined", ""), status: 402, code: "declined", intent: "declined"},
		{name: "blocked", body: authorize("tok_approved", `,"description":"block it"`), status: 402, code: "blocked", intent: "blocked"},
		{name: "held", body: authorize("tok_approved", `,"description":"hold it"`), status: 201, intent: "held"},
		{name: "challenged", body: authorize("tok_challenge", ""), status: 201, intent: "requires_action"},
		{name: "unknown", body: authorize("tok_unknown", ""), status: 202, intent: "unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := want(t, f.post(t, "/v1/intents", test.name, test.body), test.status, test.name)
			var intent *Intent
			if test.code != "" {
				e := a.error(t)
				if intent = e.Details.Intent; e.Error != test.code {
					t.Errorf("got %s, want %s", e.Error, test.code)
				}
				if said := e.Details.DeclineCategory + ": " + e.Details.CustomerMessage; test.code == "declined" &&
					!strings.HasPrefix(said, "insufficient_funds: There is not enough money") || test.code != "declined" && said != ": " {
					t.Errorf("the customer is told: %s", said)
				}
			} else {
				read := a.intent(t)
				intent = &read
			}
			if intent == nil || intent.Status != test.intent {
				t.Fatalf("got %s, want an intent that is %s", a.body, test.intent)
			}
			// The answer is made of the events, what is read of the row.
			read := f.get(t, "/v1/intents/"+intent.ID)
			if test.status == 201 && string(read.body) != string(a.body) {
				t.Errorf("answered, then read:\n%s%s", a.body, read.body)
			}
			if shown := read.intent(t); test.code != "" {
				e := a.error(t)
				if shown.DeclineCategory != e.Details.DeclineCategory || shown.CustomerMessage != e.Details.CustomerMessage {
					t.Errorf("read: %s, %s; answered: %s, %s", shown.DeclineCategory, shown.CustomerMessage, e.Details.DeclineCategory, e.Details.CustomerMessage)
				}
			}
			again := want(t, f.post(t, "/v1/intents", test.name, test.body), test.status, "repeat")
			if string(again.body) != string(a.body) {
				t.Errorf("the repeat differs:\n%s%s", a.body, again.body)
			}
			if replayed := again.header.Get("Idempotency-Replayed"); (replayed == "true") != (test.status != 202) {
				t.Errorf("Idempotency-Replayed: %q after %d", replayed, test.status)
			}
		})
	}
}

func TestChallengeIsConfirmed(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	intent := want(t, f.post(t, "/v1/intents", "k", authorize("tok_challenge", "")), 201, "create").intent(t)
	if intent.NextAction == nil || intent.NextAction.URL == "" {
		t.Fatalf("no next action: %+v", intent)
	}
	if read := f.get(t, "/v1/intents/"+intent.ID); bytes.Contains(read.body, []byte("0001-01-01")) {
		t.Errorf("a time that the PSP did not give is told: %s", read.body)
	}
	a := want(t, f.post(t, "/v1/intents/"+intent.ID+"/confirm", "k2", `{"challenge":{"result":"authenticated","eci":"05"}}`), 200, "confirm")
	if status := a.intent(t).Status; status != "authorized" {
		t.Errorf("got %s, want authorized", status)
	}
}

func TestHeldIntentIsReviewed(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	hold := func(key, token string, ask bool) string {
		body := fmt.Sprintf(`{"amount":1050,"currency":"EUR","customer_id":"c1","authorize":%v,"description":"hold it","card":{"token":%q}}`, ask, token)
		intent := want(t, f.post(t, "/v1/intents", key, body), 201, "create").intent(t)
		if intent.Status != "held" {
			t.Fatalf("got %+v, want a held intent", intent)
		}
		return "/v1/intents/" + intent.ID
	}
	for _, test := range []struct {
		name, token, verb string
		ask               bool // the create also asks the PSP, once it may
		status            int
		intent            string
	}{
		{name: "approved, then the PSP approves", token: "tok_approved", verb: "approve", ask: true, status: 200, intent: "authorized"},
		{name: "approved, then the PSP declines", token: "tok_declined", verb: "approve", ask: true, status: 402, intent: "declined"},
		{name: "approved, nothing asked of the PSP", token: "tok_approved", verb: "approve", status: 200, intent: "created"},
		{name: "rejected", token: "tok_approved", verb: "reject", ask: true, status: 200, intent: "rejected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := hold(test.name, test.token, test.ask)
			a := want(t, f.post(t, path+"/"+test.verb, test.name+" review", `{"reason":"known customer"}`), test.status, test.verb)
			if test.status == 200 && a.intent(t).Status != test.intent {
				t.Errorf("got %s, want an intent that is %s", a.body, test.intent)
			}
			if read := f.get(t, path).intent(t); read.Status != test.intent {
				t.Errorf("got %s, want %s", read.Status, test.intent)
			}
			again := want(t, f.post(t, path+"/"+test.verb, test.name+" review", `{"reason":"known customer"}`), test.status, "repeat")
			if string(again.body) != string(a.body) {
				t.Errorf("the repeat differs:\n%s%s", a.body, again.body)
			}
			if a := f.post(t, path+"/"+test.verb, test.name+" second", ""); a.status != 409 {
				t.Errorf("a second review: got %d %s, want 409", a.status, a.body)
			}
		})
	}
}

func TestCaptureThatFails(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	intent := want(t, f.post(t, "/v1/intents", "k", authorize("tok_capture_fails", "")), 201, "create").intent(t)
	a := want(t, f.post(t, "/v1/intents/"+intent.ID+"/capture", "k2", ""), 402, "capture")
	if e := a.error(t); e.Error != "capture_failed" || e.Details.Intent.Status != "authorized" {
		t.Errorf("got %s", a.body)
	}
}

// TestIncrementAndDelayedCapture: more is authorised, or is not and leaves what was; the capture that is put off shows when it is due.
func TestIncrementAndDelayedCapture(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	intent := want(t, f.post(t, "/v1/intents", "k", authorize("tok_approved", `,"capture_method":"automatic","capture_delay_seconds":3600`)), 201, "create").intent(t)
	if intent.Status != "authorized" || intent.CaptureAt == nil || intent.CaptureAt.Sub(*intent.UpdatedAt) != time.Hour {
		t.Errorf("delayed: %+v", intent)
	}
	path := "/v1/intents/" + intent.ID
	a := want(t, f.post(t, path+"/increment", "k2", `{"amount":950}`), 200, "increment")
	if raised := a.intent(t); raised.Authorized != 2000 || raised.Capturable != 2000 || raised.Captured != 0 {
		t.Errorf("raised: %s", a.body)
	}
	if again := want(t, f.post(t, path+"/increment", "k2", `{"amount":950}`), 200, "repeat"); string(again.body) != string(a.body) {
		t.Errorf("the repeat differs:\n%s%s", a.body, again.body)
	}
	want(t, f.post(t, path+"/increment", "k3", `{}`), 422, "an increment without an amount")
	if captured := want(t, f.post(t, path+"/capture", "k4", `{"amount":1500}`), 200, "capture").intent(t); captured.Captured != 1500 || captured.CaptureAt != nil {
		t.Errorf("captured: %+v", captured)
	}
	want(t, f.post(t, path+"/increment", "k5", `{"amount":1}`), 409, "an increment of what is captured in part")

	other := want(t, f.post(t, "/v1/intents", "k6", authorize("tok_increment_declined", "")), 201, "create").intent(t)
	if e := want(t, f.post(t, "/v1/intents/"+other.ID+"/increment", "k7", `{"amount":950}`), 402, "declined").error(t); e.Error != "increment_failed" || e.Details.Intent.Authorized != 1050 {
		t.Errorf("declined: %+v", e)
	}
}

func TestPendingRefundIsAccepted(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	intent := want(t, f.post(t, "/v1/intents", "k", authorize("tok_refund_pending", `,"capture_method":"automatic"`)), 201, "create").intent(t)
	a := want(t, f.post(t, "/v1/intents/"+intent.ID+"/refunds", "k2", ""), 202, "refund")
	var refund Refund
	if err := json.Unmarshal(a.body, &refund); err != nil || refund.Status != "pending" || refund.ID == "" || refund.Amount != 1050 {
		t.Errorf("got %s", a.body)
	}
}

func TestIdempotency(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	body := authorize("tok_approved", "")
	first := want(t, f.post(t, "/v1/intents", "k", body), 201, "first")

	t.Run("the same request in another form", func(t *testing.T) {
		spaced := strings.ReplaceAll(body, ":", " : ")
		a := want(t, f.call(t, "POST", "/v1/intents", spaced, header{"X-Idempotency-Key": "k", "X-Trace-Id": "another"}), 201, "repeat")
		if string(a.body) != string(first.body) || a.header.Get("Idempotency-Replayed") != "true" || a.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("got %s %v", a.body, a.header)
		}
	})
	for name, other := range map[string]string{
		"another amount":   strings.Replace(body, "1050", "1051", 1),
		"another customer": strings.Replace(body, "c1", "c2", 1),
		"no customer":      strings.Replace(body, `"customer_id":"c1",`, "", 1),
	} {
		if a := f.post(t, "/v1/intents", "k", other); a.status != 422 || a.error(t).Error != "idempotency_mismatch" {
			t.Errorf("%s: got %d %s, want 422", name, a.status, a.body)
		}
	}
	if a := f.post(t, "/v1/intents/"+first.intent(t).ID+"/capture", "k", ""); a.status != 422 {
		t.Errorf("another operation: got %d %s, want 422", a.status, a.body)
	}
	t.Run("another tenant's key", func(t *testing.T) {
		a := f.call(t, "POST", "/v1/intents", body, header{"Idempotency-Key": "k", "Authorization": "Bearer " + otherSecret})
		if want(t, a, 201, "other tenant").intent(t).ID == first.intent(t).ID {
			t.Error("two tenants share a payment")
		}
	})
	t.Run("a guest's retry", func(t *testing.T) {
		guest := strings.Replace(body, `"customer_id":"c1",`, "", 1)
		one, two := want(t, f.post(t, "/v1/intents", "guest", guest), 201, "guest"), f.post(t, "/v1/intents", "guest", guest)
		if string(one.body) != string(two.body) {
			t.Errorf("two payments:\n%s%s", one.body, two.body)
		}
	})
	t.Run("after a restart", func(t *testing.T) {
		f.stop()
		g := newFixtureOn(t, f.broker, f.db, nil)
		if a := want(t, g.ready(t).post(t, "/v1/intents", "k", body), 201, "repeat"); string(a.body) != string(first.body) {
			t.Errorf("the answer has changed:\n%s%s", first.body, a.body)
		}
	})
}

// Of many equal requests at once one makes the payment; the others are told to wait or get its answer.
func TestConcurrentRepeats(t *testing.T) {
	const n = 50
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	answers := make([]answer, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { answers[i] = f.post(t, "/v1/intents", "k", authorize("tok_approved", "")) })
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, a := range answers {
		switch {
		case a.status == 201:
			ids[a.intent(t).ID] = true
		case a.status == 409 && a.error(t).Error == "in_flight" && a.header.Get("Retry-After") != "":
		default:
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if len(ids) != 1 || f.count(t, topics.Commands) != 1 {
		t.Errorf("%d payments from %d commands, want one", len(ids), f.count(t, topics.Commands))
	}
}

// A write that is not answered in time says so, and its repeat gets the result once there is one.
func TestDeadline(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.AnswerWithin = 200 * time.Millisecond }).ready(t)
	e := f.withEngine(t)
	e.hold(true)
	body := authorize("tok_approved", "")
	first := want(t, f.post(t, "/v1/intents", "k", body), 202, "first")
	if intent := first.intent(t); intent.Status != "authorizing" {
		t.Errorf("got %s, want authorizing", intent.Status)
	}
	if second := want(t, f.post(t, "/v1/intents", "k", body), 202, "second"); second.header.Get("Idempotency-Replayed") != "" {
		t.Error("a 202 is no answer to replay")
	}
	if n := f.count(t, topics.Commands); n != 1 {
		t.Errorf("%d commands for an applied one, want 1", n)
	}
	f.answer(t, first.intent(t).ID, topics.PSPApproved)
	eventually(t, "the repeat gets the result", func() bool {
		a := f.post(t, "/v1/intents", "k", body)
		return a.status == 201 && a.intent(t).Status == "authorized"
	})
}

// answer plays the PSP for the one request of a payment that was left unanswered.
func (f *fixture) answer(t testing.TB, payment string, outcome topics.PSPOutcome) {
	t.Helper()
	var request topics.PSPRequest
	for _, r := range f.records(t, topics.PSPRequests, 1) {
		if err := topics.Unmarshal(r.Value, &request); err != nil {
			t.Fatal(err)
		}
	}
	if request.PaymentID != payment {
		t.Fatalf("the request is for %s, want %s", request.PaymentID, payment)
	}
	id, err := topics.ParsePaymentID(payment)
	if err != nil {
		t.Fatal(err)
	}
	f.inbox(t, id.Partition, topics.TypePSPReport, &topics.PSPReport{
		ReportID: uuid.Must(uuid.NewV7()).String(), Source: topics.SourceResponse, PSP: request.PSP, Tenant: request.Tenant,
		CustomerID: request.CustomerID, PaymentID: payment, RequestID: request.RequestID, Operation: request.Operation,
		Outcome: outcome, Amount: request.Amount, Currency: request.Currency, PSPReference: "ch_late",
	})
}

// Before the engine has decided on a create, the intent is known by its command alone.
func TestAcceptedBeforeItIsDecidedOn(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.AnswerWithin = 50 * time.Millisecond }).ready(t)
	body := authorize("tok_approved", "")
	first := want(t, f.post(t, "/v1/intents", "k", body), 202, "without an engine")
	intent := first.intent(t)
	if intent.Status != "accepted" || intent.Amount != 1050 || first.header.Get("Location") != "/v1/intents/"+intent.ID {
		t.Errorf("got %s at %q", first.body, first.header.Get("Location"))
	}
	f.withEngine(t)
	eventually(t, "the intent exists under the id that was given", func() bool {
		return f.get(t, "/v1/intents/"+intent.ID).status == 200
	})
	eventually(t, "the repeat gets the result", func() bool {
		a := f.post(t, "/v1/intents", "k", body)
		return a.status == 201 && a.intent(t).ID == intent.ID
	})
}

// Lists go through pages, newest first, and keep to their tenant and filter.
func TestLists(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	var made []string
	for i := range 5 {
		body := fmt.Sprintf(`{"amount":%d,"currency":"EUR","customer_id":"c%d","card":{"token":"tok_approved"}}`, 100+i, i%2)
		made = append(made, want(t, f.post(t, "/v1/intents", fmt.Sprint("k", i), body), 201, "create").intent(t).ID)
	}
	list := func(query string) (ids []string, next string) {
		var page IntentList
		a := want(t, f.get(t, "/v1/intents?"+query), 200, query)
		if err := json.Unmarshal(a.body, &page); err != nil {
			t.Fatal(err)
		}
		for _, intent := range page.Data {
			ids = append(ids, intent.ID)
		}
		return ids, page.NextCursor
	}
	var seen []string
	for cursor := ""; ; {
		ids, next := list("limit=2&cursor=" + cursor)
		seen = append(seen, ids...)
		if cursor = next; next == "" {
			break
		}
	}
	if len(seen) != 5 || seen[0] != made[4] || seen[4] != made[0] {
		t.Errorf("got %v, want %v backwards", seen, made)
	}
	if ids, _ := list("customer_id=c1"); len(ids) != 2 {
		t.Errorf("customer c1 has %v, want two", ids)
	}
	if ids, _ := list("status=created"); len(ids) != 5 {
		t.Errorf("created are %v, want five", ids)
	}
	if ids, _ := list("status=voided"); len(ids) != 0 {
		t.Errorf("voided are %v, want none", ids)
	}
}

// The client that goes away does not stop what it began.
func TestClientGoesAway(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	e := f.withEngine(t)
	e.hold(true)
	body := authorize("tok_approved", "")
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, "POST", f.url+"/v1/intents", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + testSecret}, "Idempotency-Key": {"k"}, "Content-Type": {"application/json"}}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	f.records(t, topics.PSPRequests, 1)
	cancel()
	<-gone
	var id topics.PaymentID
	if err := f.db.Pool.QueryRow(t.Context(), `SELECT partition, id FROM payments`).Scan(&id.Partition, &id.UUID); err != nil {
		t.Fatal(err)
	}
	payment := id.String()
	f.answer(t, payment, topics.PSPApproved)
	eventually(t, "the answer is stored", func() bool {
		a := f.post(t, "/v1/intents", "k", body)
		return a.status == 201 && a.intent(t).ID == payment && a.header.Get("Idempotency-Replayed") == "true"
	})
}
