package risk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/routing"
	"github.com/weirhq/weir/topics"
)

const (
	learnWithin = 30 * time.Second // that the first command waits for what was learnt before
	learnRetry  = time.Second      // between two attempts to read, and two looks whether the routes want to learn
)

// learner reads what becomes of payments into what the routes in force learn. Each process reads all partitions, because a PSP
// is healthy or not for all customers; it reads uncommitted, so that a failing PSP is noticed at once: the database has
// committed before an event is written. What was learnt is nowhere stored: a process that starts reads back as far as the
// routes look.
type learner struct {
	routes *routes
	kafka  []kgo.Opt
	log    *slog.Logger
	caught chan struct{} // closed once what was there at the start has been read, or nothing has to be
}

func newLearner(r *routes, kafka []kgo.Opt) *learner {
	return &learner{routes: r, kafka: kafka, log: r.log, caught: make(chan struct{})}
}

// wait returns when what was learnt before has been read, when that takes too long, or when ctx is done.
func (l *learner) wait(ctx context.Context) {
	late := time.NewTimer(learnWithin)
	defer late.Stop()
	select {
	case <-l.caught:
	case <-ctx.Done():
	case <-late.C:
		l.log.Warn("plans begin before all events that routes learn from have been read")
	}
}

// run reads until ctx is done.
func (l *learner) run(ctx context.Context) {
	for ctx.Err() == nil {
		if set := l.routes.current.Load().set; set.Learns() {
			if err := l.read(ctx, set); err != nil && ctx.Err() == nil {
				l.log.Warn("events that routes learn from cannot be read", "error", err)
			}
		} else {
			l.ready()
		}
		select {
		case <-time.After(learnRetry):
		case <-ctx.Done():
		}
	}
}

func (l *learner) ready() {
	select {
	case <-l.caught:
	default:
		close(l.caught)
	}
}

// read reads from as far back as a set wants, until the routes in force want more or nothing any longer.
func (l *learner) read(ctx context.Context, set *routing.Set) error {
	since := set.LearnsSince(time.Now())
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), l.kafka...),
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()),
		kgo.KeepControlRecords(), // the end may be one
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	behind, err := l.begin(ctx, client, since)
	if err != nil {
		return err
	}
	l.routes.forget()
	var seen stream.HighWater
	var feed *routing.Feed
	var of *routing.State
	for {
		if len(behind) == 0 {
			l.ready()
		}
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var failed error
		fetches.EachError(func(_ string, partition int32, err error) {
			failed = errors.Join(failed, fmt.Errorf("partition %d: %w", partition, err))
		})
		if failed != nil {
			return failed
		}
		current := l.routes.current.Load()
		if !current.set.Learns() || current.set.LearnsSince(time.Now()).Before(since) {
			return nil
		}
		if of != current.state {
			of, feed = current.state, routing.NewFeed(current.state)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if end, ok := behind[r.Partition]; ok && r.Offset+1 >= end {
				delete(behind, r.Partition)
			}
			l.take(feed, current.set, &seen, r)
		})
	}
}

// begin consumes every partition from a moment on, and returns the ends that have to be reached, by partition.
func (l *learner) begin(ctx context.Context, client *kgo.Client, since time.Time) (behind map[int32]int64, err error) {
	admin := kadm.NewClient(client)
	from, err := admin.ListOffsetsAfterMilli(ctx, since.UnixMilli(), topics.Events)
	if err = errors.Join(err, from.Error()); err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, topics.Events)
	if err = errors.Join(err, ends.Error()); err != nil {
		return nil, err
	}
	offsets := map[int32]kgo.Offset{}
	behind = map[int32]int64{}
	from.Each(func(o kadm.ListedOffset) {
		offsets[o.Partition] = kgo.NewOffset().At(o.Offset).WithEpoch(-1)
		if end, ok := ends.Lookup(o.Topic, o.Partition); ok && end.Offset > o.Offset {
			behind[o.Partition] = end.Offset
		}
	})
	if len(offsets) == 0 {
		return nil, fmt.Errorf("%s is not there; weir topics apply creates it", topics.Events)
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topics.Events: offsets})
	return behind, nil
}

// take counts one event, once. What cannot be read is passed over: it is for others to tell.
func (l *learner) take(feed *routing.Feed, set *routing.Set, seen *stream.HighWater, r *kgo.Record) {
	if r.Attrs.IsControl() {
		return
	}
	for _, h := range r.Headers {
		if h.Key == topics.HeaderID {
			if fresh, err := seen.Accept(r.Partition, string(h.Value)); err != nil || !fresh {
				return
			}
		}
	}
	var e routing.Event
	if topics.Unmarshal(r.Value, &e) == nil {
		feed.Take(set, r.Partition, &e)
	}
}
