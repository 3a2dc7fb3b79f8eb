package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

const goodCreate = `{"amount":1050,"currency":"EUR","customer_id":"c1","card":{"token":"tok_approved"}}`

// with returns a create request in which one piece is replaced.
func with(old, new string) string { return strings.Replace(goodCreate, old, new, 1) }

// Each request is refused with a clear error, and leaves nothing behind: no command, no bound key, no card number in the
// log.
func TestBadInput(t *testing.T) {
	const card = "4111111111111111"
	f := newFixture(t, nil).ready(t)
	long := strings.Repeat("x", 300)
	for _, test := range []struct {
		name    string
		method  string // POST
		path    string // /v1/intents
		body    string
		headers header
		status  int
		code    string
		says    string // a part of the message
	}{
		{name: "no API key", body: goodCreate, headers: header{"Authorization": ""}, status: 401, code: "unauthorized", says: "X-Api-Key"},
		{name: "unknown API key", body: goodCreate, headers: header{"Authorization": "Bearer nobody"}, status: 401, code: "unauthorized"},
		{name: "another scheme", body: goodCreate, headers: header{"Authorization": "Basic a2V5"}, status: 401, code: "unauthorized"},
		{name: "two different API keys", body: goodCreate, headers: header{"X-Api-Key": otherSecret}, status: 401, code: "unauthorized"},
		{name: "no key", body: goodCreate, headers: header{"Idempotency-Key": ""}, status: 422, code: "idempotency_key_required", says: "Idempotency-Key"},
		{name: "two different keys", body: goodCreate, headers: header{"X-Idempotency-Key": "k2"}, status: 400, code: "malformed"},
		{name: "a key that is too long", body: goodCreate, headers: header{"Idempotency-Key": long}, status: 400, code: "malformed", says: "255"},
		{name: "a card number as key", body: goodCreate, headers: header{"Idempotency-Key": card}, status: 422, code: "card_number", says: "put a letter right before"},
		{name: "a card number as trace id", body: goodCreate, headers: header{"X-Trace-Id": card}, status: 422, code: "card_number", says: "put a letter right before"},
		{name: "a trace id that is none", body: goodCreate, headers: header{"X-Trace-Id": "a b"}, status: 400, code: "malformed"},

		{name: "not JSON", body: `{"amount":`, status: 400, code: "malformed"},
		{name: "not an object", body: `[1]`, status: 400, code: "malformed", says: "an array"},
		{name: "two objects", body: goodCreate + goodCreate, status: 400, code: "malformed"},
		{name: "not UTF-8", body: with("c1", "c\xff"), status: 400, code: "malformed", says: "UTF-8"},
		{name: "another media type", body: goodCreate, headers: header{"Content-Type": "text/plain"}, status: 415, code: "unsupported_type"},
		{name: "no media type", body: goodCreate, headers: header{"Content-Type": ""}, status: 415, code: "unsupported_type"},
		{name: "amount as text", body: with("1050", `"1050"`), status: 400, code: "malformed", says: `"amount"`},
		{name: "amount with decimals", body: with("1050", "10.505"), status: 400, code: "malformed", says: "fraction"},
		{name: "amount beyond 64 bits", body: with("1050", "99999999999999999999"), status: 400, code: "malformed", says: "64 bits"},
		{name: "unknown field", body: with(`"amount"`, `"amonut":1,"amount"`), status: 400, code: "malformed", says: "amonut"},
		{name: "unknown field within", body: with(`"token"`, `"tokn":"x","token"`), status: 400, code: "malformed", says: "tokn"},
		{name: "a field in another case", body: with(`"amount"`, `"Amount"`), status: 400, code: "malformed", says: "Amount"},

		{name: "no amount", body: with(`"amount":1050,`, ""), status: 422, code: "invalid", says: "amount"},
		{name: "amount zero", body: with("1050", "0"), status: 422, code: "invalid", says: "amount"},
		{name: "negative amount", body: with("1050", "-1"), status: 422, code: "invalid", says: "amount"},
		{name: "too large an amount", body: with("1050", "9000000000000000000"), status: 422, code: "invalid", says: "amount"},
		{name: "no currency", body: with(`"currency":"EUR",`, ""), status: 422, code: "invalid", says: "currency"},
		{name: "unknown currency", body: with("EUR", "XXQ"), status: 422, code: "invalid", says: "currency"},
		{name: "currency in small letters", body: with("EUR", "eur"), status: 422, code: "invalid", says: "currency"},
		{name: "no card", body: with(`,"card":{"token":"tok_approved"}`, ""), status: 422, code: "invalid", says: "card: is missing"},
		{name: "card beside another method", body: with(`"card"`, `"payment_method":{"type":"qr"},"card"`), status: 422, code: "invalid", says: "by qr has none"},
		{name: "method of no type", body: with(`"card"`, `"payment_method":{"type":"pigeon"},"card"`), status: 422, code: "invalid", says: "payment_method.type"},
		{name: "what only cards can", body: `{"amount":100,"currency":"EUR","capture_method":"manual","payment_method":{"type":"crypto"}}`, status: 422, code: "method_unsupported", says: "by crypto"},
		{name: "unknown capture method", body: with(`"card"`, `"capture_method":"later","card"`), status: 422, code: "invalid", says: "capture_method"},
		{name: "a customer that is no name", body: with("c1", "c 1/2"), status: 422, code: "invalid", says: "customer_id"},
		{name: "card number as token", body: with("tok_approved", card), status: 422, code: "card_number"},
		{name: "card number in a metadata value", body: with(`"card"`, `"metadata":{"note":"card 4111-1111-1111-1111"},"card"`), status: 422, code: "card_number"},
		{name: "card number in a metadata key", body: with(`"card"`, `"metadata":{"`+card+`":"x"},"card"`), status: 422, code: "card_number"},
		{name: "card number as a number", body: with(`"amount"`, `"amonut":`+card+`,"amount"`), status: 422, code: "card_number"},
		{name: "card number in escapes", body: with("tok_approved", `\u0034111111111111111`), status: 422, code: "card_number"},
		{name: "card number in malformed JSON", body: `{"token":"` + card, status: 422, code: "card_number"},
		{name: "card number in the path", path: "/v1/intents/" + card + "/void", body: "{}", status: 422, code: "card_number"},
		{name: "card number in the query", method: "GET", path: "/v1/intents?customer_id=4111%201111%201111%201111", status: 422, code: "card_number"},
		{name: "card number in an unknown path", method: "GET", path: "/" + card, status: 422, code: "card_number"},

		{name: "unknown intent", path: "/v1/intents/pay_0001_019ac1b2f5a87c3e9d10aa5be2c17f44/capture", body: "{}", status: 404, code: "not_found"},
		{name: "an id that is none", path: "/v1/intents/42/capture", body: "{}", status: 404, code: "not_found"},
		{name: "unknown intent, read", method: "GET", path: "/v1/intents/pay_0001_019ac1b2f5a87c3e9d10aa5be2c17f44", status: 404, code: "not_found"},
		{name: "unknown path", method: "GET", path: "/v2/intents", status: 404, code: "not_found"},
		{name: "wrong method", method: "DELETE", path: "/v1/intents", status: 405, code: "method_not_allowed", says: "use GET or POST"},
		{name: "wrong method of an operation", method: "PATCH", path: "/v1/intents/42/capture", status: 405, code: "method_not_allowed", says: "use POST"},
		{name: "limit that is none", method: "GET", path: "/v1/intents?limit=many", status: 422, code: "invalid", says: "limit"},
		{name: "limit beyond the largest", method: "GET", path: "/v1/intents?limit=101", status: 422, code: "invalid", says: "limit"},
		{name: "customer with a zero byte", method: "GET", path: "/v1/intents?customer_id=a%00b", status: 422, code: "invalid", says: "customer_id"},
		{name: "metadata with a zero byte", body: with(`"card"`, `"metadata":{"a":"\u0000"},"card"`), status: 422, code: "invalid", says: "metadata"},
		{name: "query that is not percent-encoded", method: "GET", path: "/v1/intents?customer_id=%zz", status: 400, code: "malformed"},
		{name: "status that is none", method: "GET", path: "/v1/intents?status=paid", status: 422, code: "invalid", says: "status"},
		{name: "cursor that is none", method: "GET", path: "/v1/intents?cursor=abc", status: 400, code: "malformed", says: "cursor"},
		{name: "unknown parameter", method: "GET", path: "/v1/intents?stauts=paid", status: 400, code: "malformed"},
		{name: "unknown PSP", path: "/webhooks/nobody", body: "{}", status: 404, code: "not_found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			method, path := test.method, test.path
			if method == "" {
				method = http.MethodPost
			}
			if path == "" {
				path = "/v1/intents"
			}
			headers := header{"Idempotency-Key": "bad-input"}
			for name, value := range test.headers {
				headers[name] = value
			}
			a := f.call(t, method, path, test.body, headers)
			e := a.error(t)
			if a.status != test.status || e.Error != test.code {
				t.Errorf("got %d %s, want %d %s", a.status, a.body, test.status, test.code)
			}
			if allowed := strings.ReplaceAll(a.header.Get("Allow"), ", ", " or "); a.status == http.StatusMethodNotAllowed && e.Message != "use "+allowed {
				t.Errorf("Allow: %q beside %q", a.header.Get("Allow"), e.Message)
			}
			if !strings.Contains(e.Message, test.says) {
				t.Errorf("message %q does not say %q", e.Message, test.says)
			}
			if strings.Contains(string(a.body), card) {
				t.Errorf("the answer repeats the card number: %s", a.body)
			}
		})
	}
	if n := f.count(t, topics.Commands); n != 0 {
		t.Errorf("%d commands were produced", n)
	}
	if n := f.keys(t); n != 0 {
		t.Errorf("%d keys were bound", n)
	}
	if strings.Contains(f.logs.String(), card) || strings.Contains(f.logs.String(), "4111-1111") || strings.Contains(f.logs.String(), "4111 1111") {
		t.Error("a card number is in the log")
	}
	if strings.Contains(f.logs.String(), testSecret) {
		t.Error("the secret of an API key is in the log")
	}
}
