package psp_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

const partitions = 4

// world is a broker, a sandbox and what has come to the inbox.
type world struct {
	broker  *brokertest.Broker
	sandbox *sandbox.Server
	out     *kgo.Client

	mu      sync.Mutex
	reports []topics.PSPReport
	arrived chan struct{}
}

func newWorld(t testing.TB, cfg sandbox.Config) *world {
	t.Helper()
	w := &world{broker: brokertest.New(t, partitions), arrived: make(chan struct{}, 1)}
	w.sandbox = startSandbox(t, cfg)
	w.out = w.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	in := w.broker.Client(t, kgo.ConsumeTopics(topics.Inbox))
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			in.PollFetches(ctx).EachRecord(w.arrive(t))
		}
	}()
	return w
}

func startSandbox(t testing.TB, cfg sandbox.Config) *sandbox.Server {
	t.Helper()
	s, err := sandbox.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("sandbox: %v", err)
		}
	})
	return s
}

func (w *world) arrive(t testing.TB) func(*kgo.Record) {
	return func(r *kgo.Record) {
		var report topics.PSPReport
		if err := topics.Unmarshal(r.Value, &report); err != nil {
			t.Errorf("inbox: %v", err)
		}
		if partition, err := topics.PartitionOfReference(report.PaymentID); err != nil || partition != r.Partition {
			t.Errorf("report of %s stands in partition %d", report.PaymentID, r.Partition)
		}
		w.mu.Lock()
		w.reports = append(w.reports, report)
		w.mu.Unlock()
		select {
		case w.arrived <- struct{}{}:
		default:
		}
	}
}

// wait returns the reports once there are n.
func (w *world) wait(t testing.TB, n int) []topics.PSPReport {
	t.Helper()
	timeout := time.After(2 * time.Minute)
	for {
		w.mu.Lock()
		have := len(w.reports)
		if have >= n {
			defer w.mu.Unlock()
			return slices.Clone(w.reports)
		}
		w.mu.Unlock()
		select {
		case <-w.arrived:
		case <-timeout:
			t.Fatalf("waited for %d reports, have %d", n, have)
		}
	}
}

// only waits for one report.
func (w *world) only(t testing.TB) topics.PSPReport {
	t.Helper()
	reports := w.wait(t, 1)
	if len(reports) != 1 {
		t.Fatalf("%d reports, want one: %+v", len(reports), reports)
	}
	return reports[0]
}

// run starts a gateway and returns what stops it.
func (w *world) run(t testing.TB, change func(*psp.Config)) (stop func()) {
	t.Helper()
	cfg := psp.Config{
		Kafka:        w.broker.Config.Options(testLog()),
		CallTimeout:  200 * time.Millisecond,
		SettleGrace:  100 * time.Millisecond,
		PollPatience: 300 * time.Millisecond,
		CommitEvery:  20 * time.Millisecond,
		Log:          testLog(),
	}
	if change != nil {
		change(&cfg)
	}
	if cfg.Adapters == nil {
		cfg.Adapters = []psp.Adapter{sandboxAdapter(t, w.sandbox.URL())}
	}
	gateway, err := psp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- gateway.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func testLog() *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(slog.DiscardHandler)
}

func sandboxAdapter(t testing.TB, url string) *psp.Sandbox {
	return adapterWithin(t, url, 10*time.Second)
}

// adapterWithin gives up after a timeout, for tokens that never answer.
func adapterWithin(t testing.TB, url string, timeout time.Duration) *psp.Sandbox {
	t.Helper()
	adapter, err := psp.NewSandbox(psp.SandboxConfig{BaseURL: url, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(adapter.Close)
	return adapter
}

// authorization is a request whose id is 1-<position>-0.
func authorization(position int, token string) *topics.PSPRequest {
	const partition = 1
	payment := topics.PaymentID{Partition: partition, UUID: uuid.NewV5(uuid.NamespaceURL, fmt.Sprint(position))}
	return &topics.PSPRequest{
		RequestID: topics.EventID{Partition: partition, Position: int64(position)}.String(),
		Operation: topics.OperationAuthorize, PSP: psp.SandboxName, Tenant: "acme", CustomerID: "customer",
		PaymentID: payment.String(), TraceID: "trace", Amount: 1000, Currency: "EUR", Capture: true,
		NotAfter: time.Now().Add(time.Minute), Card: &topics.Card{Token: token},
	}
}

// ask publishes requests as the records of these positions.
func (w *world) ask(t testing.TB, position int, requests ...*topics.PSPRequest) {
	t.Helper()
	var records []*kgo.Record
	for i, r := range requests {
		records = append(records, requestRecord(t, r, position+i))
	}
	if err := w.out.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// requestRecord is a request as payments publishes it, with the position of the inbox record that it comes from.
func requestRecord(t testing.TB, r *topics.PSPRequest, position int) *kgo.Record {
	t.Helper()
	value, err := topics.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	partition, err := topics.PartitionOfReference(r.PaymentID)
	if err != nil {
		t.Fatal(err)
	}
	envelope := topics.Envelope{
		ID:     topics.EventID{Partition: partition, Position: int64(position)}.String(),
		Source: "weir/payments", Type: topics.TypePSPRequest, Time: time.Now(),
	}
	record := &kgo.Record{Topic: topics.PSPRequests, Partition: partition, Value: value}
	for _, h := range envelope.Headers() {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return record
}

// get reads something from the sandbox.
func (w *world) get(t testing.TB, path string, out any) int {
	t.Helper()
	res, err := http.Get(w.sandbox.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, out); err != nil {
		t.Fatalf("GET %s: %s: %v", path, body, err)
	}
	return res.StatusCode
}

// charges counts the authorizations of a payment.
func (w *world) charges(t testing.TB, payment string) int {
	t.Helper()
	var payments []sandbox.Payment
	w.get(t, "/v1/payments/"+payment, &payments)
	return len(payments)
}

func TestApprovedAndCaptured(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, nil)
	r := authorization(7, "tok_approved")
	w.ask(t, 7, r)
	got := w.only(t)
	if got.Outcome != topics.PSPApproved || !got.Captured || got.Amount != 1000 || got.Fee != 39 || got.Currency != "EUR" ||
		got.Source != topics.SourceResponse || got.RequestID != r.RequestID || got.Tenant != "acme" || got.CustomerID != "customer" ||
		got.TraceID != "trace" || got.PSPReference == "" || got.NetworkReference == "" || got.Operation != topics.OperationAuthorize {
		t.Errorf("report %+v", got)
	}
}

func TestOutcomesOfTokens(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, with(adapterWithin(t, w.sandbox.URL(), time.Second)))
	want := map[string]struct {
		outcome topics.PSPOutcome
		code    string
	}{
		"tok_approved":              {topics.PSPApproved, ""},
		"tok_declined_soft":         {topics.PSPDeclined, "51"},
		"tok_declined_hard":         {topics.PSPDeclined, "43"},
		"tok_3ds_challenge":         {topics.PSPRequiresAction, ""},
		"tok_async":                 {topics.PSPPending, ""},
		"tok_timeout_after_charge":  {topics.PSPUnknown, ""},
		"tok_timeout_before_charge": {topics.PSPUnknown, ""},
		"tok_connection_lost":       {topics.PSPApproved, ""}, // net/http repeats a keyed call on a kept-alive connection …
		"tok_error_500":             {topics.PSPUnknown, ""},
		"tok_unavailable_once":      {topics.PSPApproved, ""},
		"no_such_token":             {topics.PSPFailed, ""},
	}
	var requests []*topics.PSPRequest
	tokens := map[string]string{}
	for token := range want {
		r := authorization(len(requests)+1, token)
		tokens[r.RequestID] = token
		requests = append(requests, r)
	}
	w.ask(t, 1, requests...)
	for _, got := range w.wait(t, len(requests)) {
		token := tokens[got.RequestID]
		if token == "tok_connection_lost" && got.Outcome == topics.PSPUnknown {
			continue // … and not on a fresh one
		}
		if got.Outcome != want[token].outcome || got.DeclineCode != want[token].code {
			t.Errorf("%s: %+v", token, got)
		}
	}
}

func TestTimeoutAfterChargeIsLearntByPolling(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, with(adapterWithin(t, w.sandbox.URL(), time.Second)))
	r := authorization(1, "tok_timeout_after_charge")
	w.ask(t, 1, r)
	if got := w.only(t); got.Outcome != topics.PSPUnknown {
		t.Fatalf("first report %+v", got)
	}
	poll := *r
	poll.Poll = true
	w.ask(t, 2, &poll)
	got := w.wait(t, 2)[1]
	if got.Outcome != topics.PSPApproved || got.Source != topics.SourcePoll || !got.Captured || got.RequestID != r.RequestID {
		t.Errorf("poll: %+v", got)
	}
	if n := w.charges(t, r.PaymentID); n != 1 {
		t.Errorf("charged %d times", n)
	}
}

func TestNotFoundIsSaidOnlyWhenItIsFinal(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, nil)
	early := authorization(1, "tok_approved")
	early.Poll = true
	late := authorization(2, "tok_approved")
	late.NotAfter = time.Now().Add(-time.Minute)
	w.ask(t, 1, early, late)
	want := map[string]topics.PSPOutcome{early.RequestID: topics.PSPUnknown, late.RequestID: topics.PSPNotFound}
	for _, got := range w.wait(t, 2) {
		if got.Outcome != want[got.RequestID] || got.Source != topics.SourcePoll {
			t.Errorf("%s: %+v", got.RequestID, got)
		}
	}
	for _, r := range []*topics.PSPRequest{early, late} {
		if n := w.charges(t, r.PaymentID); n != 0 {
			t.Errorf("%s was sent", r.RequestID)
		}
	}
}

func TestUnavailableUntilNotAfter(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, nil)
	r := authorization(1, "tok_unavailable")
	r.NotAfter = time.Now().Add(500 * time.Millisecond)
	w.ask(t, 1, r)
	if got := w.only(t); got.Outcome != topics.PSPUnknown || got.Source != topics.SourcePoll {
		t.Errorf("at not_after: %+v", got)
	}
	poll := *r
	poll.Poll = true
	for n := 2; ; n++ { // as the payment's timer does
		w.ask(t, n, &poll)
		got := w.wait(t, n)[n-1]
		if got.Outcome == topics.PSPNotFound {
			break
		}
		if got.Outcome != topics.PSPUnknown {
			t.Fatalf("polled: %+v", got)
		}
	}
	if n := w.charges(t, r.PaymentID); n != 0 {
		t.Errorf("charged %d times", n)
	}
}

func TestRefusedConnectionIsRetried(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	address := strings.TrimPrefix(w.sandbox.URL(), "http://")
	if err := w.sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	w.run(t, nil)
	r := authorization(1, "tok_approved")
	w.ask(t, 1, r)
	w.sandbox = startSandbox(t, sandbox.Config{Addr: address})
	if got := w.only(t); got.Outcome != topics.PSPApproved {
		t.Errorf("report %+v", got)
	}
}

func TestUnreachablePSPIsUnknown(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	if err := w.sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	w.run(t, nil)
	r := authorization(1, "tok_approved")
	r.NotAfter = time.Now().Add(200 * time.Millisecond)
	w.ask(t, 1, r)
	if got := w.only(t); got.Outcome != topics.PSPUnknown || got.Source != topics.SourcePoll {
		t.Errorf("report %+v; want unknown: another gateway may have sent it", got)
	}
}

func TestRepeatedRecordsAreDropped(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, nil)
	first, second := authorization(1, "tok_approved"), authorization(2, "tok_approved")
	w.ask(t, 1, first, second)
	w.ask(t, 1, first, second) // the next owner publishes what was aborted anew
	third := authorization(3, "tok_approved")
	w.ask(t, 3, third)
	w.wait(t, 3)
	w.ask(t, 4, authorization(4, "tok_approved"))
	if reports := w.wait(t, 4); len(reports) != 4 {
		t.Errorf("%d reports, want 4: %+v", len(reports), reports)
	}
}

func TestRepeatAfterCrashGivesTheSameReport(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	stop := w.run(t, func(c *psp.Config) { c.Group = "weir-first" })
	r := authorization(1, "tok_approved")
	w.ask(t, 1, r)
	w.wait(t, 1)
	stop()
	// A gateway without the first one's offsets meets the record as after a crash before the commit.
	w.run(t, func(c *psp.Config) { c.Group = "weir-second" })
	reports := w.wait(t, 2)
	if reports[0].ReportID != reports[1].ReportID || reports[0].PSPReference != reports[1].PSPReference || reports[1].Outcome != topics.PSPApproved {
		t.Errorf("first %+v\nagain %+v", reports[0], reports[1])
	}
	if n := w.charges(t, r.PaymentID); n != 1 {
		t.Errorf("charged %d times", n)
	}
}

func TestThousandRequestsAreEachPerformedOnce(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, func(c *psp.Config) { c.Instance = "one" })
	w.run(t, func(c *psp.Config) { c.Instance = "two" })
	const n = 1000
	var requests []*topics.PSPRequest
	for i := range n {
		r := authorization(i+1, "tok_approved")
		id := topics.PaymentID{Partition: int32(i % partitions), UUID: uuid.NewV5(uuid.NamespaceURL, fmt.Sprint(i))}
		r.PaymentID, r.RequestID = id.String(), topics.EventID{Partition: id.Partition, Position: int64(i + 1)}.String()
		requests = append(requests, r)
	}
	w.ask(t, 1, requests...)
	seen := map[string]bool{}
	for len(seen) < n {
		clear(seen)
		for _, r := range w.wait(t, n) {
			seen[r.RequestID] = true
			if r.Outcome != topics.PSPApproved {
				t.Fatalf("report %+v", r)
			}
		}
	}
	var sum sandbox.Summary
	w.get(t, "/v1/test/summary", &sum)
	if sum.Payments != n || sum.References != n || sum.Captured["EUR"] != n*1000 {
		t.Errorf("sandbox: %+v", sum)
	}
}

func TestUnreadableRequestsAreSetAside(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, nil)
	foreign := authorization(2, "tok_approved")
	foreign.PSP = "nobody"
	w.ask(t, 2, foreign)
	raw := &kgo.Record{Topic: topics.PSPRequests, Partition: 1, Value: []byte("{")}
	if err := w.out.ProduceSync(t.Context(), raw).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.ask(t, 3, authorization(3, "tok_approved"))
	if got := w.only(t); got.Outcome != topics.PSPApproved {
		t.Errorf("the request behind them: %+v", got)
	}
	letters := w.broker.Client(t, kgo.ConsumeTopics(topics.PSPRequestsDeadLetters))
	for n := 0; n < 2; {
		letters.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			var letter topics.DeadLetter
			if err := topics.Unmarshal(r.Value, &letter); err != nil || letter.Role != psp.Role || letter.Reason != topics.RefusedUndecodable {
				t.Errorf("dead letter %s: %v", r.Value, err)
			}
			n++
		})
	}
}
