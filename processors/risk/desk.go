package risk

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// counter asks velocity and takes its answers, for all partitions of the process: a signal goes to the partition of
// risk.signals.v1 that owns what it asks about, and its answer comes in the partition of risk.features.v1 that has the
// number of the command's. What nobody waits for any more is dropped.
type counter struct {
	client *kgo.Client
	log    *slog.Logger

	warned atomic.Int64 // when it was last told that signals are not sent, in nanoseconds since 1970

	mu    sync.Mutex
	desks map[velocity.Origin]*desk // by role and partition of the records that ask; the offset is 0
}

const (
	shortestDelivery = time.Second            // that the client takes
	longPoll         = 100 * time.Millisecond // of answers
	warnEvery        = time.Second            // of signals that were not sent, which may be all of them
)

// newCounter makes a counter whose signals are given up where they cannot be written for about within: those of a partition
// that takes no writes would fill the buffer that all partitions share.
func newCounter(kafka []kgo.Opt, within time.Duration, log *slog.Logger) (*counter, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), kafka...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordDeliveryTimeout(max(within, shortestDelivery)),
		kgo.ProducerLinger(0),                               // its default of 10 ms would be in every decision
		kgo.FetchMaxWait(longPoll),                          // its default of 5 s would be in the first decisions of a partition that is opened while others rest
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()))...) // answers that retention took are answers nobody waits for
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &counter{client: client, log: log, desks: map[velocity.Origin]*desk{}}, nil
}

// run takes answers until ctx is done.
func (c *counter) run(ctx context.Context) error {
	defer c.client.Close()
	var reply velocity.Reply
	for {
		fetches := c.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			c.log.Warn("answers of velocity", "topic", topic, "partition", partition, "error", err)
		})
		fetches.EachRecord(func(r *kgo.Record) {
			err := velocity.EachFrame(r.Value, func(frame []byte) error {
				if err := reply.Decode(frame); err != nil {
					return err
				}
				c.mu.Lock()
				at := c.desks[velocity.Origin{Role: reply.Origin.Role, Partition: r.Partition}]
				c.mu.Unlock()
				if at != nil {
					at.answered(&reply)
				}
				return nil
			})
			if err != nil {
				c.log.Error("an answer of velocity cannot be read", "partition", r.Partition, "offset", r.Offset, "error", err)
			}
		})
	}
}

// send produces a signal, and never waits for room: a full buffer is a failure. Unless ctx is done, written is called when
// the signal is written or, with an error, given up, on another goroutine.
func (c *counter) send(ctx context.Context, signal *kgo.Record, written func(error)) {
	c.client.TryProduce(ctx, signal, func(r *kgo.Record, err error) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.warn(r, err)
		}
		written(err)
	})
}

func (c *counter) warn(r *kgo.Record, err error) {
	last, now := c.warned.Load(), time.Now()
	if now.Sub(time.Unix(0, last)) >= warnEvery && c.warned.CompareAndSwap(last, now.UnixNano()) {
		c.log.Warn("signals are not sent, this one among them", "topic", r.Topic, "partition", r.Partition, "error", err)
	}
}

// open begins to take the answers to a partition's records of a role: from the topic's end on, which is read before
// anything is asked.
func (c *counter) open(ctx context.Context, role velocity.Role, partition int32) (*desk, error) {
	ends, err := kadm.NewClient(c.client).ListEndOffsets(ctx, topics.Features)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topics.Features, err)
	}
	end, ok := ends.Lookup(topics.Features, partition)
	if !ok {
		return nil, fmt.Errorf("%s has no partition %d", topics.Features, partition)
	}
	d := &desk{counter: c, of: velocity.Origin{Role: role, Partition: partition}, waiting: map[int64]*inquiry{}}
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.taken(partition)
	c.desks[d.of] = d
	if taken { // for another role, from an earlier offset on
		return d, nil
	}
	c.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{
		topics.Features: {partition: kgo.NewOffset().At(end.Offset).WithEpoch(-1)}})
	return d, nil
}

// taken tells whether the answers in a partition are taken for any desk.
func (c *counter) taken(partition int32) bool {
	for of := range c.desks {
		if of.Partition == partition {
			return true
		}
	}
	return false
}

// desk asks for the records of one partition of a topic, and knows which of them wait.
type desk struct {
	*counter
	of velocity.Origin

	batches []batch // by the signals' partition
	frame   []byte  // room that is used again

	waitingMu sync.Mutex
	waiting   map[int64]*inquiry // by the record's offset
}

// batch is the signals that go to one partition in one record, with who asks each.
type batch struct {
	value  []byte
	asking []*inquiry
}

// batchBytes is where a batch is sent without waiting for more.
const batchBytes = 16 << 10

func (d *desk) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.desks[d.of] != d {
		return
	}
	delete(d.desks, d.of)
	if !d.taken(d.of.Partition) {
		d.client.RemoveConsumePartitions(map[string][]int32{topics.Features: {d.of.Partition}})
	}
}

// inquiry is what one record asks.
type inquiry struct {
	desk    *desk
	offset  int64
	command uint64
	ids     []uint64          // of the queries
	answers []velocity.Answer // by the same index; ID is 0 where there is none yet
	left    int               // signals of which neither the answers are there nor is it known that none will come; what is unkept, too
	unkept  bool              // what is counted with outcomes is not written: no answer counts
	done    chan struct{}     // closed when nothing is left
	until   time.Time
}

// ask begins an inquiry of a command by so many signals, which waits for their answers for so long at most, and where it keeps
// something for outcomes until that is written.
func (d *desk) ask(offset int64, command uint64, signals int, ids []uint64, keeps bool, within time.Duration) *inquiry {
	q := &inquiry{desk: d, offset: offset, command: command, ids: ids, answers: make([]velocity.Answer, len(ids)), left: signals,
		unkept: keeps, done: make(chan struct{}), until: time.Now().Add(within)}
	if keeps {
		q.left++
	}
	if q.left == 0 { // the command has no value that anything is counted by
		close(q.done)
		return q
	}
	d.waitingMu.Lock()
	defer d.waitingMu.Unlock()
	d.waiting[offset] = q
	return q
}

// add puts a signal of an inquiry into the batch of its partition. The answers to one that cannot be sent are missing. What
// is not sent when ctx is done is dropped: whoever has the partition next sends it.
func (d *desk) add(ctx context.Context, q *inquiry, t *velocity.Target) {
	for int(t.Partition) >= len(d.batches) {
		d.batches = append(d.batches, batch{})
	}
	b := &d.batches[t.Partition]
	d.frame = t.Signal.Append(d.frame[:0])
	b.value = velocity.AppendFrame(b.value, d.frame)
	b.asking = append(b.asking, q)
	if len(b.value) >= batchBytes {
		d.sendBatch(ctx, t.Partition)
	}
}

// flush sends what was added.
func (d *desk) flush(ctx context.Context) {
	for partition := range d.batches {
		if len(d.batches[partition].value) > 0 {
			d.sendBatch(ctx, int32(partition))
		}
	}
}

func (d *desk) sendBatch(ctx context.Context, partition int32) {
	b := &d.batches[partition]
	asking := b.asking
	d.send(ctx, &kgo.Record{Topic: topics.Signals, Partition: partition, Value: b.value}, func(err error) {
		for _, q := range asking {
			if err != nil || len(q.ids) == 0 {
				q.fail()
			}
		}
	})
	// The next one is as large, probably.
	*b = batch{make([]byte, 0, len(b.value)), make([]*inquiry, 0, len(asking))}
}

// fail takes it that one signal gets no answers: it is given up, or asks nothing and is written.
func (q *inquiry) fail() {
	q.desk.waitingMu.Lock()
	defer q.desk.waitingMu.Unlock()
	if q.desk.waiting[q.offset] == q {
		q.settle()
	}
}

// kept takes it that what is counted with outcomes is written or, with an error, given up. Without it nothing that becomes of
// the attempt would ever be counted, and nobody could tell: so rules decide on the attempt as on one without answers.
func (q *inquiry) kept(err error) {
	q.desk.waitingMu.Lock()
	defer q.desk.waitingMu.Unlock()
	if q.desk.waiting[q.offset] == q {
		q.unkept = err != nil
		q.settle()
	}
}

// settle is one signal less to wait for. The desk is locked.
func (q *inquiry) settle() {
	if q.left--; q.left == 0 {
		delete(q.desk.waiting, q.offset)
		close(q.done)
	}
}

// answered takes the answers to one signal, or that they are lost. Either may come again after a crash of velocity, in the
// same words: at worst, what was lost twice makes the answers to another signal missing.
func (d *desk) answered(reply *velocity.Reply) {
	d.waitingMu.Lock()
	defer d.waitingMu.Unlock()
	q := d.waiting[reply.Origin.Offset]
	if q == nil || q.command != reply.Command || len(q.ids) == 0 {
		return
	}
	news := reply.Lost
	at := 0 // answers stand in the order of their queries
	for _, answer := range reply.Answers {
		for range q.ids {
			if q.ids[at] == answer.ID {
				break
			}
			at = (at + 1) % len(q.ids)
		}
		if q.ids[at] == answer.ID && q.answers[at].ID == 0 {
			q.answers[at] = answer
			news = true
		}
	}
	if news {
		q.settle()
	}
}

// wait returns the answers when no more will come or the time is over; those whose ID is 0 are missing.
func (q *inquiry) wait(ctx context.Context) ([]velocity.Answer, error) {
	select {
	case <-q.done:
		return q.counting(), nil
	default:
	}
	late := time.NewTimer(time.Until(q.until))
	defer late.Stop()
	select {
	case <-q.done:
		return q.counting(), nil
	case <-late.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	q.desk.waitingMu.Lock()
	defer q.desk.waitingMu.Unlock()
	delete(q.desk.waiting, q.offset) // nothing is written to the answers any more
	return q.counting(), nil
}

// counting are the answers once nothing is waited for any more.
func (q *inquiry) counting() []velocity.Answer {
	if q.unkept {
		clear(q.answers)
	}
	return q.answers
}
