package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/api/idempotency"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/topics"
)

// withForgetful returns two processes on one broker and one database: the first never stores an answer after it was sent, as
// one that dies right then.
func withForgetful(t testing.TB) (forgetful, f *fixture) {
	t.Helper()
	b, db := brokertest.New(t, testPartitions), databasetest.New(t)
	var config Config
	f = newFixtureOn(t, b, db, func(c *Config) {
		c.Limits.AnswerWithin = shutdownWithin // no 202 on a slow machine
		config = *c
	})
	config.Listener, config.Metrics, config.Lists = nil, prometheus.NewRegistry(), newLists(t, b)
	api, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- api.hub.Run(ctx) }()
	server := httptest.NewServer(api)
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		api.producer.Close()
		api.lists.Close()
	})
	forgetful = &fixture{api: api, url: server.URL, db: db, broker: b, logs: f.logs, router: f.router}
	return forgetful.ready(t), f.ready(t)
}

// stored counts the keys that have an answer.
func (f *fixture) stored(t testing.TB) (n int) {
	t.Helper()
	if err := f.db.Pool.QueryRow(t.Context(), `SELECT count(body) FROM idempotency_keys`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// told is a request with the answer that it got.
type told struct {
	path, key, body string
	by              string // API key
	answer
}

func (r *told) headers() header {
	return header{"Idempotency-Key": r.key, "Authorization": "Bearer " + r.by}
}

// story sends writes of all kinds, one after the other, whose answers differ from what a later look would show.
type story struct {
	t     testing.TB
	f     *fixture
	tells []told
}

func (s *story) post(status int, path, body string) answer {
	s.t.Helper()
	return s.postAs(testSecret, status, path, body)
}

func (s *story) postAs(by string, status int, path, body string) answer {
	s.t.Helper()
	r := told{path: path, key: fmt.Sprint("story-", len(s.tells)), body: body, by: by}
	r.answer = want(s.t, s.f.call(s.t, http.MethodPost, path, body, r.headers()), status, path)
	s.tells = append(s.tells, r)
	return r.answer
}

// intent is post for an answer that shows an intent, whose path it returns.
func (s *story) intent(status int, path, body string) string {
	s.t.Helper()
	return "/v1/intents/" + s.post(status, path, body).intent(s.t).ID
}

func (s *story) tell() {
	const intents = "/v1/intents"
	p := s.intent(201, intents, goodCreate)
	s.post(200, p+"/authorize", "")
	s.post(409, p+"/cancel", "")
	s.post(422, p+"/capture", `{"amount":1051}`)
	s.post(200, p+"/capture", `{"amount":600}`)
	s.post(201, p+"/refunds", `{"amount":250}`)
	s.post(402, p+"/refunds", `{"amount":1,"reason":"block"}`)
	s.post(409, p+"/refunds", `{"amount":1,"reason":"hold"}`)
	s.post(201, p+"/refunds", `{"amount":350}`)

	s.post(200, s.intent(201, intents, authorize("tok_approved", ""))+"/void", "")
	s.post(200, s.intent(201, intents, goodCreate)+"/cancel", `{"reason":"changed their mind"}`)
	s.post(201, s.intent(201, intents, authorize("tok_approved", `,"capture_method":"automatic"`))+"/refunds", "")
	s.post(200, s.intent(201, intents, authorize("tok_challenge", ""))+"/confirm", `{"challenge":{"result":"authenticated","eci":"05"}}`)
	s.post(402, s.intent(201, intents, authorize("tok_capture_fails", ""))+"/capture", "")
	s.post(200, s.intent(201, intents, authorize("tok_approved", `,"description":"hold it"`))+"/approve", `{"reason":"known"}`)
	s.post(402, s.intent(201, intents, authorize("tok_declined", `,"description":"hold it"`))+"/approve", "")
	s.post(200, s.intent(201, intents, authorize("tok_approved", `,"description":"hold it"`))+"/reject", "")
	s.post(402, intents, authorize("tok_declined", ""))
	s.post(402, intents, authorize("tok_approved", `,"description":"block it"`))
	s.post(201, intents, strings.Replace(authorize("tok_approved", ""), `"customer_id":"c1",`, "", 1))

	const wallet = "/v1/wallets/w1"
	s.post(404, wallet+"/debits", `{"amount":1,"currency":"EUR","reason":"bonus"}`)
	s.post(201, wallet+"/credits", `{"amount":5000,"currency":"EUR","reason":"bonus"}`)
	s.post(201, wallet+"/debits", `{"amount":2000,"currency":"EUR","reason":"game","round_id":"r1"}`)
	s.post(422, wallet+"/debits", `{"amount":3001,"currency":"EUR","reason":"bonus"}`)
	s.post(402, wallet+"/debits", `{"amount":1,"currency":"EUR","reason":"bonus","description":"block"}`)
	hold := s.post(201, wallet+"/holds", `{"amount":1500,"currency":"EUR"}`).change(s.t).CommandID
	s.post(200, wallet+"/holds/"+hold+"/capture", `{"amount":1000,"currency":"EUR","reason":"purchase"}`)
	s.post(200, wallet+"/holds/"+hold+"/release", `{}`)
	s.post(409, wallet+"/holds/"+hold+"/release", `{}`)
	s.post(200, wallet+"/rounds/r1/rollback", `{}`)
	s.post(409, wallet+"/close", `{}`)
	s.post(201, wallet+"/debits", `{"amount":4000,"currency":"EUR","reason":"bonus"}`)
	s.post(200, wallet+"/close", `{}`)
	s.post(200, "/v1/customers/w2/limits", `{"kind":"loss","period":"day","amount":100,"currency":"EUR"}`)
	s.post(201, "/v1/wallets/w2/credits", `{"amount":500,"currency":"EUR","reason":"bonus"}`)
	s.post(422, "/v1/wallets/w2/debits", `{"amount":200,"currency":"EUR","reason":"game","round_id":"r2"}`)

	const payouts = "/v1/payouts"
	s.post(201, intents, authorize("tok_approved", `,"capture_method":"automatic","merchant_reference":"deposit"`))
	paid := s.post(201, payouts, withdrawal("c1", 100, "")).payout(s.t).ID // which is paid in the meantime
	for _, verb := range []string{"approve", "reject", "cancel"} {
		held := s.post(201, payouts, withdrawal("c1", 100, `,"description":"hold","requested_by":"somebody"`)).payout(s.t).ID
		s.postAs(secondSecret, 200, payouts+"/"+held+"/"+verb, "")
	}
	s.post(402, payouts, withdrawal("c1", 100, `,"description":"block"`))
	s.post(422, payouts, withdrawal("c1", 999_999, ""))
	s.f.becomes(s.t, paid, "paid")

	s.post(200, "/v1/customers/w1/events", `{"type":"login"}`)
	s.post(200, "/v1/customers/w1/events", `{"type":"block_me"}`)
}

// again repeats all requests elsewhere, with traces of their own, and compares.
func (s *story) again(when string, f *fixture) {
	s.t.Helper()
	for _, first := range s.tells {
		h := first.headers()
		h["X-Trace-Id"] = "of-the-repeat"
		a := f.call(s.t, http.MethodPost, first.path, first.body, h)
		if a.status != first.status || string(a.body) != string(first.answer.body) || a.header.Get("Location") != first.header.Get("Location") {
			s.t.Errorf("%s: %s: answered with %d %s then with %d %s", when, first.path, first.status, first.answer.body, a.status, a.body)
		}
		if a.header.Get("Idempotency-Replayed") != "true" {
			s.t.Errorf("%s: %s: does not say that it was answered before", when, first.path)
		}
	}
}

// A4: what a process answered and did not store is answered again by another one, byte for byte, whatever has happened since:
// at once, when the key may be taken over, and when the answer is stored.
func TestAnAnswerThatWasNotStoredIsGivenAgain(t *testing.T) {
	forgetful, f := withForgetful(t)
	f.withEngine(t)
	s := &story{t: t, f: forgetful}
	s.tell()
	if n := f.stored(t); n != 0 {
		t.Fatalf("%d answers are stored: the test shows less than it should", n)
	}
	commands := []int64{f.count(t, topics.Commands), f.count(t, topics.WalletCommands), f.count(t, topics.PayoutCommands), f.count(t, topics.CustomerEvents)}
	s.again("at once", f)
	if n := f.stored(t); n != 0 {
		t.Errorf("%d answers were stored by those who do not hold the key", n)
	}
	for _, first := range s.tells {
		f.abandon(t, first.key)
	}
	s.again("taken over", f)
	eventually(t, "the answers are stored", func() bool { return f.stored(t) == len(s.tells) })
	s.again("stored", f)
	after := []int64{f.count(t, topics.Commands), f.count(t, topics.WalletCommands), f.count(t, topics.PayoutCommands), f.count(t, topics.CustomerEvents)}
	if fmt.Sprint(after) != fmt.Sprint(commands) {
		t.Errorf("%v records before the repeats, %v after: want no new one", commands, after)
	}
	if strings.Contains(f.logs.String(), "not stored") {
		t.Error("an answer was stored that differs from the one before")
	}
}

// An answer shows the payment as its own record left it, also where another record was faster than the answer.
func TestAnAnswerShowsNothingOfWhatCameLater(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	intent := want(t, f.post(t, "/v1/intents", "k1", authorize("tok_approved", "")), 201, "create").intent(t)
	first := want(t, f.post(t, "/v1/intents/"+intent.ID+"/capture", "k2", `{"amount":600}`), 200, "capture")
	want(t, f.post(t, "/v1/intents/"+intent.ID+"/refunds", "k3", ""), 201, "refund")

	o := &paymentOrder{call: &call{api: f.api}, command: topics.Command{Type: topics.CommandCapture, Tenant: "acme"}}
	var err error
	if o.payment, err = topics.ParsePaymentID(intent.ID); err != nil {
		t.Fatal(err)
	}
	if err := f.db.Pool.QueryRow(t.Context(), `SELECT command_id FROM idempotency_keys WHERE key = 'k2'`).Scan(&o.id); err != nil {
		t.Fatal(err)
	}
	o.command.CommandID = o.id.String()
	events, err := f.api.events.Read(t.Context(), "acme", o.payment, o.id)
	if err != nil {
		t.Fatal(err)
	}
	answer, ok := await.Conclude(await.Question{CommandID: o.command.CommandID, PaymentID: intent.ID}, events)
	if !ok {
		t.Fatalf("%d events give no answer", len(events))
	}
	late, err := o.outcome(t.Context(), nil, answer, true)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := o.reply(answer, true, late); err != nil || r.status != 200 || string(r.body) != string(first.body) {
		t.Errorf("%v: got %d %s, want %s", err, r.status, r.body, first.body)
	}
}

// Of many requests with one key at two processes all that are answered are answered alike, and after one was, none is told
// that the key is in flight.
func TestTwoProcessesAnswerAlike(t *testing.T) {
	b, db := brokertest.New(t, testPartitions), databasetest.New(t)
	processes := []*fixture{newFixtureOn(t, b, db, nil).ready(t), newFixtureOn(t, b, db, nil).ready(t)}
	processes[0].withEngine(t)
	for n := range 10 {
		key, body := fmt.Sprint("k", n), authorize("tok_approved", "")
		var mu sync.Mutex
		bodies := map[string]int{}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				mine, other := processes[i%2], processes[(i+1)%2]
				a := mine.post(t, "/v1/intents", key, body)
				if a.status == 409 && a.error(t).Error == "in_flight" {
					return
				}
				for _, a := range []answer{a, other.post(t, "/v1/intents", key, body), mine.post(t, "/v1/intents", key, body)} {
					mu.Lock()
					bodies[fmt.Sprint(a.status, " ", string(a.body))]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(bodies) != 1 || !strings.HasPrefix(fmt.Sprint(bodies), "map[201 ") {
			t.Fatalf("got %v, want one answer", bodies)
		}
	}
	if n := processes[0].payments(t); n != 10 {
		t.Errorf("%d payments, want one for each key", n)
	}
}

// Where as many answers wait to be stored as may, an answer is stored before it is sent.
func TestTooManyAnswersWaitToBeStored(t *testing.T) {
	forgetful, f := withForgetful(t)
	f.withEngine(t)
	for forgetful.api.store.FinishLater(idempotency.Request{Tenant: "acme", Key: "other", CommandID: uuid.Must(uuid.NewV7())}, 201, []byte("{}")) {
	}
	want(t, forgetful.post(t, "/v1/intents", "k", authorize("tok_approved", "")), 201, "create")
	if n := f.stored(t); n != 1 {
		t.Errorf("%d answers are stored, want the one that was sent", n)
	}
}

// A process that is told to stop stores what it has answered.
func TestStopStoresAnswers(t *testing.T) {
	f := newFixture(t, nil).ready(t)
	f.withEngine(t)
	const n = 20
	for i := range n {
		want(t, f.post(t, "/v1/intents", fmt.Sprint("k", i), goodCreate), 201, "create")
	}
	f.stop()
	if stored := f.stored(t); stored != n {
		t.Errorf("%d answers are stored, want %d", stored, n)
	}
}
