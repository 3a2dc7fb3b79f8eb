package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// claim is the Kafka side of one partition's ownership: the transactional producer that fenced the owner before, and what
// was read after that. It knows nothing of where the state is kept.
type claim struct {
	reader
	position Position // N, where found
	found    bool
	closing  sync.Once
	closed   chan struct{}
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
	c, barrier, err := fence(ctx, opts, role, partition, limits, topics.Positions, barrierKey(role))
	if err != nil {
		return nil, err
	}
	if c.position, c.found, err = c.lastPosition(ctx, barrier+1); err != nil {
		c.close(limits.LeaveTimeout)
		return nil, err
	}
	return c, nil
}

// fence fences the previous owner of a partition and commits a barrier record to a topic: a reader with read_committed that
// has reached it has seen every transaction of every former owner decided.
func fence(ctx context.Context, opts []kgo.Opt, role string, partition int32, limits Limits, topic, key string, more ...kgo.Opt) (
	_ *claim, barrier int64, err error) {
	client, err := kgo.NewClient(append(append(readerOptions(opts, limits),
		kgo.TransactionalID(TransactionalID(role, partition)),
		kgo.TransactionTimeout(limits.TransactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(limits.QueueRecords),
		kgo.MaxBufferedBytes(limits.QueueBytes),
	), more...)...)
	if err != nil {
		return nil, 0, fmt.Errorf("kafka client: %w", err)
	}
	c := &claim{reader: newReader(client, role, partition), closed: make(chan struct{})}
	defer func() {
		if err != nil {
			c.close(limits.LeaveTimeout)
		}
	}()
	if _, _, err := client.ProducerID(ctx); err != nil {
		return nil, 0, fmt.Errorf("fence the previous owner of %s: %w", TransactionalID(role, partition), staleOr(err))
	}
	barrier, err = c.commitOne(ctx, &kgo.Record{
		Topic: topic, Partition: partition, Key: []byte(key),
		Headers: recordHeaders(topics.Envelope{Source: SourceOf(role), Type: TypeBarrier}),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("barrier: %w", err)
	}
	return c, barrier, nil
}

// close closes the producer, and stops waiting after a limit. An open transaction stays open until the next owner or the
// broker aborts it; nothing in it can be committed any more.
func (c *claim) close(limit time.Duration) {
	c.shut()
	select {
	case <-c.closed:
	case <-time.After(limit):
	}
}

// shut begins to close the producer, which ends everything that waits for it.
func (c *claim) shut() {
	c.closing.Do(func() {
		go func() {
			defer close(c.closed)
			c.client.CloseAllowingRebalance()
		}()
	})
}

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
