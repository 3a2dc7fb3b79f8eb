package fsck

import (
	"fmt"
	"testing"

	"github.com/gofrs/uuid/v5"
)

// answered stores an answer as the API does.
func (f *fixture) answered(key string, command uuid.UUID, status int, body string) {
	f.t.Helper()
	f.exec(`INSERT INTO idempotency_keys (tenant, key, fingerprint, command_id, created_at, status, body)
VALUES ('acme', $1, '\x00', $2, now(), $3, $4)`, key, command, status, []byte(body+"\n"))
}

// TestTamperedAnswersAreFound changes what repeats would be answered.
func TestTamperedAnswersAreFound(t *testing.T) {
	f := newFixture(t)
	f.play()
	payer := customers(t)[0][0]
	f.pay(payer)
	f.publishAll()
	anna, payment := customers(t)[0][0], paymentID(payer)
	f.answered("credit", uuid.FromStringOrNil(commandID(1)), 201, `{"command_id":"`+commandID(1)+`","status":"credited","customer_id":"`+anna+
		`","amount":1000,"at":"2026-01-31T09:30:01Z","balance":{"available":1000,"currency":"EUR","debt":0,"held":0,"total":1000},"currency":"EUR","event_id":"0-0-0","reason":"bonus"}`)
	f.answered("refused", uuid.FromStringOrNil(commandID(13)), 409, `{"error":"account_closed","message":"the account is closed","trace_id":"1"}`)
	f.answered("create", payment.UUID, 201, `{"id":"`+payment.String()+`","status":"authorized","customer_id":"`+payer+
		`","amount":10000,"currency":"EUR","authorized":10000,"captured":0}`)
	refund := fmt.Sprintf("0-%d-0", f.next[0]-2)
	f.answered("refund", uuid.FromStringOrNil(commandID(77)), 201, `{"id":"`+refund+`","status":"pending","amount":3000,"currency":"EUR","intent_id":"`+payment.String()+`"}`)
	f.exec(`INSERT INTO idempotency_keys (tenant, key, fingerprint, command_id, created_at, status)
VALUES ('acme', 'waiting', '\x00', $1, now(), 0)`, uuid.FromStringOrNil(commandID(78)))
	f.wantNone()
	_, err := f.db.Pool.Exec(t.Context(), `CREATE TABLE saved_keys AS SELECT * FROM idempotency_keys`)
	f.must(err)
	for _, c := range []struct {
		name, key, old, new string
		want                []string
	}{
		{"an amount", "credit", `"amount":1000`, `"amount":9000`, []string{"says credited of 9000 EUR", "event 0-0-0 says credited of 1000 EUR"}},
		{"a balance", "credit", `"available":1000`, `"available":9000`, []string{"balance available 9000"}},
		{"another customer", "credit", anna, "eve", []string{"for eve"}},
		{"what happened", "credit", `"credited"`, `"debited"`, []string{"says debited"}},
		{"another event", "credit", `"0-0-0"`, `"0-2-0"`, []string{"event 0-2-0 says credited of 50 EUR"}},
		{"no such event", "credit", `"0-0-0"`, `"0-99-0"`, []string{"event 0-99-0, which the log does not have"}},
		{"no event", "credit", `"event_id":"0-0-0",`, ``, []string{"its answer is none of ours"}},
		{"no JSON", "credit", `{`, ``, []string{"its answer is none of ours"}},
		{"a payment's amount", "create", `"amount":10000`, `"amount":1`, []string{"it says amount 1 instead of 10000"}},
		{"its currency", "create", `"EUR"`, `"USD"`, []string{"it says currency USD instead of EUR"}},
		{"its customer", "create", `"` + payer + `"`, `"eve"`, []string{"it says customer eve"}},
		{"more than was captured", "create", `"captured":0`, `"captured":10001`, []string{"captured 10001, more than"}},
		{"another payment", "create", payment.String(), "pay_0000_00000000000000000000000000000001", []string{"which its tenant does not have"}},
		{"a refund's amount", "refund", `"amount":3000`, `"amount":30000`, []string{"a refund " + refund + " of 30000, which is none"}},
		{"another refund", "refund", refund, "0-0-0", []string{"a refund 0-0-0 of 3000, which is none"}},
		{"a refusal that was none", "credit", `{"command_id"`, `{"error":"account_closed","command_id"`, []string{`status 201 with error "account_closed"`}},
		{"a success that was none", "refused", `"error"`, `"was"`, []string{`status 409 with error ""`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := *f
			f.t = t
			f.exec(`DELETE FROM idempotency_keys`)
			f.exec(`INSERT INTO idempotency_keys SELECT * FROM saved_keys`)
			f.exec(`UPDATE idempotency_keys SET body = convert_to(replace(convert_from(body, 'UTF8'), $2, $3), 'UTF8') WHERE key = $1`, c.key, c.old, c.new)
			corruption{"", func(*fixture) {}, append(c.want, "answer: partition 0: idempotency key "+c.key+" of acme")}.check(&f)
		})
	}
	t.Run("another command", func(t *testing.T) {
		f := *f
		f.t = t
		f.exec(`DELETE FROM idempotency_keys`)
		f.exec(`INSERT INTO idempotency_keys SELECT * FROM saved_keys`)
		corruption{"", sql(`UPDATE idempotency_keys SET command_id = '` + commandID(2) + `' WHERE key = 'credit'`),
			[]string{"answer: partition 0: idempotency key credit of acme", "(the key's is " + commandID(2) + ")"}}.check(&f)
	})
}
