package generic_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/psp/generic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const everywhere = `version: 1
operations:
  authorize:
    post: /a/${reference}/b
    query: {q: "x ${reference}"}
    headers: {X-H: "h ${reference}"}
    json:
      whole: ${reference}
      part: <${reference}>
      list: ["${reference}", 1, true]
      amount: ${amount}
      none: ${return_url}
    answers: [{has: [x], outcome: failed}]
  refund:
    post: /f
    form: {whole: "${reference}", part: "<${reference}>", none: "${return_url}"}
    answers: [{has: [x], outcome: failed}]
`

type seen struct {
	path, query, header, body string
	calls                     int
}

// TestAValueNeverBecomesSyntax: whatever a value holds, what arrives is the value and nothing else, or nothing is sent.
func TestAValueNeverBecomesSyntax(t *testing.T) {
	definition, err := generic.Parse(rules.File{Name: "f.yaml", Text: []byte(everywhere)})
	if err != nil {
		t.Fatal(err)
	}
	var got seen
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("X-H"), string(body), got.calls + 1}
		_, _ = w.Write([]byte(`{"x":1}`))
	}))
	defer server.Close()
	a, err := generic.New(generic.Config{Name: "p", BaseURL: server.URL, Definition: definition, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *rapid.T, value string) {
		r := request(topics.OperationAuthorize, "1-1-0", 1050, "EUR")
		r.PSPReference, r.ReturnURL = value, ""
		before := got.calls
		if _, err := a.Do(t.Context(), r); err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		if got.calls == before { // refused: it would lead elsewhere, or break a line
			if strings.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789") == "" && value != "" {
				t.Fatalf("%q was refused", value)
			}
			return
		}
		segments := strings.Split(got.path, "/")
		if len(segments) != 4 {
			t.Fatalf("%q: path %s", value, got.path)
		}
		if part, err := url.PathUnescape(segments[2]); err != nil || part != value || segments[1] != "a" || segments[3] != "b" {
			t.Fatalf("%q: path %s", value, got.path)
		}
		if query, err := url.ParseQuery(got.query); err != nil || len(query) != 1 || query.Get("q") != "x "+value {
			t.Fatalf("%q: query %s", value, got.query)
		}
		if strings.TrimRight(got.header, " ") != strings.TrimRight("h "+value, " ") {
			t.Fatalf("%q: header %q", value, got.header)
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(got.body), &body); err != nil {
			t.Fatalf("%q: %s", value, got.body)
		}
		clean := strings.ToValidUTF8(value, "\ufffd")
		if list := body["list"].([]any); len(body) != 4 || body["amount"] != float64(1050) || list[1] != float64(1) || list[2] != true {
			t.Fatalf("%q: %s", value, got.body)
		}
		if value == clean && (body["whole"] != value || body["part"] != "<"+value+">") {
			t.Fatalf("%q: %s", value, got.body)
		}
		r.Operation = topics.OperationRefund
		if _, err := a.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if form, err := url.ParseQuery(got.body); err != nil || len(form) != 2 || form.Get("whole") != value || form.Get("part") != "<"+value+">" {
			t.Fatalf("%q: form %s", value, got.body)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.OneOf(rapid.StringN(0, 20, 60), rapid.SampledFrom([]string{
			"..", ".", "a/b", "%2e%2e", "a?b=c", "a#b", `","admin":true,"x":"`, "a&b=c", "a\r\nX-Evil: 1", "${secret}", `\`, "é", "a b", "+", "%00", "abc123",
		})).Draw(t, "value"))
	})
}
