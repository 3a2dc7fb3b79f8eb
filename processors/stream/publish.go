package stream

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/semaphore"
)

// publication is what is to be published of a run of applied records. It may be empty and still moves N.
type publication struct {
	next    int64 // position after the last record of the run
	outputs []*kgo.Record
	bytes   int
}

// outbox is the bounded queue between apply and publish.
type outbox struct {
	items   chan publication
	records *semaphore.Weighted
	bytes   *semaphore.Weighted
	limits  Limits
}

// maxRuns bounds the runs in an outbox, which may all be empty of outputs.
const maxRuns = 64

func newOutbox(limits Limits) *outbox {
	return &outbox{
		items:   make(chan publication, maxRuns),
		records: semaphore.NewWeighted(int64(limits.QueueRecords)),
		bytes:   semaphore.NewWeighted(int64(limits.QueueBytes)),
		limits:  limits,
	}
}

// weigh returns what an item takes of the two bounds. One larger than a bound takes all of it.
func (o *outbox) weigh(p *publication) (records, bytes int64) {
	return int64(min(len(p.outputs), o.limits.QueueRecords)), int64(min(p.bytes, o.limits.QueueBytes))
}

// put waits for room.
func (o *outbox) put(ctx context.Context, p publication) error {
	records, bytes := o.weigh(&p)
	if err := o.records.Acquire(ctx, records); err != nil {
		return err
	}
	if err := o.bytes.Acquire(ctx, bytes); err != nil {
		return err
	}
	select {
	case o.items <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// taken gives the room of an item back.
func (o *outbox) taken(p *publication) {
	records, bytes := o.weigh(p)
	o.records.Release(records)
	o.bytes.Release(bytes)
}

// publisher is O4, and with pages of stream_log in its outbox O2: it alone touches the producer.
type publisher struct {
	*session
	claim  *claim
	outbox *outbox
	failed atomic.Pointer[error] // the first record that could not be produced
	wake   chan struct{}         // closed with it
}

// run publishes until the outbox is closed and empty. After its first error nothing is published or committed any more:
// what the transaction came to is for O1 to find out.
func (p *publisher) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case first, ok := <-p.outbox.items:
			if !ok {
				return nil
			}
			if err := p.transact(ctx, first); err != nil {
				return fmt.Errorf("publish: %w", staleOr(err))
			}
		}
	}
}

// transact publishes one Kafka transaction: the runs that come in within the commit interval, and the position.
func (p *publisher) transact(ctx context.Context, run publication) error {
	if err := p.claim.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	id, epoch, err := p.claim.client.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	due := time.NewTimer(p.config.Limits.CommitInterval)
	defer due.Stop()
	records, open := 0, true
	for open {
		if err := p.produce(ctx, &run); err != nil {
			return err
		}
		next := run.next
		if records += len(run.outputs); records >= p.config.Limits.TransactionRecords {
			return p.commit(ctx, id, epoch, next)
		}
		select {
		case run, open = <-p.outbox.items:
			if !open {
				return p.commit(ctx, id, epoch, next)
			}
		case <-due.C:
			return p.commit(ctx, id, epoch, next)
		case <-p.wake:
			return *p.failed.Load()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// produce sends a run's outputs at once: readers with read_uncommitted have them now, which is safe because the database
// has committed. A crash here leaves an open transaction, which the next owner aborts before it publishes the same again.
func (p *publisher) produce(ctx context.Context, run *publication) error {
	defer p.outbox.taken(run)
	for i, record := range run.outputs {
		p.claim.client.Produce(ctx, record, p.produced)
		if i == 0 {
			if err := p.pass(DuringPublish); err != nil {
				return err
			}
		}
	}
	return p.failure()
}

func (p *publisher) produced(r *kgo.Record, err error) {
	if err == nil {
		return
	}
	err = fmt.Errorf("produce to %s: %w", r.Topic, err)
	if p.failed.CompareAndSwap(nil, &err) {
		close(p.wake)
	}
}

func (p *publisher) failure() error {
	if err := p.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// commit ends the transaction, with the position inside. The client would commit although a record of it failed, or after
// it had silently begun again under another producer id; both are looked at first.
func (p *publisher) commit(ctx context.Context, id int64, epoch int16, next int64) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.Limits.PublishTimeout)
	defer cancel()
	record, err := positionRecord(p.config.Role, p.partition, p.positionAt(next))
	if err != nil {
		return err
	}
	p.claim.client.Produce(ctx, record, p.produced)
	if err := p.claim.client.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if err := p.failure(); err != nil {
		return err
	}
	nowID, nowEpoch, err := p.claim.client.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if nowID != id || nowEpoch != epoch {
		return fmt.Errorf("commit: the producer became %d/%d during the transaction of %d/%d", nowID, nowEpoch, id, epoch)
	}
	if err := p.pass(BeforeKafkaCommit); err != nil {
		return err
	}
	if err := p.claim.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	p.published(next)
	return p.pass(AfterKafkaCommit)
}

func (s *session) positionAt(next int64) Position {
	return Position{Role: s.config.Role, Next: next, Base: s.base, TopicID: hex.EncodeToString(s.topicID[:])}
}
