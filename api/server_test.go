package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/internal/health"
)

func dialContext(ctx context.Context, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(address, "http://"))
}

// dial opens a plain connection, so that a test controls every byte.
func dial(t testing.TB, f *fixture) net.Conn {
	t.Helper()
	conn, err := dialContext(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func head(secret string, more ...string) string {
	return "POST /v1/intents HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer " + secret +
		"\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\n" + strings.Join(more, "\r\n") + "\r\n\r\n"
}

// A body that announces itself as too large is refused before any of it was sent.
func TestLargeBodyIsRefusedUnread(t *testing.T) {
	f := newFixture(t, nil)
	for name, path := range map[string]string{"a write": "/v1/intents", "a webhook": "/webhooks/sandbox"} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, f)
			fmt.Fprint(conn, strings.Replace(head(testSecret, "Content-Length: 5000000"), "/v1/intents", path, 1))
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
				t.Errorf("got %s, close %v; want 413 and the connection closed", response.Status, response.Close)
			}
		})
	}
}

// One of unknown length is read up to the limit and no further.
func TestEndlessBodyIsCutOff(t *testing.T) {
	f := newFixture(t, nil)
	conn := dial(t, f)
	fmt.Fprint(conn, head(testSecret, "Transfer-Encoding: chunked"))
	go func() {
		chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<15, strings.Repeat(" ", 1<<15))
		for {
			if _, err := io.WriteString(conn, chunk); err != nil {
				return // cut off
			}
		}
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %s, want 413", response.Status)
	}
}

func TestSlowClients(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Limits.HeaderWithin, c.Limits.ReadWithin = 50*time.Millisecond, 100*time.Millisecond
	})
	t.Run("headers that never end", func(t *testing.T) {
		conn := dial(t, f)
		fmt.Fprint(conn, "POST /v1/intents HTTP/1.1\r\nHost: weir\r\nX-Slow: ")
		if rest, err := io.ReadAll(conn); err != nil {
			t.Errorf("the connection stays open: %v after %q", err, rest)
		}
	})
	t.Run("a body that never ends", func(t *testing.T) {
		conn := dial(t, f)
		fmt.Fprint(conn, head(testSecret, "Content-Length: 100")+`{"amount":`)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusRequestTimeout || !response.Close {
			t.Errorf("got %s, close %v; want 408 and the connection closed", response.Status, response.Close)
		}
	})
	t.Run("a body that breaks off", func(t *testing.T) {
		conn := dial(t, f)
		fmt.Fprint(conn, head(testSecret, "Content-Length: 100")+`{"amount":`)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("got %s, want 400", response.Status)
		}
	})
	t.Run("too many headers", func(t *testing.T) {
		conn := dial(t, f)
		fmt.Fprint(conn, head(testSecret, "X-Large: "+strings.Repeat("x", 2*maxHeaderBytes)))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("got %s, want 431", response.Status)
		}
	})
	if a := f.get(t, "/healthz"); a.status != http.StatusOK {
		t.Errorf("the server does not go on: %d", a.status)
	}
}

func TestRateLimitIsPerKey(t *testing.T) {
	now := time.Now()
	f := newFixture(t, func(c *Config) {
		c.Limits.Rate, c.Limits.Burst = 0.5, 2
		c.Now = func() time.Time { return now }
	})
	for i := range 3 {
		a := f.get(t, "/v1/intents")
		if i < 2 && a.status != http.StatusOK {
			t.Errorf("request %d: got %d, want 200", i+1, a.status)
		}
		if i == 2 && (a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "2") {
			t.Errorf("got %d, Retry-After %q; want 429 and 2", a.status, a.header.Get("Retry-After"))
		}
	}
	if a := f.call(t, "GET", "/v1/intents", "", header{"Authorization": "Bearer " + otherSecret}); a.status != http.StatusOK {
		t.Errorf("the other key: got %d, want 200", a.status)
	}
}

func TestTraceIDs(t *testing.T) {
	f := newFixture(t, nil)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, test := range []struct {
		name    string
		headers header
		want    string // "": one of our own
	}{
		{name: "given", headers: header{"X-Trace-Id": "order-7.a_B"}, want: "order-7.a_B"},
		{name: "W3C", headers: header{"traceparent": parent}, want: "4bf92f3577b34da6a3ce929d0e0e4736"},
		{name: "both", headers: header{"X-Trace-Id": "mine", "traceparent": parent}, want: "mine"},
		{name: "none"},
		{name: "W3C, all zero", headers: header{"traceparent": "00-00000000000000000000000000000000-00f067aa0ba902b7-01"}},
		{name: "W3C, malformed", headers: header{"traceparent": "00-xyz"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := f.call(t, "GET", "/healthz", "", test.headers).header.Get("X-Trace-Id")
			if test.want != "" && got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if !validTrace(got) || test.want == "" && len(got) != 32 {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestReadiness(t *testing.T) {
	var broken error
	f := newFixture(t, func(c *Config) {
		c.Checks = []health.Check{{Name: "payments", Func: func(context.Context) error { return broken }}}
	}).ready(t)
	var report Health
	a := f.get(t, "/readyz")
	if err := json.Unmarshal(a.body, &report); err != nil || a.status != http.StatusOK || len(report.Checks) != 4 {
		t.Errorf("got %d %s, want 200 and four checks", a.status, a.body)
	}
	broken = errors.New("partition 2 is stopped")
	if a = f.get(t, "/readyz"); a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), broken.Error()) {
		t.Errorf("got %d %s, want 503 with the reason", a.status, a.body)
	}
	broken = nil
	f.db.Close()
	if a = f.get(t, "/readyz"); a.status != http.StatusServiceUnavailable {
		t.Errorf("without a database: got %d %s, want 503", a.status, a.body)
	}
	if a = f.get(t, "/healthz"); a.status != http.StatusOK {
		t.Errorf("the process is alive: got %d, want 200", a.status)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	f := newFixture(t, nil)
	recorder := &recorder{header: http.Header{}}
	handler := f.api.serve(route{pattern: "GET /v1/intents", public: true, handle: func(*call) error { panic("at the disco") }})
	request, err := http.NewRequest(http.MethodGet, "/v1/intents", nil)
	if err != nil {
		t.Fatal(err)
	}
	handler.ServeHTTP(recorder, request)
	if recorder.status != http.StatusInternalServerError || strings.Contains(recorder.body.String(), "disco") {
		t.Errorf("got %d %s, want 500 without the panic", recorder.status, recorder.body.String())
	}
	if logs := f.logs.String(); !strings.Contains(logs, "at the disco") || !strings.Contains(logs, "server_test.go") {
		t.Error("the log lacks the panic and its stack")
	}
}

type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func TestMetricsAndLog(t *testing.T) {
	f := newFixture(t, nil)
	f.call(t, "GET", "/v1/intents/pay_0001_019ac1b2f5a87c3e9d10aa5be2c17f44", "", header{"X-Trace-Id": "trace-77"})
	a := f.get(t, "/metrics")
	if want := `weir_api_requests_total{class="4xx",method="GET",route="/v1/intents/{id}"} 1`; !strings.Contains(string(a.body), want) {
		t.Errorf("metrics lack %s", want)
	}
	for line := range strings.Lines(f.logs.String()) {
		if strings.Contains(line, "trace-77") && strings.Contains(line, `"status":404`) && strings.Contains(line, `"tenant":"acme"`) {
			return
		}
	}
	t.Errorf("the log lacks the request:\n%s", f.logs.String())
}

func TestDocumentIsServed(t *testing.T) {
	f := newFixture(t, nil)
	if a := f.call(t, "GET", "/openapi.yaml", "", header{"Authorization": ""}); a.status != http.StatusOK || string(a.body) != string(Document) {
		t.Errorf("got %d and %d bytes", a.status, len(a.body))
	}
}

// A write whose command cannot become durable says so; its key can be used again at once.
func TestBrokerAway(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Limits.ProduceWithin = time.Second }).ready(t)
	f.refuseProduce(t)
	a := f.post(t, "/v1/intents", "k1", goodCreate)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Fatalf("got %d %s, want 503 with Retry-After", a.status, a.body)
	}
	if again := f.post(t, "/v1/intents", "k1", goodCreate); again.status != http.StatusServiceUnavailable {
		t.Errorf("the repeat: got %d %s, want 503, not in_flight", again.status, again.body)
	}
	if n := f.keys(t); n != 1 {
		t.Errorf("%d keys are bound, want 1", n)
	}
}

// refuseProduce makes the broker refuse every record of the topics that the API writes.
func (f *fixture) refuseProduce(t testing.TB) {
	t.Helper()
	if f.broker.Cluster == nil {
		t.Skip("needs the embedded broker to inject faults")
	}
	f.broker.Cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		f.broker.Cluster.KeepControl()
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range request.(*kmsg.ProduceRequest).Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			for _, partition := range topic.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition, p.ErrorCode = partition.Partition, 19 // NOT_ENOUGH_REPLICAS
				answer.Partitions = append(answer.Partitions, p)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
}

// Before the event reader has found its place, an answer could be missed: writes wait for it outside.
func TestBrokerAwayAtStart(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Broker = []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1")} })
	a := f.post(t, "/v1/intents", "k1", goodCreate)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 503 with Retry-After", a.status, a.body)
	}
	if n := f.keys(t); n != 0 {
		t.Errorf("%d keys are bound, want none", n)
	}
	if a := f.get(t, "/v1/intents"); a.status != http.StatusOK {
		t.Errorf("reads need no broker: got %d", a.status)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"a short secret":            func(c *Config) { c.Keys[0].Secret = "short" },
		"one secret twice":          func(c *Config) { c.Keys[1].Secret = c.Keys[0].Secret },
		"a tenant that is no name":  func(c *Config) { c.Keys[0].Tenant = "a b" },
		"a body beyond a record":    func(c *Config) { c.Limits.MaxBody = 2 << 20 },
		"keys kept too short":       func(c *Config) { c.Limits.KeepKeys = time.Hour },
		"take-over before deadline": func(c *Config) { c.Limits.TakeOverAfter = time.Second },
		"no database":               func(c *Config) { c.Database = nil },
	} {
		f := newFixture(t, nil)
		config := Config{Database: f.db, Log: f.api.log, Metrics: prometheus.NewRegistry(),
			Keys: []Key{{Tenant: "a", Name: "n", Secret: testSecret}, {Tenant: "b", Name: "n", Secret: otherSecret}}}
		change(&config)
		if _, err := New(config); err == nil || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%s: got %v, want an error that holds no secret", name, err)
		}
	}
}
