package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// Commands are matched with decisions by id; what the clocks of brokers may differ bounds how long one is kept.
const (
	maxPending = 20_000
	keptFor    = time.Minute
)

// Ends are where the decision log and what belongs to it begin and end: what is written later is not read.
type Ends struct {
	kafka      []kgo.Opt
	from, to   kadm.ListedOffsets
	partitions int32
}

// FindEnds looks at the topics as they are now.
func FindEnds(ctx context.Context, kafka []kgo.Opt) (*Ends, error) {
	client, err := kgo.NewClient(kafka...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	e := &Ends{kafka: kafka, to: kadm.ListedOffsets{}}
	if e.from, err = admin.ListStartOffsets(ctx, topics.Decisions, topics.Inbox, topics.Events); err == nil {
		err = e.from.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("where the topics begin: %w", err)
	}
	// The ends of the decisions are taken first: each has its command before it then. What became of a payment may end later.
	for _, topic := range []string{topics.Decisions, topics.Inbox, topics.Events} {
		ends, err := broker.CommittedEnds(ctx, admin, topic)
		if err != nil {
			return nil, fmt.Errorf("where %s ends: %w", topic, err)
		}
		e.to[topic] = ends[topic]
	}
	e.partitions = int32(len(e.to[topics.Decisions]))
	return e, nil
}

// Partitions is how many there are.
func (e *Ends) Partitions() int32 { return e.partitions }

// Read reads one partition of one of the topics.
func (e *Ends) Read(topic string, partition int32) (*broker.PartitionReader, error) {
	from, _ := e.from.Lookup(topic, partition)
	to, _ := e.to.Lookup(topic, partition)
	return broker.OpenPartition(e.kafka, topic, partition, from.Offset, to.Offset)
}

// Log is the decisions of one partition, each with the command, or whatever else it was made on. Decisions stand in the order of the
// inbox records that they were published for.
type Log struct {
	since            time.Time
	decisions, inbox *broker.PartitionReader
	ahead            *kgo.Record // of the inbox, read and not yet reached by time
	begun            bool
	pending          map[about]*waiting
}

// waiting is what waits for its decision.
type waiting struct {
	*made
	at time.Time // of the inbox record
}

// Entry is one decision.
type Entry struct {
	Decision topics.Decision
	// Input is what it was made on, but for breakers and edits of lists; nil where the inbox does not hold it any more.
	Input *rules.Input
	// Command is the payment's command, nil where it was made on something else.
	Command *topics.AssessedCommand
}

// Open reads a partition's decisions since a time; the zero time: all of them.
func (e *Ends) Open(partition int32, since time.Time) (*Log, error) {
	l := &Log{since: since, pending: map[about]*waiting{}}
	var err error
	if l.decisions, err = e.Read(topics.Decisions, partition); err != nil {
		return nil, err
	}
	if l.inbox, err = e.Read(topics.Inbox, partition); err != nil {
		l.decisions.Close()
		return nil, err
	}
	return l, nil
}

// Close ends the log's clients.
func (l *Log) Close() {
	l.decisions.Close()
	l.inbox.Close()
}

// Next is the next decision, nil at the end.
func (l *Log) Next(ctx context.Context) (*Entry, error) {
	if !l.begun {
		l.begun = true
		if err := l.advance(ctx); err != nil {
			return nil, err
		}
	}
	for {
		record, err := l.decisions.Next(ctx)
		if err != nil || record == nil {
			return nil, err
		}
		e := &Entry{}
		if err := topics.Unmarshal(record.Value, &e.Decision); err != nil {
			return nil, fmt.Errorf("%s offset %d: %w", record.Topic, record.Offset, err)
		}
		if e.Decision.At.Before(l.since) {
			continue
		}
		if err := l.reach(ctx, of(&e.Decision), e.Decision.At); err != nil {
			return nil, err
		}
		if m := l.pending[of(&e.Decision)]; m != nil {
			delete(l.pending, m.about)
			e.Input, e.Command = &m.input, m.command
		}
		return e, nil
	}
}

func (l *Log) advance(ctx context.Context) (err error) {
	l.ahead, err = l.inbox.Next(ctx)
	return err
}

// reach reads the inbox until it has what a decision was made on, which cannot be later than the decision by more than
// clocks differ: several processes write the inbox, and their records' times are not in its order. Of a command that was
// assessed twice the first assessment counts.
func (l *Log) reach(ctx context.Context, wanted about, at time.Time) error {
	for l.pending[wanted] == nil && l.ahead != nil && !l.ahead.Timestamp.After(at.Add(keptFor)) {
		if !l.ahead.Timestamp.Before(l.since.Add(-keptFor)) {
			m, err := read(l.ahead)
			if err != nil {
				return fmt.Errorf("%s offset %d: %w", l.ahead.Topic, l.ahead.Offset, err)
			}
			if m != nil && l.pending[m.about] == nil {
				l.pending[m.about] = &waiting{m, l.ahead.Timestamp}
			}
		}
		if err := l.advance(ctx); err != nil {
			return err
		}
	}
	if len(l.pending) > maxPending {
		for id, c := range l.pending {
			if c.at.Before(at.Add(-keptFor)) {
				delete(l.pending, id)
			}
		}
	}
	return nil
}
