package api

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/until"
	"github.com/weirhq/weir/processors/psp/webhook"
	"github.com/weirhq/weir/topics"
)

const (
	testPartitions = 4
	patience       = 2 * time.Minute // of a test for what must come
	testSecret     = "key-of-the-shop-1234"
	otherSecret    = "key-of-another-tenant"
	secondSecret   = "key-of-the-analyst-1"
	tillSecret     = "key-of-the-till-4567"
	webhookSecret  = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// fixture is an API that serves on a socket, with a broker and a database of its own.
type fixture struct {
	api    *API
	url    string
	db     *database.DB
	broker *brokertest.Broker
	logs   *logBuffer
	router routers.Router
	stop   func()
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newFixture serves an API until the test ends. change may be nil.
func newFixture(t testing.TB, change func(*Config)) *fixture {
	t.Helper()
	return newFixtureOn(t, brokertest.New(t, testPartitions), databasetest.New(t), change)
}

func newFixtureOn(t testing.TB, b *brokertest.Broker, db *database.DB, change func(*Config)) *fixture {
	t.Helper()
	f := &fixture{db: db, broker: b, logs: &logBuffer{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := webhook.NewStandard(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	config := Config{
		Listener: listener,
		Keys: []Key{
			{Tenant: "acme", Name: "shop", Secret: testSecret, Region: "eu", Approver: true},
			{Tenant: "other", Name: "shop", Secret: otherSecret, Approver: true},
			{Tenant: "acme", Name: "analyst", Secret: secondSecret, Approver: true},
			{Tenant: "acme", Name: "till", Secret: tillSecret},
		},
		Webhooks: webhook.Verifiers{"sandbox": verifier},
		Database: db,
		Broker:   b.Config.Options(log),
		Lists:    newLists(t, b),
		Switches: newSwitches(t, b),
		Log:      log,
		Metrics:  prometheus.NewRegistry(),
	}
	if change != nil {
		change(&config)
	}
	if f.api, err = New(config); err != nil {
		t.Fatal(err)
	}
	if f.router, err = legacy.NewRouter(loadDocument(t)); err != nil {
		t.Fatal(err)
	}
	f.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- f.api.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(f.stop)
	return f
}

// ready waits until writes are accepted.
func (f *fixture) ready(t testing.TB) *fixture {
	t.Helper()
	eventually(t, "the event reader is ready", func() bool { return f.api.hub.Partitions() == testPartitions })
	return f
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	until.True(t, patience, what, condition)
}

// answer is a response whose body was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) error(t testing.TB) Error {
	t.Helper()
	var e Error
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return e
}

func (a answer) intent(t testing.TB) Intent {
	t.Helper()
	var i Intent
	if err := json.Unmarshal(a.body, &i); err != nil || i.ID == "" {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return i
}

type header map[string]string

// call sends a request as the tenant acme, unless the headers say otherwise, and checks the answer against the document.
func (f *fixture) call(t testing.TB, method, path, body string, headers header) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+testSecret)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		if value == "" {
			request.Header.Del(name)
		} else {
			request.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	f.check(t, request, a)
	return a
}

// check compares an answer with the document, and the rules that hold for every answer.
func (f *fixture) check(t testing.TB, request *http.Request, a answer) {
	t.Helper()
	if a.header.Get("X-Trace-Id") == "" {
		t.Errorf("%s %s: %d without X-Trace-Id", request.Method, request.URL.Path, a.status)
	}
	if a.status >= 400 && request.URL.Path != "/readyz" {
		if e := a.error(t); e.TraceID == "" || e.Error == "" || e.Message == "" {
			t.Errorf("%s %s: %d with the incomplete error %s", request.Method, request.URL.Path, a.status, a.body)
		}
	}
	route, parameters, err := f.router.FindRoute(request)
	if err != nil {
		return // an unknown path or method
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route},
		Status:                 a.status, Header: a.header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes(a.body)
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		t.Errorf("%s %s: %d %s: not as the document says: %v", request.Method, request.URL.Path, a.status, a.body, err)
	}
}

// post is a write with a key.
func (f *fixture) post(t testing.TB, path, key, body string) answer {
	t.Helper()
	return f.call(t, http.MethodPost, path, body, header{"Idempotency-Key": key})
}

func (f *fixture) get(t testing.TB, path string) answer {
	t.Helper()
	return f.call(t, http.MethodGet, path, "", nil)
}

// records reads a topic from its start until enough records are there.
func (f *fixture) records(t testing.TB, topic string, enough int) []*kgo.Record {
	t.Helper()
	client := f.broker.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var records []*kgo.Record
	for len(records) < enough {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%s holds %d records, want %d", topic, len(records), enough)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

// count is the number of records of a topic.
func (f *fixture) count(t testing.TB, topic string) (n int64) {
	t.Helper()
	adm := f.broker.Admin(t)
	ends, err := adm.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends[topic] {
		n += end.Offset
	}
	return n
}

// keys is the number of idempotency keys that are bound.
func (f *fixture) keys(t testing.TB) (n int) {
	t.Helper()
	if err := f.db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// inbox puts a record into the inbox, as our own roles do.
func (f *fixture) inbox(t testing.TB, partition int32, kind string, value any) {
	t.Helper()
	data, err := topics.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	client := f.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	err = client.ProduceSync(t.Context(), &kgo.Record{
		Topic: topics.Inbox, Partition: partition, Value: data, Headers: recordHeaders(topics.Envelope{Type: kind}.Headers()),
	}).FirstErr()
	if err != nil {
		t.Fatal(err)
	}
}
