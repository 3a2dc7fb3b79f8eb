package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// failoverCustomer is whose the payments of the failover measurement are: each has a customer of its own, whose name ends in its
// number.
const failoverCustomer = "failover_"

func failoverPayment(n int) (*kgo.Record, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	customer := failoverCustomer + strconv.Itoa(n)
	value, err := topics.Marshal(topics.Command{
		CommandID: id.String(), Type: topics.CommandCreate, Tenant: tenant, CustomerID: customer, Amount: failoverAmount, Currency: "EUR",
		Authorize: true, CaptureMethod: topics.CaptureAutomatic, IssuedAt: time.Now().UTC(),
		Card: &topics.Card{Token: "tok_approved", Fingerprint: "fp_" + customer, BIN: "411111", Scheme: "visa", Type: "credit", Country: "DE"},
	})
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Key: []byte(customer), Value: value}, nil
}

// arrival is one payment of the failover measurement.
type arrival struct {
	sent                      time.Time
	approved, captured, ended bool // approved while the PSP fails, or before
}

// watch follows payments by their events, as soon as they are written.
type watch struct {
	client *kgo.Client
	done   chan struct{}
	fails  int // number of the first payment that arrives while the PSP fails

	mu       sync.Mutex
	arrivals []arrival
	latest   time.Time // approval
	mended   bool      // the PSP works again
	err      error
}

func watchPayments(ctx context.Context, kafka []kgo.Opt) (*watch, error) {
	client, err := kgo.NewClient(with(kafka, kgo.ConsumeTopics(topics.Events), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()))...)
	if err != nil {
		return nil, err
	}
	w := &watch{client: client, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		var seen stream.HighWater
		for {
			fetches := client.PollFetches(ctx)
			if ctx.Err() != nil || fetches.IsClientClosed() {
				return
			}
			if err := fetches.Err(); err != nil {
				w.fail(err)
				return
			}
			fetches.EachRecord(func(r *kgo.Record) {
				if fresh, err := seen.Accept(r.Partition, header(r, topics.HeaderID)); err == nil && fresh {
					w.take(r)
				}
			})
		}
	}()
	return w, nil
}

func (w *watch) close() {
	w.client.Close()
	<-w.done
}

func (w *watch) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = fmt.Errorf("watch payments: %w", err)
}

func (w *watch) send() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrivals = append(w.arrivals, arrival{sent: time.Now()})
}

func (w *watch) take(r *kgo.Record) {
	var e topics.PaymentEvent
	if err := topics.Unmarshal(r.Value, &e); err != nil {
		w.fail(err)
		return
	}
	n, err := strconv.Atoi(strings.TrimPrefix(e.CustomerID, failoverCustomer))
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || n >= len(w.arrivals) {
		return
	}
	a := &w.arrivals[n]
	switch e.Type {
	case topics.EventAuthorized:
		a.approved, w.latest = !w.mended, time.Now()
	case topics.EventCaptured:
		a.captured, a.ended = true, true
	case topics.EventDeclined, topics.EventCommandRefused:
		a.ended = true
	}
}

// quiet waits until nobody is approved any more. What is approved later is so because the PSP works again.
func (w *watch) quiet(ctx context.Context) error {
	for {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		w.mu.Lock()
		w.mended = time.Since(w.latest) > failoverQuiet
		mended, err := w.mended, w.err
		w.mu.Unlock()
		if mended || err != nil {
			return err
		}
	}
}

// ended waits until each payment has ended, or as long as that may take.
func (w *watch) ended(ctx context.Context) error {
	late := time.Now().Add(failoverEnd)
	for time.Now().Before(late) {
		w.mu.Lock()
		open, err := 0, w.err
		for i := range w.arrivals {
			if !w.arrivals[i].ended {
				open++
			}
		}
		w.mu.Unlock()
		if err != nil || open == 0 {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil // those that have not ended are lost
}

// failoverResult is what became of the payments. Rates are of a thousand.
type failoverResult struct {
	moved          time.Duration // from the failure to the first payment after which they are approved as before
	before, after  int64
	lost, captured int64
}

func (w *watch) judge() failoverResult {
	w.mu.Lock()
	defer w.mu.Unlock()
	rate := func(arrivals []arrival) int64 {
		approved := 0
		for _, a := range arrivals {
			if a.approved {
				approved++
			}
		}
		return int64(approved) * 1000 / int64(max(1, len(arrivals)))
	}
	during := w.arrivals[w.fails:]
	// The last seconds before the failure are left out: who has to wait on a busy machine may meet it.
	before := w.arrivals[int(warmUp.Seconds())*failoverRate : w.fails-int(failoverBefore.Seconds())*failoverRate/2]
	r := failoverResult{before: rate(before), moved: failoverFor}
	// As before is a rate within a point of it, over a second and over all that is left.
	for i := 0; i+failoverRate <= len(during); i++ {
		if rate(during[i:i+failoverRate]) >= r.before-10 && rate(during[i:]) >= r.before-10 {
			r.moved, r.after = during[i].sent.Sub(during[0].sent), rate(during[i:])
			break
		}
	}
	for _, a := range w.arrivals {
		if !a.ended {
			r.lost++
		}
		if a.captured {
			r.captured++
		}
	}
	return r
}
