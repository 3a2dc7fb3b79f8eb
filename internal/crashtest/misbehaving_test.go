package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

// weather is what a PSP is like at a time.
type weather int32

const (
	fair     weather = iota // nothing goes wrong
	faulty                  // single calls go wrong, by the seed
	refuses                 // no connection
	hangs                   // takes every call and answers none
	sorry                   // answers 503 to every call, and performs none
	confused                // performs every call, and answers each by a page that says nothing
)

const (
	latest = 700 * time.Millisecond  // that a call comes to the PSP after it was made, and longer than a caller waits
	proven = 12 * time.Second        // after which no call can come to the PSP any more, by what the engine takes for proof
	slip   = 1500 * time.Millisecond // that a webhook is held back, at most, so that later ones overtake it
)

// misbehaving is a sandbox PSP behind a front that does to calls, answers and webhooks what networks and PSPs do. What befalls a
// call depends on the seed, the PSP, the request and how often it was made, and so does the card that the PSP is shown: that of
// the payment is always the same, and one PSP declines what another approves.
type misbehaving struct {
	t        testing.TB
	name     string
	seed     uint64
	sandbox  *sandbox.Server
	url      string // that the engines call
	deliver  func() string
	now      atomic.Int32 // weather
	direct   *http.Client
	webhooks *http.Server
	late     atomic.Int64 // calls and webhooks on their way
	tells    bool         // a webhook for everything that it does
	over     atomic.Bool  // nobody is there any more

	mu       sync.Mutex
	listener *door
	made     map[string]uint64 // calls by request
	given    map[string]string // cards by request
	befell   map[string]int    // what happened how often
}

// door is the listener of a front with the connections that came through it.
type door struct {
	server *http.Server
	ended  chan struct{}
}

// misbehave starts a PSP; deliver is the engine that its webhooks go to at the moment.
func misbehave(t testing.TB, name string, seed uint64, deliver func() string) *misbehaving {
	t.Helper()
	m := &misbehaving{t: t, name: name, seed: seed, url: "http://" + address(freePort(t)), deliver: deliver, tells: seed%3 > 0,
		made: map[string]uint64{}, given: map[string]string{}, befell: map[string]int{}}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	m.direct = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.webhooks = &http.Server{Handler: http.HandlerFunc(m.webhook), ReadHeaderTimeout: time.Second}
	go func() { _ = m.webhooks.Serve(listener) }() // until it is closed
	m.sandbox, err = sandbox.Start(sandbox.Config{
		WebhookURL: "http://" + listener.Addr().String(), WebhookSecret: webhookSecret, WebhookAlways: m.tells,
		SettleDelay: 150 * time.Millisecond, LateDelay: 2 * time.Second, RetryDelay: 50 * time.Millisecond,
		SlowLatency: 300 * time.Millisecond, Hang: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	m.open()
	t.Cleanup(func() {
		m.over.Store(true)
		m.close()
		if err := until(context.WithoutCancel(t.Context()), endLimit, func() (bool, error) { return m.late.Load() == 0, nil }); err != nil {
			t.Errorf("PSP %s: %d calls and webhooks are still on their way: %v", name, m.late.Load(), err)
		}
		_ = m.webhooks.Close() // nothing is under way that anybody waits for
		if err := m.sandbox.Close(); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	})
	return m
}

func (m *misbehaving) open() {
	m.t.Helper()
	listener, err := net.Listen("tcp", strings.TrimPrefix(m.url, "http://"))
	if err != nil {
		m.t.Fatal(err)
	}
	d := &door{server: &http.Server{Handler: http.HandlerFunc(m.call), ReadHeaderTimeout: time.Second}, ended: make(chan struct{})}
	go func() {
		defer close(d.ended)
		_ = d.server.Serve(listener) // until it is closed
	}()
	m.listener = d
}

func (m *misbehaving) close() {
	if m.listener != nil {
		_ = m.listener.server.Close() // with all of its connections
		<-m.listener.ended
		m.listener = nil
	}
}

// turn changes the weather. One goroutine does.
func (m *misbehaving) turn(to weather) {
	m.t.Helper()
	m.now.Store(int32(to))
	if to == refuses {
		m.close()
	} else if m.listener == nil {
		m.open()
	}
}

func (m *misbehaving) note(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.befell[what]++
}

// chance is the random numbers of one call, or of what a request is about.
func (m *misbehaving) chance(about string, n uint64) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s/%d", m.name, about, n)
	return rand.New(rand.NewPCG(m.seed, h.Sum64()))
}

// cards are what a PSP is shown in the place of a payment's card, with how often in a hundred.
var cards = []struct {
	often int
	token string
}{
	{5, "tok_declined_soft"}, {9, "tok_declined_issuer"}, {2, "tok_declined_hard"}, {4, "tok_3ds_challenge"}, {1, "tok_3ds_fail"},
	{4, "tok_async"}, {3, "tok_async_declined"}, {4, "tok_timeout_after_charge"}, {3, "tok_timeout_before_charge"}, {4, "tok_connection_lost"},
	{3, "tok_unavailable"}, {3, "tok_unavailable_once"}, {3, "tok_error_500"}, {3, "tok_slow"}, {3, "tok_webhook"}, {3, "tok_duplicate_webhook"},
	{3, "tok_late_webhook"}, {1, "tok_wrong_amount_webhook"}, {1, "tok_unknown_webhook"}, {1, "tok_foreign_webhook"}, {1, "tok_capture_fails"},
	{1, "tok_void_fails"}, {4, "tok_refund_pending"}, {1, "tok_refund_fails"}, {2, "tok_refund_fails_late"}, {1, "tok_refund_reversed"},
}

// payees are the same for payouts.
var payees = []struct {
	often int
	token string
}{
	{12, "tok_payout_pending"}, {6, "tok_payout_fails"}, {6, "tok_payout_fails_late"}, {8, "tok_payout_returned"},
	{8, "tok_payout_timeout_after"}, {6, "tok_payout_timeout_before"}, {8, "tok_payout_connection_lost"}, {5, "tok_payout_unavailable"},
	{6, "tok_payout_unavailable_once"}, {5, "tok_payout_error_500"},
}

// shown is the card that the PSP is shown for a request, at each call the same. Once all is well, it is one that is approved.
func (m *misbehaving) shown(path, key string, w weather) string {
	if token := m.given[key]; token != "" {
		return token
	}
	table, left := cards, m.chance("card of "+key, 0).IntN(100)
	if path == "/v1/payouts" {
		table = payees
	}
	token := "tok_approved"
	for _, c := range table {
		if left -= c.often; left < 0 && w != fair {
			token = c.token
			break
		}
	}
	m.given[key] = token
	return token
}

// call is one call of an engine.
func (m *misbehaving) call(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	key, now := r.Header.Get("Idempotency-Key"), weather(m.now.Load())
	about := key
	if about == "" {
		about = r.URL.Path
	}
	m.mu.Lock()
	var shown map[string]json.RawMessage
	if key != "" && json.Unmarshal(body, &shown) == nil && shown["card"] != nil {
		shown["card"] = json.RawMessage(fmt.Sprintf(`{"token":%q}`, m.shown(r.URL.Path, key, now)))
		body, _ = json.Marshal(shown) // what was decoded
	}
	n := m.made[about]
	m.made[about]++
	m.mu.Unlock()
	switch now {
	case fair:
		m.pass(w, r, body)
	case hangs:
		m.note("hung")
		m.never(r)
	case sorry:
		m.note("503")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"code":"unavailable","detail":"nothing was performed"}`)
	case confused:
		m.note("confused")
		m.perform(r.Context(), r, body)
		page(w)
	default:
		m.fault(w, r, body, m.chance(about, n+1))
	}
}

// fault is one of the things that go wrong with single calls, or none.
func (m *misbehaving) fault(w http.ResponseWriter, r *http.Request, body []byte, chance *rand.Rand) {
	switch roll := chance.IntN(100); {
	case roll < 4:
		m.note("lost before")
		panic(http.ErrAbortHandler)
	case roll < 8:
		m.note("lost after")
		m.perform(r.Context(), r, body)
		panic(http.ErrAbortHandler)
	case roll < 10:
		m.note("no answer before")
		m.never(r)
	case roll < 12:
		m.note("no answer after")
		m.perform(r.Context(), r, body)
		m.never(r)
	case roll < 15 && r.Method == http.MethodPost:
		m.note("arrives late")
		m.afterwards(time.Duration(chance.Int64N(int64(latest))), func() { m.perform(context.Background(), r, body) })
		m.never(r)
	case roll < 18:
		m.note("performed twice")
		m.perform(r.Context(), r, body)
		m.pass(w, r, body)
	case roll < 20:
		m.note("page after")
		m.perform(r.Context(), r, body)
		page(w)
	case roll < 22:
		m.note("cut off")
		w.Header().Set("Content-Length", "4000")
		_, answer := m.perform(r.Context(), r, body)
		_, _ = w.Write(answer[:len(answer)/2])
		panic(http.ErrAbortHandler)
	case roll < 25 && m.truth(r) && (r.URL.Path == "/v1/authorizations" || r.URL.Path == "/v1/payouts"):
		m.note("arrives when it is proven not to")
		m.afterwards(proven, func() { m.perform(context.Background(), r, body) })
		m.never(r)
	case roll < 28 && m.truth(r) && r.URL.Path == "/v1/authorizations":
		m.note("declines what it performs")
		m.deny(w, r, body)
	case roll < 25 && r.Method == http.MethodGet:
		m.note("404 of something else")
		w.WriteHeader(http.StatusNotFound)
	default:
		m.pass(w, r, body)
	}
}

// truth tells whether what is done for a request comes out by its webhook, whatever was answered.
func (m *misbehaving) truth(r *http.Request) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	token := m.given[r.Header.Get("Idempotency-Key")]
	return m.tells && token != "tok_wrong_amount_webhook" && token != "tok_unknown_webhook" && token != "tok_foreign_webhook"
}

// deny performs a call and answers that it was declined. What was done is told by the webhook.
func (m *misbehaving) deny(w http.ResponseWriter, r *http.Request, body []byte) {
	status, answer := m.perform(r.Context(), r, body)
	var said map[string]json.RawMessage
	if status != http.StatusOK || json.Unmarshal(answer, &said) != nil || string(said["status"]) != `"approved"` {
		panic(http.ErrAbortHandler)
	}
	said["status"], said["decline_code"] = json.RawMessage(`"declined"`), json.RawMessage(`"91"`)
	delete(said, "captured")
	answer, _ = json.Marshal(said) // what was decoded
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer) // who has gone asks again
}

func page(w http.ResponseWriter) {
	w.WriteHeader(http.StatusBadGateway)
	_, _ = io.WriteString(w, "<html>bad gateway</html>") // who has gone asks again
}

// never answers, and closes the connection when the caller has given up.
func (m *misbehaving) never(r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// afterwards does something later that its caller does not wait for.
func (m *misbehaving) afterwards(wait time.Duration, do func()) {
	m.late.Add(1)
	time.AfterFunc(wait, func() {
		defer m.late.Add(-1)
		do()
	})
}

// perform has the PSP do what a call asks.
func (m *misbehaving) perform(ctx context.Context, r *http.Request, body []byte) (status int, answer []byte) {
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), r.Method, m.sandbox.URL()+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		m.t.Error(err)
		return http.StatusBadGateway, nil
	}
	request.Header = r.Header.Clone()
	response, err := m.direct.Do(request)
	if err != nil { // the card has it hang or lose the connection
		return 0, nil
	}
	if answer, err = drain(response.Body); err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

func (m *misbehaving) pass(w http.ResponseWriter, r *http.Request, body []byte) {
	status, answer := m.perform(r.Context(), r, body)
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer) // who has gone asks again
}

// webhook is one delivery of the PSP: it is passed on, held back until others have overtaken it, repeated, forged, or lost where
// nothing but it was to tell what an answer has told before.
func (m *misbehaving) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	id := r.Header.Get("webhook-id")
	m.mu.Lock()
	n := m.made[id]
	m.made[id]++
	m.mu.Unlock()
	chance, header := m.chance(id, n), r.Header.Clone()
	if weather(m.now.Load()) == fair {
		w.WriteHeader(m.tell(header, body))
		return
	}
	switch roll := chance.IntN(100); {
	case roll < 30:
		m.note("webhook late")
		m.afterwards(time.Duration(chance.Int64N(int64(slip))), func() { m.tellUntil(header, body) })
	case roll < 40:
		m.note("webhook repeated")
		for range 1 + chance.IntN(3) {
			m.afterwards(time.Duration(chance.Int64N(int64(slip))), func() { m.tell(header, body) })
		}
		w.WriteHeader(m.tell(header, body))
	case roll < 50:
		m.note("webhook forged")
		forged := bytes.Replace(body, []byte(`"amount":`), []byte(`"amount":9`), 1)
		if status := m.tell(header, forged); status/100 == 2 {
			m.t.Errorf("PSP %s: a forged webhook is answered %d: %s", m.name, status, forged)
		}
		w.WriteHeader(m.tell(header, body))
	case roll < 58:
		m.note("webhook's answer lost")
		m.tell(header, body)
		w.WriteHeader(http.StatusBadGateway)
	default:
		w.WriteHeader(m.tell(header, body))
	}
}

// tell delivers a webhook to an engine and returns the status that it answers.
func (m *misbehaving) tell(header http.Header, body []byte) int {
	request, err := http.NewRequest(http.MethodPost, m.deliver()+"/webhooks/"+m.name, bytes.NewReader(body))
	if err != nil {
		m.t.Error(err)
		return http.StatusBadGateway
	}
	request.Header = header.Clone()
	response, err := m.direct.Do(request)
	if err != nil {
		return http.StatusBadGateway
	}
	if _, err := drain(response.Body); err != nil {
		return http.StatusBadGateway
	}
	return response.StatusCode
}

// tellUntil delivers a webhook that the PSP takes for delivered.
func (m *misbehaving) tellUntil(header http.Header, body []byte) {
	if m.tell(header, body)/100 != 2 && !m.over.Load() {
		m.afterwards(retryAfter, func() { m.tellUntil(header, body) })
	}
}
