package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/internal/fsck"
	"github.com/weirhq/weir/internal/proof"
	"github.com/weirhq/weir/topics"
)

const (
	tenant        = "acme"
	tenantKey     = "key-of-the-tenant-acme"
	rival         = "rival"
	rivalKey      = "key-of-the-tenant-rival"
	webhookSecret = "whsec_ZmF1bHQtdGVzdHMtd2ViaG9vay1zZWNyZXQ="
	partitions    = 4

	patience = 30 * time.Second // a bound of liveness, not of speed
	lookHow  = 10 * time.Millisecond
)

const goodRules = `version: 1
rules:
  - name: embargo
    when: known(context.country) && context.country == "KP"
    outcome: block
    on_missing: block
    reason: embargo
`

// world is one engine and what drives and observes it.
type world struct {
	t      *testing.T
	engine *engine.Engine
	log    *journal
	rules  string // file
	client *kgo.Client
	http   *http.Client

	mu      sync.Mutex
	records []*kgo.Record // of every topic, as they are read
	grown   chan struct{} // closed when more are there
	own     map[string]bool
	cards   map[string]string // card number by the place where it was put
}

// journal collects the log: at its most talkative, and without the redaction that production adds.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-fault-")
	if err == nil {
		err = os.Chmod(dir, 0o755) // the database may run as another user
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// configuration is the YAML of an engine with everything embedded in dir.
func configuration(t testing.TB, dir, listen, more string) string {
	t.Helper()
	file := filepath.Join(dir, "weir.yaml")
	writeFile(t, file, fmt.Sprintf(`data_dir: %s
kafka: {embedded_port: 0, partitions: %d}
database: {embedded_port: 0}
api:
  listen: %s
  wait: 3s
  rate: 100000
  burst: 100000
  keys:
    - {name: till, tenant: %s, key: %s}
    - {name: other, tenant: %s, key: %s}
sandbox: {listen: "%s", webhook_secret: %s}
stream: {instance_id: fault}
%s`, filepath.Join(dir, "data"), partitions, listen, tenant, tenantKey, rival, rivalKey, freeAddress(t), webhookSecret, more))
	return file
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := tempDir(t)
	w := &world{t: t, log: &journal{}, rules: filepath.Join(dir, "rules.yaml"), grown: make(chan struct{}),
		own: map[string]bool{}, cards: map[string]string{}, http: &http.Client{Timeout: 2 * patience}}
	writeFile(t, w.rules, goodRules)
	file := configuration(t, dir, freeAddress(t), "risk: {rules: "+w.rules+"}\n")
	cfg, err := config.Load(config.Sources{File: file})
	if err != nil {
		t.Fatal(err)
	}
	// Every write of these tests is answered with its result, however busy the machine is.
	cfg.API.Wait, cfg.API.Idempotency.TakeOverAfter = patience, 2*patience
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	w.engine, err = engine.Start(ctx, cfg, slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.engine.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := w.engine.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	w.follow()
	return w
}

// follow reads every topic, read_committed, into memory.
func (w *world) follow() {
	var names []string
	for _, topic := range topics.Catalogue() {
		names = append(names, topic.Name)
	}
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), w.engine.Kafka...), kgo.ConsumeTopics(names...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.client = client
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			fetches := client.PollFetches(ctx)
			w.mu.Lock()
			w.records = append(w.records, fetches.Records()...)
			close(w.grown)
			w.grown = make(chan struct{})
			w.mu.Unlock()
		}
	}()
	w.t.Cleanup(func() { stop(); <-ended; client.Close() })
}

// seen waits for a record of a topic.
func (w *world) seen(t *testing.T, topic, what string, match func(*kgo.Record) bool) *kgo.Record {
	t.Helper()
	deadline := time.After(patience)
	at := 0
	for {
		w.mu.Lock()
		records, grown := w.records[at:], w.grown
		at = len(w.records)
		w.mu.Unlock()
		for _, r := range records {
			if r.Topic == topic && match(r) {
				return r
			}
		}
		select {
		case <-grown:
		case <-deadline:
			t.Fatalf("%s: no record that is %s", topic, what)
		}
	}
}

// event waits for an event.
func (w *world) event(t *testing.T, what string, match func(*topics.PaymentEvent) bool) topics.PaymentEvent {
	t.Helper()
	var found topics.PaymentEvent
	w.seen(t, topics.Events, what, func(r *kgo.Record) bool {
		var e topics.PaymentEvent
		if err := topics.Unmarshal(r.Value, &e); err != nil {
			t.Fatalf("event %s: %v", r.Value, err)
		}
		found = e
		return match(&e)
	})
	return found
}

// refused waits for the refusal of a command.
func (w *world) refused(t *testing.T, commandID string) topics.PaymentEvent {
	t.Helper()
	return w.event(t, "the answer to command "+commandID, func(e *topics.PaymentEvent) bool {
		if e.CommandID == commandID && e.Type != topics.EventCommandRefused {
			t.Fatalf("command %s led to %s, want command_refused", commandID, e.Type)
		}
		return e.CommandID == commandID
	})
}

// letter waits for the dead letter of a record.
func (w *world) letter(t *testing.T, deadLetters string, of *kgo.Record) topics.DeadLetter {
	t.Helper()
	var letter topics.DeadLetter
	w.seen(t, deadLetters, fmt.Sprintf("the dead letter of %s/%d at %d", of.Topic, of.Partition, of.Offset), func(r *kgo.Record) bool {
		letter = topics.DeadLetter{}
		if err := json.Unmarshal(r.Value, &letter); err != nil {
			t.Fatalf("dead letter %s: %v", r.Value, err)
		}
		return letter.Topic == of.Topic && letter.Partition == of.Partition && letter.Offset == of.Offset
	})
	return letter
}

// produce writes a record as an outside producer would. What we wrote ourselves is not searched for card numbers.
func (w *world) produce(t *testing.T, r *kgo.Record) *kgo.Record {
	t.Helper()
	written, err := w.client.ProduceSync(t.Context(), r).First()
	if err != nil {
		t.Fatalf("produce to %s: %v", r.Topic, err)
	}
	w.mu.Lock()
	w.own[placeOf(written)] = true
	w.mu.Unlock()
	return written
}

func placeOf(r *kgo.Record) string { return fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset) }

func (w *world) command(t *testing.T, c topics.Command) *kgo.Record {
	t.Helper()
	value, err := topics.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return w.produce(t, &kgo.Record{Topic: topics.Commands, Partition: topics.PartitionOf(c.Tenant, c.CustomerID, partitions),
		Key: []byte(c.CustomerID), Value: value})
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// answer is what the API said.
type answer struct {
	status int
	body   []byte
	header http.Header
	Error  string `json:"error"`
	Msg    string `json:"message"`
	Trace  string `json:"trace_id"`
	Detail struct {
		Field string `json:"field"`
	} `json:"details"`
	ID         string `json:"id"`
	Status     string `json:"status"`
	Captured   int64  `json:"captured"`
	Refunded   int64  `json:"refunded"`
	Refunding  int64  `json:"refunding"`
	Authorized int64  `json:"authorized"`
	Operations []struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"operations"`
}

func (a *answer) String() string { return fmt.Sprintf("%d %s", a.status, bytes.TrimSpace(a.body)) }

type header map[string]string

// call sends a request with the tenant's key; header overrides, and an empty value removes.
func (w *world) call(t *testing.T, method, path, body string, headers header) *answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, w.engine.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+tenantKey)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", newID())
	}
	for key, value := range headers {
		request.Header.Del(key)
		if value != "" {
			request.Header.Set(key, value)
		}
	}
	return w.send(t, request)
}

func (w *world) send(t *testing.T, request *http.Request) *answer {
	t.Helper()
	response, err := w.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{status: response.StatusCode, body: body, header: response.Header}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(body, a); err != nil {
			t.Fatalf("%s is no answer of the API: %v", body, err)
		}
	}
	return a
}

func (w *world) post(t *testing.T, path, body string, headers header) *answer {
	t.Helper()
	return w.call(t, http.MethodPost, path, body, headers)
}

func (w *world) get(t *testing.T, id string) *answer {
	t.Helper()
	return w.call(t, http.MethodGet, "/v1/intents/"+id, "", nil)
}

// paid opens a payment of a new customer that ends in the status. manual: it waits for a capture.
func (w *world) paid(t *testing.T, amount int64, currency string, manual bool) *answer {
	t.Helper()
	method, want := "automatic", topics.StatusCaptured
	if manual {
		method, want = "manual", topics.StatusAuthorized
	}
	a := w.post(t, "/v1/intents", fmt.Sprintf(`{"customer_id":"cus_%s","amount":%d,"currency":%q,"authorize":true,"capture_method":%q,"card":{"token":"tok_approved"}}`,
		newID(), amount, currency, method), nil)
	if a.status != http.StatusCreated && a.status != http.StatusAccepted {
		t.Fatalf("a payment that should succeed: %s", a)
	}
	return w.until(t, a.ID, string(want))
}

// until waits until a payment has the status.
func (w *world) until(t *testing.T, id, status string) *answer {
	t.Helper()
	var a *answer
	wait(t, id+" to be "+status, func() bool {
		a = w.get(t, id)
		return a.status == http.StatusOK && a.Status == status
	}, func() string { return a.String() })
	return a
}

func wait(t *testing.T, what string, condition func() bool, last func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s; at last: %s", patience, what, last())
		}
		select {
		case <-time.After(lookHow):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// money is a picture of every payment's amounts and state, every account and every entry.
func (w *world) money(t *testing.T) string {
	t.Helper()
	return w.scalar(t, `SELECT concat(
		(SELECT md5(coalesce(string_agg(concat(partition, id, status, md5(state)), ',' ORDER BY partition, id), '')) FROM payments), ' ',
		(SELECT md5(coalesce(string_agg(concat(partition, id, balance), ',' ORDER BY partition, id), '')) FROM accounts), ' ',
		(SELECT count(*) FROM entries), ' entries')`)
}

// ledger is a picture of the ledger alone.
func (w *world) ledger(t *testing.T) string {
	t.Helper()
	return w.scalar(t, `SELECT concat(
		(SELECT md5(coalesce(string_agg(concat(partition, id, balance), ',' ORDER BY partition, id), '')) FROM accounts), ' ',
		(SELECT count(*) FROM entries), ' entries')`)
}

func (w *world) scalar(t *testing.T, sql string, args ...any) string {
	t.Helper()
	var text string
	if err := w.engine.Database.Pool.QueryRow(t.Context(), sql, args...).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// unmoved runs a case, during which no payment and no account may change.
func (w *world) unmoved(t *testing.T, act func()) {
	t.Helper()
	before := w.money(t)
	act()
	if after := w.money(t); after != before {
		t.Errorf("payments or ledger changed: %s, before %s", after, before)
	}
}

// served proves that the engine still takes a payment and that everything fits together.
func (w *world) served(t *testing.T) {
	t.Helper()
	a := w.paid(t, 1050, "EUR", false)
	if a.Captured != 1050 {
		t.Errorf("a normal payment: %s", a)
	}
	var problems []string
	counts, err := fsck.Run(t.Context(), fsck.Config{
		Database: w.engine.Database, Kafka: w.engine.Kafka,
		Problem: func(p fsck.Problem) { problems = append(problems, p.String()) }, Note: func(string) {},
	})
	if err != nil || len(problems) > 0 {
		t.Errorf("fsck: %v\n%s", err, strings.Join(problems, "\n"))
	}
	t.Log(counts)
	proved, err := proof.Verify(t.Context(), proof.Config{Database: w.engine.Database, Partition: proof.AllPartitions,
		Problem: func(p proof.Problem) { t.Errorf("verify: %s", p) }})
	if err != nil || proved.Entries.Load() == 0 {
		t.Errorf("verify: %v, checked %s", err, proved)
	}
}
