package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// flush commits what changed since the last one, and the position up to which it was applied, in one Kafka transaction,
// beside the fold. What it commits is taken now; the result comes on the channel. It takes its time, up to so much: at once,
// its thousands of records would keep the processors from answering.
//
// A crash before the commit leaves the state of the last one, and an open transaction that the next owner aborts. A commit
// whose answer is lost is either of the two, and restoring reads which: after any error the session ends.
func (s *tableSession) flush(ctx context.Context, within time.Duration) chan error {
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
			err = s.claim.commitAll(ctx, records, within, s.pass)
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
	var room []kgo.Record // one allocation for many: the fold waits for this
	err := guard(func() error {
		s.state.Changes(func(key, value []byte) {
			if len(room) == 0 {
				room = make([]kgo.Record, paceRecords)
			}
			room[0] = kgo.Record{Topic: s.config.Changelog, Partition: s.partition, Key: key, Value: value}
			records, room = append(records, &room[0]), room[1:]
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

// A flush that takes its time produces so many records, and then pauses for so long at most.
const (
	paceRecords = 256
	paceMost    = 5 * time.Millisecond
)

// commitAll produces records in one transaction, spread over so much time at most, and commits it. The client would commit
// although a record of it failed, or after it had silently begun again under another producer id; both are looked at first.
func (c *claim) commitAll(ctx context.Context, records []*kgo.Record, within time.Duration, pass func(Point) error) error {
	if err := c.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	id, epoch, err := c.client.ProducerID(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	produced := newAcks()
	pause := min(paceMost, within*paceRecords/time.Duration(len(records)))
	for i, r := range records {
		if i > 0 && i%paceRecords == 0 && pause > 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
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
