package stream

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
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

// verify compares N, M and the input. Its order is the order in which the repairs must be made.
func (s *session) verify(c *claim, input inputPartition) error {
	m := s.at
	recover := func(command, arguments string) string {
		return fmt.Sprintf("repair with: weir recover %s --role %s --partition %d%s", command, s.config.Role, s.partition, arguments)
	}
	switch {
	case m.Found && m.Format > s.config.Format:
		return s.stop(StopFutureFormat, fmt.Sprintf("what is stored has format %d, this binary writes %d", m.Format, s.config.Format),
			"start the newer version")
	case c.found && c.position.Next > m.Next:
		return s.stop(StopDatabaseBehind, fmt.Sprintf("published up to %d, applied up to %d only: the database was restored "+
			"to an earlier time", c.position.Next, m.Next), recover("import", ""))
	case !c.found && m.Found:
		return s.stop(StopPositionMissing, fmt.Sprintf("applied up to %d, and weir.positions.v1 has no record of the role: "+
			"the topic was lost", m.Next), recover("republish", " --from <position>|end"))
	case m.Found && m.TopicID != input.ID:
		return s.stop(StopTopicChanged, fmt.Sprintf("%s has topic id %s, applied was %s: it was deleted and created anew",
			s.config.Input, hex.EncodeToString(input.ID[:]), hex.EncodeToString(m.TopicID[:])), recover("adopt", " --offset start"))
	case m.Found && m.Next-m.Base < input.Start:
		return s.stop(StopInputLost, fmt.Sprintf("%s begins at offset %d, the first record not applied is %d: retention took "+
			"those in between", s.config.Input, input.Start, m.Next-m.Base), recover("adopt", " --offset start"))
	case !m.Found && input.Start > 0:
		return s.stop(StopInputLost, fmt.Sprintf("%s begins at offset %d, and nothing was applied: retention took the records "+
			"before, or the database is not the one that applied them", s.config.Input, input.Start), recover("adopt", " --offset start"))
	case m.Found && m.Next-m.Base > input.End:
		return s.stop(StopInputTruncated, fmt.Sprintf("%s ends at offset %d, applied was up to %d: the broker lost records",
			s.config.Input, input.End, m.Next-m.Base), recover("adopt", " --offset end"))
	}
	return nil
}

// verifyLast compares the last applied record with the one that stands in its place now. Where retention has just taken
// it, the topic's id has to do.
func (s *session) verifyLast(ctx context.Context, c *claim, input inputPartition) error {
	last := s.at.Next - 1
	offset := last - s.base
	if len(s.at.LastHash) == 0 || offset < input.Start {
		return nil
	}
	var hash []byte
	err := c.read(ctx, s.config.Input, offset, offset+1, func(r *kgo.Record) {
		record := recordOf(r, last)
		hash = hashOf(&record)
	})
	if err != nil {
		return fmt.Errorf("read the last applied record %d: %w", last, err)
	}
	if hash == nil {
		return fmt.Errorf("the last applied record %d is gone from %s", last, s.config.Input)
	}
	if !bytes.Equal(hash, s.at.LastHash) {
		return s.stop(StopHashMismatch, fmt.Sprintf("the record at offset %d of %s is not the one that was applied: the broker "+
			"lost records, and others took their place", offset, s.config.Input),
			fmt.Sprintf("find the first offset that was not applied; repair with: weir recover adopt --role %s --partition %d "+
				"--offset <offset>", s.config.Role, s.partition))
	}
	return nil
}
