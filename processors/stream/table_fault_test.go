package stream

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/topics"
)

// At each point a session ends as if the process had died there; the next one restores and goes on.
func TestTableEndsAtEachPoint(t *testing.T) {
	for _, point := range TablePoints() {
		t.Run(string(point), func(t *testing.T) {
			parallel(t)
			b := newTableBench(t, 2)
			hit := b.endAt(point)
			for range 5 {
				b.send(200)
				b.check()
			}
			if hit.Load() == 0 {
				t.Error("the point was never passed")
			}
		})
	}
}

// endAt runs a Table whose sessions end at every third passage of a point, several times.
func (b *tableBench) endAt(point Point, change ...func(*TableConfig)) (hit *atomic.Int64) {
	hook, hit := endsAt(point)
	b.start(append(change, func(c *TableConfig) { c.Hook = hook; c.Limits.BatchRecords = 17 })...)
	return hit
}

func TestTableEndsAtRandomPoints(t *testing.T) {
	b := newTableBench(t, 3)
	b.start(func(c *TableConfig) { c.Hook = endsAtRandom(); c.Limits.BatchRecords = 40 })
	repeated := 0
	for range 4 {
		b.send(600)
		repeated = b.check()
	}
	if repeated == 0 {
		t.Error("nothing was applied again: the test does not test what it is for")
	}
}

// The check of the check: a changelog that is read uncommitted shows what was torn, and the replies are wrong.
func TestTableMustReadItsChangelogCommitted(t *testing.T) {
	b := newTableBench(t, 1)
	var committed, torn atomic.Int64 // the changelog's end after a commit; flushes of which a part was written
	hook := func(at Point, _ int32) error {
		switch end := committed.Load(); {
		case at == AfterFlushCommit:
			committed.Store(b.end(topics.Velocity, 0))
		case at == DuringFlush && end > 0:
			waitFor(t, "a part of the flush is written", func() bool { return b.end(topics.Velocity, 0) > end })
			committed.Store(0)
			torn.Add(1)
			return errInjected
		}
		return nil
	}
	b.start(func(c *TableConfig) {
		c.Hook, c.Reading = hook, []kgo.Opt{kgo.FetchIsolationLevel(kgo.ReadUncommitted())}
	})
	waitFor(t, "flushes are torn", func() bool { b.send(50); return torn.Load() >= 5 })
	b.settle()
	if mistakes, _ := b.mistakes(); mistakes == 0 {
		t.Errorf("no reply is wrong after %d torn flushes, though the changelog was read uncommitted", torn.Load())
	}
}

// Two owners that both believe they are the one take the partition from each other all the time. Whoever of them
// replies, replies the same.
func TestTwoTablesFight(t *testing.T) {
	b := newTableBench(t, 1)
	var tables [2]*Table
	var sessions [2]atomic.Int64
	for i := range tables {
		tables[i] = b.holdAlone(0, func(c *TableConfig) {
			c.Limits.BackoffStale, c.Limits.BackoffLast, c.Limits.BatchRecords = 30*time.Millisecond, 30*time.Millisecond, 20
			c.Hook = func(at Point, _ int32) error {
				if at == AfterFlushCommit {
					sessions[i].Add(1)
				}
				return nil
			}
		})
	}
	waitFor(t, "both have owned it", func() bool {
		b.send(20)
		return sessions[0].Load() >= 4 && sessions[1].Load() >= 4
	})
	b.check()
}

// holdAlone owns a partition outside the group, until the test ends.
func (b *tableBench) holdAlone(partition int32, change ...func(*TableConfig)) *Table {
	b.t.Helper()
	table, err := NewTable(b.config(change...))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		table.hold(ctx, context.Background(), partition)
	}()
	b.t.Cleanup(func() {
		cancel()
		<-done
		table.replies.Close()
	})
	return table
}

func TestTableRebalances(t *testing.T) {
	b := newTableBench(t, 4)
	_, stopA := b.start()
	b.send(400)
	tableB, stopB := b.start()
	b.send(400)
	waitFor(t, "the second member has partitions", func() bool { return len(tableB.Status()) > 0 && tableB.Ready() == nil })
	b.send(400)
	stopA()
	b.send(400)
	b.check()
	b.start()
	b.send(400)
	stopB()
	b.check()
}

func TestTableOutlivesErrorsOfTheBroker(t *testing.T) {
	for name, faults := range map[string][]kfake.Fault{
		"EndTxn happens and is answered by a timeout": {{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.RequestTimedOut, Count: 3}},
		"EndTxn fails for good":                       {{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError, Count: 2}},
		"EndTxn says fenced":                          {{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ProducerFenced, Count: 2}},
		"the changelog refuses a record":              {{Keys: []kmsg.Key{kmsg.Produce}, Topic: topics.Velocity, Err: kerr.MessageTooLarge, Count: 2}},
		"a reply is refused":                          {{Keys: []kmsg.Key{kmsg.Produce}, Topic: topics.Features, Err: kerr.InvalidRecord, Count: 2}},
		"fetch fails":                                 {{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topics.Signals, Err: kerr.UnknownServerError, Count: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			b := newTableBench(t, 1)
			b.start()
			b.send(50)
			b.check()
			handle := b.fault(faults...)
			waitFor(t, "the fault happens", func() bool {
				b.send(50)
				return handle.Hits() >= len(faults)
			})
			b.check()
		})
	}
}
