package api

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

const (
	maxBuffered = 20_000                 // records that wait to be produced at once
	metadataAge = 250 * time.Millisecond // between two looks for a partition's new leader
)

func newProducer(broker []kgo.Opt, limits Limits) (*kgo.Client, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, broker...),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.RecordDeliveryTimeout(limits.ProduceWithin),
		kgo.MaxBufferedRecords(maxBuffered),
		kgo.MetadataMinAge(metadataAge),
	)...)
	if err != nil {
		return nil, fmt.Errorf("api producer: %w", err)
	}
	return client, nil
}

// produce returns once the record is durable, within ProduceWithin. An error leaves open whether it is or will be:
// commands and webhooks are deduplicated downstream, so the sender repeats.
func (a *API) produce(ctx context.Context, record *kgo.Record) error {
	ctx, cancel := context.WithTimeout(ctx, a.limits.ProduceWithin)
	defer cancel()
	produced := make(chan error, 1)
	a.producer.Produce(ctx, record, func(_ *kgo.Record, err error) { produced <- err })
	var err error
	select {
	case err = <-produced:
	case <-ctx.Done(): // the client gives a record up only when it knows what became of its last attempt
		err = ctx.Err()
	}
	if err != nil {
		return unavailable("the broker is away; repeat the request", fmt.Errorf("produce to %s: %w", record.Topic, err))
	}
	return nil
}

// produceCommand writes a command under the key that keeps its customer's commands in order.
func (a *API) produceCommand(ctx context.Context, topic, key string, command any, envelope topics.Envelope) error {
	value, err := topics.Marshal(command)
	if err != nil {
		return err
	}
	envelope.Source = "weir/api"
	return a.produce(ctx, &kgo.Record{
		Topic: topic, Key: []byte(key), Value: value, Headers: recordHeaders(envelope.Headers()),
	})
}

func recordHeaders(headers []topics.Header) []kgo.RecordHeader {
	out := make([]kgo.RecordHeader, len(headers))
	for i, h := range headers {
		out[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
	}
	return out
}
