// Package await tells the HTTP API what became of a command: it reads the events as they are written and hands each to
// whoever waits for its payment or command.
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
	ErrNotReady = errors.New("the reader of " + read + " has not started: the broker is away or a topic is missing")
)

// read names the topics that the hub reads from its start. Decisions, of which every payment has one, are read from the
// first question about one of them.
const read = topics.Events + ", " + topics.WalletEvents + ", " + topics.PayoutEvents + ", " + topics.LinkEvents + ", " + topics.DisputeEvents + " and " + topics.CustomerChanges

// Hub reads all partitions of the topics that answer commands, uncommitted transactions included: the database has
// committed before an event is written, so what is read here is a fact even where its Kafka transaction aborts and is
// published again.
//
// A1: each partition is read from a fixed offset that was its end before the first question, so the events of a command
// that is produced after it is asked about are never missed. A2: an event that is published twice is seen once: each
// partition keeps the highest event id and drops what is not above it.
type Hub struct {
	client *kgo.Client
	log    *slog.Logger

	partitions atomic.Int32  // 0 until started
	ready      chan struct{} // closed once started
	deciding   sync.Mutex    // held while the reader of decisions is started
	decisions  bool          // are read
	marks      map[source]topics.EventID

	mu      sync.Mutex
	waiters map[subject][]listener
	open    int

	waiting  prometheus.Gauge
	events   prometheus.Counter
	repeated prometheus.Counter
}

// source is a partition of a topic.
type source struct {
	topic     string
	partition int32
}

// subject is what a listener waits for: a payment or a command, in the events of a topic, or a customer event in the
// decisions.
type subject struct{ topic, id string }

// listener is a waiter of any kind.
type listener interface {
	subjects() []subject
	// learn takes the value of one record.
	learn(value []byte) error
}

// New prepares a hub; Run starts it. The options name the brokers; the registerer may be nil.
func New(options []kgo.Opt, log *slog.Logger, registerer prometheus.Registerer) (*Hub, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, options...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()), // a recreated topic: nothing waits for what it held
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()),
		kgo.FetchMaxWait(time.Second),
	)...)
	if err != nil {
		return nil, fmt.Errorf("reader of %s: %w", read, err)
	}
	h := &Hub{
		client: client, log: log, marks: map[source]topics.EventID{}, waiters: map[subject][]listener{}, ready: make(chan struct{}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_api_waiters",
			Help: "Requests that wait for the event of their command."}),
		events: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_api_events_total",
			Help: "Events read for waiting requests."}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_api_events_repeated_total",
			Help: "Events dropped because they were read before."}),
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
		h.log.WarnContext(ctx, "events cannot be read yet", "topics", read, "error", err)
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

// start begins to read.
func (h *Hub) start(ctx context.Context) error {
	answering := []string{topics.Events, topics.WalletEvents, topics.PayoutEvents, topics.LinkEvents, topics.DisputeEvents, topics.CustomerChanges}
	offsets, err := h.ends(ctx, answering...)
	if err != nil {
		return err
	}
	counts := make([]int, len(answering))
	for i, topic := range answering {
		counts[i] = len(offsets[topic])
	}
	partitions := counts[0]
	if partitions == 0 || slices.Max(counts) != partitions || slices.Min(counts) != partitions {
		return fmt.Errorf("%s have %d partitions, want as many and at least one: create the topics first", read, counts)
	}
	h.client.AddConsumePartitions(offsets)
	h.partitions.Store(int32(partitions))
	close(h.ready)
	return nil
}

// startDecisions begins to read decisions, unless they are read already.
func (h *Hub) startDecisions(ctx context.Context) error {
	h.deciding.Lock()
	defer h.deciding.Unlock()
	if h.decisions {
		return nil
	}
	offsets, err := h.ends(ctx, topics.Decisions)
	if err == nil && len(offsets[topics.Decisions]) != int(h.Partitions()) {
		err = fmt.Errorf("it has %d partitions, want %d", len(offsets[topics.Decisions]), h.Partitions())
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNotReady, topics.Decisions, err)
	}
	h.client.AddConsumePartitions(offsets)
	h.decisions = true
	return nil
}

// ends fixes the offset of each partition: what is its end now.
func (h *Hub) ends(ctx context.Context, of ...string) (map[string]map[int32]kgo.Offset, error) {
	ends, err := kadm.NewClient(h.client).ListEndOffsets(ctx, of...)
	if err == nil {
		err = ends.Error()
	}
	offsets := map[string]map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if offsets[o.Topic] == nil {
			offsets[o.Topic] = map[int32]kgo.Offset{}
		}
		offsets[o.Topic][o.Partition] = kgo.NewOffset().At(o.Offset).WithEpoch(-1)
	})
	return offsets, err
}

// Partitions is the partition count of the topics, 0 until the hub is ready.
func (h *Hub) Partitions() int32 { return h.partitions.Load() }

// Check reports whether questions can be asked.
func (h *Hub) Check(context.Context) error {
	if h.Partitions() == 0 {
		return ErrNotReady
	}
	return nil
}

// Await waits until the hub is ready, while Run runs, and returns the partition count.
func (h *Hub) Await(ctx context.Context) (int32, error) {
	select {
	case <-h.ready:
		return h.Partitions(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", ErrNotReady, ctx.Err())
	}
}

// ask opens a question.
func (h *Hub) ask(l listener) error {
	if h.Partitions() == 0 {
		return ErrNotReady
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open >= MaxWaiters {
		return ErrBusy
	}
	h.open++
	h.waiting.Set(float64(h.open))
	for _, s := range l.subjects() {
		h.waiters[s] = append(h.waiters[s], l)
	}
	return nil
}

// names are what of an event decides whether anyone waits for it.
type names struct {
	EventID   string `json:"event_id"`
	PaymentID string `json:"payment_id"`
	CommandID string `json:"command_id"`
}

// take hands one record to those who wait for it.
func (h *Hub) take(record *kgo.Record) {
	h.events.Inc()
	from := source{record.Topic, record.Partition}
	id, known := eventID(record)
	if known && !h.advance(from, id) {
		return
	}
	if !h.anyone() {
		return
	}
	if record.Topic == topics.Decisions {
		// The header names the event or the payment: nothing of a payment's decision is read.
		h.tell(record, header(record, topics.HeaderSubject))
		return
	}
	var n names
	if _, err := json.Parse(record.Value, &n, json.ZeroCopy); err != nil {
		h.undecodable(record, err)
		return
	}
	if !known {
		if id, err := topics.ParseEventID(n.EventID); err == nil && !h.advance(from, id) {
			return
		}
	}
	h.tell(record, n.PaymentID, n.CommandID)
}

// tell hands a record to those who wait for what it is about.
func (h *Hub) tell(record *kgo.Record, about ...string) {
	for _, l := range h.listeners(record.Topic, about) {
		if err := l.learn(record.Value); err != nil {
			h.undecodable(record, err)
		}
	}
}

func (h *Hub) undecodable(record *kgo.Record, err error) {
	h.log.Error("event does not decode", "topic", record.Topic, "partition", record.Partition, "offset", record.Offset, "error", err)
}

// advance moves the partition's mark to the event; false where it was read before.
func (h *Hub) advance(from source, id topics.EventID) bool {
	if mark, ok := h.marks[from]; ok && compare(id, mark) <= 0 {
		h.repeated.Inc()
		return false
	}
	h.marks[from] = id
	return true
}

func (h *Hub) anyone() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open > 0
}

func (h *Hub) listeners(topic string, about []string) []listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []listener
	for _, id := range about {
		if id == "" {
			continue
		}
		for _, l := range h.waiters[subject{topic, id}] {
			if !slices.Contains(found, l) {
				found = append(found, l)
			}
		}
	}
	return found
}

func (h *Hub) forget(l listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range l.subjects() {
		rest := slices.DeleteFunc(h.waiters[s], func(held listener) bool { return held == l })
		if len(rest) == 0 {
			delete(h.waiters, s)
		} else {
			h.waiters[s] = rest
		}
	}
	h.open--
	h.waiting.Set(float64(h.open))
}

func eventID(record *kgo.Record) (topics.EventID, bool) {
	id, err := topics.ParseEventID(header(record, topics.HeaderID))
	return id, err == nil
}

func header(record *kgo.Record, key string) string {
	for _, h := range record.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
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
