package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

const (
	restoreKeys   = 500_000
	restoreEvents = 10 // of a key, at the mean
	restoreBatch  = 64 // signals of a record
)

// riskRestore fills velocity and takes how long a process is longer from its start to its readiness than one that has nothing
// to restore.
func (b *bench) riskRestore(ctx context.Context) error {
	p, err := b.start(ctx, "velocity")
	if err != nil {
		return err
	}
	empty := p.ready
	if err := errors.Join(b.fill(ctx), p.stop()); err != nil {
		return err
	}
	var rates []int64
	for range 3 {
		if p, err = b.start(ctx, "velocity"); err != nil {
			return err
		}
		rates = append(rates, restoreKeys*int64(time.Second)/int64(max(p.ready-empty, time.Millisecond)))
		if err := p.stop(); err != nil {
			return err
		}
	}
	b.figure(fmt.Sprintf("velocity's keys restored, %d events each", restoreEvents), "/s", "≥ 500000", rates...)
	return nil
}

// fill lets velocity record events of many keys, all of a key one after the other, and waits until it has.
func (b *bench) fill(ctx context.Context) error {
	client, err := kgo.NewClient(with(b.kafka, kgo.DefaultProduceTopic(topics.Signals), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		return err
	}
	defer client.Close()
	retain := velocity.Retain{Tenant: tenant, Version: 1, Dimensions: []velocity.Retained{
		{Field: "card.fingerprint", Kinds: []string{velocity.KindAttempt}, Window: (7 * 24 * time.Hour).Milliseconds()}}}
	var batches [partitions][]byte
	var offsets [partitions]int64
	for p := range batches {
		client.Produce(ctx, &kgo.Record{Partition: int32(p), Value: retain.Append(nil)}, nil)
	}
	signal := velocity.Signal{Tenant: tenant, Kind: velocity.KindAttempt, Time: time.Now().UnixMilli(),
		Dimensions: []velocity.Dimension{{Field: "card.fingerprint", Record: true}}}
	var frame []byte
	for key := range restoreKeys {
		about := &signal.Dimensions[0]
		about.Key = velocity.KeyOf(tenant, about.Field, fmt.Sprint(key))
		p := about.Key.Partition(partitions)
		for range 1 + key*7919%(2*restoreEvents-1) {
			signal.Command++
			offsets[p]++
			signal.Origin = velocity.Origin{Role: velocity.RoleAttempts, Partition: p, Offset: offsets[p]}
			frame = signal.Append(frame[:0])
			batches[p] = velocity.AppendFrame(batches[p], frame)
			if offsets[p]%restoreBatch == 0 {
				client.Produce(ctx, &kgo.Record{Partition: p, Value: batches[p]}, nil)
				batches[p] = nil
			}
		}
	}
	for p, batch := range batches {
		if batch != nil {
			client.Produce(ctx, &kgo.Record{Partition: int32(p), Value: batch}, nil)
		}
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return counted(ctx, kadm.NewClient(client))
}

// counted waits until velocity has taken every signal.
func counted(ctx context.Context, admin *kadm.Client) error {
	ends, err := admin.ListEndOffsets(ctx, topics.Signals)
	if err != nil {
		return err
	}
	for p := int32(0); p < partitions; {
		offsets, err := admin.FetchOffsets(ctx, "weir-velocity")
		if err != nil {
			return err
		}
		end, _ := ends.Lookup(topics.Signals, p)
		if at, _ := offsets.Lookup(topics.Signals, p); at.At >= end.Offset {
			p++
			continue
		}
		if err := pause(ctx, readyEvery); err != nil {
			return err
		}
	}
	return nil
}
