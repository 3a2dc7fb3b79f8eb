package api

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
)

func (a answer) change(t testing.TB) WalletChange {
	t.Helper()
	var c WalletChange
	if err := json.Unmarshal(a.body, &c); err != nil || c.CommandID == "" {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return c
}

// wallet reads a customer's wallet.
func (f *fixture) wallet(t testing.TB, customer string) Wallet {
	t.Helper()
	var w Wallet
	a := want(t, f.get(t, "/v1/wallets/"+customer), 200, "read the wallet")
	if err := json.Unmarshal(a.body, &w); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return w
}

func (f *fixture) holdOf(t testing.TB, path string) Hold {
	t.Helper()
	var h Hold
	a := want(t, f.get(t, path), 200, "read the hold")
	if err := json.Unmarshal(a.body, &h); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return h
}

// give credits a customer with a bonus in EUR.
func (f *fixture) give(t testing.TB, customer string, amount int64) {
	t.Helper()
	body := fmt.Sprintf(`{"amount":%d,"currency":"EUR","reason":"bonus"}`, amount)
	want(t, f.post(t, "/v1/wallets/"+customer+"/credits", fmt.Sprintf("give %s %d", customer, amount), body), 201, "credit")
}

// has fails where the customer's one balance is another one.
func has(t testing.TB, w Wallet, available, held int64) {
	t.Helper()
	balance := WalletBalance{Currency: "EUR", Available: available, Held: held, Total: available + held}
	if len(w.Balances) != 1 || w.Balances[0] != balance {
		t.Errorf("got %+v, want %+v", w.Balances, balance)
	}
}

// One wallet through the whole interface.
func TestAWalletsLife(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	const path = "/v1/wallets/w1"
	credited := want(t, f.post(t, path+"/credits", "credit", `{"amount":5000,"currency":"EUR","reason":"bonus"}`), 201, "credit")
	if c := credited.change(t); c.Status != "credited" || c.CustomerID != "w1" || c.EventID == "" || c.Balance == nil ||
		c.Balance.Available != 5000 || c.At == nil || credited.header.Get("Location") != "" {
		t.Errorf("credited: %s", credited.body)
	}
	bet := `{"amount":2000,"currency":"EUR","reason":"game","round_id":"r1","effective_at":"2026-01-02T04:04:05+01:00","description":"slot 7"}`
	debited := want(t, f.post(t, path+"/debits", "bet", bet), 201, "debit").change(t)
	if debited.Status != "debited" || debited.RoundID != "r1" || debited.Balance.Available != 3000 ||
		!debited.EffectiveAt.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("debited: %+v", debited)
	}
	want(t, f.post(t, path+"/credits", "win", `{"amount":3000,"currency":"EUR","reason":"game","round_id":"r1"}`), 201, "win")
	has(t, f.wallet(t, "w1"), 6000, 0)

	placed := want(t, f.post(t, path+"/holds", "hold", `{"amount":1500,"currency":"EUR","expires_at":"2099-01-01T00:00:00Z"}`), 201, "hold")
	held := placed.change(t)
	hold := path + "/holds/" + held.CommandID
	if placed.header.Get("Location") != hold || held.Hold == nil || held.Hold.ID != held.CommandID || held.Hold.Status != "open" {
		t.Errorf("held: %s at %q", placed.body, placed.header.Get("Location"))
	}
	has(t, f.wallet(t, "w1"), 4500, 1500)
	if read := f.holdOf(t, hold); read.Remaining != 1500 || read.Currency != "EUR" || read.CustomerID != "w1" || !read.ExpiresAt.Equal(*held.Hold.ExpiresAt) {
		t.Errorf("the hold reads %+v", read)
	}
	part := want(t, f.post(t, hold+"/capture", "capture", `{"amount":1000,"currency":"EUR","reason":"purchase"}`), 200, "capture").change(t)
	if part.Status != "hold_captured" || part.Amount != 1000 || part.Hold.Remaining != 500 || part.Balance.Held != 500 {
		t.Errorf("captured: %+v", part)
	}
	released := want(t, f.post(t, hold+"/release", "release", ""), 200, "release").change(t)
	if released.Status != "hold_released" || released.Amount != 500 || released.Hold.Status != "finished" {
		t.Errorf("released: %+v", released)
	}
	if read := f.holdOf(t, hold); read.Status != "finished" || read.Captured != 1000 || read.Released != 500 || read.Remaining != 0 {
		t.Errorf("the hold reads %+v", read)
	}
	has(t, f.wallet(t, "w1"), 5000, 0)

	undone := want(t, f.post(t, path+"/rounds/r1/rollback", "rollback", ""), 200, "rollback").change(t)
	if undone.Status != "round_rolled_back" || undone.RoundID != "r1" || undone.Amount != -1000 || undone.Balance.Available != 4000 {
		t.Errorf("rolled back: %+v", undone)
	}
	want(t, f.post(t, path+"/debits", "all", `{"amount":4000,"currency":"EUR","reason":"purchase"}`), 201, "debit of all")
	if closed := want(t, f.post(t, path+"/close", "close", ""), 200, "close").change(t); closed.Status != "closed" {
		t.Errorf("closed: %+v", closed)
	}
	w := f.wallet(t, "w1")
	if w.Status != "closed" {
		t.Errorf("got %+v, want a closed wallet", w)
	}
	has(t, w, 0, 0)
	for _, headers := range []header{{"Authorization": "Bearer " + otherSecret}} {
		for _, other := range []string{path, hold} {
			if a := f.call(t, "GET", other, "", headers); a.status != 404 {
				t.Errorf("another tenant reads %s: %d %s", other, a.status, a.body)
			}
		}
	}
}

// What was booked after a time is not in the balance as of it.
func TestBalanceAsOfATime(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	f.withStatements(t)
	first := want(t, f.post(t, "/v1/wallets/w1/credits", "k1", `{"amount":1000,"currency":"EUR","reason":"bonus"}`), 201, "credit").change(t)
	eventually(t, "the clock has moved on", func() bool { return time.Since(*first.At) > time.Millisecond })
	second := want(t, f.post(t, "/v1/wallets/w1/holds", "k2", `{"amount":300,"currency":"EUR"}`), 201, "hold").change(t)
	for _, test := range []struct {
		asOf            string
		available, held int64
	}{
		{asOf: "1970-01-02"},
		{asOf: first.At.Add(-time.Millisecond).Format(time.RFC3339Nano)},
		{asOf: first.At.Format(time.RFC3339Nano), available: 1000},
		{asOf: url.QueryEscape(first.At.In(time.FixedZone("", 3600)).Format(time.RFC3339Nano)), available: 1000},
		{asOf: second.At.Format(time.RFC3339Nano), available: 700, held: 300},
	} {
		var w Wallet
		eventually(t, "the statements have come so far", func() bool {
			w = f.wallet(t, "w1?as_of="+test.asOf)
			return w.Complete != nil && *w.Complete
		})
		has(t, w, test.available, test.held)
		if w.AsOf == nil {
			t.Errorf("as of %s: %+v does not say so", test.asOf, w)
		}
	}
	for query, status := range map[string]int{"as_of=yesterday": 422, "as_of=": 422, "asof=2026-01-01": 400} {
		if a := f.get(t, "/v1/wallets/w1?"+query); a.status != status {
			t.Errorf("%s: got %d %s, want %d", query, a.status, a.body, status)
		}
	}
}

func TestRefusedWalletCommands(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	f.give(t, "w1", 1000)
	f.give(t, "closed", 1)
	want(t, f.post(t, "/v1/wallets/closed/debits", "empty it", `{"amount":1,"currency":"EUR","reason":"purchase"}`), 201, "debit")
	want(t, f.post(t, "/v1/wallets/closed/close", "close it", ""), 200, "close")
	hold := want(t, f.post(t, "/v1/wallets/w1/holds", "hold", `{"amount":400,"currency":"EUR"}`), 201, "hold").change(t).CommandID
	want(t, f.post(t, "/v1/wallets/w1/rounds/undone/rollback", "undo", ""), 200, "rollback")
	nobody := uuid.Must(uuid.NewV7()).String()
	debit := func(amount int, currency string) string {
		return fmt.Sprintf(`{"amount":%d,"currency":%q,"reason":"purchase"}`, amount, currency)
	}
	for _, test := range []struct {
		name, path, body string
		status           int
		code             string
		field            string
	}{
		{name: "unknown customer", path: "nobody/debits", body: debit(1, "EUR"), status: 404, code: "unknown_account"},
		{name: "unknown hold", path: "w1/holds/" + nobody + "/capture", body: `{"reason":"purchase"}`, status: 404, code: "unknown_account"},
		{name: "another customer's hold", path: "w2/holds/" + hold + "/release", status: 404, code: "unknown_account"},
		{name: "closed", path: "closed/debits", body: debit(1, "EUR"), status: 409, code: "account_closed"},
		{name: "closed, and credited", path: "closed/credits", body: debit(1, "EUR"), status: 409, code: "account_closed"},
		{name: "closed before the currency and the floor", path: "closed/debits", body: debit(9, "USD"), status: 409, code: "account_closed"},
		{name: "currency before the floor", path: "w1/debits", body: debit(99999, "USD"), status: 422, code: "currency_mismatch"},
		{name: "more than is available", path: "w1/debits", body: debit(601, "EUR"), status: 422, code: "insufficient_funds"},
		{name: "a hold of more than is available", path: "w1/holds", body: `{"amount":601,"currency":"EUR"}`, status: 422, code: "insufficient_funds"},
		{name: "more than is left of the hold", path: "w1/holds/" + hold + "/capture", status: 422, code: "exceeds_authorized",
			body: `{"amount":401,"currency":"EUR","reason":"purchase"}`},
		{name: "a bet of an undone round", path: "w1/debits", status: 409, code: "finished",
			body: `{"amount":1,"currency":"EUR","reason":"game","round_id":"undone"}`},
		{name: "an undone round again", path: "w1/rounds/undone/rollback", status: 409, code: "finished"},
		{name: "a wallet that is not empty", path: "w1/close", status: 409, code: "wrong_state"},
		{name: "a hold that has run out", path: "w1/holds", status: 422, code: "invalid", field: "expires_at",
			body: `{"amount":1,"currency":"EUR","expires_at":"2020-01-01T00:00:00Z"}`},
		{name: "in the future", path: "w1/debits", status: 422, code: "invalid", field: "effective_at",
			body: `{"amount":1,"currency":"EUR","reason":"purchase","effective_at":"2999-01-01T00:00:00Z"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := want(t, f.post(t, "/v1/wallets/"+test.path, test.name, test.body), test.status, test.name)
			if e := a.error(t); e.Error != test.code || test.field != "" && (e.Details == nil || e.Details.Field != test.field) {
				t.Errorf("got %s, want %s of %s", a.body, test.code, test.field)
			}
			again := f.post(t, "/v1/wallets/"+test.path, test.name, test.body)
			if string(again.body) != string(a.body) || again.header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("the repeat differs:\n%s%s", a.body, again.body)
			}
		})
	}
	has(t, f.wallet(t, "w1"), 600, 400)
	for _, path := range []string{"/v1/wallets/nobody", "/v1/wallets/w2/holds/" + hold, "/v1/wallets/w1/holds/" + nobody, "/v1/wallets/w1/holds/x"} {
		if a := f.get(t, path); a.status != 404 || a.error(t).Error != "not_found" {
			t.Errorf("GET %s: got %d %s, want 404", path, a.status, a.body)
		}
	}
}

// What can be known to be wrong from the request alone leaves its key free and reaches no topic.
func TestUnreadableWalletCommands(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	const card, hold = "4111111111111111", "019ac1b2-f5a8-7c3e-9d10-aa5be2c17f45"
	for _, test := range []struct {
		name, path, body string
		status           int
		code, field      string
	}{
		{name: "no amount", path: "w/debits", body: `{"currency":"EUR","reason":"bonus"}`, status: 422, code: "invalid", field: "amount"},
		{name: "amount of zero", path: "w/credits", body: `{"amount":0,"currency":"EUR","reason":"bonus"}`, status: 422, code: "invalid", field: "amount"},
		{name: "negative", path: "w/credits", body: `{"amount":-5,"currency":"EUR","reason":"bonus"}`, status: 422, code: "invalid", field: "amount"},
		{name: "a fraction", path: "w/credits", body: `{"amount":1.5,"currency":"EUR","reason":"bonus"}`, status: 400, code: "malformed", field: "amount"},
		{name: "a text", path: "w/credits", body: `{"amount":"5","currency":"EUR","reason":"bonus"}`, status: 400, code: "malformed", field: "amount"},
		{name: "too large", path: "w/credits", body: `{"amount":1000000000000000,"currency":"EUR","reason":"bonus"}`, status: 422, code: "invalid", field: "amount"},
		{name: "no currency", path: "w/holds", body: `{"amount":5}`, status: 422, code: "invalid", field: "currency"},
		{name: "no such currency", path: "w/debits", body: `{"amount":5,"currency":"EUX","reason":"bonus"}`, status: 422, code: "invalid", field: "currency"},
		{name: "no reason", path: "w/debits", body: `{"amount":5,"currency":"EUR"}`, status: 422, code: "invalid", field: "reason"},
		{name: "another reason", path: "w/debits", body: `{"amount":5,"currency":"EUR","reason":"fun"}`, status: 422, code: "invalid", field: "reason"},
		{name: "a game without a round", path: "w/debits", body: `{"amount":5,"currency":"EUR","reason":"game"}`, status: 422, code: "invalid", field: "round_id"},
		{name: "a round without a game", path: "w/debits", body: `{"amount":5,"currency":"EUR","reason":"bonus","round_id":"r"}`, status: 422, code: "invalid", field: "round_id"},
		{name: "an adjustment of one person", path: "w/credits", body: `{"amount":5,"currency":"EUR","reason":"adjustment"}`, status: 422, code: "invalid", field: "requested_by"},
		{name: "an adjustment that its sender asked for", path: "w/credits", status: 422, code: "invalid", field: "requested_by",
			body: `{"amount":5,"currency":"EUR","reason":"adjustment","requested_by":" Shop"}`},
		{name: "an approver of its own choice", path: "w/credits", status: 400, code: "malformed", field: "approved_by",
			body: `{"amount":5,"currency":"EUR","reason":"adjustment","requested_by":"ann","approved_by":"bob"}`},
		{name: "a field that is misspelt", path: "w/holds", body: `{"amount":5,"currency":"EUR","expires":"2099-01-01T00:00:00Z"}`, status: 400, code: "malformed", field: "expires"},
		{name: "a time that is none", path: "w/holds", body: `{"amount":5,"currency":"EUR","expires_at":"tomorrow"}`, status: 400, code: "malformed", field: "expires_at"},
		{name: "a capture of zero", path: "w/holds/" + hold + "/capture", body: `{"amount":0,"reason":"purchase"}`, status: 422, code: "invalid", field: "amount"},
		{name: "a capture in no currency", path: "w/holds/" + hold + "/capture", body: `{"amount":5,"reason":"purchase"}`, status: 422, code: "invalid", field: "currency"},
		{name: "no hold's id", path: "w/holds/7/release", status: 422, code: "invalid", field: "hold_id"},
		{name: "a customer with a space", path: "w%20w/debits", body: `{"amount":5,"currency":"EUR","reason":"bonus"}`, status: 422, code: "invalid", field: "customer_id"},
		{name: "a customer that is too long", path: strings.Repeat("w", 65) + "/close", status: 422, code: "invalid", field: "customer_id"},
		{name: "a card number in a field", path: "w/credits", status: 422, code: "card_number",
			body: `{"amount":5,"currency":"EUR","reason":"bonus","description":"` + card + `"}`},
		{name: "a card number as the round", path: "w/rounds/" + card + "/rollback", status: 422, code: "card_number"},
		{name: "a card number as the customer", path: card + "/close", status: 422, code: "card_number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := want(t, f.post(t, "/v1/wallets/"+test.path, test.name, test.body), test.status, test.name)
			e := a.error(t)
			if e.Error != test.code || test.field != "" && (e.Details == nil || e.Details.Field != test.field) {
				t.Errorf("got %s, want %s of %s", a.body, test.code, test.field)
			}
			if strings.Contains(string(a.body), card) {
				t.Errorf("the answer repeats the card number: %s", a.body)
			}
		})
	}
	if keys, commands := f.keys(t), f.count(t, topics.WalletCommands); keys != 0 || commands != 0 {
		t.Errorf("%d keys are bound and %d commands written, want none", keys, commands)
	}
	if strings.Contains(f.logs.String(), card) {
		t.Error("the log holds the card number")
	}
}

// Payments and wallet commands move one wallet in one order: what a captured payment brought can be taken by a debit, and
// is then missing to a refund.
func TestAPaymentsMoneyIsTheWallets(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	intent := want(t, f.post(t, "/v1/intents", "pay", authorize("tok_approved", `,"capture_method":"automatic"`)), 201, "create").intent(t)
	has(t, f.wallet(t, "c1"), 1050, 0)
	want(t, f.post(t, "/v1/wallets/c1/debits", "debit", `{"amount":1000,"currency":"EUR","reason":"purchase"}`), 201, "debit")
	if a := f.post(t, "/v1/intents/"+intent.ID+"/refunds", "refund", ""); a.status != 422 || a.error(t).Error != "insufficient_funds" {
		t.Errorf("a refund of what was spent: got %d %s, want 422", a.status, a.body)
	}
	want(t, f.post(t, "/v1/intents/"+intent.ID+"/refunds", "a part", `{"amount":50}`), 201, "refund of what is left")
	has(t, f.wallet(t, "c1"), 0, 0)
}

// The key that sends an adjustment approves it: the command names its requester and that key.
func TestAdjustmentTakesTwo(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Keys = append(c.Keys, Key{Tenant: "acme", Name: "bob", Secret: "key-of-bob-in-finance", Approver: true})
	}).ready(t)
	f.withEngine(t)
	body := `{"amount":700,"currency":"EUR","reason":"adjustment","requested_by":"ann","description":"complaint 4711"}`
	asBob := header{"Idempotency-Key": "k", "Authorization": "Bearer key-of-bob-in-finance"}
	first := want(t, f.call(t, "POST", "/v1/wallets/w1/credits", body, asBob), 201, "adjustment")
	if a := f.post(t, "/v1/wallets/w1/credits", "k", body); a.status != 422 || a.error(t).Error != "idempotency_mismatch" {
		t.Errorf("another approver under the same key: got %d %s", a.status, a.body)
	}
	if again := f.call(t, "POST", "/v1/wallets/w1/credits", body, asBob); string(again.body) != string(first.body) {
		t.Errorf("the repeat differs:\n%s%s", first.body, again.body)
	}
	var command topics.WalletCommand
	if err := topics.Unmarshal(f.records(t, topics.WalletCommands, 1)[0].Value, &command); err != nil {
		t.Fatal(err)
	}
	if command.RequestedBy != "ann" || command.ApprovedBy != "bob" {
		t.Errorf("requested by %q, approved by %q; want ann and bob", command.RequestedBy, command.ApprovedBy)
	}
}

func TestIdempotencyOfWallets(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	const path, body = "/v1/wallets/w1/credits", `{"amount":700,"currency":"EUR","reason":"bonus"}`
	first := want(t, f.post(t, path, "k", body), 201, "first")
	again := f.call(t, "POST", path, strings.ReplaceAll(body, ":", " : "), header{"X-Idempotency-Key": "k", "X-Trace-Id": "another"})
	if again.status != 201 || string(again.body) != string(first.body) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repeat differs:\n%s%d %s", first.body, again.status, again.body)
	}
	for name, other := range map[string][2]string{
		"another amount":    {path, strings.Replace(body, "700", "701", 1)},
		"another reason":    {path, `{"amount":700,"currency":"EUR","reason":"purchase"}`},
		"another time":      {path, strings.Replace(body, "{", `{"effective_at":"2026-01-01T00:00:00Z",`, 1)},
		"another customer":  {"/v1/wallets/w2/credits", body},
		"another operation": {"/v1/wallets/w1/debits", body},
		"a payment":         {"/v1/intents", authorize("tok_approved", "")},
	} {
		if a := f.post(t, other[0], "k", other[1]); a.status != 422 || a.error(t).Error != "idempotency_mismatch" {
			t.Errorf("%s: got %d %s, want 422", name, a.status, a.body)
		}
	}
	elsewhere := f.call(t, "POST", path, body, header{"Idempotency-Key": "k", "Authorization": "Bearer " + otherSecret})
	if want(t, elsewhere, 201, "another tenant").change(t).CommandID == first.change(t).CommandID {
		t.Error("two tenants share a command")
	}
	has(t, f.wallet(t, "w1"), 700, 0)
	if n := f.count(t, topics.WalletCommands); n != 2 {
		t.Errorf("%d commands were written, want 2", n)
	}
}

// Of many debits at once only those are carried out that the wallet covers.
func TestConcurrentDebits(t *testing.T) {
	const clients, fit = 20, 7
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	f.give(t, "w1", fit*100+50)
	answers := make([]answer, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			answers[i] = f.post(t, "/v1/wallets/w1/debits", fmt.Sprint("k", i), `{"amount":100,"currency":"EUR","reason":"purchase"}`)
		})
	}
	wg.Wait()
	balances := map[int64]bool{}
	refusals := 0
	for _, a := range answers {
		switch {
		case a.status == 201:
			balances[a.change(t).Balance.Available] = true
		case a.status == 422 && a.error(t).Error == "insufficient_funds":
			refusals++
		default:
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if len(balances) != fit || refusals != clients-fit {
		t.Errorf("%d different balances and %d refusals, want %d and %d", len(balances), refusals, fit, clients-fit)
	}
	has(t, f.wallet(t, "w1"), 50, 0)
}

// A wallet command that is not answered in time is named all the same, and its repeat gets the result once there is one.
func TestWalletDeadline(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.AnswerWithin = 50 * time.Millisecond }).ready(t)
	const path, body = "/v1/wallets/w1/credits", `{"amount":700,"currency":"EUR","reason":"bonus"}`
	first := want(t, f.post(t, path, "k", body), 202, "without an engine").change(t)
	if first.Status != "accepted" || first.Amount != 700 || first.CustomerID != "w1" {
		t.Errorf("got %+v", first)
	}
	f.withEngine(t)
	eventually(t, "the repeat gets the result", func() bool {
		a := f.post(t, path, "k", body)
		return a.status == 201 && a.change(t).CommandID == first.CommandID
	})
	has(t, f.wallet(t, "w1"), 700, 0)
}

// A process that dies at any step of a wallet's write leaves what the repeat repairs: the amount moves once.
func TestDeathBetweenTheStepsOfAWallet(t *testing.T) {
	const path, body = "/v1/wallets/w1/credits", `{"amount":700,"currency":"EUR","reason":"bonus"}`
	for _, test := range []struct {
		name     string
		produced bool // before the death
		applied  bool // before the repeat
		commands int64
	}{
		{name: "claimed", commands: 1},
		{name: "produced", produced: true, commands: 2}, // the same command id: applied once
		{name: "applied", produced: true, applied: true, commands: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, nil).ready(t)
			o := &walletOrder{call: &call{api: f.api, pattern: "POST /v1/wallets/{customer}/credits"}, command: topics.WalletCommand{
				Type: topics.WalletCredit, Tenant: "acme", Region: "eu", CustomerID: "w1", Amount: 700, Currency: "EUR", Reason: topics.ReasonBonus,
			}}
			f.carry(t, o, "k", test.produced)
			if test.applied {
				f.withEngine(t)
				f.records(t, topics.WalletEvents, 1)
			}
			if a := f.post(t, path, "k", body); (a.status == 201) != test.applied || !test.applied && a.error(t).Error != "in_flight" {
				t.Fatalf("at once: got %d %s, want what is known", a.status, a.body)
			}
			f.abandon(t, "k")
			repeat := make(chan answer, 1)
			go func() { repeat <- f.post(t, path, "k", body) }()
			if !test.applied {
				eventually(t, "the command is produced", func() bool { return f.count(t, topics.WalletCommands) == test.commands })
				f.withEngine(t)
			}
			a := <-repeat
			for a.status == 202 { // it met its own deadline while the engine started
				a = f.post(t, path, "k", body)
			}
			want(t, a, 201, "repeat")
			if c := a.change(t); c.CommandID != o.id.String() || c.Balance.Available != 700 {
				t.Errorf("got %s, want the command %s", a.body, o.id)
			}
			if n := f.count(t, topics.WalletCommands); n != test.commands {
				t.Errorf("%d commands were written, want %d", n, test.commands)
			}
			has(t, f.wallet(t, "w1"), 700, 0)
		})
	}
}
