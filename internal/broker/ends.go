package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Limits of waiting for transactions that are open.
const (
	endLimit = 30 * time.Second      // for all to end: Kafka ends those of an engine that died within 15 seconds
	endEvery = 20 * time.Millisecond // between two looks whether they have
)

// CommittedEnds are the ends of topics for a reader of committed records that must not miss what was committed before: no
// transaction is open any more that was when the call began. Kafka answers who commits once the decision is durable, and
// its markers reach the partitions after that; until then the committed end lies before what was committed.
//
// A transaction that stays open for 30 seconds is an error. It hides what was committed after it from every reader until it
// ends, by the broker at the latest, once its timeout is over.
func CommittedEnds(ctx context.Context, admin *kadm.Client, topics ...string) (kadm.ListedOffsets, error) {
	return committedEnds(ctx, admin, endLimit, topics...)
}

func committedEnds(ctx context.Context, admin *kadm.Client, limit time.Duration, topics ...string) (kadm.ListedOffsets, error) {
	written, err := admin.ListEndOffsets(ctx, topics...)
	if err = errors.Join(err, written.Error()); err != nil {
		return nil, err
	}
	ticker, patience := time.NewTicker(endEvery), time.NewTimer(limit)
	defer ticker.Stop()
	defer patience.Stop()
	for {
		committed, err := admin.ListCommittedOffsets(ctx, topics...)
		if err = errors.Join(err, committed.Error()); err != nil {
			return nil, err
		}
		open := heldBack(committed, written)
		if open == nil {
			return committed, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", open, ctx.Err())
		case <-patience.C:
			return nil, fmt.Errorf("%w: it has not ended within %s, and hides what was committed after it; the broker ends it once its timeout is over",
				open, limit)
		}
	}
}

// heldBack says where a transaction is open below an end, nil where none is.
func heldBack(committed, written kadm.ListedOffsets) (open error) {
	written.Each(func(end kadm.ListedOffset) {
		if at, _ := committed.Lookup(end.Topic, end.Partition); at.Offset < end.Offset {
			open = fmt.Errorf("%s partition %d: a transaction is open from offset %d on, below the end %d", end.Topic, end.Partition, at.Offset, end.Offset)
		}
	})
	return open
}
