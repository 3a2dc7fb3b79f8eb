package psp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/internal/until"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/topics"
)

// scripted is an adapter that does what a test says.
type scripted struct {
	do   func(context.Context, *topics.PSPRequest) (topics.PSPReport, error)
	poll func(context.Context, *topics.PSPRequest) (topics.PSPReport, error)
}

func (*scripted) Name() string                      { return psp.SandboxName }
func (*scripted) Idempotent() (time.Duration, bool) { return time.Hour, true }

func (s *scripted) Do(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	return s.do(ctx, r)
}

func (s *scripted) Poll(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	return s.poll(ctx, r)
}

func (*scripted) Webhook([]byte) (topics.PSPReport, error) {
	return topics.PSPReport{}, psp.ErrUnknownEvent
}

func approve(context.Context, *topics.PSPRequest) (topics.PSPReport, error) {
	return topics.PSPReport{Outcome: topics.PSPApproved, Amount: 1000, Currency: "EUR"}, nil
}

func with(adapter psp.Adapter) func(*psp.Config) {
	return func(c *psp.Config) { c.Adapters = []psp.Adapter{adapter} }
}

func (w *world) committed(t testing.TB) int64 {
	t.Helper()
	offsets, err := w.broker.Admin(t).FetchOffsets(t.Context(), psp.DefaultGroup)
	if err != nil {
		t.Fatal(err)
	}
	o, ok := offsets.Lookup(topics.PSPRequests, 1)
	if !ok {
		return 0
	}
	return o.At
}

func (w *world) end(t testing.TB) int64 {
	t.Helper()
	ends, err := w.broker.Admin(t).ListEndOffsets(t.Context(), topics.PSPRequests)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(topics.PSPRequests, 1)
	return end.Offset
}

func TestPanicIsUnknown(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, with(&scripted{do: func(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
		if r.Card.Token == "tok_panic" {
			panic("a bug")
		}
		return approve(ctx, r)
	}}))
	w.ask(t, 1, authorization(1, "tok_panic"), authorization(2, "tok_approved"))
	want := map[string]topics.PSPOutcome{"1-1-0": topics.PSPUnknown, "1-2-0": topics.PSPApproved}
	for _, got := range w.wait(t, 2) {
		if got.Outcome != want[got.RequestID] {
			t.Errorf("report %+v", got)
		}
	}
}

func TestRequestsOfOnePaymentStayInOrder(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	var mu sync.Mutex
	under, order := map[string]int{}, map[string][]string{}
	tried := map[string]bool{}
	w.run(t, with(&scripted{do: func(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
		mu.Lock()
		if under[r.PaymentID]++; under[r.PaymentID] > 1 {
			t.Errorf("two requests of %s at a time", r.PaymentID)
		}
		first := !tried[r.RequestID]
		tried[r.RequestID] = true
		mu.Unlock()
		defer func() {
			mu.Lock()
			under[r.PaymentID]--
			mu.Unlock()
		}()
		if first && r.Amount%3 == 0 { // some must wait for a second try
			return topics.PSPReport{}, psp.ErrNotSent
		}
		mu.Lock()
		order[r.PaymentID] = append(order[r.PaymentID], r.RequestID)
		mu.Unlock()
		return approve(ctx, r)
	}}))
	const payments, each = 20, 8
	var requests []*topics.PSPRequest
	want := map[string][]string{}
	for i := range payments * each {
		r := authorization(i+1, "")
		r.PaymentID, r.Amount = authorization(i%payments, "").PaymentID, int64(i+1)
		want[r.PaymentID] = append(want[r.PaymentID], r.RequestID)
		requests = append(requests, r)
	}
	w.ask(t, 1, requests...)
	reported := map[string][]string{}
	for _, r := range w.wait(t, len(requests)) {
		reported[r.PaymentID] = append(reported[r.PaymentID], r.RequestID)
	}
	mu.Lock()
	defer mu.Unlock()
	for payment := range want {
		if !slices.Equal(order[payment], want[payment]) || !slices.Equal(reported[payment], want[payment]) {
			t.Errorf("%s\nasked     %v\nperformed %v\nreported  %v", payment, want[payment], order[payment], reported[payment])
		}
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	const limit, requests = 3, 30
	var mu sync.Mutex
	under, most := 0, 0
	full := make(chan struct{})
	adapter := &scripted{do: func(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
		mu.Lock()
		under++
		most = max(most, under)
		if under == limit && most == limit {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		mu.Unlock()
		<-full // nobody returns before as many as may have come
		mu.Lock()
		under--
		mu.Unlock()
		return approve(ctx, r)
	}}
	w.run(t, func(c *psp.Config) {
		with(adapter)(c)
		c.Concurrency, c.MaxInFlight = limit, 5
	})
	for i := range requests {
		w.ask(t, i+1, authorization(i+1, ""))
	}
	w.wait(t, requests)
	mu.Lock()
	defer mu.Unlock()
	if most != limit {
		t.Errorf("%d calls at a time, want %d", most, limit)
	}
}

func TestRequestThatCannotBeSentDoesNotHoldUpTheRest(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	w.run(t, func(c *psp.Config) {
		with(&scripted{do: func(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
			if r.Card.Token == "tok_never" {
				return topics.PSPReport{}, psp.ErrNotSent
			}
			return approve(ctx, r)
		}})(c)
		c.MaxAhead = 20
		c.Breaker = psp.BreakerConfig{FailurePercent: 100, MinCalls: 10_000}
	})
	never := authorization(1, "tok_never")
	w.ask(t, 1, never)
	const others = 200
	for i := range others {
		w.ask(t, i+2, authorization(i+2, "tok_approved"))
	}
	for _, got := range w.wait(t, others+1) {
		want := topics.PSPApproved
		if got.RequestID == never.RequestID {
			want = topics.PSPUnknown
		}
		if got.Outcome != want {
			t.Errorf("report %+v; want %s", got, want)
		}
	}
}

func TestBreakerDelaysAndNeverAnswers(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	var mu sync.Mutex
	calls, down := 0, true
	w.run(t, func(c *psp.Config) {
		with(&scripted{do: func(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
			mu.Lock()
			defer mu.Unlock()
			if calls++; down {
				return topics.PSPReport{}, psp.ErrNotSent
			}
			return approve(ctx, r)
		}})(c)
		c.Breaker = psp.BreakerConfig{MinCalls: 5, Delay: 300 * time.Millisecond, Trials: 1}
		c.Concurrency = 1
	})
	const n = 200
	var requests []*topics.PSPRequest
	for i := range n {
		requests = append(requests, authorization(i+1, ""))
	}
	w.ask(t, 1, requests...)
	until.True(t, 2*time.Minute, "the breaker is known to be open: it lets a trial through now and then", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return calls > 5
	})
	mu.Lock()
	if calls >= n {
		t.Errorf("%d calls to a PSP that is down", calls)
	}
	down = false
	mu.Unlock()
	for _, got := range w.wait(t, n) {
		if got.Outcome != topics.PSPApproved {
			t.Fatalf("report %+v", got)
		}
	}
}

func TestGracefulStopFinishesWhatIsUnderWay(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	started, finish := make(chan struct{}), make(chan struct{})
	stop := w.run(t, with(&scripted{do: func(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
		close(started)
		select {
		case <-finish:
		case <-ctx.Done():
			return topics.PSPReport{}, ctx.Err()
		}
		return approve(ctx, r)
	}}))
	w.ask(t, 1, authorization(1, ""))
	<-started
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(finish)
	<-stopped
	if got := w.only(t); got.Outcome != topics.PSPApproved {
		t.Errorf("report %+v", got)
	}
	if at, end := w.committed(t), w.end(t); at != end {
		t.Errorf("committed %d of %d", at, end)
	}
}

func TestCallThatIsCutOffIsLeftToTheNextOwner(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	started := make(chan struct{}, 1)
	stop := w.run(t, func(c *psp.Config) {
		with(&scripted{do: func(ctx context.Context, _ *topics.PSPRequest) (topics.PSPReport, error) {
			started <- struct{}{}
			<-ctx.Done()
			return topics.PSPReport{}, errors.Join(psp.ErrUnknown, ctx.Err())
		}})(c)
		c.DrainTimeout = 10 * time.Millisecond
	})
	w.ask(t, 1, authorization(1, ""))
	<-started
	stop()
	if at := w.committed(t); at > 0 {
		t.Errorf("committed %d although nothing was reported", at)
	}
	w.run(t, with(&scripted{do: approve}))
	if got := w.only(t); got.Outcome != topics.PSPApproved {
		t.Errorf("report %+v", got)
	}
}

func TestReportThatIsRefusedIsWrittenLater(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	if w.broker.Cluster == nil {
		t.Skip("faults are injected into the embedded broker only")
	}
	w.ask(t, 1, authorization(1, "")) // before the fault
	w.broker.Cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		produce := request.(*kmsg.ProduceRequest)
		response := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				part := kmsg.NewProduceResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, kerr.MessageTooLarge.Code
				answer.Partitions = append(answer.Partitions, part)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	var mu sync.Mutex
	calls := 0
	w.run(t, with(&scripted{do: func(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
		mu.Lock()
		calls++
		mu.Unlock()
		return approve(ctx, r)
	}}))
	if got := w.only(t); got.Outcome != topics.PSPApproved {
		t.Errorf("report %+v", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if calls != 2 {
		t.Errorf("%d calls, want 2: the offset may not be committed with the report refused", calls)
	}
}

func TestPartitionsMoveWhileRequestsAreUnderWay(t *testing.T) {
	w := newWorld(t, sandbox.Config{Latency: time.Millisecond})
	const n = 2000
	var requests []*topics.PSPRequest
	for i := range n {
		r := authorization(i+1, "tok_approved")
		id, err := topics.ParsePaymentID(r.PaymentID)
		if err != nil {
			t.Fatal(err)
		}
		id.Partition = int32(i % partitions)
		r.PaymentID, r.RequestID = id.String(), fmt.Sprintf("%d-%d-0", id.Partition, i+1)
		requests = append(requests, r)
	}
	first := w.run(t, func(c *psp.Config) { c.Concurrency = 8 })
	w.ask(t, 1, requests...)
	w.wait(t, 200)
	second := w.run(t, func(c *psp.Config) { c.Concurrency = 8 }) // takes some over
	w.wait(t, 800)
	first() // gives the rest up
	w.run(t, func(c *psp.Config) { c.Concurrency = 8 })
	w.wait(t, 1200)
	second()
	seen := map[string]bool{}
	for have := n; len(seen) < n; have++ {
		for _, r := range w.wait(t, have) {
			seen[r.RequestID] = true
		}
	}
	var sum sandbox.Summary
	w.get(t, "/v1/test/summary", &sum)
	if sum.Payments != n || sum.References != n {
		t.Errorf("sandbox: %+v; want %d payments, each charged once", sum, n)
	}
	if reports := w.wait(t, n); len(reports) > n+n/10 {
		t.Errorf("%d reports for %d requests: partitions were not given up in good order", len(reports), n)
	}
}
