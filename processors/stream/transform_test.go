package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/topics"
)

// transformBench copies commands to the inbox in the other order of partitions.
type transformBench struct {
	*bench
	calls atomic.Int64
	apply TransformFunc                                                // nil: copy
	open  func(ctx context.Context, partition int32) (Pipeline, error) // in its place, where it is set

	limits Limits
}

func newTransformBench(t *testing.T, partitions int32) *transformBench {
	b := &transformBench{bench: &bench{t: t, broker: brokertest.New(t, partitions), partitions: partitions}, limits: testLimits()}
	b.client = b.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	return b
}

func (b *transformBench) copy(r Record) []Message {
	return []Message{{Partition: b.partitions - 1 - r.Partition,
		Output: Output{Topic: topics.Inbox, Key: r.Key, Value: r.Value, Envelope: topics.Envelope{Type: "copy"}}}}
}

func (b *transformBench) start() (stop func()) {
	b.t.Helper()
	config := TransformConfig{
		Role: "copy", Input: topics.Commands, DeadLetters: topics.CommandsDeadLetters,
		Kafka: b.broker.Config.Options(discard()), Limits: b.limits, Log: testLog(b.t),
		Apply: func(ctx context.Context, r Record) ([]Message, *DeadLetter, error) {
			b.calls.Add(1)
			if b.apply != nil {
				return b.apply(ctx, r)
			}
			return b.copy(r), nil, nil
		},
	}
	if b.open != nil {
		config.Apply, config.Open = nil, b.open
	}
	transform, err := NewTransform(config)
	if err != nil {
		b.t.Fatal(err)
	}
	return runUntil(b.t, transform.Run)
}

func (b *transformBench) produce(from, to int) {
	b.t.Helper()
	var records []*kgo.Record
	for i := from; i < to; i++ {
		records = append(records, &kgo.Record{Topic: topics.Commands, Partition: int32(i) % b.partitions,
			Key: fmt.Appendf(nil, "k%d", i%9), Value: fmt.Appendf(nil, "%d", i)})
	}
	if err := b.client.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// values are those of a partition in order.
func (b *transformBench) values(topic string, partition int32) (values []string) {
	for _, r := range b.readCommitted(topic, partition) {
		values = append(values, string(r.Value))
	}
	return values
}

func (b *transformBench) copied() (n int64) {
	for p := range b.partitions {
		n += b.end(topics.Inbox, p)
	}
	return n
}

// committed is the group's offset summed over the partitions.
func (b *transformBench) committed() (n int64) {
	offsets, err := adminOf(b.bench).FetchOffsets(b.t.Context(), "weir-copy")
	if err != nil {
		return 0 // there is no such group yet
	}
	for p := range b.partitions {
		if o, ok := offsets.Lookup(topics.Commands, p); ok {
			n += o.At
		}
	}
	return n
}

func TestTransformCopiesInOrderAndCommits(t *testing.T) {
	b := newTransformBench(t, 3)
	b.produce(0, 3000)
	stop := b.start()
	waitFor(t, "all are copied", func() bool { return b.copied() == 3000 })
	waitFor(t, "all are committed", func() bool { return b.committed() == 3000 })
	stop()
	for p := range b.partitions {
		want, got := b.values(topics.Commands, p), b.values(topics.Inbox, b.partitions-1-p)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("partition %d is not copied in order", p)
		}
	}
	b.produce(3000, 3030)
	b.start()
	waitFor(t, "the rest is copied", func() bool { return b.copied() >= 3030 })
	if got := b.copied(); got != 3030 {
		t.Errorf("%d records after a clean restart, want 3030", got)
	}
}

// A partition with much to do is paused again and again. It does not wait for the others, which have nothing.
func TestTransformIsNotHeldUpByIdlePartitions(t *testing.T) {
	b := newTransformBench(t, 2)
	var records []*kgo.Record
	for i := range 3000 {
		records = append(records, &kgo.Record{Topic: topics.Commands, Value: fmt.Appendf(nil, "%d", i)})
	}
	if err := b.client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	b.limits.BatchRecords, b.limits.InFlight = 20, 30 // some 60 pauses, each of which took five seconds once
	b.start()
	waitFor(t, "all are copied", func() bool { return b.copied() == 3000 })
}

func TestTransformStopsCleanlyInTheMiddle(t *testing.T) {
	b := newTransformBench(t, 2)
	b.produce(0, 2000)
	stop := b.start()
	waitFor(t, "some are copied", func() bool { return b.copied() > 200 })
	stop()
	if copied, committed := b.copied(), b.committed(); copied != committed {
		t.Errorf("%d copied, %d committed", copied, committed)
	}
	b.start()
	waitFor(t, "all are copied", func() bool { return b.copied() >= 2000 })
	if got := b.copied(); got != 2000 {
		t.Errorf("%d records after a clean restart, want 2000", got)
	}
}

func TestTransformPutsAsideWhatFails(t *testing.T) {
	b := newTransformBench(t, 1)
	b.apply = func(_ context.Context, r Record) ([]Message, *DeadLetter, error) {
		switch string(r.Value) {
		case "1":
			return nil, &DeadLetter{Reason: topics.RefusedUndecodable, Detail: "is one"}, nil
		case "2":
			panic("is two")
		case "3":
			m := b.copy(r)
			m[0].Value = make([]byte, 2<<20)
			return m, nil, nil
		}
		return b.copy(r), nil, nil
	}
	b.produce(0, 6)
	b.start()
	waitFor(t, "all are committed", func() bool { return b.committed() == 6 })
	if got := fmt.Sprint(b.values(topics.Inbox, 0)); got != "[0 4 5]" {
		t.Errorf("copied %s", got)
	}
	var reasons []string
	for _, r := range b.readCommitted(topics.CommandsDeadLetters, 0) {
		var letter topics.DeadLetter
		if err := topics.Unmarshal(r.Value, &letter); err != nil {
			t.Fatal(err)
		}
		reasons = append(reasons, fmt.Sprintf("%d %s %s", letter.Offset, letter.Reason, letter.Value))
	}
	if got := fmt.Sprint(reasons); got != "[1 undecodable 1 2 poison 2 3 poison 3]" {
		t.Errorf("dead letters %s", got)
	}
}

func TestTransformTriesAgainInOrder(t *testing.T) {
	b := newTransformBench(t, 2)
	var failures atomic.Int64
	b.apply = func(_ context.Context, r Record) ([]Message, *DeadLetter, error) {
		if r.Position == 5 && failures.Add(1) <= 6 {
			return nil, nil, errors.New("away")
		}
		return b.copy(r), nil, nil
	}
	b.produce(0, 40)
	b.start()
	waitFor(t, "all are committed", func() bool { return b.committed() == 40 })
	for p := range b.partitions {
		if fmt.Sprint(b.values(topics.Inbox, 1-p)) != fmt.Sprint(b.values(topics.Commands, p)) {
			t.Errorf("partition %d is not copied in order", p)
		}
	}
}

// A produce that the broker refuses must hold the offset back, and nothing may be missing afterwards.
func TestTransformRepeatsWhatWasNotAcknowledged(t *testing.T) {
	b := newTransformBench(t, 1)
	if b.broker.Cluster == nil {
		t.Skip("faults are injected into the embedded broker only")
	}
	b.produce(0, 50)
	var refused atomic.Int64
	refuseProduce(b.broker.Cluster, topics.Inbox, func() bool { return refused.Add(1) <= 2 })
	b.start()
	waitFor(t, "all are committed", func() bool { return b.committed() == 50 })
	seen := map[string]bool{}
	for _, v := range b.values(topics.Inbox, 0) {
		seen[v] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d of 50 records arrived", len(seen))
	}
}

// refuseProduce makes the broker answer produce requests for a topic with MESSAGE_TOO_LARGE while refuse says so.
func refuseProduce(cluster *kfake.Cluster, topic string, refuse func() bool) {
	cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		produce := request.(*kmsg.ProduceRequest)
		wanted := false
		for i := range produce.Topics {
			wanted = wanted || topicName(cluster, produce.Topics[i].Topic, produce.Topics[i].TopicID) == topic
		}
		if !wanted || !refuse() {
			return nil, nil, false
		}
		response := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range produce.Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic, answer.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				partition := kmsg.NewProduceResponseTopicPartition()
				partition.Partition, partition.ErrorCode = p.Partition, 10 // MESSAGE_TOO_LARGE
				answer.Partitions = append(answer.Partitions, partition)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
}

func topicName(cluster *kfake.Cluster, name string, id [16]byte) string {
	if name != "" {
		return name
	}
	for _, topic := range topics.Catalogue() {
		if info := cluster.TopicInfo(topic.Name); info != nil && info.TopicID == id {
			return topic.Name
		}
	}
	return ""
}
