package deadletters

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// writeLimit is how long one record may take to become durable.
const writeLimit = 15 * time.Second

// Choose returns the letters that are meant, at most limit of them (0: all), each with its successor. A letter of the
// filter that is not there is an error.
func Choose(ctx context.Context, kafka []kgo.Opt, f Filter, limit int) ([]*Letter, error) {
	var chosen []*Letter
	successors := map[string]ID{}
	missing := slices.Clone(f.Letters)
	err := read(ctx, kafka, f, func(l *Letter) error {
		if l.ReplayOf != "" {
			successors[l.ReplayOf] = l.ID
		}
		missing = slices.DeleteFunc(missing, func(id ID) bool { return id == l.ID })
		if f.takes(l) && (limit == 0 || len(chosen) < limit) {
			chosen = append(chosen, l)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("letter %s: there is none", missing[0])
	}
	for _, l := range chosen {
		l.Successor = successors[l.ID.String()]
	}
	return chosen, nil
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
