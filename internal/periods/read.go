package periods

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

// Read returns what the partitions have published of the periods of a tenant that they closed, by partition and in order.
// Refusals are left out.
func Read(ctx context.Context, options []kgo.Opt, tenant string) ([]topics.PeriodClosed, error) {
	ends, err := committedEnds(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("where %s ends: %w", topics.LedgerPeriods, err)
	}
	var all []topics.PeriodClosed
	for partition := range int32(len(ends[topics.LedgerPeriods])) {
		end, _ := ends.Lookup(topics.LedgerPeriods, partition)
		closed, err := readPartition(ctx, options, tenant, partition, end.Offset)
		if err != nil {
			return nil, err
		}
		all = append(all, closed...)
	}
	return all, nil
}

func committedEnds(ctx context.Context, options []kgo.Opt) (kadm.ListedOffsets, error) {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return broker.CommittedEnds(ctx, kadm.NewClient(client), topics.LedgerPeriods)
}

func readPartition(ctx context.Context, options []kgo.Opt, tenant string, partition int32, end int64) ([]topics.PeriodClosed, error) {
	reader, err := broker.OpenPartition(options, topics.LedgerPeriods, partition, 0, end)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var all []topics.PeriodClosed
	for {
		record, err := reader.Next(ctx)
		if err != nil || record == nil {
			return all, err
		}
		var closed topics.PeriodClosed
		if err := topics.Unmarshal(record.Value, &closed); err != nil {
			return nil, fmt.Errorf("%s %d/%d: %w", record.Topic, record.Partition, record.Offset, err)
		}
		if closed.Tenant == tenant && closed.Refusal == "" {
			all = append(all, closed)
		}
	}
}
