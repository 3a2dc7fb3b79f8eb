package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func (a answer) mandate(t testing.TB) Mandate {
	t.Helper()
	var m Mandate
	if err := json.Unmarshal(a.body, &m); err != nil || m.ID == "" {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return m
}

// TestMandate: a first payment sets it up, later ones name it in the place of a card; what is declined for now is answered with
// when it is asked for again, and what is declined for good ends it.
func TestMandate(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	first := func(key, token string) answer {
		return f.post(t, "/v1/intents", key, fmt.Sprintf(`{"customer_id":"anna","amount":1000,"currency":"EUR","authorize":true,"capture_method":"automatic",
			"card":{"token":%q,"last4":"1111"},"setup_mandate":{"type":"recurring","max_amount":2000,"description":"monthly"}}`, token))
	}
	if a := first("declined", "tok_declined"); a.status != 402 || a.error(t).Error != "declined" {
		t.Errorf("a first payment that is declined: %d %s", a.status, a.body)
	}
	set := want(t, first("first", "tok_kept"), 201, "the first payment").intent(t)
	m := want(t, f.get(t, "/v1/mandates/"+set.MandateID), 200, "the mandate").mandate(t)
	if m.Status != "active" || m.IntentID != set.ID || m.CustomerID != "anna" || m.MaxAmount != 2000 || m.NetworkReference != "net_1" || m.Card.Last4 != "1111" || m.EndedAt != nil {
		t.Errorf("the mandate %+v of %+v", m, set)
	}
	by := func(key string, amount int64, more string) answer {
		return f.post(t, "/v1/intents", key, fmt.Sprintf(`{"customer_id":"anna","amount":%d,"currency":"EUR","authorize":true,"capture_method":"automatic","mandate":%q%s}`, amount, m.ID, more))
	}
	if paid := want(t, by("paid", 1500, ""), 201, "a payment by it").intent(t); paid.Status != "captured" || paid.MandateID != m.ID || paid.Retry != nil || paid.Card.Last4 != "1111" {
		t.Errorf("paid by it: %+v", paid)
	}
	soft := want(t, by("soft", 510, ""), 202, "one that is declined for now")
	if i := soft.intent(t); i.Status != "queued" || i.Retry == nil || i.Retry.Attempts != 1 || i.Retry.Left != 4 || i.Retry.At.Sub(*i.CreatedAt) < 23*time.Hour ||
		i.DeclineCode != "51" || i.DeclineCategory != "insufficient_funds" || !strings.HasPrefix(i.CustomerMessage, "There is not enough money") {
		t.Errorf("declined for now: %s", soft.body)
	}
	if again := want(t, by("soft", 510, ""), 202, "again"); string(again.body) != string(soft.body) {
		t.Errorf("the first answer was %s, then %s", soft.body, again.body)
	}
	if read := want(t, f.get(t, "/v1/intents/"+soft.intent(t).ID), 200, "read").intent(t); read.DeclineCategory != "insufficient_funds" || read.DeclineCode != "51" {
		t.Errorf("read: %+v", read)
	}
	want(t, f.post(t, "/v1/intents/"+soft.intent(t).ID+"/cancel", "enough", `{"reason":"paid otherwise"}`), 200, "waited for no longer")
	if last := want(t, by("soft", 510, ""), 201, "the last word"); last.intent(t).Status != "cancelled" {
		t.Errorf("after the cancellation the payment is answered with %s", last.body)
	}
	for key, c := range map[string]struct {
		amount int64
		more   string
		status int
		code   string
	}{
		"above":  {2001, "", 422, "exceeds_mandate"},
		"card":   {1000, `,"card":{"token":"tok_kept"}`, 422, "invalid"},
		"method": {1000, `,"payment_method":{"type":"qr"}`, 422, "invalid"},
		"other":  {1000, `,"description":"x"`, 201, ""},
	} {
		if a := by(key, c.amount, c.more); a.status != c.status || c.code != "" && a.error(t).Error != c.code {
			t.Errorf("%s: %d %s", key, a.status, a.body)
		}
	}
	if hard := by("hard", 430, ""); hard.status != 402 || hard.error(t).Details.DeclineCategory != "lost_or_stolen" {
		t.Errorf("declined for good: %d %s", hard.status, hard.body)
	}
	eventually(t, "the decline has ended it", func() bool {
		m = f.get(t, "/v1/mandates/"+m.ID).mandate(t)
		return m.Status == "failed" && m.DeclineCategory == "lost_or_stolen" && m.EndedBy != "" && m.EndedAt != nil
	})
	if a := by("late", 1000, ""); a.status != 409 || a.error(t).Error != "mandate_not_active" {
		t.Errorf("by one that has ended: %d %s", a.status, a.body)
	}
	second := want(t, first("second", "tok_kept"), 201, "another one").intent(t)
	revoked := want(t, f.post(t, "/v1/mandates/"+second.MandateID+"/revoke", "r1", `{"reason":"asked for"}`), 200, "revoked")
	if r := revoked.mandate(t); r.Status != "revoked" || r.ID != second.MandateID {
		t.Errorf("revoked: %s", revoked.body)
	}
	if a := f.post(t, "/v1/mandates/"+second.MandateID+"/revoke", "r2", ""); a.status != 409 || a.error(t).Error != "finished" {
		t.Errorf("revoked twice: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/v1/mandates/" + set.ID, "/v1/mandates/man_0000_00000000000070008000000000000000"} {
		if a := f.get(t, path); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	var list MandateList
	if a := want(t, f.get(t, "/v1/customers/anna/mandates"), 200, "the list"); json.Unmarshal(a.body, &list) != nil || len(list.Data) != 3 ||
		list.Data[0].Status != "revoked" || list.Data[1].Status != "failed" || list.Data[2].Status != "failed" {
		t.Errorf("listed: %s", a.body)
	}
}
