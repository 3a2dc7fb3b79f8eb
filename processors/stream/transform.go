package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/telemetry"
	"github.com/weirhq/weir/topics"
)

// Message is a record that a Transform produces, in a partition of its choice. Envelope.Source is set by the runtime, and
// ID and Time where they are empty: the id of the input record with the message's index, and its time.
type Message struct {
	Output
	Partition int32
}

// TransformFunc maps one record to the messages it gives. Record.Position is the offset. It is called for the records of a
// partition one after the other, and for partitions at once. A repeat of a record must give messages that are harmless to
// those who read them: a Transform delivers at least once.
//
// A DeadLetter puts the record aside. An error is for what may pass (a service that is away): the record is tried again
// with backoff, and its partition waits. A panic is dead-lettered.
type TransformFunc func(ctx context.Context, record Record) ([]Message, *DeadLetter, error)

// Pipeline is what a Transform does with the records of one partition where many of them wait at once for answers from
// elsewhere. Its methods are called from one goroutine.
type Pipeline interface {
	// Begin asks for what a record needs and returns at once. finish waits for it and gives what a TransformFunc does,
	// beside Begin of later records; it is called in the order of the records, and again after an error. When ctx is
	// done it returns at once: whoever has the partition next begins the record again.
	Begin(ctx context.Context, record Record) (finish FinishFunc)
	// Flush sends what Begin has gathered to be sent together. It is called when there is no further record to begin, and
	// after every few of them.
	Flush(ctx context.Context)
	// Close ends it: no finish is called any more.
	Close()
}

// FinishFunc waits for what a record needs.
type FinishFunc func(ctx context.Context) ([]Message, *DeadLetter, error)

// TransformConfig says what a Transform transforms.
type TransformConfig struct {
	Role        string
	Input       string
	DeadLetters string // a dead letter stands in the record's own partition number
	Apply       TransformFunc
	// Open takes the place of Apply: it is called for each partition that is assigned, and called again where it fails.
	Open  func(ctx context.Context, partition int32) (Pipeline, error)
	Kafka []kgo.Opt

	// ReadUncommitted reads the output of a Fold at once; the reader then drops repeats with a HighWater.
	ReadUncommitted bool
	InstanceID      string // static membership, as in FoldConfig
	Limits          Limits
	Log             *slog.Logger
	Registerer      prometheus.Registerer // nil for none
}

// Transform maps a topic to others without state of its own: at least once, in the order of each input partition. The
// group's committed offset never passes a record whose messages are not acknowledged by all replicas.
type Transform struct {
	config TransformConfig
	stage  *telemetry.Stage
	log    *slog.Logger

	mu       sync.Mutex
	assigned bool
	failure  error // what ended the last client; nil while one works
}

// NewTransform checks the configuration. It connects to nothing.
func NewTransform(config TransformConfig) (*Transform, error) {
	if config.Role == "" || config.Input == "" || config.DeadLetters == "" || len(config.Kafka) == 0 {
		return nil, fmt.Errorf("transform %q: Role, Input, DeadLetters or Kafka is missing", config.Role)
	}
	if (config.Apply == nil) == (config.Open == nil) {
		return nil, fmt.Errorf("transform %q: want either Apply or Open", config.Role)
	}
	config.Limits = config.Limits.withDefaults()
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Transform{config: config, stage: telemetry.NewStage(config.Registerer, config.Role),
		log: config.Log.With("role", config.Role)}, nil
}

// Run transforms until ctx is done; then it finishes what is in flight, commits, leaves the group and returns nil, within
// DrainTimeout and three LeaveTimeouts even where the broker is away. What the broker refuses is retried with a new
// client from the committed offset.
func (t *Transform) Run(ctx context.Context) error {
	delay := t.config.Limits.BackoffFirst
	for {
		began := time.Now()
		err := t.consume(ctx)
		if ctx.Err() != nil {
			return nil
		}
		t.note(err)
		t.stage.Retry(telemetry.RetryBroker)
		if time.Since(began) > t.config.Limits.BackoffLast {
			delay = t.config.Limits.BackoffFirst
		}
		wait := delay/2 + rand.N(delay)
		t.log.Warn("transform begins again from its committed offsets", "error", err, "after", wait)
		delay = min(2*delay, t.config.Limits.BackoffLast)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// Ready returns nil once partitions are assigned and nothing is in the way.
func (t *Transform) Ready() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.failure != nil:
		return fmt.Errorf("%s: %w", t.config.Role, t.failure)
	case !t.assigned:
		return fmt.Errorf("%s: no partitions assigned yet", t.config.Role)
	}
	return nil
}

func (t *Transform) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failure = err
	if err == nil {
		t.assigned = true
	}
}

// consume works with one client until ctx is done or something cannot be read or produced.
func (t *Transform) consume(ctx context.Context) error {
	run := &transformRun{Transform: t, workers: make(map[int32]*transformWorker)}
	run.failed, run.fail = context.WithCancelCause(ctx)
	defer run.fail(nil)
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), t.config.Kafka...), run.options()...)...)
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	run.client = client
	var committing sync.WaitGroup
	committing.Go(func() { run.commitRegularly() })
	run.poll()
	committing.Wait()
	cause := context.Cause(run.failed)

	run.end(run.partitions(), t.config.Limits.DrainTimeout)
	leaveGroup(client, t.group(), t.config.InstanceID, t.config.Limits.LeaveTimeout, t.log)
	closeClient(client, t.config.Limits.LeaveTimeout)
	return cause
}

// fetchWait is how long a fetch waits for records at most. A partition that was paused, because it has much to do, is not
// in the fetch that is under way when it is resumed: where the others have nothing, it stands still for as long.
const fetchWait = 100 * time.Millisecond

func (t *Transform) group() string { return "weir-" + t.config.Role }

// transformRun is the work of one client.
type transformRun struct {
	*Transform
	client *kgo.Client
	failed context.Context // done with the first failure, or with Run
	fail   context.CancelCauseFunc

	mu      sync.Mutex
	workers map[int32]*transformWorker
}

func (run *transformRun) options() []kgo.Opt {
	limits := run.config.Limits
	isolation := kgo.ReadCommitted()
	if run.config.ReadUncommitted {
		isolation = kgo.ReadUncommitted()
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(run.group()),
		kgo.ConsumeTopics(run.config.Input),
		kgo.FetchIsolationLevel(isolation),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(limits.SessionTimeout),
		kgo.HeartbeatInterval(limits.Heartbeat),
		kgo.RebalanceTimeout(limits.RebalanceTimeout),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxPartitionBytes(int32(limits.FetchBytes)),
		kgo.FetchMaxWait(fetchWait),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(limits.QueueRecords),
		kgo.MaxBufferedBytes(limits.QueueBytes),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, added map[string][]int32) {
			run.begin(added[run.config.Input])
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, removed map[string][]int32) {
			run.end(removed[run.config.Input], limits.DrainTimeout)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			run.end(lost[run.config.Input], 0)
		}),
	}
	if run.config.InstanceID != "" {
		options = append(options, kgo.InstanceID(run.config.InstanceID))
	}
	return options
}

// poll hands what is fetched to the workers of the partitions.
func (run *transformRun) poll() {
	for {
		fetches := run.client.PollRecords(run.failed, run.config.Limits.BatchRecords)
		if run.failed.Err() != nil {
			run.client.AllowRebalance()
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			var group *kgo.ErrGroupSession
			if errors.As(err, &group) {
				run.log.Warn("consumer group", "error", err) // the client joins again by itself
				return
			}
			run.fail(fmt.Errorf("fetch %s partition %d: %w", topic, partition, err))
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			run.mu.Lock()
			worker := run.workers[p.Partition]
			run.mu.Unlock()
			if worker != nil && len(p.Records) > 0 {
				worker.add(p.Records, p.HighWatermark)
			}
		})
		run.client.AllowRebalance()
	}
}

func (run *transformRun) begin(partitions []int32) {
	run.note(nil)
	run.mu.Lock()
	defer run.mu.Unlock()
	for _, partition := range partitions {
		if run.workers[partition] == nil {
			run.workers[partition] = startWorker(run, partition)
		}
	}
}

// end gives partitions up: their records in flight may be acknowledged within the limit, and the offsets are committed a
// last time.
func (run *transformRun) end(partitions []int32, limit time.Duration) {
	var ending []*transformWorker
	run.mu.Lock()
	for _, partition := range partitions {
		if worker := run.workers[partition]; worker != nil {
			ending = append(ending, worker)
			delete(run.workers, partition)
		}
	}
	run.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for _, worker := range ending {
		worker.stop()
	}
	for _, worker := range ending {
		worker.wait(ctx)
		run.stage.Release(worker.partition)
	}
	if limit > 0 {
		run.commit(ending, run.config.Limits.LeaveTimeout)
	}
}

func (run *transformRun) partitions() []int32 {
	run.mu.Lock()
	defer run.mu.Unlock()
	partitions := make([]int32, 0, len(run.workers))
	for partition := range run.workers {
		partitions = append(partitions, partition)
	}
	return partitions
}

func (run *transformRun) commitRegularly() {
	ticker := time.NewTicker(run.config.Limits.CommitInterval)
	defer ticker.Stop()
	for {
		select {
		case <-run.failed.Done():
			return
		case <-ticker.C:
		}
		run.mu.Lock()
		workers := make([]*transformWorker, 0, len(run.workers))
		for _, worker := range run.workers {
			workers = append(workers, worker)
		}
		run.mu.Unlock()
		run.commit(workers, run.config.Limits.SessionTimeout)
	}
}

// commit commits the contiguous prefixes. One that is lost is made up for by the next: a crash repeats records, never
// skips one.
func (run *transformRun) commit(workers []*transformWorker, limit time.Duration) {
	offsets := make(map[int32]kgo.EpochOffset)
	for _, worker := range workers {
		if next, moved := worker.committable(); moved {
			offsets[worker.partition] = kgo.EpochOffset{Epoch: -1, Offset: next}
		}
	}
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := commitOffsets(ctx, run.client, run.config.Input, offsets); err != nil {
		run.log.Warn("commit offsets", "error", err)
		return
	}
	for _, worker := range workers {
		if offset, ok := offsets[worker.partition]; ok {
			worker.committed(offset.Offset)
		}
	}
}

// complete sets what a message's envelope leaves open.
func complete(role string, r *Record, index int, e *topics.Envelope) {
	e.Source = SourceOf(role)
	if e.ID == "" {
		e.ID = topics.EventID{Partition: r.Partition, Position: r.Position, Index: int16(index)}.String()
	}
	if e.Time.IsZero() {
		e.Time = r.Time
	}
}
