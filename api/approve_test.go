package api

import (
	"encoding/json"
	"testing"
)

// TestOnlyApproversApprove: what takes a second person takes an API key that may approve. Another one is told so, whatever it
// asks for, and leaves nothing behind; the rest it may do.
func TestOnlyApproversApprove(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	paid := want(t, f.post(t, "/v1/intents", "pay", authorize("tok_approved", `,"capture_method":"automatic"`)), 201, "pay").intent(t).ID
	held := func(key string) string {
		return "/v1/intents/" + want(t, f.post(t, "/v1/intents", key, authorize("tok_approved", `,"description":"hold it"`)), 201, key).intent(t).ID
	}
	f.give(t, "w1", 1000)
	placed := want(t, f.post(t, "/v1/wallets/w1/holds", "place", `{"amount":100,"currency":"EUR"}`), 201, "hold")
	var hold WalletChange
	if err := json.Unmarshal(placed.body, &hold); err != nil {
		t.Fatal(err)
	}
	const credits, adjustment = "/v1/wallets/w1/credits", `{"amount":100,"currency":"EUR","reason":"adjustment","requested_by":"ann"}`
	const approved = `"requested_by":"ann","approve":true}`
	bound := f.keys(t)
	till := func(key string) header {
		return header{"Authorization": "Bearer " + tillSecret, "Idempotency-Key": key}
	}
	for _, c := range []struct {
		name, path, body string
		approver         int // what a key that may approve is answered
	}{
		{"approve", held("one") + "/approve", "", 200},
		{"reject", held("two") + "/reject", "", 200},
		{"approve what is not there", "/v1/intents/pay_0000_019ac1b2f5a87c3e9d10aa5be2c17f44/approve", "", 404},
		{"refund", "/v1/intents/" + paid + "/refunds", `{"amount":100,"reason":"hold",` + approved, 201},
		{"refund that no rule holds", "/v1/intents/" + paid + "/refunds", `{"amount":100,` + approved, 201},
		{"credit", credits, `{"amount":100,"currency":"EUR","reason":"bonus","description":"hold",` + approved, 201},
		{"adjustment", credits, adjustment, 201},
		{"adjustment that says so", credits, `{"amount":100,"currency":"EUR","reason":"adjustment",` + approved, 201},
		{"adjustment of nobody", credits, `{"amount":100,"currency":"EUR","reason":"adjustment"}`, 422},
		{"debit", "/v1/wallets/w1/debits", `{"amount":100,"currency":"EUR","reason":"purchase",` + approved, 201},
		{"hold", "/v1/wallets/w1/holds", `{"amount":100,"currency":"EUR",` + approved, 201},
		{"capture", "/v1/wallets/w1/holds/" + hold.CommandID + "/capture", `{"reason":"purchase",` + approved, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := f.keys(t)
			a := want(t, f.call(t, "POST", c.path, c.body, till(c.name)), 403, "the till")
			if e := a.error(t); e.Error != "approver_required" {
				t.Errorf("got %s, want approver_required", a.body)
			}
			if after := f.keys(t); after != before || after < bound {
				t.Errorf("%d keys are bound, %d were", after, before)
			}
			want(t, f.post(t, c.path, c.name, c.body), c.approver, "a key that may approve")
		})
	}
	want(t, f.call(t, "POST", "/v1/intents/"+paid+"/refunds", `{"amount":100,"requested_by":"ann"}`, till("asked")), 201, "refund")
	want(t, f.call(t, "POST", credits, `{"amount":100,"currency":"EUR","reason":"bonus"}`, till("bonus")), 201, "credit")

	const networks = "/v1/lists/denied_networks"
	var proposed ListEdited
	a := want(t, f.call(t, "PUT", networks+"/entries/198.51.100.0%2F24", `{"reason":"attack"}`, till("")), 202, "an edit")
	if err := json.Unmarshal(a.body, &proposed); err != nil {
		t.Fatal(err)
	}
	refused := want(t, f.call(t, "PUT", networks+"/edits/"+proposed.EditID, "", till("")), 403, "approval of an edit")
	if e := refused.error(t); e.Error != "approver_required" {
		t.Errorf("got %s", refused.body)
	}
	want(t, f.call(t, "PUT", networks+"/edits/"+proposed.EditID, "", nil), 200, "approval of an edit by another key")
}
