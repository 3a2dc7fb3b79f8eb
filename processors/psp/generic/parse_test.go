package generic_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/psp/generic"
	"github.com/weirhq/weir/rules"
)

// small is a file without mistakes; tests break it in one place.
const small = `version: 1
amounts: decimal
idempotency:
  header: Key
  window: 24h
headers:
  Authorization: Bearer ${secret}
operations:
  authorize:
    post: /pay/${payment_id}
    json:
      amount: ${amount}
      note: 7
    answers:
      - status: 200
        where: {id: "${request_id}"}
        outcome: {at: state, is: {ok: approved, go: requires_action}}
        reference: ref
        amount: amount
        currency: currency
        action: {type: redirect, url: url}
      - status: 422
        has: [error]
        outcome: failed
    poll:
      get: /pay
      query:
        key: ${request_id}
      answers:
        - status: 404
          has: [error]
          outcome: not_found
webhook:
  id: id
  payment: payment
  amount: amount
  currency: currency
  event: {at: type, is: {paid: authorize approved captured}}
`

func TestMistakesHaveAPlace(t *testing.T) {
	if _, err := generic.Parse(rules.File{Name: "f.yaml", Text: []byte(small)}); err != nil {
		t.Fatalf("without a mistake: %v", err)
	}
	for name, c := range map[string]struct{ old, with, want string }{
		"unknown key":               {"amounts: decimal", "amount: decimal", "f.yaml:2:1: unknown key \"amount\""},
		"way of amounts":            {"amounts: decimal", "amounts: cents", "f.yaml:2:10: amounts cannot be \"cents\""},
		"variable":                  {"${payment_id}", "${paymentid}", "f.yaml:10:11: unknown variable \"paymentid\""},
		"hint for it":               {"${payment_id}", "${paymentid}", "payment_id"},
		"open variable":             {"amount: ${amount}", "amount: ${amount", "a ${ without its }"},
		"secret in an address":      {"/pay/${payment_id}", "/pay/${secret}", "the secret would stand in addresses"},
		"secret in a query":         {"key: ${request_id}", "key: ${secret}", "the secret would stand in addresses"},
		"path without a slash":      {"post: /pay", "post: pay", "f.yaml:10:11: \"pay/${payment_id}\" is not a path"},
		"query in a path":           {"post: /pay", "post: /pay?x=1/", "is not a path"},
		"two methods":               {"post: /pay/${payment_id}", "post: /pay\n    put: /pay", "is both post and put"},
		"nowhere":                   {"    post: /pay/${payment_id}\n", "", "operation authorize does not say where it goes"},
		"get with a body":           {"post: /pay/${payment_id}", "get: /pay/${payment_id}", "a get has no body"},
		"two bodies":                {"    answers:\n      - status: 200", "    form: {a: b}\n    answers:\n      - status: 200", "a body of json and one of form"},
		"approval of everything":    {"outcome: {at: state, is: {ok: approved, go: requires_action}}", "outcome: approved", "f.yaml:15:9: an approval must be read from a field"},
		"approval of anybody's":     {"        where: {id: \"${request_id}\"}\n", "", "f.yaml:15:9: an approval of another payment would be taken for one of this"},
		"approval of one of ours":   {"where: {id: \"${request_id}\"}", "where: {tenant: \"${tenant}\", id: [\"${request_id}\", none]}", "an approval of another payment would be taken for one of this"},
		"any answer is a failure":   {"        has: [error]\n        outcome: failed", "        outcome: failed", "every answer of this status would be failed, also one of a proxy"},
		"challenge without a way":   {"        action: {type: redirect, url: url}\n", "", "the answer does not say how"},
		"action without its code":   {"{type: redirect, url: url}", "{type: qr_code, url: url}", "what the customer sees"},
		"approval without its name": {"        reference: ref\n", "", "an authorisation without the PSP's reference could never be captured"},
		"currency alone":            {"        reference: ref\n        amount: amount\n", "        reference: ref\n", "a currency without an amount"},
		"word for an outcome":       {"ok: approved", "ok: fine", "f.yaml:17:39: outcome cannot be \"fine\""},
		"not found is for polls":    {"outcome: failed", "outcome: not_found", "outcome cannot be \"not_found\""},
		"not sent is for calls":     {"outcome: not_found", "outcome: not_sent", "outcome cannot be \"not_sent\""},
		"status":                    {"status: 422", "status: 4xx", "\"4xx\" is not an HTTP status"},
		"statuses in disorder":      {"status: 422", "status: 500-400", "is not an HTTP status"},
		"path of a field":           {"reference: ref", "reference: $.ref", "is not a path"},
		"window without a poll":     {"    poll:\n      get: /pay\n      query:\n        key: ${request_id}\n      answers:\n        - status: 404\n          has: [error]\n          outcome: not_found\n", "", "operation authorize has no poll"},
		"header's name":             {"header: Key", "header: a key", "is not the name of a header"},
		"number with a point":       {"note: 7", "note: 7.5", "put it in quotes"},
		"payouts":                   {"  authorize:", "  payout:", "unknown key \"payout\""},
		"event without an id":       {"webhook:\n  id: id\n", "webhook:\n", "does not say what names an event"},
		"event of nobody":           {"  payment: payment\n", "", "does not say whose it is"},
		"event of no amount":        {"  payment: payment\n  amount: amount\n", "  payment: payment\n", "does not say how much it is about"},
		"meaning of an event":       {"authorize approved captured", "authorised", "want an operation"},
		"captured refund":           {"authorize approved captured", "refund approved captured", "want an operation"},
		"events nowhere":            {"{at: type, is: {paid: authorize approved captured}}", "{is: {paid: authorize approved}}", "must say where to look"},
		"variable in a webhook":     {"  payment: payment\n", "  payment: payment\n  where: {x: \"${payment_id}\"}\n", "a webhook answers no request"},
		"no YAML":                   {"operations:", "operations", "not YAML"},
		"nothing":                   {small, "", "the file is empty"},
		"nothing described":         {small, "version: 1\n", "no operation is described"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(small, c.old) {
				t.Fatalf("%q is not in the file", c.old)
			}
			_, err := generic.Parse(rules.File{Name: "f.yaml", Text: []byte(strings.Replace(small, c.old, c.with, 1))})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestExamplesAreRight(t *testing.T) {
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if _, err := generic.Read(file); err != nil {
			t.Error(err)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	definition, err := generic.Parse(rules.File{Name: "f.yaml", Text: []byte(small)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []generic.Config{{BaseURL: "http://a"}, {BaseURL: "a", Secret: "s"}} {
		c.Definition = definition
		if _, err := generic.New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// FuzzParse: no file breaks the reading of files.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, file := range []string{"examples/bank.yaml", "examples/qr.yaml", "testdata/sandbox.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("version: 1\noperations:\n  authorize:\n    json: [[], {}, null, ~, 0x1, \"${\"]\n    answers: [1]\n    poll: 3\nwebhook: []\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if d, err := generic.Parse(rules.File{Name: "f.yaml", Text: text}); err == nil && len(d.Operations) == 0 {
			t.Error("nothing is described, and nothing is wrong")
		}
	})
}
