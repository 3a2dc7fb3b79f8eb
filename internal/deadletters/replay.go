package deadletters

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// Limits of a replay.
const (
	writeLimit  = 15 * time.Second // for one record to become durable
	chosenBytes = 256 << 20        // of the records that are held at once
)

// Choose returns the letters that are meant, at most limit of them (0: all), each with its successor. A letter of the
// filter that is not there is an error, and so are more than chosenBytes.
func Choose(ctx context.Context, kafka []kgo.Opt, f Filter, limit int) ([]*Letter, error) {
	c := choice{filter: f, limit: limit, room: chosenBytes, successors: map[string]ID{}, missing: slices.Clone(f.Letters)}
	if err := read(ctx, kafka, f, c.see); err != nil {
		return nil, err
	}
	if len(c.missing) > 0 {
		return nil, fmt.Errorf("letter %s: there is none", c.missing[0])
	}
	for _, l := range c.letters {
		l.Successor = c.successors[l.ID.String()]
	}
	return c.letters, nil
}

// choice is what Choose has found so far.
type choice struct {
	filter     Filter
	limit      int
	room       int // bytes of records that may still be held
	letters    []*Letter
	successors map[string]ID // of the letter with this name; it stands behind that one, in the same partition
	missing    []ID
}

func (c *choice) see(l *Letter) error {
	if l.ReplayOf != "" {
		c.successors[l.ReplayOf] = l.ID
	}
	c.missing = slices.DeleteFunc(c.missing, func(id ID) bool { return id == l.ID })
	if !c.filter.takes(l) || c.limit > 0 && len(c.letters) == c.limit {
		return nil
	}
	if c.room -= len(l.Record.Key) + len(l.Record.Value); c.room < 0 {
		return fmt.Errorf("the records of more than %d letters are too much to hold: choose fewer at a time", len(c.letters))
	}
	c.letters = append(c.letters, l)
	return nil
}

// Writer writes records again.
type Writer struct{ client *kgo.Client }

// NewWriter connects to nothing yet. Its producer is idempotent and uses no transactions: the fold reads the inbox without
// gaps.
func NewWriter(kafka []kgo.Opt) (*Writer, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), kafka...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.RequiredAcks(kgo.AllISRAcks()))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &Writer{client}, nil
}

// Close ends the producer.
func (w *Writer) Close() { w.client.Close() }

// Write puts the record of a letter that is not refused where it came from, and returns its new place when it is durable.
// An error may leave it written: a crash here is met by replaying the letter once more.
func (w *Writer) Write(ctx context.Context, l *Letter) (ID, error) {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	written, err := w.client.ProduceSync(ctx, l.record()).First()
	if err != nil {
		return ID{}, fmt.Errorf("letter %s: write to %s: %w", l.ID, l.Record.Topic, err)
	}
	return ID{written.Topic, written.Partition, written.Offset}, nil
}

// record is the record as it was, in the partition where it stood, with headers that say from where it comes.
func (l *Letter) record() *kgo.Record {
	r := &kgo.Record{Topic: l.Record.Topic, Partition: l.Record.Partition, Key: l.Record.Key, Value: l.Record.Value}
	for _, h := range l.Record.Headers {
		if h.Key != topics.HeaderReplayOf && h.Key != topics.HeaderFirstSeen { // those of an earlier replay
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
	}
	r.Headers = append(r.Headers,
		kgo.RecordHeader{Key: topics.HeaderReplayOf, Value: []byte(l.ID.String())},
		kgo.RecordHeader{Key: topics.HeaderFirstSeen, Value: []byte(l.firstSeen().UTC().Format(time.RFC3339Nano))})
	return r
}
