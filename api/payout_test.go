package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// deposit gives a customer a wallet by way of a card.
func (f *fixture) deposit(t testing.TB, customer, token string, amount int64) {
	t.Helper()
	body := fmt.Sprintf(`{"customer_id":%q,"amount":%d,"currency":"EUR","authorize":true,"capture_method":"automatic","card":{"token":%q,"last4":"1111"}}`,
		customer, amount, token)
	want(t, f.post(t, "/v1/intents", "deposit-"+customer, body), 201, "the deposit of "+customer)
}

func (a answer) payout(t testing.TB) Payout {
	t.Helper()
	var p Payout
	if err := json.Unmarshal(a.body, &p); err != nil || p.ID == "" {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return p
}

// becomes waits until a payout has a status.
func (f *fixture) becomes(t testing.TB, id, status string) Payout {
	t.Helper()
	var p Payout
	eventually(t, id+" becomes "+status, func() bool {
		p = want(t, f.get(t, "/v1/payouts/"+id), 200, "the payout").payout(t)
		return p.Status == status
	})
	return p
}

func withdrawal(customer string, amount int64, more string) string {
	return fmt.Sprintf(`{"customer_id":%q,"amount":%d,"currency":"EUR"%s}`, customer, amount, more)
}

// A payout goes back to the card of the deposit, and is answered before the PSP is.
func TestPayoutIsPaid(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	e := f.withEngine(t)
	f.deposit(t, "anna", "tok_approved", 5000)
	e.hold(true)
	a := want(t, f.post(t, "/v1/payouts", "p1", withdrawal("anna", 3000, `,"requested_by":"anna","merchant_reference":"wd-1","metadata":{"level":"vip"}`)), 201, "the payout")
	p := a.payout(t)
	if p.Status != "sent" || p.WaitsFor != "psp" || p.Until == nil || p.Explanation == "" || p.Destination == nil || p.Destination.PSP != "sandbox" ||
		!p.Destination.Deposited || p.Destination.Amount != 0 || p.Destination.Card == nil || p.Destination.Card.Last4 != "1111" || p.RequestedBy != "anna" ||
		p.MerchantReference != "wd-1" || p.Metadata["level"] != "vip" || a.header.Get("Location") != "/v1/payouts/"+p.ID {
		t.Errorf("answered %s, Location %q", a.body, a.header.Get("Location"))
	}
	if strings.Contains(string(a.body), "tok_approved") {
		t.Errorf("the token is shown: %s", a.body)
	}
	has(t, f.wallet(t, "anna"), 2000, 0)
	if again := want(t, f.post(t, "/v1/payouts", "p1", withdrawal("anna", 3000, `,"requested_by":"anna","merchant_reference":"wd-1","metadata":{"level":"vip"}`)), 201, "again"); string(again.body) != string(a.body) {
		t.Errorf("the first answer was %s, then %s", a.body, again.body)
	}
	if other := f.post(t, "/v1/payouts", "p1", withdrawal("anna", 3001, "")); other.status != 422 {
		t.Errorf("other parameters under the same key: %d %s", other.status, other.body)
	}
	if busy := f.post(t, "/v1/payouts/"+p.ID+"/cancel", "c1", ""); busy.status != 409 || busy.error(t).Error != "in_progress" {
		t.Errorf("cancelled while it is sent: %d %s", busy.status, busy.body)
	}
}

// What the PSP says ends the payout; the money of one that failed comes back.
func TestPayoutOutcomes(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	for token, c := range map[string]struct {
		status, waitsFor string
		left             int64
	}{
		"tok_approved": {"paid", "", 2000}, "tok_payout_fails": {"failed", "", 5000}, "tok_payout_pending": {"sent", "psp", 2000},
	} {
		f.deposit(t, token, token, 5000)
		p := want(t, f.post(t, "/v1/payouts", token, withdrawal(token, 3000, "")), 201, token).payout(t)
		if token == "tok_payout_pending" {
			eventually(t, "the PSP has accepted", func() bool {
				return strings.Contains(f.becomes(t, p.ID, "sent").Explanation, "accepted")
			})
		}
		p = f.becomes(t, p.ID, c.status)
		if p.WaitsFor != c.waitsFor || (p.Until == nil) != (c.waitsFor == "") || p.Attempts != 1 {
			t.Errorf("%s: %+v", token, p)
		}
		if token == "tok_payout_fails" && (p.DeclineCode != "57" || !strings.Contains(p.Explanation, "money back")) {
			t.Errorf("failed: %+v", p)
		}
		has(t, f.wallet(t, token), c.left, 0)
	}
}

// A second person lets a held payout go on, or refuses it; whoever asked may not, and gives it up.
func TestPayoutIsReviewed(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	f.deposit(t, "anna", "tok_approved", 10_000)
	held := func(key, by string) Payout {
		t.Helper()
		p := want(t, f.post(t, "/v1/payouts", key, withdrawal("anna", 1000, `,"description":"hold","requested_by":"`+by+`"`)), 201, key).payout(t)
		if p.Status != "held" || p.WaitsFor != "approval" || p.Until == nil || !p.Until.After(time.Now()) || !slices.Equal(p.Reasons, []string{"test_rule"}) {
			t.Errorf("%s: %+v", key, p)
		}
		return p
	}
	approved, rejected, cancelled, own := held("h1", "ann"), held("h2", "ann"), held("h3", "ann"), held("h4", "Analyst")
	has(t, f.wallet(t, "anna"), 6000, 4000)
	review := func(p Payout, what, key, body string, status int) answer {
		t.Helper()
		second := header{"Authorization": "Bearer " + secondSecret, "Idempotency-Key": key}
		return want(t, f.call(t, http.MethodPost, "/v1/payouts/"+p.ID+"/"+what, body, second), status, what)
	}
	till := header{"Authorization": "Bearer " + tillSecret, "Idempotency-Key": "r0"}
	for _, what := range []string{"approve", "reject"} {
		if a := f.call(t, http.MethodPost, "/v1/payouts/"+approved.ID+"/"+what, "", till); a.status != 403 {
			t.Errorf("%s by a key that may not: %d %s", what, a.status, a.body)
		}
	}
	if a := review(own, "approve", "r1", "", 409); a.error(t).Error != "review_required" {
		t.Errorf("approved by whoever asked: %s", a.body)
	}
	review(own, "approve", "r2", `{"requested_by":"analyst"}`, 422)
	a := review(approved, "approve", "r3", "", 200)
	if p := a.payout(t); p.Status != "sent" || p.ApprovedBy != "analyst" || p.RequestedBy != "ann" {
		t.Errorf("approved: %+v", p)
	}
	f.becomes(t, approved.ID, "paid")
	if again := review(approved, "approve", "r3", "", 200); string(again.body) != string(a.body) {
		t.Errorf("the first answer was %s, then %s", a.body, again.body)
	}
	review(approved, "reject", "r4", "", 409)
	if p := review(rejected, "reject", "r5", `{"reason":"the deposit is disputed"}`, 200).payout(t); p.Status != "rejected" || !strings.Contains(p.Explanation, "the deposit is disputed") {
		t.Errorf("rejected: %+v", p)
	}
	if p := review(cancelled, "cancel", "r6", "", 200).payout(t); p.Status != "cancelled" {
		t.Errorf("cancelled: %+v", p)
	}
	has(t, f.wallet(t, "anna"), 8000, 1000)
	id, err := topics.ParsePayoutID(cancelled.ID)
	if err != nil {
		t.Fatal(err)
	}
	events, err := f.api.events.Payout(t.Context(), "acme", id, uuid.Nil)
	if n := len(events); err != nil || n == 0 || events[n-1].Type != topics.PayoutCancelled || events[n-1].RequestedBy != "analyst" {
		t.Errorf("want the API key that cancelled it in %+v, %v", events, err)
	}
}

// One API key does not both ask for a payout and approve it, whatever name it writes into requested_by. Another one may.
func TestPayoutTakesTwoKeys(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	f.deposit(t, "anna", "tok_approved", 10_000)
	for name, by := range map[string][2]string{"somebody named": {`,"requested_by":"ann"`, ""}, "somebody named later": {"", `{"requested_by":"ann"}`}} {
		p := want(t, f.post(t, "/v1/payouts", "c "+name, withdrawal("anna", 1000, `,"description":"hold"`+by[0])), 201, name).payout(t)
		alone := want(t, f.post(t, "/v1/payouts/"+p.ID+"/approve", "a "+name, by[1]), 409, name)
		if e := alone.error(t); e.Error != "review_required" || !strings.Contains(e.Message, "the API key that the payout was created with") {
			t.Errorf("%s: approved by the key that created it: %s", name, alone.body)
		}
		f.becomes(t, p.ID, "held")
		second := header{"Authorization": "Bearer " + secondSecret, "Idempotency-Key": "b " + name}
		if a := f.call(t, http.MethodPost, "/v1/payouts/"+p.ID+"/approve", by[1], second); a.status != 200 {
			t.Errorf("%s: approved by another key: %d %s", name, a.status, a.body)
		}
	}
}

func TestPayoutIsRefused(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	f.deposit(t, "anna", "tok_approved", 5000)
	f.give(t, "bert", 1000)
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"blocked", withdrawal("anna", 100, `,"description":"block"`), 402, "blocked"},
		{"more than there is", withdrawal("anna", 5001, ""), 422, "insufficient_funds"},
		{"nobody's wallet", withdrawal("nobody", 100, ""), 404, "unknown_account"},
		{"another currency", `{"customer_id":"anna","amount":100,"currency":"JPY"}`, 422, "currency_mismatch"},
		{"never deposited", withdrawal("bert", 100, ""), 422, "closed_loop"},
		{"another card", withdrawal("anna", 100, `,"card":{"token":"tok_other"}`), 422, "closed_loop"},
		{"no amount", `{"customer_id":"anna","currency":"EUR"}`, 422, "invalid"},
		{"no customer", `{"amount":100,"currency":"EUR"}`, 422, "invalid"},
		{"a card number", withdrawal("anna", 100, `,"card":{"token":"4111111111111111"}`), 422, "card_number"},
	} {
		a := want(t, f.post(t, "/v1/payouts", c.name, c.body), c.status, c.name)
		e := a.error(t)
		if e.Error != c.code {
			t.Errorf("%s: %s, want %s", c.name, a.body, c.code)
		}
		switch c.name {
		case "blocked":
			if e.Details == nil || e.Details.Payout == nil || e.Details.Payout.Status != "blocked" || !slices.Equal(e.Details.Reasons, []string{"test_rule"}) {
				t.Errorf("blocked: %s", a.body)
			} else if p := f.becomes(t, e.Details.Payout.ID, "blocked"); p.Attempts != 0 {
				t.Errorf("read: %+v", p)
			}
		case "another card":
			if e.Details == nil || e.Details.Possible == nil || e.Details.Possible.Amount != 5000 || e.Details.Possible.Card.Last4 != "1111" {
				t.Errorf("another card: %s; want what is possible", a.body)
			}
		}
	}
	has(t, f.wallet(t, "anna"), 5000, 0)
	nobody := "po_0001_" + strings.Repeat("0", 32)
	for _, path := range []string{nobody, nobody + "/cancel", "pay_1"} {
		method := map[bool]string{true: http.MethodPost, false: http.MethodGet}[strings.HasSuffix(path, "cancel")]
		if a := f.call(t, method, "/v1/payouts/"+path, "", header{"Idempotency-Key": "x"}); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// A customer's payouts are listed, newest first, page by page, and no other tenant's.
func TestPayoutsAreListed(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	f.deposit(t, "anna", "tok_approved", 5000)
	var ids []string
	for i := range 5 {
		description := map[bool]string{true: "hold", false: "block"}[i%2 == 0]
		f.post(t, "/v1/payouts", fmt.Sprint("p", i), withdrawal("anna", 100, `,"description":"`+description+`"`))
	}
	list := func(query string, as header) PayoutList {
		t.Helper()
		var page PayoutList
		if err := json.Unmarshal(want(t, f.call(t, http.MethodGet, "/v1/payouts?"+query, "", as), 200, query).body, &page); err != nil {
			t.Fatal(err)
		}
		return page
	}
	cursor := ""
	for range 3 {
		page := list("customer_id=anna&limit=2&cursor="+cursor, nil)
		for _, p := range page.Data {
			ids = append(ids, p.ID+" "+p.Status)
		}
		cursor = page.NextCursor
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(ids))); len(ids) != 5 || len(distinct) != 5 || cursor != "" {
		t.Errorf("listed %q, then %q", ids, cursor)
	}
	for i, id := range ids {
		if want := map[bool]string{true: "held", false: "blocked"}[i%2 == 0]; !strings.HasSuffix(id, " "+want) {
			t.Errorf("%d is %s, want %s: newest first", i, id, want)
		}
	}
	if page := list("customer_id=anna&status=blocked", nil); len(page.Data) != 2 {
		t.Errorf("blocked: %+v", page)
	}
	if page := list("customer_id=anna", header{"Authorization": "Bearer " + otherSecret}); len(page.Data) != 0 {
		t.Errorf("another tenant's: %+v", page)
	}
	for _, query := range []string{"", "customer_id=anna&status=gone", "customer_id=anna&limit=0", "customer_id=anna&customer=x", "customer_id=anna&cursor=x"} {
		if a := f.get(t, "/v1/payouts?"+query); a.status != 422 && a.status != 400 {
			t.Errorf("%q: %d %s", query, a.status, a.body)
		}
	}
}
