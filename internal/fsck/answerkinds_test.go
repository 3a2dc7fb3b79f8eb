package fsck

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/api"
	"github.com/weirhq/weir/topics"
)

// storedAnswer is an answer of the API, and how it is spoilt.
type storedAnswer struct {
	command  uuid.UUID
	body     any
	old, new string
	want     string
}

// eachAnswer makes one answer or more of each schema with which the document has writes answered.
func eachAnswer() map[string][]func(*fixture) storedAnswer {
	id := func(n int) uuid.UUID { return uuid.Must(uuid.FromString(commandID(n))) }
	pass := topics.Decision{Outcome: topics.OutcomePass, RuleSet: "r"}
	return map[string][]func(*fixture) storedAnswer{
		"Intent": {func(f *fixture) storedAnswer {
			anna := customers(f.t)[0][0]
			f.agree()
			payment := topics.PaymentID{UUID: id(1)}.String()
			return storedAnswer{id(1), api.Intent{ID: payment, Status: "captured", CustomerID: anna, Amount: 1000, Currency: "EUR", Authorized: 1000, Captured: 1000},
				`"captured":1000`, `"captured":1001`, "authorised 1000 and captured 1001"}
		}},
		"Refund": {func(f *fixture) storedAnswer {
			anna := customers(f.t)[0][0]
			f.agree()
			payment := topics.PaymentID{UUID: id(1)}.String()
			c := topics.Command{CommandID: commandID(9), Type: topics.CommandRefund, Tenant: "acme", CustomerID: anna, PaymentID: payment, Amount: 300, Currency: "EUR"}
			f.feed(0, anna, topics.TypeAssessedCommand, &topics.AssessedCommand{Command: c, Decision: pass})
			f.publishAll()
			return storedAnswer{id(9), api.Refund{ID: "0-6-0", IntentID: payment, Status: "pending", Amount: 300, Currency: "EUR"}, `"amount":300`, `"amount":400`, "a refund 0-6-0 of 400"}
		}},
		"Mandate": {func(f *fixture) storedAnswer {
			mandate := f.agree()
			return storedAnswer{id(50), api.Mandate{ID: mandate, Status: "revoked", CustomerID: customers(f.t)[0][0], Currency: "EUR", IntentID: strings.Replace(mandate, "man_", "pay_", 1)},
				customers(f.t)[0][0], "eve", "it says customer eve of the mandate"}
		}},
		"WalletChange": {func(f *fixture) storedAnswer {
			f.play()
			return storedAnswer{id(1), api.WalletChange{CommandID: commandID(1), Status: "credited", CustomerID: customers(f.t)[0][0], EventID: "0-0-0", Amount: 1000, Currency: "EUR",
				Balance: &api.WalletBalance{Currency: "EUR", Available: 1000, Total: 1000}}, `"amount":1000`, `"amount":2000`, "it says credited of 2000 EUR"}
		}, func(f *fixture) storedAnswer {
			f.limit()
			return storedAnswer{id(30), api.WalletChange{CommandID: commandID(30), Status: "limit_set", CustomerID: customers(f.t)[0][0], EventID: "0-0-0"},
				`"limit_set"`, `"closed"`, "it says closed of 0"}
		}},
		"Payout": {func(f *fixture) storedAnswer {
			paid, _ := f.payOut()
			return storedAnswer{id(2), api.Payout{ID: paid, Status: "sent", CustomerID: customers(f.t)[0][0], Amount: 3000, Currency: "EUR"}, `"amount":3000`, `"amount":1`, "it says 1 EUR"}
		}},
		"PaymentLink": {func(f *fixture) storedAnswer {
			_, open := f.payByLink()
			return storedAnswer{id(2), api.PaymentLink{ID: open, Status: "active", CustomerID: customers(f.t)[0][0], Amount: 1000, Currency: "EUR"}, `"amount":1000`, `"amount":1`, "it says 1 EUR"}
		}},
		"Dispute": {func(f *fixture) storedAnswer {
			dispute := f.dispute()
			return storedAnswer{id(60), api.Dispute{ID: dispute, Status: "lost", CustomerID: customers(f.t)[0][0], PaymentID: topics.PaymentID{UUID: id(1)}.String(), Currency: "EUR"},
				`"EUR"`, `"USD"`, "in USD; dispute " + dispute}
		}},
		"RecordedEvent": {func(f *fixture) storedAnswer {
			anna := customers(f.t)[0][0]
			f.happened(anna, commandID(70))
			return storedAnswer{id(70), api.RecordedEvent{EventID: commandID(70), Status: "assessed", CustomerID: anna, Type: "login", Outcome: topics.OutcomeStepUp, Reasons: []string{"third_login"}, Score: 7},
				`"score":7`, `"score":8`, `it says step_up with score 8 for ["third_login"] instead of step_up with score 7`}
		}},
	}
}

// happened records an event of a customer, with what the rules said of it.
func (f *fixture) happened(customer, event string) {
	f.t.Helper()
	f.feed(home(customer), customer, topics.TypeAssessedCustomerEvent, &topics.AssessedCustomerEvent{AssessedAt: f.at,
		Event:    topics.CustomerEvent{EventID: event, Type: "login", Tenant: "acme", CustomerID: customer},
		Decision: topics.Decision{EventID: event, Tenant: "acme", CustomerID: customer, Outcome: topics.OutcomeStepUp, Reasons: []string{"third_login"}, Score: 7, RuleSet: "r"}})
	f.publishAll()
}

// TestEachKindOfAnswerIsCompared: what the API stores of any write is taken for what it is, and is compared. A write that the
// document has answered with another schema needs an answer here.
func TestEachKindOfAnswerIsCompared(t *testing.T) {
	kinds := eachAnswer()
	if told, have := writtenSchemas(t), slices.Sorted(maps.Keys(kinds)); !slices.Equal(told, have) {
		t.Fatalf("the document has writes answered with %v, of which %v are put before fsck", told, have)
	}
	for _, schema := range slices.Sorted(maps.Keys(kinds)) {
		for _, make := range kinds[schema] {
			t.Run(schema, func(t *testing.T) {
				f := newFixture(t)
				a := make(f)
				body, err := topics.Marshal(a.body)
				f.must(err)
				f.answered("answer", a.command, http.StatusOK, string(body))
				f.wantNone()
				f.exec(`UPDATE idempotency_keys SET body = $1`, []byte(strings.Replace(string(body), a.old, a.new, 1)))
				if problems, _, _ := f.check(); len(problems) != 1 || !strings.Contains(problems[0], "idempotency key answer of acme: ") || !strings.Contains(problems[0], a.want) {
					t.Errorf("%q, want one that says %q", problems, a.want)
				}
			})
		}
	}
}

// writtenSchemas are those with which writes that take an Idempotency-Key are answered where they succeed.
func writtenSchemas(t *testing.T) (names []string) {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths.Map() {
		write := item.Post
		if write == nil || !slices.ContainsFunc(write.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.Name == "Idempotency-Key" }) {
			continue
		}
		for status, response := range write.Responses.Map() {
			if strings.HasPrefix(status, "2") {
				name := strings.TrimPrefix(response.Value.Content["application/json"].Schema.Ref, "#/components/schemas/")
				if name == "" {
					t.Errorf("POST %s answers %s without a schema of a name", path, status)
				}
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestTamperedAnswersAboutCustomerEventsAreFound(t *testing.T) {
	f := newFixture(t)
	recent := uuid.Must(uuid.NewV7())
	anna, event := customers(t)[1][0], recent.String()
	f.happened(anna, event)
	answer := `{"event_id":"` + event + `","status":"assessed","customer_id":"` + anna + `","type":"login","outcome":"step_up","reasons":["third_login"],"score":7}`
	f.answered("login", recent, http.StatusOK, answer)
	f.wantNone()
	for _, c := range []struct{ name, old, now, want string }{
		{"another outcome", "step_up", "pass", "it says pass with score 7"},
		{"another reason", "third_login", "fourth_login", `for ["fourth_login"]`},
		{"another customer", anna, customers(t)[1][1], "it says customer " + customers(t)[1][1]},
		{"a customer of another partition", anna, customers(t)[0][0], "on which the log has no decision"},
		{"another event", event, commandID(71), commandID(71) + ", on which the log has no decision"},
		{"no event", event, "x", "it names customer event x, on which"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := *f
			f.t = t
			f.exec(`UPDATE idempotency_keys SET body = $1`, []byte(strings.Replace(answer, c.old, c.now, 1)))
			problems, _, _ := f.check()
			if len(problems) != 1 || !strings.Contains(problems[0], "idempotency key login of acme") || !strings.Contains(problems[0], c.want) {
				t.Errorf("%q, want one that says %q", problems, c.want)
			}
		})
	}
	t.Run("one that is forgotten with its event", func(t *testing.T) {
		f := *f
		f.t = t
		f.exec(`UPDATE idempotency_keys SET body = $1, command_id = $2`, []byte(strings.Replace(answer, event, commandID(71), 1)), uuid.FromStringOrNil(commandID(71)))
		f.wantNone()
	})
	t.Run("the key of another command", func(t *testing.T) {
		f := *f
		f.t = t
		f.exec(`UPDATE idempotency_keys SET body = $1, command_id = $2`, []byte(answer), uuid.FromStringOrNil(commandID(71)))
		if problems, _, _ := f.check(); len(problems) != 1 || !strings.Contains(problems[0], "its key stands for "+commandID(71)) {
			t.Errorf("%q", problems)
		}
	})
}
