package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// claim is the Kafka side of one partition's ownership: the transactional producer that fenced the owner before, and what
// was read after that. It knows nothing of where the state is kept.
type claim struct {
	role      string
	partition int32
	client    *kgo.Client
	admin     *kadm.Client
	position  Position // N, where found
	found     bool
}

// TransactionalID is the transactional id that owns a partition of a role.
func TransactionalID(role string, partition int32) string {
	return fmt.Sprintf("weir-%s-%d", role, partition)
}

// takeClaim does the first half of O1: it fences the previous owner, and then reads N.
//
// After it, nothing that the previous owner still sends can be committed to Kafka. What it has in flight to the database
// may still land; the fence there takes care of that.
func takeClaim(ctx context.Context, opts []kgo.Opt, role string, partition int32, limits Limits) (*claim, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), opts...),
		kgo.TransactionalID(TransactionalID(role, partition)),
		kgo.TransactionTimeout(limits.TransactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(limits.QueueRecords),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), // an offset that is not there is an error, never another offset
		kgo.FetchMaxPartitionBytes(int32(limits.FetchBytes)),
		kgo.FetchMaxBytes(int32(limits.FetchBytes)),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	c := &claim{role: role, partition: partition, client: client, admin: kadm.NewClient(client)}
	if err := c.fenceAndRead(ctx); err != nil {
		c.close(limits.LeaveTimeout)
		return nil, err
	}
	return c, nil
}

// close closes the producer. An open transaction stays open until the next owner or the broker aborts it; nothing in it
// can be committed any more.
func (c *claim) close(limit time.Duration) { closeClient(c.client, limit) }

// closeClient closes a client, and stops waiting after a limit: with the broker away, closing may wait for it.
func closeClient(client *kgo.Client, limit time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		client.CloseAllowingRebalance()
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

func (c *claim) fenceAndRead(ctx context.Context) error {
	if _, _, err := c.client.ProducerID(ctx); err != nil {
		return fmt.Errorf("fence the previous owner of %s: %w", TransactionalID(c.role, c.partition), staleOr(err))
	}
	barrier, err := c.commitOne(ctx, &kgo.Record{
		Topic: topics.Positions, Partition: c.partition,
		Key:     []byte(barrierKey(c.role)),
		Headers: recordHeaders(topics.Envelope{Source: SourceOf(c.role), Type: TypeBarrier}),
	})
	if err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	c.position, c.found, err = c.lastPosition(ctx, barrier)
	return err
}

// commitOne produces one record in a transaction of its own and returns its offset.
func (c *claim) commitOne(ctx context.Context, record *kgo.Record) (offset int64, err error) {
	if err := c.client.BeginTransaction(); err != nil {
		return 0, fmt.Errorf("begin: %w", staleOr(err))
	}
	produced := make(chan error, 1)
	c.client.Produce(ctx, record, func(_ *kgo.Record, err error) { produced <- err })
	select {
	case err = <-produced:
	case <-ctx.Done(): // the client may hold on to a record that it has sent; closing it lets go
		err = ctx.Err()
	}
	if err != nil {
		return 0, fmt.Errorf("produce to %s: %w", record.Topic, staleOr(err))
	}
	if err := c.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return 0, fmt.Errorf("commit: %w", staleOr(err))
	}
	return record.Offset, nil
}

// declare commits a position record on its own, outside the publication of outputs.
func (c *claim) declare(ctx context.Context, p Position) error {
	record, err := positionRecord(c.role, c.partition, p)
	if err != nil {
		return err
	}
	if _, err := c.commitOne(ctx, record); err != nil {
		return fmt.Errorf("declare the published position %d: %w", p.Next, err)
	}
	c.position, c.found = p, true
	return nil
}

// staleOr marks the answers by which a broker tells a producer that it has a successor.
func staleOr(err error) error {
	for _, fenced := range []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidTxnState,
		kerr.InvalidProducerIDMapping, kerr.TransactionalIDNotFound} {
		if errors.Is(err, fenced) {
			return fmt.Errorf("%w: %w", errStale, err)
		}
	}
	return err
}

// Windows in which the last position is looked for, backwards from the barrier.
const (
	firstWindow  = 256
	windowGrowth = 8
)

// lastPosition finds the role's last committed position record before the barrier.
//
// The barrier is committed, so a reader with read_committed that has reached it has seen every transaction of every former
// owner decided. "Up to the last stable offset" would not do: with an aborted tail it may never be reached.
func (c *claim) lastPosition(ctx context.Context, barrier int64) (p Position, found bool, err error) {
	starts, err := c.admin.ListStartOffsets(ctx, topics.Positions)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return Position{}, false, fmt.Errorf("list offsets of %s: %w", topics.Positions, err)
	}
	listed, ok := starts.Lookup(topics.Positions, c.partition)
	if !ok {
		return Position{}, false, fmt.Errorf("%s has no partition %d", topics.Positions, c.partition)
	}
	to := barrier + 1
	for width := int64(firstWindow); to > listed.Offset; width *= windowGrowth {
		from := max(listed.Offset, to-width)
		var last *kgo.Record
		err := c.read(ctx, topics.Positions, from, to, func(r *kgo.Record) {
			if string(r.Key) == positionKey(c.role) {
				last = r
			}
		})
		if err != nil {
			return Position{}, false, fmt.Errorf("read %s: %w", topics.Positions, err)
		}
		if last != nil {
			p, err := decodePosition(last.Value)
			if err != nil {
				return p, false, fmt.Errorf("%s partition %d offset %d: %w", topics.Positions, c.partition, last.Offset, err)
			}
			return p, true, nil
		}
		to = from
	}
	return Position{}, false, nil
}

// read hands out the committed records of [from, to) of a topic. A record at or after to-1 must exist and be committed.
func (c *claim) read(ctx context.Context, topic string, from, to int64, handle func(*kgo.Record)) error {
	c.consume(topic, from)
	defer c.forget(topic)
	for {
		fetches := c.client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		end := false
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Topic != topic || r.Offset < from {
				return
			}
			end = end || r.Offset >= to-1
			if r.Offset < to && !r.Attrs.IsControl() {
				handle(r)
			}
		})
		if end {
			return nil
		}
	}
}

// consume starts to fetch a topic's partition at exactly this offset.
func (c *claim) consume(topic string, offset int64) {
	at := kgo.NewOffset().At(offset).WithEpoch(-1)
	c.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {c.partition: at}})
}

func (c *claim) forget(topic string) {
	c.client.RemoveConsumePartitions(map[string][]int32{topic: {c.partition}})
}

// positionRecord is the record that declares a published position.
func positionRecord(role string, partition int32, p Position) (*kgo.Record, error) {
	value, err := encodePosition(p)
	if err != nil {
		return nil, err
	}
	return &kgo.Record{
		Topic: topics.Positions, Partition: partition, Key: []byte(positionKey(role)), Value: value,
		Headers: recordHeaders(topics.Envelope{Source: SourceOf(role), Type: TypePosition}),
	}, nil
}
