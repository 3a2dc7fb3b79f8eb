package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestRulesOnRefundsAndWallets: what rules block or hold is refused with its reasons, the same again for the same key, and
// what they hold passes once the API key of a second person approves it.
func TestRulesOnRefundsAndWallets(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	intent := want(t, f.post(t, "/v1/intents", "pay", authorize("tok_approved", `,"capture_method":"automatic"`)), 201, "pay").intent(t)
	f.give(t, "w1", 1000)
	refund := "/v1/intents/" + intent.ID + "/refunds"
	for _, c := range []struct {
		name, path, body string
		status           int
		code             string
	}{
		{"a refund blocked", refund, `{"amount":100,"reason":"block"}`, 402, "blocked"},
		{"a block approved", refund, `{"amount":100,"reason":"block","requested_by":"ann","approve":true}`, 402, "blocked"},
		{"a refund held", refund, `{"amount":100,"reason":"hold"}`, 409, "review_required"},
		{"requested is not approved", refund, `{"amount":100,"reason":"hold","requested_by":"ann"}`, 409, "review_required"},
		{"approved by whoever asked", refund, `{"amount":100,"reason":"hold","requested_by":"Shop","approve":true}`, 422, "invalid"},
		{"approved, asked by nobody", refund, `{"amount":100,"reason":"hold","approve":true}`, 422, "invalid"},
		{"a refund approved", refund, `{"amount":100,"reason":"hold","requested_by":"ann","approve":true}`, 201, ""},
		{"a debit blocked", "/v1/wallets/w1/debits", `{"amount":100,"currency":"EUR","reason":"purchase","description":"block"}`, 402, "blocked"},
		{"a credit held", "/v1/wallets/w1/credits", `{"amount":100,"currency":"EUR","reason":"bonus","description":"hold"}`, 409, "review_required"},
		{"a credit approved", "/v1/wallets/w1/credits", `{"amount":100,"currency":"EUR","reason":"bonus","description":"hold","requested_by":"ann","approve":true}`, 201, ""},
		{"a hold held", "/v1/wallets/w1/holds", `{"amount":100,"currency":"EUR","description":"hold"}`, 409, "review_required"},
		{"a hold approved", "/v1/wallets/w1/holds", `{"amount":100,"currency":"EUR","description":"hold","requested_by":"ann","approve":true}`, 201, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := want(t, f.post(t, c.path, c.name, c.body), c.status, c.name)
			if c.code != "" {
				if e := a.error(t); e.Error != c.code || c.status != 422 && !slices.Equal(e.Details.Reasons, []string{"test_rule"}) {
					t.Errorf("got %s, want %s and the reasons", a.body, c.code)
				}
			}
			if again := want(t, f.post(t, c.path, c.name, c.body), c.status, "again"); c.status != 422 && string(again.body) != string(a.body) {
				t.Errorf("the first answer was %s, then %s", a.body, again.body)
			}
			approved := strings.Replace(c.body, `"approve":true`, `"approve":false`, 1)
			if other := f.post(t, c.path, c.name, approved); approved != c.body && c.status != 422 && other.status != 422 {
				t.Errorf("an approval taken back under the same key: %d %s", other.status, other.body)
			}
		})
	}
	has(t, f.wallet(t, "w1"), 1000, 100)
	var list DecisionList
	if err := json.Unmarshal(want(t, f.get(t, "/v1/intents/"+intent.ID+"/decisions"), 200, "decisions").body, &list); err != nil {
		t.Fatal(err)
	}
	if n := len(list.Data); n != 2 || list.Data[1].Outcome != "hold" || list.Data[1].ApprovedBy != "shop" {
		t.Errorf("decisions %+v", list.Data)
	}
}
