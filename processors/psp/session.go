package psp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// session is the work of a gateway with one client. After an error nothing of it is used again.
type session struct {
	cfg      *Config
	stations map[string]*station
	absent   *station // of PSPs that are not configured; nil where attempts are not stored
	metrics  *metrics
	client   *kgo.Client

	work   context.Context // of the calls; ends when they are cut off
	cutOff context.CancelFunc
	failed context.CancelCauseFunc // ends run
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

func newSession(cfg *Config, m *metrics) *session {
	s := &session{
		cfg: cfg, metrics: m, stations: map[string]*station{},
		partitions: map[int32]*partition{}, lanes: map[string]*task{}, room: make(chan struct{}, 1),
	}
	for _, adapter := range cfg.Adapters {
		s.stations[adapter.Name()] = newStation(cfg, adapter, m)
		m.breaker.WithLabelValues(adapter.Name()).Set(float64(circuitbreaker.ClosedState)) // there before it first moves
	}
	if cfg.Attempts != nil {
		s.absent = newStation(cfg, absent{}, m)
	}
	m.inFlight.Set(0)
	return s
}

// options of the one client that reads requests and writes reports.
func (s *session) options() []kgo.Opt {
	options := append(append([]kgo.Opt{}, s.cfg.Kafka...),
		kgo.ConsumerGroup(s.cfg.Group), kgo.ConsumeTopics(topics.PSPRequests),
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		// Without an offset, or with one that the topic no longer has, all of it is read: what is old is only polled.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(heartbeat),
		kgo.OnPartitionsAssigned(s.assigned), kgo.OnPartitionsRevoked(s.revoked), kgo.OnPartitionsLost(s.lost),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.MaxBufferedRecords(s.cfg.MaxInFlight+1), // a worker never waits for the client
	)
	if s.cfg.Instance != "" {
		options = append(options, kgo.InstanceID(s.cfg.Instance))
	}
	return options
}

// run works until ctx ends or something cannot be written, and returns why.
//
// A call that is cut off is a crash of its own: its offset is not committed, and the next owner repeats or polls it.
func (s *session) run(ctx context.Context) error {
	ctx, s.failed = context.WithCancelCause(ctx)
	defer s.failed(nil)
	s.work, s.cutOff = context.WithCancel(context.WithoutCancel(ctx))
	defer s.cutOff()
	client, err := kgo.NewClient(s.options()...)
	if err != nil {
		return fmt.Errorf("psp: %w", err)
	}
	s.client = client
	for station := range s.all() {
		for range s.cfg.Concurrency {
			s.pool.Go(func() { s.serve(station) })
		}
	}
	var committing sync.WaitGroup
	committing.Go(func() { s.commitRegularly(ctx) })
	if s.cfg.Attempts != nil {
		committing.Go(func() { s.forgetRegularly(ctx) })
	}
	s.read(ctx)
	cause := context.Cause(ctx)
	s.stop()
	committing.Wait()
	s.close()
	return cause
}

// stop lets the calls under way finish, cuts off the rest, commits and ends the workers.
func (s *session) stop() {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.drain(s.held())
	s.cutOff()
	for station := range s.all() {
		close(station.queue)
	}
	s.pool.Wait()
}

// read polls and accepts until ctx ends.
func (s *session) read(ctx context.Context) {
	for ctx.Err() == nil {
		room := s.waitForRoom(ctx)
		if room == 0 {
			return
		}
		fetches := s.client.PollRecords(ctx, min(room, pollRecords))
		for _, e := range fetches.Errors() {
			if ctx.Err() == nil && !errors.Is(e.Err, context.Canceled) {
				s.cfg.Log.Warn("psp: reading requests", "partition", e.Partition, "error", e.Err)
			}
		}
		for records := fetches.RecordIter(); !records.Done(); {
			s.accept(records.Next())
		}
		s.client.AllowRebalance()
	}
}

// waitForRoom blocks while as many requests are in flight as may be. It returns how many more may, 0 when ctx ended.
func (s *session) waitForRoom(ctx context.Context) int {
	for {
		s.mu.Lock()
		room := s.cfg.MaxInFlight - s.inFlight
		s.mu.Unlock()
		if room > 0 {
			return room
		}
		select {
		case <-ctx.Done():
			return 0
		case <-s.room:
		}
	}
}

// accept takes a record in: dropped as a repeat, put aside as unreadable, or on its way behind its payment's last one.
func (s *session) accept(r *kgo.Record) {
	t, err := s.readTask(r)
	s.mu.Lock()
	p := s.partitions[r.Partition]
	if p == nil || p.lost {
		s.mu.Unlock()
		return // given up since it was fetched
	}
	if r.Offset <= p.read {
		s.mu.Unlock()
		s.failed(fmt.Errorf("psp: %s: offset %d of partition %d comes after offset %d; was the topic created anew?",
			topics.PSPRequests, r.Offset, r.Partition, p.read))
		return
	}
	s.begun(p, r.Offset)
	fresh := false
	if err == nil {
		fresh, err = s.highWater.Accept(r.Partition, t.recordID)
	}
	if err == nil && !fresh {
		s.done(p, r.Offset)
		s.mu.Unlock()
		s.metrics.repeats.Inc()
		return
	}
	s.inFlight++
	s.metrics.inFlight.Set(float64(s.inFlight))
	if err != nil {
		p.active++
		s.mu.Unlock()
		s.putAside(p, r, err)
		return
	}
	t.partition = p
	last := s.lanes[t.request.PaymentID]
	s.lanes[t.request.PaymentID] = t
	if last != nil {
		last.next = t
	}
	s.mu.Unlock()
	if last == nil {
		s.dispatch(t)
	}
}

// dispatch sends a task to its station. The queue has room for every task in flight.
func (s *session) dispatch(t *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return // its offset stays uncommitted
	}
	at := s.stations[t.request.PSP]
	if at == nil {
		at = s.absent
	}
	at.queue <- t
}

// all are the stations.
func (s *session) all() iter.Seq[*station] {
	return func(yield func(*station) bool) {
		for _, at := range s.stations {
			if !yield(at) {
				return
			}
		}
		if s.absent != nil {
			yield(s.absent)
		}
	}
}

// serve is one worker of a station.
func (s *session) serve(at *station) {
	for t := range at.queue {
		if !s.begin(t) {
			continue
		}
		r := at.visit(s.work, t)
		switch {
		case s.work.Err() != nil:
			s.abandon(t) // cut off: what came of it is not known
		case r.wait > 0:
			s.park(t, r.wait)
		default:
			s.report(t, &r.report)
		}
	}
}

// begin counts a task as active, or drops it because its partition was given up.
func (s *session) begin(t *task) bool {
	s.mu.Lock()
	if !s.stopping && !t.partition.lost {
		t.partition.active++
		s.mu.Unlock()
		return true
	}
	next := s.leave(t)
	s.release()
	s.mu.Unlock()
	if next != nil {
		s.dispatch(next)
	}
	return false
}

// park brings a task back after a pause. Meanwhile it takes no worker and does not hold up a rebalance.
func (s *session) park(t *task, wait time.Duration) {
	s.mu.Lock()
	t.partition.active--
	t.partition.quiet()
	s.mu.Unlock()
	time.AfterFunc(wait, func() { s.dispatch(t) })
}

// abandon gives a task up without a result.
func (s *session) abandon(t *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.partition.active--
	t.partition.quiet()
	s.leave(t)
	s.release()
}

// leave takes a task out of its payment's lane and returns the one that waited for it. Callers hold the mutex.
func (s *session) leave(t *task) *task {
	if t.next == nil {
		delete(s.lanes, t.request.PaymentID)
	}
	return t.next
}

// release makes room for another request. Callers hold the mutex.
func (s *session) release() {
	s.inFlight--
	s.metrics.inFlight.Set(float64(s.inFlight))
	select {
	case s.room <- struct{}{}:
	default:
	}
}
