// Package periods has accounting periods closed: it asks every partition and gathers what they answer.
package periods

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// Close has every partition close a period, and returns their answers by partition. It waits for all of them until ctx is
// done. Where it is cut short, some partitions have closed the period and others will; asking again is harmless, and tells
// which.
func Close(ctx context.Context, options []kgo.Opt, request topics.PeriodClose) ([]topics.PeriodClosed, error) {
	answers, err := openAnswers(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("close %s of %s: %w", request.Month, request.Tenant, err)
	}
	defer answers.client.Close()
	if err := ask(ctx, answers.client, len(answers.offsets), request); err != nil {
		return nil, fmt.Errorf("close %s of %s: %w", request.Month, request.Tenant, err)
	}
	closed, err := answers.gather(ctx, request.CommandID)
	if err != nil {
		return nil, fmt.Errorf("close %s of %s: %d of %d partitions have answered; the request stands, and the others close the "+
			"month as soon as they can: is the payments role running? %w", request.Month, request.Tenant, len(closed), len(answers.offsets), err)
	}
	return closed, nil
}

// ask writes the request to each partition of the inbox.
func ask(ctx context.Context, client *kgo.Client, partitions int, request topics.PeriodClose) error {
	value, err := topics.Marshal(request)
	if err != nil {
		return err
	}
	envelope := topics.Envelope{ID: request.CommandID, Source: "weir/ledger", Type: topics.TypePeriodClose, Subject: request.Month,
		Tenant: request.Tenant, TraceID: request.TraceID}
	var records []*kgo.Record
	for p := range partitions {
		record := &kgo.Record{Topic: topics.Inbox, Partition: int32(p), Key: []byte(request.Tenant), Value: value}
		for _, h := range envelope.Headers() {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		records = append(records, record)
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

// answers reads ledger.periods.v1 from where it ended when it was opened.
type answers struct {
	client  *kgo.Client
	offsets map[int32]kgo.Offset
}

func openAnswers(ctx context.Context, options []kgo.Opt) (*answers, error) {
	client, err := kgo.NewClient(append(slices.Clone(options), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		return nil, err
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics.LedgerPeriods)
	if err = errors.Join(err, ends.Error()); err != nil {
		client.Close()
		return nil, fmt.Errorf("where %s ends: %w", topics.LedgerPeriods, err)
	}
	a := &answers{client, map[int32]kgo.Offset{}}
	ends.Each(func(o kadm.ListedOffset) { a.offsets[o.Partition] = kgo.NewOffset().At(o.Offset) })
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topics.LedgerPeriods: a.offsets})
	return a, nil
}

func (a *answers) gather(ctx context.Context, command string) ([]topics.PeriodClosed, error) {
	of := map[int32]topics.PeriodClosed{}
	for len(of) < len(a.offsets) {
		fetches := a.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return ordered(of), err
		}
		var err error
		fetches.EachRecord(func(r *kgo.Record) {
			var closed topics.PeriodClosed
			if bad := topics.Unmarshal(r.Value, &closed); bad != nil {
				err = errors.Join(err, fmt.Errorf("%s %d/%d: %w", r.Topic, r.Partition, r.Offset, bad))
			} else if closed.CommandID == command {
				of[r.Partition] = closed
			}
		})
		if err != nil {
			return ordered(of), err
		}
	}
	return ordered(of), nil
}

func ordered(of map[int32]topics.PeriodClosed) []topics.PeriodClosed {
	var all []topics.PeriodClosed
	for _, partition := range slices.Sorted(maps.Keys(of)) {
		all = append(all, of[partition])
	}
	return all
}
