package engine_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/topics"
)

// shop asks a whole process for payments that are more than a card and one capture.
type shop struct {
	*testing.T
	*engine.Engine
}

// made is what an answer names.
type made struct {
	ID      string          `json:"id"`
	Mandate string          `json:"mandate_id"`
	Action  json.RawMessage `json:"next_action"`
}

func (s shop) asks(path, key, body string, want int) (m made) {
	s.Helper()
	status, answer := post(s.T, s.URL+"/v1/"+path, key, body)
	if err := json.Unmarshal(answer, &m); err != nil || status != want {
		s.Fatalf("%s %s: %d %s, want %d", path, body, status, answer, want)
	}
	return m
}

// intent is a payment of a customer who is named as the key is.
func (s shop) intent(key string, amount int, more string) made {
	s.Helper()
	customer, _, _ := strings.Cut(key, "-")
	return s.asks("intents", key, fmt.Sprintf(`{"customer_id":%q,"amount":%d,"currency":"EUR","authorize":true,"capture_method":"automatic",%s}`,
		customer, amount, more), http.StatusCreated)
}

func (s shop) until(id, says string) {
	s.Helper()
	until(s.T, s.URL+"/v1/intents/"+id, says)
}

// hurries has the timer of a payment come due.
func (s shop) hurries(id string, kind topics.TimerKind) {
	s.Helper()
	of, err := topics.ParsePaymentID(id)
	if err != nil {
		s.Fatal(err)
	}
	err = s.Database.InTx(s.Context(), func(tx pgx.Tx) error {
		tag, err := tx.Exec(s.Context(), `UPDATE timers SET due = $1 WHERE partition = $2 AND payment = $3 AND kind = $4`, time.Now(), of.Partition, of.UUID, string(kind))
		if err == nil && tag.RowsAffected() != 1 {
			return fmt.Errorf("payment %s has %d timers %s", id, tag.RowsAffected(), kind)
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
}

const keptCard = `"card":{"token":"tok_%s","bin":"411111","country":"DE"},"context":{"country":"DE"},"setup_mandate":{"type":"recurring"}`

// TestEveryWayToPayOverHTTP takes payments by mandates, other methods than cards, links, increments and delayed captures through the built-in rules,
// the fold, the gateway, the sandbox and its webhooks, side by side, and the books agree.
func TestEveryWayToPayOverHTTP(t *testing.T) {
	cfg := load(t)
	cfg.API.Rate, cfg.API.Burst = 100_000, 100_000 // who waits asks again and again
	cfg.Links.Methods = []config.LinkMethod{{Label: "Test card", Type: "card", Token: "tok_approved"}, {Label: "Bank", Type: "bank_redirect", Name: "paid"}}
	sandbox := cfg.PSP["sandbox"]
	sandbox.OverCapturePercent = 15
	cfg.PSP["sandbox"] = sandbox
	cfg.Payments.StatementDescriptors = []config.StatementDescriptor{{Tenant: config.DevelopmentTenant, Text: "DEMO SHOP"}}
	e := start(t, cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	t.Run("ways", func(t *testing.T) {
		for name, play := range map[string]func(shop){
			"mandate": paysByMandate, "mandate declined for now": retriesByMandate, "bank and code": paysByBankAndCode,
			"crypto": paysByCrypto, "link": paysByLinks, "increment": raises, "tip": tips, "challenges": passesChallenges, "delayed capture": capturesLater,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				play(shop{t, e})
			})
		}
	})
	if found := check(t, e); len(found) > 0 {
		t.Errorf("fsck: %s", strings.Join(found, "\n"))
	}
	var entries, unbalanced int
	if err := e.Database.Pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM (SELECT currency FROM accounts GROUP BY currency HAVING sum(balance) <> 0) AS c)`).
		Scan(&entries, &unbalanced); err != nil || entries == 0 || unbalanced != 0 {
		t.Errorf("%d entries, %d currencies whose balances do not sum to zero: %v", entries, unbalanced, err)
	}
}

// paysByMandate: amounts that are challenged or doubted where a customer pays pass where nobody is there.
func paysByMandate(s shop) {
	mandate := s.intent("anna-first", 10_00, fmt.Sprintf(keptCard, "approved")).Mandate
	until(s.T, s.URL+"/v1/mandates/"+mandate, `"status":"active"`)
	for key, amount := range map[string]int{"anna-small": 5_00, "anna-large": 900_00} {
		s.until(s.intent(key, amount, fmt.Sprintf(`"mandate":%q`, mandate)).ID, `"status":"captured"`)
	}
	s.asks("mandates/"+mandate+"/revoke", "anna-revoke", `{"reason":"moved"}`, http.StatusOK)
	if status, answer := post(s.T, s.URL+"/v1/intents", "anna-late", fmt.Sprintf(`{"customer_id":"anna","amount":500,"currency":"EUR","authorize":true,"mandate":%q}`, mandate)); status < 400 || !strings.Contains(string(answer), `"mandate_not_active"`) {
		s.Errorf("by a mandate that was revoked: %d %s", status, answer)
	}
}

// retriesByMandate: declined twice, each time asked for again by its timer.
func retriesByMandate(s shop) {
	mandate := s.intent("bert-first", 10_00, fmt.Sprintf(keptCard, "mandate_soft")).Mandate
	until(s.T, s.URL+"/v1/mandates/"+mandate, `"status":"active"`)
	id := s.asks("intents", "bert-later", fmt.Sprintf(`{"customer_id":"bert","amount":2000,"currency":"EUR","authorize":true,"capture_method":"automatic","mandate":%q}`, mandate),
		http.StatusAccepted).ID
	for attempt := 1; attempt <= 2; attempt++ {
		s.until(id, fmt.Sprintf(`"attempts":%d,`, attempt))
		s.hurries(id, topics.TimerRetry)
	}
	s.until(id, `"status":"captured"`)
	until(s.T, s.URL+"/v1/wallets/bert", `"available":3000`)
}

func paysByBankAndCode(s shop) {
	pays := func(key, method, name string) (id string) {
		m := s.intent(key, 300_00, fmt.Sprintf(`"payment_method":{"type":%q,"name":%q},"return_url":"https://shop.example/back"`, method, name))
		if m.Action == nil {
			s.Errorf("%s: the customer is asked for nothing", key)
		}
		return m.ID
	}
	bank, code := pays("cleo-bank", "bank_redirect", "paid"), pays("cleo-code", "qr", "paid")
	back, again := pays("cora-back", "bank_redirect", "returned"), pays("cora-again", "qr", "paid_twice")
	s.until(bank, `"status":"captured"`)
	s.until(code, `"status":"captured"`)
	s.until(back, `"status":"refunded"`)
	s.until(again, `"unapplied":30000`)
	s.asks("intents/"+again+"/refunds", "cora-second", `{"unapplied":true}`, http.StatusCreated)
	s.until(again, `"state":"succeeded","type":"refund"`)
	until(s.T, s.URL+"/v1/wallets/cleo", `"available":60000`)
	until(s.T, s.URL+"/v1/wallets/cora", `"available":30000`)
}

// paysByCrypto: a part waits for the rest, what is too much or never becomes enough is given back.
func paysByCrypto(s shop) {
	part := s.intent("dora-part", 100_00, `"payment_method":{"type":"crypto","name":"topped_up"}`).ID
	much := s.intent("dora-much", 100_00, `"payment_method":{"type":"crypto","name":"overpaid"}`).ID
	short := s.intent("dora-short", 100_00, `"payment_method":{"type":"crypto","name":"short"}`).ID
	s.until(part, `"captured":10000`)
	s.until(much, `"unapplied":3000`)
	s.until(short, `"decline_category"`)
	s.until(short, `"unapplied":4000`)
	for _, id := range []string{much, short} {
		s.asks("intents/"+id+"/refunds", "dora-"+id, `{"unapplied":true}`, http.StatusCreated)
		s.until(id, `"state":"succeeded","type":"refund"`)
	}
	until(s.T, s.URL+"/v1/wallets/dora", `"available":20000`)
}

func paysByLinks(s shop) {
	b := browser{s.T}
	for method, key := range []string{"emil-card", "emil-bank"} {
		var link struct{ ID, URL string }
		status, answer := post(s.T, s.URL+"/v1/payment-links", key, fmt.Sprintf(`{"customer_id":"emil","amount":1050,"currency":"EUR","description":"Shoes","expires_at":%q,
			"invoice":{"number":"R-7","due_at":%[1]q,"lines":[{"description":"Left","quantity":2,"unit_price":500,"tax":100},{"description":"Off","quantity":1,"unit_price":-50}]}}`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
		if err := json.Unmarshal(answer, &link); err != nil || status != http.StatusCreated {
			s.Fatalf("make a link: %d %s", status, answer)
		}
		_, secret, _ := strings.Cut(link.URL, "/pay/")
		at := s.URL + "/pay/" + secret
		_, page, _ := b.get(at)
		if !strings.Contains(page, "Invoice R-7, due") || !strings.Contains(page, "<td>9.50 EUR</td><td>1.00 EUR</td>") {
			s.Errorf("the page of an invoice: %s", page)
		}
		_, _, header := b.pay(at, page, fmt.Sprint(method))
		b.until(header.Get("At"), "<dd>paid</dd>")
		until(s.T, s.URL+"/v1/payment-links/"+link.ID, `"status":"paid"`)
	}
	until(s.T, s.URL+"/v1/wallets/emil", `"available":2100`)
}

func raises(s shop) {
	id := s.asks("intents", "fred", `{"customer_id":"fred","amount":1000,"currency":"EUR","authorize":true,"card":{"token":"tok_approved","bin":"411111","country":"DE"}}`, http.StatusCreated).ID
	s.asks("intents/"+id+"/increment", "fred-more", `{"amount":500}`, http.StatusOK)
	s.until(id, `"authorized":1500`)
	s.asks("intents/"+id+"/capture", "fred-all", `{}`, http.StatusOK)
	s.until(id, `"captured":1500`)
}

// passesChallenges: in the shop's own page, and at the second try.
func passesChallenges(s shop) {
	const card = `"card":{"token":"tok_3ds_%s","bin":"411111","country":"DE"}`
	shown := s.intent("ivan-shown", 10_00, fmt.Sprintf(card, "client_token"))
	if !strings.Contains(string(shown.Action), `"client_token"`) {
		s.Errorf("the shop is given %s", shown.Action)
	}
	again := s.intent("ivan-again", 20_00, fmt.Sprintf(card, "again")+`,"return_url":"https://shop.example/back"`)
	tried := s.asks("intents/"+again.ID+"/confirm", "ivan-failed", `{"challenge":{"result":"failed"}}`, http.StatusOK)
	if string(tried.Action) != string(again.Action) {
		s.Errorf("after a failed challenge the customer is sent to %s, before to %s", tried.Action, again.Action)
	}
	for _, m := range []made{shown, again} {
		s.asks("intents/"+m.ID+"/confirm", "ivan-"+m.ID, `{"challenge":{"result":"authenticated"}}`, http.StatusOK)
		s.until(m.ID, `"status":"captured"`)
	}
	until(s.T, s.URL+"/v1/wallets/ivan", `"available":3000`)
}

// tips captures more than is authorised, as far as the configuration lets it, and all of it goes back.
func tips(s shop) {
	id := s.asks("intents", "hugo", `{"customer_id":"hugo","amount":1000,"currency":"EUR","authorize":true,"card":{"token":"tok_over_capture","bin":"411111","country":"DE"}}`, http.StatusCreated).ID
	s.until(id, `"over_capture":150`)
	s.until(id, `"statement_descriptor":"DEMO SHOP"`)
	if status, answer := post(s.T, s.URL+"/v1/intents/"+id+"/capture", "hugo-much", `{"amount":1151}`); status != http.StatusUnprocessableEntity || !strings.Contains(string(answer), "exceeds_authorized") {
		s.Errorf("above the limit: %d %s", status, answer)
	}
	s.asks("intents/"+id+"/capture", "hugo-tip", `{"amount":1150}`, http.StatusOK)
	s.until(id, `"captured":1150`)
	s.asks("intents/"+id+"/refunds", "hugo-back", `{"amount":1150}`, http.StatusCreated)
	s.until(id, `"status":"refunded"`)
}

func capturesLater(s shop) {
	id := s.intent("gina", 20_00, `"card":{"token":"tok_approved","bin":"411111","country":"DE"},"capture_delay_seconds":3600`).ID
	s.until(id, `"status":"authorized"`)
	s.hurries(id, topics.TimerCapture)
	s.until(id, `"status":"captured"`)
}
