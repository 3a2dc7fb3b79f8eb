package faulttest

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// wrongRequests are refused for what they say, before anything is claimed or produced.
func wrongRequests(t *testing.T, w *world) {
	authorized := w.paid(t, 10_000, "EUR", true)
	captured := w.paid(t, 10_000, "EUR", false)
	const card = `"card":{"token":"tok_approved"}`
	create := func(fields string) string { return `{"customer_id":"cus_1",` + fields + `}` }
	for name, c := range map[string]struct {
		path, body string
		header     header
		status     int
		code       string
		field      string // in the message and in the details
		says       string
	}{
		"invalid JSON":              {body: `{"amount":`, status: 400, code: "malformed", says: "JSON"},
		"a body that is an array":   {body: `[]`, status: 400, code: "malformed", says: "an array"},
		"two bodies in one":         {body: `{} {}`, status: 400, code: "malformed"},
		"body that is not UTF-8":    {body: "{\"description\":\"\xff\xfe\"}", status: 400, code: "malformed", says: "UTF-8"},
		"deep nesting":              {body: strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), status: 400, code: "malformed"},
		"amount as a string":        {body: create(`"amount":"1050","currency":"EUR",` + card), status: 400, code: "malformed", field: "amount"},
		"currency as a number":      {body: create(`"amount":1050,"currency":978,` + card), status: 400, code: "malformed", field: "currency"},
		"authorize as a string":     {body: create(`"amount":1050,"currency":"EUR","authorize":"yes",` + card), status: 400, code: "malformed", field: "authorize"},
		"card as a string":          {body: create(`"amount":1050,"currency":"EUR","card":"tok_approved"`), status: 400, code: "malformed", field: "card"},
		"unknown field":             {body: create(`"amount":1050,"currency":"EUR","captureMethod":"automatic",` + card), status: 400, code: "malformed", field: "captureMethod"},
		"field in capitals":         {body: create(`"AMOUNT":1050,"currency":"EUR",` + card), status: 400, code: "malformed", field: "AMOUNT"},
		"tenant in the body":        {body: create(`"tenant":"rival","amount":1050,"currency":"EUR",` + card), status: 400, code: "malformed", field: "tenant"},
		"unknown currency":          {body: create(`"amount":1050,"currency":"XXZ",` + card), status: 422, code: "invalid", field: "currency"},
		"currency in small letters": {body: create(`"amount":1050,"currency":"eur",` + card), status: 422, code: "invalid", field: "currency"},
		"currency of look-alikes":   {body: create(`"amount":1050,"currency":"ЕUR",` + card), status: 422, code: "invalid", field: "currency"},
		"negative amount":           {body: create(`"amount":-1050,"currency":"EUR",` + card), status: 422, code: "invalid", field: "amount"},
		"no amount":                 {body: create(`"currency":"EUR",` + card), status: 422, code: "invalid", field: "amount"},
		"amount above the limit":    {body: create(`"amount":1000000000000000,"currency":"EUR",` + card), status: 422, code: "invalid", field: "amount"},
		"amount above 64 bits":      {body: create(`"amount":92233720368547758080,"currency":"EUR",` + card), status: 400, code: "malformed", field: "amount"},
		"lowest of 64 bits":         {body: create(`"amount":-9223372036854775808,"currency":"EUR",` + card), status: 422, code: "invalid", field: "amount"},
		"10.505 euros":              {body: create(`"amount":10.505,"currency":"EUR",` + card), status: 400, code: "malformed", field: "amount"},
		"1.5 yen":                   {body: create(`"amount":1.5,"currency":"JPY",` + card), status: 400, code: "malformed", field: "amount"},
		"amount with an exponent":   {body: create(`"amount":1e3,"currency":"KWD",` + card), status: 400, code: "malformed", field: "amount"},
		"NUL in a customer":         {body: `{"customer_id":"cus\u0000","amount":1050,"currency":"EUR",` + card + `}`, status: 422, code: "invalid", field: "customer_id"},
		"look-alikes in a customer": {body: `{"customer_id":"сus_1","amount":1050,"currency":"EUR",` + card + `}`, status: 422, code: "invalid", field: "customer_id"},
		"SQL in a customer":         {body: `{"customer_id":"x' OR 1=1 --","amount":1050,"currency":"EUR",` + card + `}`, status: 422, code: "invalid", field: "customer_id"},
		"line break in a trace id":  {body: create(`"amount":1050,"currency":"EUR",` + card), header: header{"X-Trace-Id": "a;level=ERROR"}, status: 400, code: "malformed", field: "X-Trace-Id"},
		"ANSI in a description":     {body: create(`"description":"\u001b[2J","amount":1050,"currency":"EUR",` + card), status: 422, code: "invalid", field: "description"},
		"no idempotency key":        {body: create(`"amount":1050,"currency":"EUR",` + card), header: header{"Idempotency-Key": ""}, status: 422, code: "idempotency_key_required", field: "Idempotency-Key"},
		"two idempotency keys":      {body: create(`"amount":1050,"currency":"EUR",` + card), header: header{"X-Idempotency-Key": "b", "Idempotency-Key": "a"}, status: 400, code: "malformed", field: "Idempotency-Key"},
		"no API key":                {body: `{}`, header: header{"Authorization": ""}, status: 401, code: "unauthorized"},
		"wrong API key":             {body: `{}`, header: header{"Authorization": "Bearer " + tenantKey + "x"}, status: 401, code: "unauthorized"},
		"two API keys":              {body: `{}`, header: header{"X-Api-Key": rivalKey}, status: 401, code: "unauthorized"},
		"XML":                       {body: `<a/>`, header: header{"Content-Type": "application/xml"}, status: 415, code: "unsupported_type"},
		"unknown payment":           {path: "/v1/intents/pay_0000_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b/capture", body: `{}`, status: 404, code: "not_found"},
		"no payment's id":           {path: "/v1/intents/pay_0000_';DROP+TABLE+payments/capture", body: `{}`, status: 404, code: "not_found"},
		"a climb out of the path":   {path: "/v1/intents/..%2f..%2fmetrics/capture", body: `{}`, status: 404, code: "not_found"},
		"capture above authorised":  {path: "/v1/intents/" + authorized.ID + "/capture", body: `{"amount":10001}`, status: 422, code: "exceeds_authorized", says: "100.00"},
		"capture of nothing":        {path: "/v1/intents/" + authorized.ID + "/capture", body: `{"amount":0}`, status: 422, code: "invalid", field: "amount"},
		"capture below zero":        {path: "/v1/intents/" + authorized.ID + "/capture", body: `{"amount":-1}`, status: 422, code: "invalid", field: "amount"},
		"capture in yen":            {path: "/v1/intents/" + authorized.ID + "/capture", body: `{"amount":100,"currency":"JPY"}`, status: 422, code: "currency_mismatch"},
		"refund before a capture":   {path: "/v1/intents/" + authorized.ID + "/refunds", body: `{"amount":1}`, status: 409, code: "wrong_state"},
		"refund above captured":     {path: "/v1/intents/" + captured.ID + "/refunds", body: `{"amount":10001}`, status: 422, code: "exceeds_captured", says: "100.00"},
		"refund below zero":         {path: "/v1/intents/" + captured.ID + "/refunds", body: `{"amount":-10000}`, status: 422, code: "invalid", field: "amount"},
		"void of a capture":         {path: "/v1/intents/" + captured.ID + "/void", body: `{}`, status: 409, code: "wrong_state"},
		"confirm without challenge": {path: "/v1/intents/" + captured.ID + "/confirm", body: `{}`, status: 422, code: "invalid", field: "challenge"},
		"5 MB body":                 {body: create(`"description":"` + strings.Repeat("x", 5<<20) + `"`), status: 413, code: "too_large", says: "262144"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.path == "" {
				c.path = "/v1/intents"
			}
			w.unmoved(t, func() {
				a := w.post(t, c.path, c.body, c.header)
				if a.status != c.status || a.Error != c.code || !strings.Contains(a.Msg, c.field) || !strings.Contains(a.Msg, c.says) {
					t.Errorf("got %s; want %d %s with %q %q", a, c.status, c.code, c.field, c.says)
				}
				if c.field != "" && a.Detail.Field != c.field && !strings.HasPrefix(a.Detail.Field, c.field) {
					t.Errorf("details name the field %q, want %q", a.Detail.Field, c.field)
				}
				if a.Trace == "" || a.header.Get("X-Trace-Id") != a.Trace {
					t.Errorf("trace id %q in the body, %q in the header", a.Trace, a.header.Get("X-Trace-Id"))
				}
			})
		})
	}
}

// repeats are requests with an idempotency key that was used before.
func repeats(t *testing.T, w *world) {
	body := func(customer string, amount int) string {
		if customer != "" {
			customer = fmt.Sprintf(`"customer_id":%q,`, customer)
		}
		return fmt.Sprintf(`{%s"amount":%d,"currency":"EUR","authorize":true,"capture_method":"automatic","card":{"token":"tok_approved"}}`, customer, amount)
	}
	t.Run("a guest's retry gets the first answer", func(t *testing.T) {
		key := newID()
		first := w.post(t, "/v1/intents", body("", 500), header{"Idempotency-Key": key})
		w.until(t, first.ID, "captured")
		w.unmoved(t, func() {
			again := w.post(t, "/v1/intents", body("", 500), header{"Idempotency-Key": key})
			if again.ID != first.ID || (first.status != 202 && string(again.body) != string(first.body)) {
				t.Errorf("retry: %s, at first %s", again, first)
			}
		})
	})
	key := newID()
	first := w.post(t, "/v1/intents", body("cus_key", 500), header{"Idempotency-Key": key})
	w.until(t, first.ID, "captured")
	for name, other := range map[string]string{"another customer": body("cus_other", 500), "no customer": body("", 500), "another amount": body("cus_key", 501)} {
		t.Run("the same key with "+name, func(t *testing.T) {
			w.unmoved(t, func() {
				if a := w.post(t, "/v1/intents", other, header{"Idempotency-Key": key}); a.status != 422 || a.Error != "idempotency_mismatch" {
					t.Errorf("got %s; want 422 idempotency_mismatch", a)
				}
			})
		})
	}
	t.Run("the same key for another operation", func(t *testing.T) {
		w.unmoved(t, func() {
			if a := w.post(t, "/v1/intents/"+first.ID+"/refunds", `{}`, header{"Idempotency-Key": key}); a.status != 422 || a.Error != "idempotency_mismatch" {
				t.Errorf("got %s; want 422 idempotency_mismatch", a)
			}
		})
	})
	t.Run("another tenant's key is a key of its own", func(t *testing.T) {
		a := w.post(t, "/v1/intents", body("cus_key", 700), header{"Idempotency-Key": key, "Authorization": "Bearer " + rivalKey})
		if a.ID == "" || a.ID == first.ID || strings.Contains(string(a.body), first.ID) {
			t.Errorf("got %s, the other tenant's payment is %s", a, first.ID)
		}
		wait(t, "the rival's payment", func() bool {
			return w.call(t, http.MethodGet, "/v1/intents/"+a.ID, "", header{"Authorization": "Bearer " + rivalKey}).Status == "captured"
		}, a.String)
	})
}

// slowClients send less than a request and keep the connection.
func slowClients(t *testing.T, w *world) {
	var group sync.WaitGroup
	for name, text := range map[string]string{
		"headers that do not end": "POST /v1/intents HTTP/1.1\r\nHost: weir\r\nX-Slow: ",
		"body that does not end": "POST /v1/intents HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json\r\nIdempotency-Key: slow\r\n" +
			"Authorization: Bearer " + tenantKey + "\r\nContent-Length: 1000\r\n\r\n{\"amount\":",
	} {
		group.Go(func() {
			if said := slow(w, text); said != "" {
				t.Errorf("%s: %s", name, said)
			}
		})
	}
	group.Wait()
}

// slow sends a text and waits for the answer; it says what is wrong with that.
func slow(w *world, text string) string {
	connection, err := net.Dial("tcp", strings.TrimPrefix(w.engine.URL, "http://"))
	if err != nil {
		return err.Error()
	}
	defer connection.Close()
	if _, err := connection.Write([]byte(text)); err != nil {
		return err.Error()
	}
	if err := connection.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err.Error()
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err == nil {
		defer response.Body.Close()
		if response.StatusCode != http.StatusRequestTimeout {
			return "answered " + response.Status + ", want 408 or a closed connection"
		}
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return "the connection was kept for " + patience.String()
	}
	return ""
}

// smuggled are requests whose length can be read in two ways.
func smuggled(t *testing.T, w *world) {
	for name, lengths := range map[string]string{
		"two lengths":             "Content-Length: 2\r\nContent-Length: 40\r\n",
		"length and chunks":       "Content-Length: 40\r\nTransfer-Encoding: chunked, identity\r\n",
		"a length with a sign":    "Content-Length: +2\r\n",
		"a header with line fold": "Content-Length: 2\r\nX-Api-Key: a\r\n b\r\n X-Other",
	} {
		t.Run(name, func(t *testing.T) {
			connection, err := net.Dial("tcp", strings.TrimPrefix(w.engine.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			request := "POST /v1/intents HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json\r\nIdempotency-Key: smuggled\r\nAuthorization: Bearer " +
				tenantKey + "\r\n" + lengths + "\r\n{}GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n"
			if _, err := connection.Write([]byte(request)); err != nil {
				t.Fatal(err)
			}
			if err := connection.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode < 400 || response.StatusCode >= 500 && response.StatusCode != http.StatusNotImplemented {
				t.Errorf("answered %s, want a refusal", response.Status)
			}
		})
	}
}
