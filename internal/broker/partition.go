package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Limits of reading one partition.
const (
	fetchBytes = 256 << 10        // read ahead, as it was compressed; a larger batch comes whole
	stallLimit = 15 * time.Second // without any record before the end is reached
)

// PartitionReader hands out the committed records of one partition one by one. It takes part in no group and commits
// nothing.
type PartitionReader struct {
	client    *kgo.Client
	topic     string
	partition int32
	offset    int64 // after the last record seen
	end       int64
	page      []*kgo.Record
}

// OpenPartition reads the offsets [from, end) of one partition, with a client of its own that is made with options. The
// end is a committed one, such as CommittedEnds tells.
func OpenPartition(options []kgo.Opt, topic string, partition int32, from, end int64) (*PartitionReader, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the end may be one
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		// Of the one partition that is read. A bound of the whole answer must stay out of reach: the embedded broker leaves
		// the list of aborted transactions out of an answer that it cuts short there, and what was aborted looks committed.
		kgo.FetchMaxPartitionBytes(fetchBytes),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
			topic: {partition: kgo.NewOffset().At(from).WithEpoch(-1)},
		}))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &PartitionReader{client: client, topic: topic, partition: partition, offset: from, end: end}, nil
}

// Close ends the reader's client.
func (r *PartitionReader) Close() { r.client.CloseAllowingRebalance() }

// Extend moves the end on; false where it stands there already.
func (r *PartitionReader) Extend(end int64) bool {
	if end <= r.end {
		return false
	}
	r.end = end
	return true
}

// Next is the next record, nil at the end. An end that does not come within a time is an error.
func (r *PartitionReader) Next(ctx context.Context) (*kgo.Record, error) {
	for {
		for len(r.page) > 0 {
			record := r.page[0]
			if record.Offset >= r.end {
				return nil, nil
			}
			r.page, r.offset = r.page[1:], record.Offset+1
			if !record.Attrs.IsControl() {
				return record, nil
			}
		}
		if r.offset >= r.end {
			return nil, nil
		}
		if err := r.fill(ctx); err != nil {
			return nil, err
		}
	}
}

func (r *PartitionReader) fill(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, stallLimit)
	defer cancel()
	fetches := r.client.PollFetches(limited)
	if fetches.NumRecords() == 0 && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("read %s partition %d: nothing after offset %d for %s, the committed end is %d",
			r.topic, r.partition, r.offset, stallLimit, r.end)
	}
	if err := fetches.Err(); err != nil {
		return fmt.Errorf("read %s partition %d at offset %d: %w", r.topic, r.partition, r.offset, err)
	}
	r.page = fetches.Records()
	return nil
}
