package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// TableProgram is what a Table runs: it makes the state of one partition at a time.
type TableProgram interface {
	// Open returns a state of which nothing is known. It is called again after every error: nothing of the former one is
	// used.
	Open(partition int32) TableState
}

// TableState is one partition's state, held in memory and in a changelog. Its methods are called from one goroutine,
// never concurrently: Restore for each record of the changelog, Restored once, and then Apply and Changes.
type TableState interface {
	// Restore takes one record of the changelog, of each key the older before the newer; nil is a deletion. An error that
	// wraps ErrFutureFormat, here or from Apply, stops the partition.
	Restore(key, value []byte) error
	// Restored ends the restoring.
	Restored() error
	// Apply folds the next record and returns what it says in reply. It does no I/O and reads no clock (Record.Time is
	// now): after a crash the records since the last flush are applied again, and must give the same replies, byte for
	// byte, because those are out. A record that is not one is answered by a DeadLetter with nothing changed. A panic is
	// a bug: the record is dead-lettered with the stack, and the state is restored without it.
	Apply(r Record) (replies []Reply, dead *DeadLetter, err error)
	// Changes tells each key that changed since the last call, with its value; nil deletes it. Keys must not begin with a
	// zero byte. What is told must not be changed afterwards.
	Changes(change func(key, value []byte))
}

// Reply is a record that a Table produces, in a partition of its choice. It has no envelope.
type Reply struct {
	Partition int32
	Key       []byte
	Value     []byte
}

// TableConfig says what a Table keeps.
type TableConfig struct {
	Role        string // names the group, the transactional ids and the records of the changelog; never changed
	Input       string // topic; only producers without transactions write it
	Changelog   string // topic, compacted, with as many partitions as the input
	Replies     string // topic
	DeadLetters string
	Format      int16 // of the records of the state, from 1; a partition in which a higher one was stored is given up
	Program     TableProgram
	Kafka       []kgo.Opt

	InstanceID string // static membership, as in FoldConfig
	Limits     Limits
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil for none
	Hook       Hook                  // for tests: called at TablePoints

	Reading []kgo.Opt // for tests: how the changelog is read, where that is not the right way
}

func (c *TableConfig) validate() error {
	switch {
	case c.Role == "":
		return errors.New("table: Role is missing")
	case c.Input == "" || c.Changelog == "" || c.Replies == "" || c.DeadLetters == "":
		return fmt.Errorf("table %s: Input, Changelog, Replies or DeadLetters is missing", c.Role)
	case c.Format < 1:
		return fmt.Errorf("table %s: Format is %d, want at least 1", c.Role, c.Format)
	case c.Program == nil || len(c.Kafka) == 0:
		return fmt.Errorf("table %s: Program or Kafka is missing", c.Role)
	}
	return nil
}

// Table folds a topic into a state of its own, which a compacted topic keeps, and answers each record at once.
type Table struct {
	*tenancy
	config  TableConfig
	inlet   *inlet
	replies *kgo.Client // produces without transactions, for all partitions
}

// NewTable checks the configuration. It connects to nothing.
func NewTable(config TableConfig) (*Table, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	config.Limits = config.Limits.withDefaults()
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	t := &Table{config: config}
	t.inlet = newInlet(&t.config)
	var err error
	t.tenancy, err = newTenancy(tenancyConfig{
		role: config.Role, input: config.Input, instanceID: config.InstanceID, kafka: config.Kafka, limits: config.Limits,
		log: config.Log, registerer: config.Registerer, sessions: t.sessions,
	})
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", config.Role, err)
	}
	t.replies, err = kgo.NewClient(append(append([]kgo.Opt(nil), config.Kafka...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0), // its default of 10 ms would be in every decision
		kgo.MaxBufferedRecords(config.Limits.QueueRecords),
		kgo.MaxBufferedBytes(config.Limits.QueueBytes))...)
	if err != nil {
		return nil, fmt.Errorf("table %s: kafka client: %w", config.Role, err)
	}
	return t, nil
}

// Run takes part in the role's group and keeps every partition that is assigned, until ctx is done. It then flushes what
// is in hand, leaves the group and returns nil. Errors of a partition do not end it: they are retried, and shown by
// Status. It is called once.
func (t *Table) Run(ctx context.Context) error {
	defer closeClient(t.replies, t.config.Limits.LeaveTimeout)
	return t.owner.run(ctx)
}

func (t *Table) sessions(partition int32, status *partitionStatus, log *slog.Logger) sessionFunc {
	condemned := map[int64]DeadLetter{}
	return func(ctx, drain context.Context) error {
		s := &tableSession{Table: t, partition: partition, status: status, log: log, condemned: condemned}
		return s.run(ctx, drain)
	}
}

// tableSession is the ownership of one partition by a Table, from the fence to the first error, the end of the assignment
// or a graceful stop. Nothing of it is used again.
type tableSession struct {
	*Table
	partition int32
	status    *partitionStatus
	log       *slog.Logger
	condemned map[int64]DeadLetter // records that Apply panics on, by position; outlives the session

	claim *claim
	state TableState
	at    applied // next record to apply
	acks  *acks   // of what was produced since the last snapshot
}

// run owns the partition until drain is done, and then until what is applied is flushed; or until ctx is done, or an
// error.
func (s *tableSession) run(ctx, drain context.Context) (err error) {
	if err := s.own(ctx); err != nil {
		return err
	}
	defer s.claim.close(s.config.Limits.LeaveTimeout)
	defer context.AfterFunc(ctx, s.claim.shut)() // some waits inside the client know no context
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	flushed := s.at.Next
	s.status.folding(flushed, s.at.Next, 0)
	input, err := s.inlet.open(s.partition, s.at.Next)
	if err != nil {
		return err
	}
	defer input.close()

	// Partitions that were assigned together do not flush at once.
	interval := s.config.Limits.FlushInterval
	within := min(interval, s.config.Limits.TransactionTimeout) / 2
	due := time.NewTimer(rand.N(interval))
	defer due.Stop()
	var flushing chan error // nil while none is under way
	s.acks = newAcks()
	for {
		select {
		case <-input.ready:
			if err := s.apply(ctx, input.take()); err != nil {
				return err
			}
		case <-due.C:
			due.Reset(interval)
			if flushing == nil && s.at.Next > flushed {
				flushing = s.flush(ctx, within)
				flushed = s.at.Next
			}
		case err := <-flushing:
			if err != nil {
				return fmt.Errorf("flush: %w", err)
			}
			flushing = nil
		case <-drain.Done():
			if flushing != nil {
				if err := <-flushing; err != nil {
					return fmt.Errorf("flush: %w", err)
				}
			}
			if s.at.Next > flushed {
				return <-s.flush(ctx, 0)
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// apply folds what was fetched and sends the replies, which wait for nothing. A crash after it loses what was applied
// since the last flush: the next owner applies the same records to the same state and sends the same replies again.
func (s *tableSession) apply(ctx context.Context, fetches kgo.Fetches) error {
	began := time.Now()
	records, err := takeDense(fetches, s.config.Input, s.at.TopicID, s.partition, s.at.Next, s.status.ends)
	if err != nil || len(records) == 0 {
		return err
	}
	var letters []topics.RefusalCode
	var last Record
	for _, r := range records {
		last = recordOf(r, r.Offset)
		letter, err := s.applyOne(ctx, &last)
		if err != nil {
			return err
		}
		if letter != "" {
			letters = append(letters, letter)
		}
	}
	s.at.Found, s.at.Next, s.at.LastHash = true, last.Position+1, hashOf(&last)
	s.status.applied(s.at.Next, len(records), letters, time.Since(began))
	return s.pass(AfterReplies)
}

// applyOne folds a record. letter is why it was put aside, "" where it was not.
func (s *tableSession) applyOne(ctx context.Context, r *Record) (letter topics.RefusalCode, err error) {
	dead, condemned := s.condemned[r.Position]
	if !condemned {
		var replies []Reply
		var refused *DeadLetter
		var failure error
		if err := guard(func() error { replies, refused, failure = s.state.Apply(*r); return nil }); err != nil {
			s.condemned[r.Position] = poison(err)
			return "", fmt.Errorf("record %d: %w", r.Position, err)
		}
		if errors.Is(failure, ErrFutureFormat) {
			return "", s.stop(StopFutureFormat, failure.Error(), "start the newer version")
		}
		if failure != nil {
			return "", fmt.Errorf("record %d: %w", r.Position, failure)
		}
		for i := range replies {
			s.produce(ctx, &kgo.Record{Topic: s.config.Replies, Partition: replies[i].Partition, Key: replies[i].Key, Value: replies[i].Value})
		}
		if refused == nil {
			return "", nil
		}
		dead = *refused
	}
	return dead.Reason, s.putAside(ctx, r, dead)
}

func (s *tableSession) putAside(ctx context.Context, r *Record, reason DeadLetter) error {
	letter, value, err := deadLetterOf(s.config.Role, s.config.Input, r, r.Position, reason, s.config.Limits.RecordBytes)
	if err != nil {
		return err
	}
	s.log.Warn("record put aside", "offset", r.Position, "reason", letter.Reason, "detail", letter.Detail)
	output := Output{Topic: s.config.DeadLetters, Key: letter.Key, Value: value,
		Envelope: topics.Envelope{Type: topics.TypeDeadLetter}}
	complete(s.config.Role, r, 0, &output.Envelope)
	s.produce(ctx, outgoing(r.Partition, &output))
	return nil
}

func (s *tableSession) produce(ctx context.Context, record *kgo.Record) {
	acks := s.acks
	acks.sent()
	s.replies.Produce(ctx, record, func(r *kgo.Record, err error) {
		if err != nil {
			err = fmt.Errorf("produce to %s: %w", r.Topic, err)
		}
		acks.acknowledged(err)
	})
}

// pass calls the test's hook.
func (s *tableSession) pass(point Point) error {
	if s.config.Hook == nil {
		return nil
	}
	return s.config.Hook(point, s.partition)
}

func (s *tableSession) stop(reason StopReason, detail, command string) error {
	return &StopError{Role: s.config.Role, Partition: s.partition, Reason: reason, Detail: detail, Command: command}
}
