package fsck

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// publishedTopics compares the topics of one partition with the log, record by record: below N each must hold what the
// log says, byte for byte, once, in its order, and nothing else.
type publishedTopics struct {
	check   *partitionCheck
	readers map[string]*publishedTopic
}

// publishedTopic is one topic's partition on the way through the comparison.
type publishedTopic struct {
	check   *partitionCheck
	name    string
	reader  *broker.PartitionReader
	current *kgo.Record // read and not compared
	id      topics.EventID
	last    topics.EventID // the highest id seen
	seen    bool           // one was seen
	aged    bool           // the topic has lost its first records to retention, and none was compared yet
	waited  bool           // for what was on its way; nothing is any more
	// gone are the keys of records that compaction may have taken, each with the latest of them: one that comes later with the same
	// key must be there. nil: the topic is not compacted.
	gone map[string]topics.EventID
}

func (p *partitionCheck) openPublished(ctx context.Context) (*publishedTopics, error) {
	t := &publishedTopics{check: p, readers: map[string]*publishedTopic{}}
	if p.topics == nil || p.published.before == nil {
		return t, nil
	}
	for _, name := range payments.Published() {
		start, _, err := p.topics.bounds(ctx, name, p.snapshot.partition)
		if err != nil {
			t.close()
			return nil, err
		}
		reader, err := broker.OpenPartition(p.topics.options, name, p.snapshot.partition, start, p.published.after[name])
		if err != nil {
			t.close()
			return nil, err
		}
		topic := &publishedTopic{check: p, name: name, reader: reader, aged: start > 0}
		if described, _ := topics.Lookup(name); described.Compacted {
			topic.gone = map[string]topics.EventID{}
		}
		t.readers[name] = topic
	}
	return t, nil
}

func (t *publishedTopics) close() {
	for _, topic := range t.readers {
		topic.reader.Close()
	}
}

// compare takes what one record of the log must have published.
func (t *publishedTopics) compare(ctx context.Context, position int64, outputs []stream.Output) error {
	if len(t.readers) == 0 || position >= t.check.published.next {
		return nil
	}
	for i := range outputs {
		topic, ok := t.readers[outputs[i].Topic]
		if !ok {
			t.check.problem("log", "record "+outputs[i].Envelope.ID, "it is of topic %s, which the fold does not publish", outputs[i].Topic)
			continue
		}
		if err := topic.expect(ctx, &outputs[i]); err != nil {
			return err
		}
	}
	return nil
}

// rest looks at what the topics hold after the last record that the log has below N.
func (t *publishedTopics) rest(ctx context.Context) error {
	for _, topic := range t.readers {
		if err := topic.rest(ctx); err != nil {
			return err
		}
	}
	return nil
}

// expect takes the record that must come next.
func (t *publishedTopic) expect(ctx context.Context, want *stream.Output) error {
	id := want.Envelope.ID
	expected, err := topics.ParseEventID(id)
	if err != nil {
		return err
	}
	for {
		if err := t.read(ctx, true); err != nil {
			return err
		}
		switch {
		case t.current == nil && t.aged:
			return nil // nothing is left of the topic
		case t.gone != nil && (t.current == nil || before(expected, t.id)):
			t.gone[string(want.Key)] = expected
			return nil
		case t.current == nil:
			t.check.problem("published", t.name+" "+id, "in the log, but the topic ends without it")
			return nil
		case before(t.id, expected):
			t.surplus()
		case t.id == expected:
			t.check.Counts.Published.Add(1)
			t.aged = false
			delete(t.gone, string(want.Key))
			if difference := want.DiffersFrom(t.current); difference != "" {
				t.check.problem("published", t.subject(), "%s differs from the log", difference)
			}
			t.advance()
			return nil
		case t.aged:
			return nil
		default:
			t.check.problem("published", t.name+" "+id, "in the log, but not in the topic, which goes on with %s at offset %d",
				t.id, t.current.Offset)
			return nil
		}
	}
}

// surplus reports the current record, which the log does not have here, and passes it.
func (t *publishedTopic) surplus() {
	switch {
	case t.id.Partition != t.check.snapshot.partition:
		t.check.problem("published", t.subject(), "its id is of another partition")
	case t.seen && !before(t.last, t.id):
		t.check.problem("published", t.subject(), "published again")
	default:
		t.check.problem("published", t.subject(), "in the topic, but not in the log")
	}
	t.advance()
}

func (t *publishedTopic) subject() string {
	return fmt.Sprintf("%s %s at offset %d", t.name, t.id, t.current.Offset)
}

// advance is done with the current record.
func (t *publishedTopic) advance() {
	if !t.seen || before(t.last, t.id) {
		t.last, t.seen = t.id, true
	}
	t.current = nil
}

// read makes current the next record, nil at the end. A record without an id of ours is reported and passed.
func (t *publishedTopic) read(ctx context.Context, expected bool) error {
	for t.current == nil {
		record, err := t.reader.Next(ctx)
		if err != nil {
			return err
		}
		if record == nil {
			if !expected || t.waited || !t.extend(ctx) {
				return ctx.Err()
			}
			continue
		}
		id, err := topics.ParseEventID(header(record, topics.HeaderID))
		if err != nil {
			t.check.problem("published", fmt.Sprintf("%s at offset %d", t.name, record.Offset), "header %s: %v", topics.HeaderID, err)
			continue
		}
		t.current, t.id = record, id
	}
	return nil
}

// extend waits for the end to move: a transaction is committed for all its partitions, but its marker reaches one of them
// before the other. It waits once for each topic.
func (t *publishedTopic) extend(ctx context.Context) bool {
	for deadline := time.Now().Add(t.check.Settle); time.Now().Before(deadline); {
		_, end, err := t.check.topics.bounds(ctx, t.name, t.check.snapshot.partition)
		if err == nil && t.reader.Extend(end) {
			return true
		}
		if pause(ctx) != nil {
			return false
		}
	}
	t.waited = true
	return false
}

// rest checks that nothing of the topic lies at or above N. Below the end that was read before N, that is: what came
// later may have been published since.
func (t *publishedTopic) rest(ctx context.Context) error {
	for key, id := range t.gone {
		t.check.problem("published", t.name+" "+id.String(), "in the log, but neither it nor a later record with the key %q is in the topic", key)
	}
	limit := t.check.published.before[t.name]
	for {
		if err := t.read(ctx, false); err != nil || t.current == nil || t.current.Offset >= limit {
			return err
		}
		if t.id.Position < t.check.published.next || t.id.Partition != t.check.snapshot.partition {
			t.surplus()
			continue
		}
		if !t.published(ctx) {
			t.check.problem("published", t.subject(), "at or above the published position %d", t.check.published.next)
		}
		t.advance()
	}
}

// published looks whether N has come to cover the current record: the position's marker may have been the later one.
func (t *publishedTopic) published(ctx context.Context) bool {
	for deadline := time.Now().Add(t.check.Settle); ; {
		s, err := t.check.topics.position(ctx, t.check.snapshot.partition)
		if err == nil && s.found && s.next > t.id.Position {
			return true
		}
		if t.waited || time.Now().After(deadline) || pause(ctx) != nil {
			t.waited = true
			return false
		}
	}
}

func before(a, b topics.EventID) bool {
	if a.Position != b.Position {
		return a.Position < b.Position
	}
	return a.Index < b.Index
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
