package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

func TestIdempotencyKey(t *testing.T) {
	for _, test := range []struct {
		name, key, other, want, code string
	}{
		{name: "one header", key: "k-1", want: "k-1"},
		{name: "the other header", other: "k-1", want: "k-1"},
		{name: "both and equal", key: "k-1", other: "k-1", want: "k-1"},
		{name: "both and different", key: "k-1", other: "k-2", code: "malformed"},
		{name: "none", code: "idempotency_key_required"},
		{name: "255 characters", key: strings.Repeat("k", 255), want: strings.Repeat("k", 255)},
		{name: "256 characters", key: strings.Repeat("k", 256), code: "malformed"},
		{name: "not printable", key: "k\x01", code: "malformed"},
		{name: "not ASCII", key: "ключ", code: "malformed"},
		{name: "a card number", key: "order-4111 1111 1111 1111", code: "card_number"},
		{name: "a UUID", key: "4d3c2b1a-1111-4111-8111-411111111111", want: "4d3c2b1a-1111-4111-8111-411111111111"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := http.Header{}
			if test.key != "" {
				h.Set("Idempotency-Key", test.key)
			}
			if test.other != "" {
				h.Set("X-Idempotency-Key", test.other)
			}
			key, err := idempotencyKey(h)
			if key != test.want {
				t.Errorf("got %q, want %q", key, test.want)
			}
			if code := codeOf(err); code != test.code {
				t.Errorf("got error %q, want %q", code, test.code)
			}
		})
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return problemOf(err).Code
}

// What makes two requests the same, and what makes them different.
func TestFingerprint(t *testing.T) {
	const base = `{"amount":1050,"currency":"EUR","customer_id":"c1","card":{"token":"tok_1"},"metadata":{"a":"1","b":"2"}}`
	of := func(pattern, body string, change func(*topics.Command)) [32]byte {
		t.Helper()
		c := topics.Command{Type: topics.CommandCreate, Tenant: "t"}
		if err := decodeCreate([]byte(body), &c); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(&c)
		}
		sum, err := (&paymentOrder{call: &call{pattern: pattern}, command: c}).parameters()
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	first := of("POST /v1/intents", base, nil)
	for name, body := range map[string]string{
		"white space":       strings.ReplaceAll(base, ",", " ,\n "),
		"order of keys":     `{"metadata":{"b":"2","a":"1"},"card":{"token":"tok_1"},"customer_id":"c1","currency":"EUR","amount":1050}`,
		"default spelt out": strings.Replace(base, `{`, `{"capture_method":"manual","authorize":false,`, 1),
		"context":           strings.Replace(base, `{`, `{"context":{"ip":"203.0.113.7"},`, 1),
		"escapes":           strings.Replace(base, `tok_1`, `\u0074ok_1`, 1),
	} {
		if of("POST /v1/intents", body, nil) != first {
			t.Errorf("%s: another fingerprint", name)
		}
	}
	volatile := func(c *topics.Command) {
		c.CommandID, c.TraceID, c.IssuedAt = "x", "y", time.Unix(1, 0)
	}
	if of("POST /v1/intents", base, volatile) != first {
		t.Error("ids, trace and time: another fingerprint")
	}
	for name, body := range map[string]string{
		"amount":   strings.Replace(base, "1050", "1051", 1),
		"currency": strings.Replace(base, "EUR", "USD", 1),
		"customer": strings.Replace(base, "c1", "c2", 1),
		"guest":    strings.Replace(base, `"customer_id":"c1",`, "", 1),
		"card":     strings.Replace(base, "tok_1", "tok_2", 1),
		"metadata": strings.Replace(base, `"b":"2"`, `"b":"3"`, 1),
		"capture":  strings.Replace(base, `{`, `{"capture_method":"automatic",`, 1),
	} {
		if of("POST /v1/intents", body, nil) == first {
			t.Errorf("another %s: the same fingerprint", name)
		}
	}
	if of("POST /v1/intents/{id}/void", base, nil) == first {
		t.Error("another operation: the same fingerprint")
	}
	if of("POST /v1/intents", base, func(c *topics.Command) { c.PaymentID = "pay_1" }) == first {
		t.Error("another payment: the same fingerprint")
	}
}
