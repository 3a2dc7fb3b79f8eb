package deadletters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

// answerLimit is how long a broker may take for its first answer.
const answerLimit = 15 * time.Second

// Topics are the dead-letter topics of the catalogue, each with the topics whose records it holds.
func Topics() (names []string, origins map[string][]string) {
	origins = map[string][]string{}
	for _, t := range topics.Catalogue() {
		if t.DeadLetters == "" {
			continue
		}
		if origins[t.DeadLetters] == nil {
			names = append(names, t.DeadLetters)
		}
		origins[t.DeadLetters] = append(origins[t.DeadLetters], t.Name)
	}
	return names, origins
}

// Reasons are those for which records are put aside.
func Reasons() []topics.RefusalCode {
	return []topics.RefusalCode{topics.RefusedUndecodable, topics.RefusedInvalid, topics.RefusedPoison, topics.RefusedTooOld, topics.RefusedUnknownPayment, topics.RefusedUnknownEvent}
}

// Filter says which letters are meant.
type Filter struct {
	Topics  []string           // dead-letter topics, or those that their records came from; none: all
	Reason  topics.RefusalCode // "": any
	Since   time.Time          // put aside then or later; zero: ever
	Letters []ID               // these alone, of Topics; none: all
}

// settle turns the topics into dead-letter topics in the order of the catalogue and checks the rest.
func (f *Filter) settle() error {
	names, origins := Topics()
	f.Topics = slices.Clone(f.Topics)
	for i, topic := range f.Topics {
		if t, ok := topics.Lookup(topic); ok && t.DeadLetters != "" {
			f.Topics[i] = t.DeadLetters
		} else if origins[topic] == nil {
			return fmt.Errorf("topic %.100q: want one of %s", topic, strings.Join(names, ", "))
		}
	}
	if f.Reason != "" && !slices.Contains(Reasons(), f.Reason) {
		return fmt.Errorf("reason %.100q: want one of %v", f.Reason, Reasons())
	}
	wanted := func(topic string) bool { return len(f.Topics) == 0 || slices.Contains(f.Topics, topic) }
	for _, id := range f.Letters {
		if !slices.Contains(names, id.Topic) || !wanted(id.Topic) {
			return fmt.Errorf("letter %s: its topic is not among those that are looked at", id)
		}
	}
	f.Topics = slices.DeleteFunc(names, func(topic string) bool { return !wanted(topic) })
	return nil
}

// takes tells whether a letter is meant.
func (f *Filter) takes(l *Letter) bool {
	return (f.Reason == "" || l.Record.Reason == f.Reason) && !l.PutAside.Before(f.Since) &&
		(len(f.Letters) == 0 || slices.Contains(f.Letters, l.ID))
}

// Read hands out the letters that are meant, by topic, partition and offset, up to the ends of the topics when it begins.
// An error of handle ends it and is returned.
func Read(ctx context.Context, kafka []kgo.Opt, f Filter, handle func(*Letter) error) error {
	return read(ctx, kafka, f, func(l *Letter) error {
		if !f.takes(l) {
			return nil
		}
		return handle(l)
	})
}

// read hands out all letters from the first on that may be meant.
func read(ctx context.Context, kafka []kgo.Opt, f Filter, handle func(*Letter) error) error {
	if err := f.settle(); err != nil {
		return err
	}
	spans, err := spansOf(ctx, kafka, &f)
	if err != nil {
		return err
	}
	for _, s := range spans {
		if err := s.read(ctx, kafka, handle); err != nil {
			return err
		}
	}
	return nil
}

// span is what is read of one partition: the offsets [from, end).
type span struct {
	topic     string
	partition int32
	from, end int64
}

func spansOf(ctx context.Context, kafka []kgo.Opt, f *Filter) ([]span, error) {
	client, err := kgo.NewClient(kafka...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		return nil, fmt.Errorf("no broker answers: %w", err)
	}
	admin := kadm.NewClient(client)
	starts, err := listed(admin.ListStartOffsets(ctx, f.Topics...))
	if err != nil {
		return nil, err
	}
	if !f.Since.IsZero() {
		if starts, err = listed(admin.ListOffsetsAfterMilli(ctx, f.Since.UnixMilli(), f.Topics...)); err != nil {
			return nil, err
		}
	}
	ends, err := listed(admin.ListCommittedOffsets(ctx, f.Topics...))
	if err != nil {
		return nil, err
	}
	var spans []span
	for _, topic := range f.Topics {
		for partition := range int32(len(ends[topic])) {
			start, ok := starts.Lookup(topic, partition)
			end, known := ends.Lookup(topic, partition)
			if !ok || !known {
				return nil, fmt.Errorf("topic %s has no partition %d", topic, partition)
			}
			s := span{topic, partition, start.Offset, end.Offset}
			if len(f.Letters) > 0 {
				s.from = max(s.from, firstOf(f.Letters, topic, partition, end.Offset))
			}
			if s.from < s.end {
				spans = append(spans, s)
			}
		}
	}
	return spans, nil
}

func listed(offsets kadm.ListedOffsets, err error) (kadm.ListedOffsets, error) {
	if err == nil {
		err = offsets.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, fmt.Errorf("not all dead-letter topics exist; weir topics apply creates them: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("list the offsets of the dead-letter topics: %w", err)
	}
	return offsets, nil
}

// firstOf is the first offset of the letters that are in a partition, or else its end.
func firstOf(letters []ID, topic string, partition int32, end int64) int64 {
	first := end
	for _, id := range letters {
		if id.Topic == topic && id.Partition == partition {
			first = min(first, id.Offset)
		}
	}
	return first
}

func (s *span) read(ctx context.Context, kafka []kgo.Opt, handle func(*Letter) error) error {
	reader, err := broker.OpenPartition(kafka, s.topic, s.partition, s.from, s.end)
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		record, err := reader.Next(ctx)
		if err != nil || record == nil {
			return err
		}
		if err := handle(letterOf(record)); err != nil {
			return err
		}
	}
}
