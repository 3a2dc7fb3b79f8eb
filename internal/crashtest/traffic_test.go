package crashtest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"github.com/weirhq/weir/topics"
)

const (
	inFlight   = 48                    // payments under way at a time
	perSecond  = 80                    // payments begun
	retryAfter = 50 * time.Millisecond // of an HTTP client
	endLimit   = 2 * time.Minute       // for what is under way when no more begins
)

// traffic is producers and HTTP clients at work. They know nothing of the faults: they repeat what was not acknowledged.
type traffic struct {
	t        testing.TB
	seed     uint64
	world    *world
	producer *kgo.Client
	http     *http.Client
	seen     *observer
	halt     chan struct{}
	done     chan struct{}
	retries  atomic.Int64 // of HTTP requests

	mu       sync.Mutex
	payments map[string]*payment           // by payment id: all whose create is acknowledged
	commands map[string]topics.CommandType // acknowledged by the broker, by command id
	answers  []answered
	problems []string
	books    books
}

// answered is an HTTP request with the answer that ended it.
type answered struct {
	path, key  string
	body       []byte
	status     int
	answerBody []byte
}

// begin starts the traffic; it goes on until finish.
func (w *world) begin(seed uint64) *traffic {
	w.t.Helper()
	tr := w.clients(seed)
	tr.seen = observe(w.t, w.kafka())
	tr.start(func(ctx context.Context) {
		var visits sync.WaitGroup
		defer visits.Wait()
		visits.Go(func() { tr.runVisits(ctx) })
		tr.run(ctx)
	})
	return tr
}

// clients is traffic that has not begun.
func (w *world) clients(seed uint64) *traffic {
	w.t.Helper()
	producer, err := kgo.NewClient(append(w.kafka(), kgo.ProducerLinger(0))...)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = inFlight
	w.t.Cleanup(transport.CloseIdleConnections)
	return &traffic{t: w.t, seed: seed, world: w, producer: producer,
		http: &http.Client{Transport: transport, Timeout: 10 * time.Second},
		halt: make(chan struct{}), done: make(chan struct{}), payments: map[string]*payment{}, commands: map[string]topics.CommandType{}, books: newBooks()}
}

// start lets the traffic run until it ends by itself, which it does once it is halted, or the test does.
func (tr *traffic) start(run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(tr.done)
		run(ctx)
	}()
	tr.t.Cleanup(func() {
		cancel()
		tr.producer.Close() // lets go of records that were sent and not answered
		<-tr.done
	})
}

func (tr *traffic) run(ctx context.Context) {
	limiter := rate.NewLimiter(perSecond, 1)
	room := make(chan struct{}, inFlight)
	var playing sync.WaitGroup
	defer playing.Wait()
	for n := 0; ; n++ {
		select {
		case room <- struct{}{}:
		case <-tr.halt:
			return
		case <-ctx.Done():
			return
		}
		if limiter.Wait(ctx) != nil {
			return
		}
		playing.Go(func() {
			defer func() { <-room }()
			p := plan(tr.seed, n)
			if id, err := tr.play(ctx, p); err != nil {
				tr.problem("payment %d %s: %v", n, id, err)
			}
		})
	}
}

// finish begins no more payments and waits until each is at its end.
func (tr *traffic) finish() {
	tr.t.Helper()
	close(tr.halt)
	select {
	case <-tr.done:
	case <-time.After(endLimit):
		tr.t.Errorf("after %s payments are still under way:\n%s", endLimit, tr.open())
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, p := range tr.problems {
		tr.t.Error(p)
	}
	if tr.t.Failed() {
		for _, e := range tr.world.engines {
			tr.t.Log(e.tail())
		}
		tr.world.keepLogs()
		tr.t.FailNow()
	}
}

// open lists payments that are not at their end.
func (tr *traffic) open() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var lines []string
	for id, p := range tr.payments {
		if now, _ := tr.seen.condition(id); now != p.end {
			lines = append(lines, fmt.Sprintf("payment %d %s: is %s, should be %s", p.number, id, now, p.end))
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d: %v", len(lines), lines[:min(len(lines), 20)])
}

func (tr *traffic) problem(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.problems = append(tr.problems, fmt.Sprintf(format, args...))
}

// count is how many payments have begun.
func (tr *traffic) count() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.payments)
}

// progress waits until this many more payments are acknowledged.
func (tr *traffic) progress(more int) {
	tr.t.Helper()
	from := tr.count()
	if err := until(tr.t.Context(), endLimit, func() (bool, error) { return tr.count() >= from+more, nil }); err != nil {
		for _, e := range tr.world.engines {
			tr.t.Log(e.tail())
		}
		tr.t.Fatalf("%d more payments: %v", more, err)
	}
}

// play takes one payment through its life.
func (tr *traffic) play(ctx context.Context, p *payment) (id string, err error) {
	if p.overHTTP {
		id, err = tr.post(ctx, p, "/v1/intents", p.create.CommandID, createBody(&p.create))
	} else {
		id = paymentID(&p.create)
		err = tr.produce(ctx, p, p.create)
	}
	if err != nil {
		return id, tr.unlessOver(ctx, err)
	}
	tr.mu.Lock()
	if tr.payments[id] != nil {
		tr.problems = append(tr.problems, "two payments are called "+id)
	}
	tr.payments[id] = p
	tr.mu.Unlock()
	for _, s := range p.steps {
		if err := tr.seen.await(ctx, id, s.when); err != nil {
			return id, tr.unlessOver(ctx, err)
		}
		if p.overHTTP {
			path, body := followBody(id, &s.command)
			_, err = tr.post(ctx, p, path, s.command.CommandID, body)
		} else {
			s.command.PaymentID = id
			err = tr.produce(ctx, p, s.command)
		}
		if err != nil {
			return id, tr.unlessOver(ctx, err)
		}
	}
	return id, tr.unlessOver(ctx, tr.seen.await(ctx, id, p.end))
}

// unlessOver drops an error that comes of the end of the test.
func (tr *traffic) unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func paymentID(create *topics.Command) string {
	return topics.PaymentID{
		Partition: topics.PartitionOf(create.Tenant, create.CustomerID, partitions), UUID: uuid.FromStringOrNil(create.CommandID),
	}.String()
}

// produce writes a command until the broker has acknowledged it.
func (tr *traffic) produce(ctx context.Context, p *payment, command topics.Command) error {
	command.IssuedAt = time.Now().UTC()
	value, err := topics.Marshal(command)
	if err != nil {
		return err
	}
	if err := tr.write(ctx, p.twice, &kgo.Record{Topic: topics.Commands, Key: []byte(command.CustomerID), Value: value}); err != nil {
		return err
	}
	tr.mu.Lock()
	tr.commands[command.CommandID] = command.Type
	tr.mu.Unlock()
	return nil
}

// write repeats a record until the broker has acknowledged it; twice does so two times.
func (tr *traffic) write(ctx context.Context, twice bool, r *kgo.Record) error {
	for range times(twice) {
		for {
			err := tr.producer.ProduceSync(ctx, &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value}).FirstErr()
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return err
			}
		}
	}
	return nil
}

func times(twice bool) int {
	if twice {
		return 2
	}
	return 1
}

func createBody(c *topics.Command) map[string]any {
	return map[string]any{"customer_id": c.CustomerID, "amount": c.Amount, "currency": c.Currency, "authorize": c.Authorize,
		"capture_method": c.CaptureMethod, "card": c.Card, "context": c.Context}
}

func followBody(id string, c *topics.Command) (path string, body map[string]any) {
	path, body = "/v1/intents/"+id+"/"+string(c.Type), map[string]any{}
	if c.Type == topics.CommandRefund {
		path = "/v1/intents/" + id + "/refunds"
	}
	if c.Amount > 0 {
		body["amount"] = c.Amount
	}
	return path, body
}

// post sends a request of a payment and returns the id of the payment.
func (tr *traffic) post(ctx context.Context, p *payment, path, key string, fields map[string]any) (id string, err error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return "", err
	}
	status, answer, err := tr.request(ctx, p.twice, path, key, body)
	if err != nil {
		return "", err
	}
	id, err = intentID(answer)
	if err != nil || (status >= 400 && status != http.StatusPaymentRequired) {
		return "", fmt.Errorf("POST %s: %d %s (%w)", path, status, answer, err)
	}
	return id, nil
}

// request repeats a request with its key until it is answered for good; twice does so two times.
func (tr *traffic) request(ctx context.Context, twice bool, path, key string, body []byte) (status int, answer []byte, err error) {
	for range times(twice) {
		for {
			status, answer, err = tr.send(ctx, tr.base(), path, key, body)
			if ctx.Err() != nil {
				return 0, nil, ctx.Err()
			}
			if err == nil && final(status, answer) {
				tr.mu.Lock()
				tr.answers = append(tr.answers, answered{path, key, body, status, answer})
				tr.mu.Unlock()
				break
			}
			if status == http.StatusInternalServerError {
				tr.problem("POST %s: %d %s", path, status, answer)
			}
			tr.retries.Add(1)
			select {
			case <-time.After(retryAfter):
			case <-ctx.Done():
				return 0, nil, ctx.Err()
			}
		}
	}
	return status, answer, nil
}

// base is the address of one of the engines that have been started.
func (tr *traffic) base() string {
	return tr.world.engines[rand.IntN(len(tr.world.engines))].url
}

// final tells whether an answer is the one to a request, and not that it cannot be answered now.
func final(status int, answer []byte) bool {
	switch status {
	case http.StatusAccepted, http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusInternalServerError:
		return false
	case http.StatusConflict:
		return !bytes.Contains(answer, []byte(`"in_flight"`))
	}
	return true
}

func intentID(answer []byte) (string, error) {
	var read struct {
		ID       string `json:"id"`
		IntentID string `json:"intent_id"` // of a refund
		Details  struct {
			Intent struct {
				ID string `json:"id"`
			} `json:"intent"`
		} `json:"details"`
	}
	if err := json.Unmarshal(answer, &read); err != nil {
		return "", err
	}
	for _, id := range []string{read.IntentID, read.ID, read.Details.Intent.ID} {
		if id != "" {
			return id, nil
		}
	}
	return "", fmt.Errorf("the answer names no intent")
}

func (tr *traffic) send(ctx context.Context, base, path, key string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := tr.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	answer, err := drain(response.Body)
	return response.StatusCode, answer, err
}
