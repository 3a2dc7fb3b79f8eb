package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weirhq/weir/topics"
)

// relay is a Pipeline that copies a record when a number of later ones have begun and are flushed, so that a Transform that
// waits for one before it begins the next never ends, nor does one that does not flush.
type relay struct {
	b      *transformBench
	ahead  int64
	opened *atomic.Int64

	mu    sync.Mutex
	begun int64         // offset after the last record that has begun
	sent  int64         // the same at the last flush
	wake  chan struct{} // closed at each flush
	tries map[int64]int
}

func (r *relay) Begin(_ context.Context, record Record) FinishFunc {
	r.mu.Lock()
	defer r.mu.Unlock()
	if record.Position%101 == 100 {
		panic("relay: begin")
	}
	r.begun = record.Position + 1
	return func(ctx context.Context) ([]Message, *DeadLetter, error) {
		last := r.b.end(topics.Commands, record.Partition)
		for {
			r.mu.Lock()
			sent, wake := r.sent, r.wake
			r.tries[record.Position]++
			tries := r.tries[record.Position]
			r.mu.Unlock()
			if tries == 1 && record.Position%50 == 0 {
				return nil, nil, errors.New("relay: not yet")
			}
			if sent >= min(last, record.Position+r.ahead) {
				return r.b.copy(record), nil, nil
			}
			select {
			case <-wake:
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
		}
	}
}

func (r *relay) Flush(context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = r.begun
	close(r.wake)
	r.wake = make(chan struct{})
}

func (r *relay) Close() { r.opened.Add(-1) }

func TestTransformFinishesManyRecordsAtOnceInOrder(t *testing.T) {
	b := newTransformBench(t, 2)
	var opened, failed atomic.Int64
	b.open = func(context.Context, int32) (Pipeline, error) {
		if failed.Add(1) == 1 {
			return nil, errors.New("relay: not open yet")
		}
		opened.Add(1)
		return &relay{b: b, ahead: 9, opened: &opened, wake: make(chan struct{}), tries: map[int64]int{}}, nil
	}
	const records, dead = 1000, 8 // 4 of each partition do not begin
	b.produce(0, records)
	stop := b.start()
	waitFor(t, "all are copied", func() bool { return b.copied() == records-dead })
	waitFor(t, "all are committed", func() bool { return b.committed() == records })
	stop()
	if n := opened.Load(); n != 0 {
		t.Errorf("%d pipelines are not closed", n)
	}
	for p := range b.partitions {
		var want []string
		for i := int(p); i < records; i += int(b.partitions) {
			if i/int(b.partitions)%101 != 100 {
				want = append(want, fmt.Sprint(i))
			}
		}
		if got := b.values(topics.Inbox, b.partitions-1-p); !slices.Equal(got, want) {
			t.Errorf("partition %d: %d records, want %d in order", p, len(got), len(want))
		}
	}
}

// What still waits when the process stops is begun again by the next one, and nothing is decided for it meanwhile.
func TestTransformLeavesWhatStillWaits(t *testing.T) {
	b := newTransformBench(t, 1)
	var opened atomic.Int64
	b.open = func(context.Context, int32) (Pipeline, error) {
		opened.Add(1)
		return &relay{b: b, ahead: 1, opened: &opened, wake: make(chan struct{}), tries: map[int64]int{}}, nil
	}
	b.produce(0, 60)
	var begun atomic.Int64
	unfinished := b.open
	b.open = func(ctx context.Context, p int32) (Pipeline, error) {
		r, err := unfinished(ctx, p)
		return &stuck{r, &begun}, err
	}
	stop := b.start()
	waitFor(t, "all have begun, and those before the first that waits are copied", func() bool {
		return begun.Load() == 60 && b.copied() == 30
	})
	stop()
	if n := b.copied(); n != 30 {
		t.Errorf("%d records are copied, want those before the first that waits: 30", n)
	}
	b.open = unfinished
	b.start()
	waitFor(t, "the others are copied", func() bool { return b.copied() == 60 })
}

// stuck never finishes the record at offset 30.
type stuck struct {
	Pipeline
	begun *atomic.Int64
}

func (s *stuck) Begin(ctx context.Context, r Record) FinishFunc {
	s.begun.Add(1)
	finish := s.Pipeline.Begin(ctx, r)
	if r.Position != 30 {
		return finish
	}
	return func(ctx context.Context) ([]Message, *DeadLetter, error) {
		<-ctx.Done()
		return nil, nil, ctx.Err()
	}
}
