package stream

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// Adopt accepts the input of one partition as it is: the record at an offset (OffsetStart, OffsetEnd or a number) becomes
// the next one to be applied. What the changelog holds stays. It fences the partition's owner, which claims it again.
func (t *Table) Adopt(ctx context.Context, partition int32, offset string) (next int64, err error) {
	err = persistently(ctx, func() error {
		next, err = t.adopt(ctx, partition, offset)
		return err
	})
	return next, err
}

func (t *Table) adopt(ctx context.Context, partition int32, offset string) (next int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.config.Limits.ClaimTimeout)
	defer cancel()
	claim, _, err := fence(ctx, t.config.Kafka, t.config.Role, partition, t.config.Limits, t.config.Changelog, tableBarrierKey)
	if err != nil {
		return 0, err
	}
	defer claim.close(t.config.Limits.LeaveTimeout)
	input, err := describeInput(ctx, claim.admin, t.config.Input, partition)
	if err != nil {
		return 0, err
	}
	if next, err = resolveOffset(offset, input); err != nil {
		return 0, err
	}
	record, err := t.position(partition, applied{Next: next, TopicID: input.ID})
	if err != nil {
		return 0, err
	}
	if _, err := claim.commitOne(ctx, record); err != nil {
		return 0, fmt.Errorf("declare offset %d: %w", next, err)
	}
	return next, nil
}

// position is the record that ends a flush.
func (t *Table) position(partition int32, at applied) (*kgo.Record, error) {
	value, err := topics.Marshal(tablePosition{Next: at.Next, TopicID: hex.EncodeToString(at.TopicID[:]),
		LastHash: hex.EncodeToString(at.LastHash), Format: t.config.Format})
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Topic: t.config.Changelog, Partition: partition, Key: []byte(tablePositionKey), Value: value,
		Headers: recordHeaders(topics.Envelope{Source: SourceOf(t.config.Role), Type: TypePosition})}, nil
}
