package await

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

const (
	// MaxWaiters bounds the questions that are open at once; one more is refused with ErrBusy.
	MaxWaiters = 20_000
	// startRetry is the pause between attempts to reach the broker at start.
	startRetry = 500 * time.Millisecond
	// fetchErrorPause keeps a broker that refuses each fetch from making a busy loop.
	fetchErrorPause = 250 * time.Millisecond
)

var (
	// ErrBusy says that MaxWaiters questions are open.
	ErrBusy = fmt.Errorf("%d requests are waiting for their events already", MaxWaiters)
	// ErrNotReady says that the hub has not found its place in the events yet: an answer could be missed.
	ErrNotReady = errors.New("the reader of " + topics.Events + " has not started: the broker is away or the topic is missing")
)

// Hub reads all partitions of payments.events.v1, uncommitted transactions included: the database has committed before
// an event is written, so what is read here is a fact even where its Kafka transaction aborts and is published again.
//
// A1: each partition is read from a fixed offset that was its end before the first Ask, so the events of a command that
// is produced after Ask are never missed. A2: an event that is published twice is seen once: each partition keeps the
// highest event id and drops what is not above it.
type Hub struct {
	client *kgo.Client
	log    *slog.Logger

	partitions atomic.Int32 // 0 until started
	marks      map[int32]topics.EventID

	mu      sync.Mutex
	waiters map[string][]*Waiter // by payment id and by command id
	open    int

	waiting  prometheus.Gauge
	events   prometheus.Counter
	repeated prometheus.Counter
}

// New prepares a hub; Run starts it. The options name the brokers; the registerer may be nil.
func New(options []kgo.Opt, log *slog.Logger, registerer prometheus.Registerer) (*Hub, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, options...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()), // a recreated topic: nothing waits for what it held
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()),
		kgo.FetchMaxWait(time.Second),
	)...)
	if err != nil {
		return nil, fmt.Errorf("reader of %s: %w", topics.Events, err)
	}
	h := &Hub{
		client: client, log: log, marks: map[int32]topics.EventID{}, waiters: map[string][]*Waiter{},
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_api_waiters",
			Help: "Requests that wait for the event of their command."}),
		events: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_api_events_total",
			Help: "Payment events read for waiting requests."}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_api_events_repeated_total",
			Help: "Payment events dropped because they were read before."}),
	}
	if registerer != nil {
		for _, c := range []prometheus.Collector{h.waiting, h.events, h.repeated} {
			if err := registerer.Register(c); err != nil {
				client.Close()
				return nil, fmt.Errorf("metrics of the event reader: %w", err)
			}
		}
	}
	return h, nil
}

// Close is for a hub that Run was never called on.
func (h *Hub) Close() { h.client.Close() }

// Run reads until the context ends. It waits for the broker and the topic for as long as they are away.
func (h *Hub) Run(ctx context.Context) error {
	defer h.client.Close()
	for {
		err := h.start(ctx)
		if err == nil {
			break
		}
		h.log.WarnContext(ctx, "events cannot be read yet", "topic", topics.Events, "error", err)
		if pause(ctx, startRetry) != nil {
			return nil
		}
	}
	for {
		fetches := h.client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return nil
		}
		failed := false
		fetches.EachError(func(topic string, partition int32, err error) {
			failed = true
			h.log.WarnContext(ctx, "fetch failed", "topic", topic, "partition", partition, "error", err)
		})
		fetches.EachRecord(h.take)
		if failed && pause(ctx, fetchErrorPause) != nil {
			return nil
		}
	}
}

// start fixes the offset of each partition: what is its end now.
func (h *Hub) start(ctx context.Context) error {
	ends, err := kadm.NewClient(h.client).ListEndOffsets(ctx, topics.Events)
	if err != nil {
		return err
	}
	if err := ends.Error(); err != nil {
		return err
	}
	offsets := map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		offsets[o.Partition] = kgo.NewOffset().At(o.Offset).WithEpoch(-1)
	})
	if len(offsets) == 0 {
		return fmt.Errorf("topic %s does not exist: create the topics first", topics.Events)
	}
	h.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topics.Events: offsets})
	h.partitions.Store(int32(len(offsets)))
	return nil
}

// Partitions is the partition count of the payment topics, 0 until the hub is ready.
func (h *Hub) Partitions() int32 { return h.partitions.Load() }

// Check reports whether questions can be asked.
func (h *Hub) Check(context.Context) error {
	if h.Partitions() == 0 {
		return ErrNotReady
	}
	return nil
}

// Ask opens a question. It comes before the command is produced, and Close follows it on every path.
func (h *Hub) Ask(q Question) (*Waiter, error) {
	if h.Partitions() == 0 {
		return nil, ErrNotReady
	}
	w := &Waiter{hub: h, question: q, concluded: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open >= MaxWaiters {
		return nil, ErrBusy
	}
	h.open++
	h.waiting.Set(float64(h.open))
	for _, id := range w.ids() {
		h.waiters[id] = append(h.waiters[id], w)
	}
	return w, nil
}

// subject is what of an event decides whether anyone waits for it.
type subject struct {
	EventID   string `json:"event_id"`
	PaymentID string `json:"payment_id"`
	CommandID string `json:"command_id"`
}

// take hands one record to those who wait for it.
func (h *Hub) take(record *kgo.Record) {
	h.events.Inc()
	id, known := eventID(record)
	if known && !h.advance(record.Partition, id) {
		return
	}
	if !h.anyone() {
		return
	}
	var s subject
	if _, err := json.Parse(record.Value, &s, json.ZeroCopy); err != nil {
		h.log.Error("payment event does not decode", "partition", record.Partition, "offset", record.Offset, "error", err)
		return
	}
	if !known {
		if id, err := topics.ParseEventID(s.EventID); err == nil && !h.advance(record.Partition, id) {
			return
		}
	}
	waiters := h.waitersOf(s)
	if len(waiters) == 0 {
		return
	}
	var event topics.PaymentEvent
	if err := topics.Unmarshal(record.Value, &event); err != nil {
		h.log.Error("payment event does not decode", "partition", record.Partition, "offset", record.Offset, "error", err)
		return
	}
	for _, w := range waiters {
		w.Learn(event)
	}
}

// advance moves the partition's mark to the event; false where it was read before.
func (h *Hub) advance(partition int32, id topics.EventID) bool {
	if mark, ok := h.marks[partition]; ok && compare(id, mark) <= 0 {
		h.repeated.Inc()
		return false
	}
	h.marks[partition] = id
	return true
}

func (h *Hub) anyone() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open > 0
}

func (h *Hub) waitersOf(s subject) []*Waiter {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []*Waiter
	if s.PaymentID != "" {
		found = append(found, h.waiters[s.PaymentID]...)
	}
	if s.CommandID != "" {
		found = append(found, h.waiters[s.CommandID]...) // twice is harmless: events merge by id
	}
	return found
}

func (h *Hub) forget(w *Waiter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range w.ids() {
		rest := slices.DeleteFunc(h.waiters[id], func(held *Waiter) bool { return held == w })
		if len(rest) == 0 {
			delete(h.waiters, id)
		} else {
			h.waiters[id] = rest
		}
	}
	h.open--
	h.waiting.Set(float64(h.open))
}

func eventID(record *kgo.Record) (topics.EventID, bool) {
	for _, h := range record.Headers {
		if h.Key == topics.HeaderID {
			id, err := topics.ParseEventID(string(h.Value))
			return id, err == nil
		}
	}
	return topics.EventID{}, false
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
