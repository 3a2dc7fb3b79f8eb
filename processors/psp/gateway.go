package psp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Gateway performs the requests of psp.requests.v1. It reads uncommitted records, which is safe because the database has
// committed what they come from, and drops those it has seen in a transaction that was aborted.
//
// Any number of gateways share the work as one consumer group. Within one, a request takes this way:
//
//	read ──► accept: decode, drop repeats ──► the payment's earlier request ──► station of its PSP ──► report ──► inbox
//	                                          (one at a time, in order)         (bounded calls)                    │ acknowledged
//	                                                 offset committed ◄── contiguous prefix of what is done ◄──────┘
type Gateway struct {
	cfg      Config
	stations map[string]*station
	metrics  *metrics
	client   *kgo.Client

	work   context.Context // of the calls; ends when they are cut off
	cutOff context.CancelFunc
	failed context.CancelCauseFunc // ends Run
	pool   sync.WaitGroup

	mu         sync.Mutex
	partitions map[int32]*partition
	highWater  stream.HighWater
	lanes      map[string]*task // the last task of each payment that has one
	inFlight   int
	room       chan struct{} // signalled when inFlight falls
	joined     bool          // partitions were assigned, possibly none
	stopping   bool          // nothing is begun any more
}

// New checks the configuration. Nothing is connected before Run.
func New(cfg Config) (*Gateway, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		cfg: cfg, metrics: m, stations: map[string]*station{},
		partitions: map[int32]*partition{}, lanes: map[string]*task{}, room: make(chan struct{}, 1),
	}
	for _, adapter := range cfg.Adapters {
		g.stations[adapter.Name()] = newStation(&g.cfg, adapter, m)
	}
	return g, nil
}

// options of the one client that reads requests and writes reports.
func (g *Gateway) options() []kgo.Opt {
	options := append(append([]kgo.Opt{}, g.cfg.Kafka...),
		kgo.ConsumerGroup(g.cfg.Group), kgo.ConsumeTopics(topics.PSPRequests),
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		// Without an offset, or with one that the topic no longer has, all of it is read: what is old is only polled.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(sessionTimeout),
		kgo.OnPartitionsAssigned(g.assigned), kgo.OnPartitionsRevoked(g.revoked), kgo.OnPartitionsLost(g.lost),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.RequiredAcks(kgo.AllISRAcks()),
	)
	if g.cfg.Instance != "" {
		options = append(options, kgo.InstanceID(g.cfg.Instance))
	}
	return options
}

// Run works until ctx ends, finishes the calls under way (for DrainTimeout at most) and leaves the group. It returns nil
// then, and an error where it had to stop by itself. A Gateway runs once.
//
// A call that is cut off is a crash of its own: its offset is not committed, and the next owner repeats or polls it.
func (g *Gateway) Run(ctx context.Context) error {
	ctx, g.failed = context.WithCancelCause(ctx)
	defer g.failed(nil)
	g.work, g.cutOff = context.WithCancel(context.WithoutCancel(ctx))
	defer g.cutOff()
	client, err := kgo.NewClient(g.options()...)
	if err != nil {
		return fmt.Errorf("psp: %w", err)
	}
	g.client = client
	for _, s := range g.stations {
		for range g.cfg.Concurrency {
			g.pool.Go(func() { g.serve(s) })
		}
	}
	committer := make(chan struct{})
	go func() {
		defer close(committer)
		g.commitRegularly(ctx)
	}()
	g.read(ctx)
	cause := context.Cause(ctx)
	g.stop()
	<-committer
	g.close()
	if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		return nil
	}
	return cause
}

// stop lets the calls under way finish, cuts off the rest, commits and ends the workers.
func (g *Gateway) stop() {
	g.mu.Lock()
	g.stopping = true
	held := make([]*partition, 0, len(g.partitions))
	for _, p := range g.partitions {
		held = append(held, p)
	}
	g.mu.Unlock()
	g.drain(held)
	g.cutOff()
	for _, s := range g.stations {
		close(s.queue)
	}
	g.pool.Wait()
}

// read polls and accepts until ctx ends.
func (g *Gateway) read(ctx context.Context) {
	for ctx.Err() == nil {
		room := g.waitForRoom(ctx)
		if room == 0 {
			return
		}
		fetches := g.client.PollRecords(ctx, min(room, pollRecords))
		for _, e := range fetches.Errors() {
			if ctx.Err() == nil && !errors.Is(e.Err, context.Canceled) {
				g.cfg.Log.Warn("psp: reading requests", "partition", e.Partition, "error", e.Err)
			}
		}
		for records := fetches.RecordIter(); !records.Done(); {
			g.accept(records.Next())
		}
		g.client.AllowRebalance()
	}
}

// waitForRoom blocks while as many requests are in flight as may be. It returns how many more may, 0 when ctx ended.
func (g *Gateway) waitForRoom(ctx context.Context) int {
	for {
		g.mu.Lock()
		room := g.cfg.MaxInFlight - g.inFlight
		g.mu.Unlock()
		if room > 0 {
			return room
		}
		select {
		case <-ctx.Done():
			return 0
		case <-g.room:
		}
	}
}

// accept takes a record in: dropped as a repeat, put aside as unreadable, or on its way behind its payment's last one.
func (g *Gateway) accept(r *kgo.Record) {
	t, err := g.readTask(r)
	g.mu.Lock()
	p := g.partitions[r.Partition]
	if p == nil || p.lost {
		g.mu.Unlock()
		return // given up since it was fetched
	}
	if r.Offset <= p.read {
		g.mu.Unlock()
		g.failed(fmt.Errorf("psp: %s: offset %d of partition %d comes after offset %d; was the topic created anew?",
			topics.PSPRequests, r.Offset, r.Partition, p.read))
		return
	}
	p.read = r.Offset
	p.prefix.Begin(r.Offset)
	fresh := false
	if err == nil {
		fresh, err = g.highWater.Accept(r.Partition, t.recordID)
	}
	if err == nil && !fresh {
		p.prefix.Done(r.Offset)
		g.mu.Unlock()
		g.metrics.repeats.Inc()
		return
	}
	g.inFlight++
	g.metrics.inFlight.Set(float64(g.inFlight))
	if err != nil {
		p.active++
		g.mu.Unlock()
		g.putAside(p, r, err)
		return
	}
	t.partition = p
	last := g.lanes[t.request.PaymentID]
	g.lanes[t.request.PaymentID] = t
	if last != nil {
		last.next = t
	}
	g.mu.Unlock()
	if last == nil {
		g.dispatch(t)
	}
}

// dispatch sends a task to its station. The queue has room for every task in flight.
func (g *Gateway) dispatch(t *task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping {
		return // its offset stays uncommitted
	}
	g.stations[t.request.PSP].queue <- t
}

// serve is one worker of a station.
func (g *Gateway) serve(s *station) {
	for t := range s.queue {
		if !g.begin(t) {
			continue
		}
		r := s.visit(g.work, t)
		switch {
		case g.work.Err() != nil:
			g.abandon(t) // cut off: what came of it is not known
		case r.wait > 0:
			g.park(t, r.wait)
		default:
			g.report(t, &r.report)
		}
	}
}

// begin counts a task as active, or drops it because its partition was given up.
func (g *Gateway) begin(t *task) bool {
	g.mu.Lock()
	if !g.stopping && !t.partition.lost {
		t.partition.active++
		g.mu.Unlock()
		return true
	}
	next := g.leave(t)
	g.release()
	g.mu.Unlock()
	if next != nil {
		g.dispatch(next)
	}
	return false
}

// park brings a task back after a pause. Meanwhile it takes no worker and does not hold up a rebalance.
func (g *Gateway) park(t *task, wait time.Duration) {
	g.mu.Lock()
	t.partition.active--
	t.partition.quiet()
	g.mu.Unlock()
	time.AfterFunc(wait, func() { g.dispatch(t) })
}

// abandon gives a task up without a result.
func (g *Gateway) abandon(t *task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t.partition.active--
	t.partition.quiet()
	g.leave(t)
	g.release()
}

// leave takes a task out of its payment's lane and returns the one that waited for it. Callers hold the mutex.
func (g *Gateway) leave(t *task) *task {
	if t.next == nil {
		delete(g.lanes, t.request.PaymentID)
	}
	return t.next
}

// release makes room for another request. Callers hold the mutex.
func (g *Gateway) release() {
	g.inFlight--
	g.metrics.inFlight.Set(float64(g.inFlight))
	select {
	case g.room <- struct{}{}:
	default:
	}
}
