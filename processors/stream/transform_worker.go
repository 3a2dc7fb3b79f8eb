package stream

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/telemetry"
	"github.com/weirhq/weir/topics"
)

// transformWorker transforms the records of one partition in order.
type transformWorker struct {
	run       *transformRun
	partition int32
	ctx       context.Context // done when no further record may begin
	stop      context.CancelFunc
	ended     chan struct{}

	mu      sync.Mutex
	changed sync.Cond // records were added, acknowledged or the worker is stopped
	end     int64     // offset after the last record of the input, as far as is known
	queue   []*kgo.Record
	paused  bool
	prefix  *Prefix
	saved   int64 // the committed offset, once prefix is there
	sent    int   // records whose messages are produced and not all acknowledged
	broken  bool  // a message could not be produced: the prefix moves no further
}

func startWorker(run *transformRun, partition int32) *transformWorker {
	w := &transformWorker{run: run, partition: partition, ended: make(chan struct{})}
	w.changed.L = &w.mu
	w.ctx, w.stop = context.WithCancel(run.failed)
	context.AfterFunc(w.ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})
	go w.work()
	return w
}

// add queues what was fetched. Above the bound the partition is not fetched until the worker has caught up; what one poll
// returns is the most that is held beyond it.
func (w *transformWorker) add(records []*kgo.Record, end int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = end
	if w.prefix == nil {
		w.saved = records[0].Offset
		w.prefix = NewPrefix(w.saved)
	}
	w.queue = append(w.queue, records...)
	if !w.paused && len(w.queue) > w.run.config.Limits.InFlight {
		w.paused = true
		w.run.client.PauseFetchPartitions(map[string][]int32{w.run.config.Input: {w.partition}})
	}
	w.changed.Broadcast()
}

// take waits for the next record and for room in flight; nil when the worker is stopped. more says that there is another
// one to take at once.
func (w *transformWorker) take() (r *kgo.Record, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.ctx.Err() == nil && !w.takes() {
		w.changed.Wait()
	}
	if w.ctx.Err() != nil {
		return nil, false
	}
	r = w.queue[0]
	w.queue = w.queue[1:]
	w.prefix.Begin(r.Offset)
	if w.paused && len(w.queue) <= w.run.config.Limits.InFlight/2 {
		w.paused = false
		w.run.client.ResumeFetchPartitions(map[string][]int32{w.run.config.Input: {w.partition}})
	}
	return r, w.takes()
}

// takes tells whether there is a record to take, and room for it. The mutex is held.
func (w *transformWorker) takes() bool {
	return len(w.queue) > 0 && w.prefix.Open() < w.run.config.Limits.InFlight
}

func (w *transformWorker) work() {
	defer close(w.ended)
	if w.run.config.Open != nil {
		w.pipeline()
		return
	}
	for {
		r, _ := w.take()
		if r == nil {
			return
		}
		record := recordOf(r, r.Offset)
		finish := func(ctx context.Context) ([]Message, *DeadLetter, error) { return w.run.config.Apply(ctx, record) }
		messages, ok := w.transform(&record, finish)
		if !ok {
			return
		}
		w.produce(r.Offset, messages)
	}
}

// begun is a record that waits for its answers.
type begun struct {
	record Record
	finish FinishFunc
}

// flushEvery is how many records a Pipeline may begin before it is told to send: enough to share the cost of a record, few
// enough that the first of them does not wait.
const flushEvery = 64

// pipeline begins records as they come and finishes them in their order, each beside the beginning of those after it. When
// the worker is stopped, those that still wait are left to whoever has the partition next: an answer that is late because
// this process ends is not a missing one.
func (w *transformWorker) pipeline() {
	p := w.open()
	if p == nil {
		return
	}
	defer p.Close()
	waiting := make(chan begun, w.run.config.Limits.InFlight) // never full: take bounds what is open
	go func() {
		defer close(waiting)
		for n := 1; ; n++ {
			r, more := w.take()
			if r == nil {
				return
			}
			b := begun{record: recordOf(r, r.Offset)}
			if err := guard(func() error { b.finish = p.Begin(w.ctx, b.record); return nil }); err != nil {
				reason := poison(err)
				b.finish = func(context.Context) ([]Message, *DeadLetter, error) { return nil, &reason, nil }
			}
			waiting <- b
			if !more || n%flushEvery == 0 {
				p.Flush(w.ctx)
			}
		}
	}()
	stopped := false
	for b := range waiting {
		if stopped {
			continue // until the beginning of records has ended, too
		}
		messages, ok := w.transform(&b.record, b.finish)
		if ok {
			w.produce(b.record.Position, messages)
		}
		stopped = !ok
	}
}

// open opens the pipeline; nil when the worker is stopped before that.
func (w *transformWorker) open() Pipeline {
	limits := w.run.config.Limits
	for delay := limits.BackoffFirst; w.ctx.Err() == nil; delay = min(2*delay, limits.BackoffLast) {
		p, err := w.run.config.Open(w.ctx, w.partition)
		if err == nil {
			return p
		}
		if w.ctx.Err() != nil {
			return nil
		}
		w.run.stage.Retry(telemetry.RetryBroker)
		w.run.log.Warn("partition is opened again", "partition", w.partition, "error", err)
		select {
		case <-time.After(delay/2 + rand.N(delay)):
		case <-w.ctx.Done():
		}
	}
	return nil
}

// transform calls finish until it succeeds; ok is false when the worker is stopped before that.
func (w *transformWorker) transform(r *Record, finish FinishFunc) (out []*kgo.Record, ok bool) {
	limits := w.run.config.Limits
	for delay := limits.BackoffFirst; ; delay = min(2*delay, limits.BackoffLast) {
		var messages []Message
		var dead *DeadLetter
		var err error
		panicked := guard(func() error { messages, dead, err = finish(w.ctx); return nil })
		if panicked != nil {
			reason := poison(panicked)
			dead, err = &reason, nil
		}
		if err == nil {
			if dead == nil {
				out, dead = w.render(r, messages)
			}
			if dead != nil {
				out, err = w.deadLetter(r, *dead)
			}
		}
		if err == nil {
			w.run.stage.Records(1)
			return out, true
		}
		if w.ctx.Err() != nil {
			return nil, false
		}
		w.run.stage.Retry("other")
		w.run.log.Warn("record is tried again", "partition", r.Partition, "offset", r.Position, "error", err)
		select {
		case <-time.After(delay/2 + rand.N(delay)):
		case <-w.ctx.Done():
			return nil, false
		}
	}
}

func (w *transformWorker) render(r *Record, messages []Message) ([]*kgo.Record, *DeadLetter) {
	out := make([]*kgo.Record, len(messages))
	for i := range messages {
		complete(w.run.config.Role, r, i, &messages[i].Envelope)
		out[i] = outgoing(messages[i].Partition, &messages[i].Output)
		if size := recordSize(out[i]); size > w.run.config.Limits.RecordBytes {
			return nil, &DeadLetter{Reason: topics.RefusedPoison, Detail: fmt.Sprintf("its output %d to %s has %d bytes, at most %d "+
				"are produced", i, out[i].Topic, size, w.run.config.Limits.RecordBytes)}
		}
	}
	return out, nil
}

func (w *transformWorker) deadLetter(r *Record, reason DeadLetter) ([]*kgo.Record, error) {
	config := &w.run.config
	letter, value, err := deadLetterOf(config.Role, config.Input, r, r.Position, reason, config.Limits.RecordBytes)
	if err != nil {
		return nil, err
	}
	w.run.stage.DeadLetter(letter.Reason)
	level := slog.LevelWarn
	if letter.Reason == topics.RefusedUnknownEvent {
		level = slog.LevelInfo // it is kept, and nobody need look
	}
	w.run.log.Log(context.Background(), level, "record put aside", "partition", r.Partition, "offset", r.Position, "reason", letter.Reason,
		"detail", letter.Detail)
	output := Output{Topic: config.DeadLetters, Key: letter.Key, Value: value,
		Envelope: topics.Envelope{Type: topics.TypeDeadLetter}}
	complete(config.Role, r, 0, &output.Envelope)
	return []*kgo.Record{outgoing(r.Partition, &output)}, nil
}

// produce sends the messages of a record; it is done when all of them are acknowledged. After one that failed nothing of
// this client counts any more: the client begins again from the committed offset, so that the order in a partition holds.
func (w *transformWorker) produce(offset int64, messages []*kgo.Record) {
	w.mu.Lock()
	w.sent++
	w.mu.Unlock()
	if len(messages) == 0 {
		w.done(offset)
		return
	}
	left := len(messages)
	var mu sync.Mutex
	for _, message := range messages {
		w.run.client.Produce(context.Background(), message, func(m *kgo.Record, err error) {
			if err != nil {
				w.breaks(fmt.Errorf("produce to %s: %w", m.Topic, err))
				return
			}
			mu.Lock()
			left--
			last := left == 0
			mu.Unlock()
			if last {
				w.done(offset)
			}
		})
	}
}

func (w *transformWorker) done(offset int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent--
	w.prefix.Done(offset)
	w.changed.Broadcast()
}

func (w *transformWorker) breaks(err error) {
	w.mu.Lock()
	w.broken = true
	w.changed.Broadcast()
	w.mu.Unlock()
	w.run.fail(err)
}

// wait returns when everything that was produced is acknowledged, or with ctx.
func (w *transformWorker) wait(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})()
	select {
	case <-w.ended:
	case <-ctx.Done():
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for ctx.Err() == nil && !w.broken && w.sent > 0 {
		w.changed.Wait()
	}
}

// committable is the offset after the contiguous prefix; moved says that it is not committed yet.
func (w *transformWorker) committable() (next int64, moved bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.prefix == nil {
		return 0, false
	}
	next = w.prefix.Next()
	w.run.stage.Lag(w.partition, max(w.end-next, 0))
	return next, next > w.saved
}

func (w *transformWorker) committed(next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saved = max(w.saved, next)
}
