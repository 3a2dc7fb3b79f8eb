package fsck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Limits of reading topics.
const (
	pingLimit    = 15 * time.Second // for the first answer of a broker
	firstWindow  = 256              // in which the last position is looked for, backwards from the end
	windowGrowth = 8
)

var (
	errAgedOut  = errors.New("the record is past the topic's retention")
	errNotThere = errors.New("the topic ends before the record")
)

// topicReader looks at topics without taking part in any group.
type topicReader struct {
	options []kgo.Opt
	client  *kgo.Client
	admin   *kadm.Client
}

func newTopicReader(ctx context.Context, options []kgo.Opt) (*topicReader, error) {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	if err := client.Ping(limited); err != nil {
		client.Close()
		return nil, fmt.Errorf("no broker answers: %w", err)
	}
	return &topicReader{options: options, client: client, admin: kadm.NewClient(client)}, nil
}

func (t *topicReader) close() { t.client.Close() }

// ends are the committed ends of the checked topics.
type ends struct {
	partitions int32
	listed     kadm.ListedOffsets
}

func (e ends) of(partition int32) map[string]int64 {
	at := make(map[string]int64, len(e.listed))
	for topic := range e.listed {
		if end, ok := e.listed.Lookup(topic, partition); ok {
			at[topic] = end.Offset
		}
	}
	return at
}

func (t *topicReader) ends(ctx context.Context) (ends, error) {
	names := append(payments.Published(), topics.Positions)
	listed, err := t.admin.ListCommittedOffsets(ctx, names...)
	if err == nil {
		err = listed.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return ends{}, fmt.Errorf("not all of the topics %v exist; weir topics apply creates them: %w", names, err)
	}
	if err != nil {
		return ends{}, fmt.Errorf("list the ends of the topics: %w", err)
	}
	e := ends{listed: listed}
	for _, name := range names {
		n := int32(len(listed[name]))
		if e.partitions > 0 && n != e.partitions {
			return ends{}, fmt.Errorf("topic %s has %d partitions, %s has %d: all must have as many", name, n, names[0], e.partitions)
		}
		e.partitions = n
	}
	return e, nil
}

func (t *topicReader) topicID(ctx context.Context, topic string) ([16]byte, error) {
	details, err := t.admin.ListTopics(ctx, topic)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return [16]byte{}, fmt.Errorf("look at topic %s: %w", topic, err)
	}
	return details[topic].ID, nil
}

// positions reads N of each partition: the last committed position of the role.
func (t *topicReader) positions(ctx context.Context, partitions int32) ([]publishedState, error) {
	all := make([]publishedState, partitions)
	for i := range all {
		s, err := t.position(ctx, int32(i))
		if err != nil {
			return nil, err
		}
		all[i] = s
	}
	return all, nil
}

func (t *topicReader) position(ctx context.Context, partition int32) (publishedState, error) {
	start, end, err := t.bounds(ctx, topics.Positions, partition)
	if err != nil {
		return publishedState{}, err
	}
	for to, width := end, int64(firstWindow); to > start; width *= windowGrowth {
		from := max(start, to-width)
		reader, err := broker.OpenPartition(t.options, topics.Positions, partition, from, end)
		if err != nil {
			return publishedState{}, err
		}
		state, err := lastPosition(ctx, reader)
		reader.Close()
		if err != nil || state.found {
			return state, err
		}
		to = from
	}
	return publishedState{}, nil
}

func lastPosition(ctx context.Context, reader *broker.PartitionReader) (state publishedState, err error) {
	for {
		r, err := reader.Next(ctx)
		if err != nil || r == nil {
			return state, err
		}
		position, ok, err := stream.PositionIn(role, r)
		if err != nil {
			return state, fmt.Errorf("%s partition %d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		if ok {
			state = publishedState{found: true, next: position.Next, base: position.Base, topic: position.TopicID}
		}
	}
}

// bounds are the first offset and the committed end.
func (t *topicReader) bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	starts, err := t.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("list the start of %s: %w", topic, err)
	}
	committed, err := t.admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("list the end of %s: %w", topic, err)
	}
	first, ok1 := starts.Lookup(topic, partition)
	last, ok2 := committed.Lookup(topic, partition)
	if !ok1 || !ok2 {
		return 0, 0, fmt.Errorf("topic %s has no partition %d", topic, partition)
	}
	if err := errors.Join(first.Err, last.Err); err != nil {
		return 0, 0, fmt.Errorf("list the offsets of %s partition %d: %w", topic, partition, err)
	}
	return first.Offset, last.Offset, nil
}

// record reads the record at one offset.
func (t *topicReader) record(ctx context.Context, topic string, partition int32, offset int64) (*kgo.Record, error) {
	start, end, err := t.bounds(ctx, topic, partition)
	switch {
	case err != nil:
		return nil, err
	case offset < start:
		return nil, errAgedOut
	case offset >= end:
		return nil, errNotThere
	}
	reader, err := broker.OpenPartition(t.options, topic, partition, offset, offset+1)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	r, err := reader.Next(ctx)
	if err == nil && r == nil {
		err = errNotThere
	}
	return r, err
}
