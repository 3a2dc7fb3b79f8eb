package stream

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// flush commits what changed since the last one, and the position up to which it was applied, in one Kafka transaction,
// beside the fold. What it commits is taken now; the result comes on the channel.
//
// A crash before the commit leaves the state of the last one, and an open transaction that the next owner aborts. A commit
// whose answer is lost is either of the two, and restoring reads which: after any error the session ends.
func (s *tableSession) flush(ctx context.Context) chan error {
	done := make(chan error, 1)
	records, err := s.snapshot()
	if err != nil {
		done <- err
		return done
	}
	acks, next := s.acks, s.at.Next
	s.acks = newAcks()
	go func() {
		ctx, cancel := context.WithTimeout(ctx, s.config.Limits.PublishTimeout)
		defer cancel()
		// A position is not committed before the replies up to it are with all replicas: nobody would send them again.
		err := acks.wait(ctx)
		if err == nil {
			err = s.claim.commitAll(ctx, records, s.pass)
		}
		if err == nil {
			s.status.published(next)
			err = s.pass(AfterFlushCommit)
		}
		done <- staleOr(err)
	}()
	return done
}

// snapshot is what the state has changed, the position last.
func (s *tableSession) snapshot() ([]*kgo.Record, error) {
	var records []*kgo.Record
	err := guard(func() error {
		s.state.Changes(func(key, value []byte) {
			records = append(records, &kgo.Record{Topic: s.config.Changelog, Partition: s.partition, Key: key, Value: value})
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if len(r.Key) == 0 || r.Key[0] == 0 {
			return nil, fmt.Errorf("key %x: the state's keys must begin with another byte than zero", r.Key)
		}
		if size := recordSize(r); size > s.config.Limits.RecordBytes {
			return nil, fmt.Errorf("key %x: %d bytes, at most %d are stored", r.Key, size, s.config.Limits.RecordBytes)
		}
	}
	position, err := s.position(s.partition, s.at)
	if err != nil {
		return nil, err
	}
	return append(records, position), nil
}

// commitAll produces records in one transaction and commits it. The client would commit although a record of it failed, or
// after it had silently begun again under another producer id; both are looked at first.
func (c *claim) commitAll(ctx context.Context, records []*kgo.Record, pass func(Point) error) error {
	if err := c.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	id, epoch, err := c.client.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	produced := newAcks()
	for i, r := range records {
		produced.sent()
		c.client.Produce(ctx, r, func(_ *kgo.Record, err error) { produced.acknowledged(err) })
		if i == len(records)/2 {
			if err := pass(DuringFlush); err != nil {
				return err
			}
		}
	}
	if err := produced.wait(ctx); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	nowID, nowEpoch, err := c.client.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if nowID != id || nowEpoch != epoch {
		return fmt.Errorf("commit: the producer became %d/%d during the transaction of %d/%d", nowID, nowEpoch, id, epoch)
	}
	if err := pass(BeforeFlushCommit); err != nil {
		return err
	}
	if err := c.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// acks waits until all of some records are acknowledged. Those sent after wait has begun belong to others.
type acks struct {
	mu      sync.Mutex
	open    int
	waiting bool
	err     error
	done    chan struct{} // closed when wait has begun and nothing is open
}

func newAcks() *acks { return &acks{done: make(chan struct{})} }

func (a *acks) sent() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open++
}

func (a *acks) acknowledged(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
	}
	if a.open--; a.open == 0 && a.waiting {
		close(a.done)
	}
}

// wait returns the first error of the records that were sent.
func (a *acks) wait(ctx context.Context) error {
	a.mu.Lock()
	a.waiting = true
	if a.open == 0 {
		close(a.done)
	}
	a.mu.Unlock()
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
