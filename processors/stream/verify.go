package stream

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// inputPartition is what the broker says of one partition of the input.
type inputPartition struct {
	ID         [16]byte // of the topic
	Start, End int64    // offsets: of the first record held, and after the last
}

func describeInput(ctx context.Context, admin *kadm.Client, topic string, partition int32) (inputPartition, error) {
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return inputPartition{}, fmt.Errorf("describe %s: %w", topic, err)
	}
	detail := details[topic]
	if detail.Err != nil {
		return inputPartition{}, fmt.Errorf("describe %s: %w", topic, detail.Err)
	}
	if _, ok := detail.Partitions[partition]; !ok {
		return inputPartition{}, fmt.Errorf("%s has %d partitions, and no partition %d", topic, len(detail.Partitions), partition)
	}
	offset := func(list func(context.Context, ...string) (kadm.ListedOffsets, error)) (int64, error) {
		offsets, err := list(ctx, topic)
		if err != nil {
			return 0, fmt.Errorf("list offsets of %s: %w", topic, err)
		}
		listed, ok := offsets.Lookup(topic, partition)
		if !ok {
			return 0, fmt.Errorf("list offsets of %s: no answer for partition %d", topic, partition)
		}
		return listed.Offset, listed.Err
	}
	input := inputPartition{ID: detail.ID}
	if input.Start, err = offset(admin.ListStartOffsets); err != nil {
		return inputPartition{}, err
	}
	input.End, err = offset(admin.ListEndOffsets)
	return input, err
}

// evidence is what O1 has read of a partition.
type evidence struct {
	Role      string
	Topic     string // the input
	Partition int32
	Format    int16    // that this binary writes
	Position  Position // N
	Declared  bool     // whether there is an N
	Applied   applied  // M
	Input     inputPartition
}

// verdict compares N, M and the input. Its order is the order in which the repairs must be made.
func (e *evidence) verdict() error {
	m, offset := e.Applied, e.Applied.Next-e.Applied.Base
	switch {
	case m.Found && m.Format > e.Format:
		return e.stop(StopFutureFormat, "start the newer version",
			"what is stored has format %d, this binary writes %d", m.Format, e.Format)
	case e.Declared && e.Position.Next > m.Next:
		return e.stop(StopDatabaseBehind, e.repair("import"),
			"published up to %d, applied up to %d only: the database was restored to an earlier time", e.Position.Next, m.Next)
	case !e.Declared && m.Found:
		return e.stop(StopPositionMissing, e.repair("republish --from <position>|end"),
			"applied up to %d, and %s has no record of the role: the topic was lost", m.Next, topics.Positions)
	case m.Found && m.TopicID != e.Input.ID:
		return e.stop(StopTopicChanged, e.repair("adopt --offset start"),
			"%s has topic id %x, applied was %x: it was deleted and created anew", e.Topic, e.Input.ID, m.TopicID)
	case m.Found && offset < e.Input.Start:
		return e.stop(StopInputLost, e.repair("adopt --offset start"),
			"%s begins at offset %d, the first record not applied is %d: retention took those in between", e.Topic, e.Input.Start, offset)
	case !m.Found && e.Input.Start > 0:
		return e.stop(StopInputLost, e.repair("adopt --offset start"), "%s begins at offset %d, and nothing was applied: retention "+
			"took the records before, or this is not the database that applied them", e.Topic, e.Input.Start)
	case m.Found && offset > e.Input.End:
		return e.stop(StopInputTruncated, e.repair("adopt --offset end"),
			"%s ends at offset %d, applied was up to %d: the broker lost records", e.Topic, e.Input.End, offset)
	}
	return nil
}

// verifyLast compares the last applied record with the one that stands in its place now. Where retention has just taken
// it, the topic's id has to do.
func (e *evidence) verifyLast(ctx context.Context, r *reader) error {
	last := e.Applied.Next - 1
	offset := last - e.Applied.Base
	if len(e.Applied.LastHash) == 0 || offset < e.Input.Start {
		return nil
	}
	var hash []byte
	err := r.read(ctx, e.Topic, offset, offset+1, func(r *kgo.Record) {
		record := recordOf(r, last)
		hash = hashOf(&record)
	})
	if err != nil {
		return fmt.Errorf("read the last applied record %d: %w", last, err)
	}
	if hash == nil {
		return fmt.Errorf("the last applied record %d is gone from %s", last, e.Topic)
	}
	if !bytes.Equal(hash, e.Applied.LastHash) {
		return e.stop(StopHashMismatch, e.repair("adopt --offset <first offset that was not applied>"), "the record at offset %d of "+
			"%s is not the one that was applied: the broker lost records, and others took their place", offset, e.Topic)
	}
	return nil
}

func (e *evidence) stop(reason StopReason, command, format string, arguments ...any) error {
	return &StopError{Role: e.Role, Partition: e.Partition, Reason: reason, Detail: fmt.Sprintf(format, arguments...),
		Command: command}
}

func (e *evidence) repair(command string) string {
	name, flags, _ := strings.Cut(command, " ")
	return strings.TrimSpace(fmt.Sprintf("repair with: weir recover %s --role %s --partition %d %s", name, e.Role, e.Partition, flags))
}
