package stream

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// reader reads one partition of topics at exact offsets, committed records only.
type reader struct {
	role      string
	partition int32
	client    *kgo.Client
	admin     *kadm.Client
}

func newReader(client *kgo.Client, role string, partition int32) reader {
	return reader{role: role, partition: partition, client: client, admin: kadm.NewClient(client)}
}

// readerOptions are the options of a client that a reader reads with.
func readerOptions(opts []kgo.Opt, limits Limits) []kgo.Opt {
	return append(append([]kgo.Opt(nil), opts...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), // an offset that is not there is an error, never another offset
		// One partition is read at a time, so this bounds the answer. A bound of the whole answer must stay out of reach: the
		// embedded broker leaves the list of aborted transactions out of an answer that it cuts short there.
		kgo.FetchMaxPartitionBytes(int32(limits.FetchBytes)))
}

// Windows in which the last position is looked for, backwards from the end.
const (
	firstWindow  = 256
	windowGrowth = 8
)

// lastPosition finds the role's last committed position record before the offset end. The record at end-1 must exist and be
// committed, or be the end of a transaction.
//
// An owner gives the offset of its barrier: that is committed, so a reader with read_committed that has reached it has seen
// every transaction of every former owner decided.
func (r *reader) lastPosition(ctx context.Context, end int64) (p Position, found bool, err error) {
	starts, err := r.admin.ListStartOffsets(ctx, topics.Positions)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return Position{}, false, fmt.Errorf("list offsets of %s: %w", topics.Positions, err)
	}
	listed, ok := starts.Lookup(topics.Positions, r.partition)
	if !ok {
		return Position{}, false, fmt.Errorf("%s has no partition %d", topics.Positions, r.partition)
	}
	to := end
	for width := int64(firstWindow); to > listed.Offset; width *= windowGrowth {
		from := max(listed.Offset, to-width)
		var last *kgo.Record
		err := r.read(ctx, topics.Positions, from, to, func(record *kgo.Record) {
			if string(record.Key) == positionKey(r.role) {
				last = record
			}
		})
		if err != nil {
			return Position{}, false, fmt.Errorf("read %s: %w", topics.Positions, err)
		}
		if last != nil {
			p, err := decodePosition(last.Value)
			if err != nil {
				return p, false, fmt.Errorf("%s partition %d offset %d: %w", topics.Positions, r.partition, last.Offset, err)
			}
			return p, true, nil
		}
		to = from
	}
	return Position{}, false, nil
}

// read hands out the committed records of [from, to) of a topic. A record at or after to-1 must exist and be committed.
func (r *reader) read(ctx context.Context, topic string, from, to int64, handle func(*kgo.Record)) error {
	r.consume(topic, from)
	defer r.forget(topic)
	for {
		fetches := r.client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		end := false
		fetches.EachRecord(func(record *kgo.Record) {
			if record.Topic != topic || record.Offset < from {
				return
			}
			end = end || record.Offset >= to-1
			if record.Offset < to && !record.Attrs.IsControl() {
				handle(record)
			}
		})
		if end {
			return nil
		}
	}
}

// consume starts to fetch a topic's partition at exactly this offset.
func (r *reader) consume(topic string, offset int64) {
	at := kgo.NewOffset().At(offset).WithEpoch(-1)
	r.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {r.partition: at}})
}

func (r *reader) forget(topic string) {
	r.client.RemoveConsumePartitions(map[string][]int32{topic: {r.partition}})
}
