package api

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// maxBuffered bounds the records that wait to be produced at once.
const maxBuffered = 20_000

func newProducer(broker []kgo.Opt, limits Limits) (*kgo.Client, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, broker...),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.RecordDeliveryTimeout(limits.ProduceWithin),
		kgo.MaxBufferedRecords(maxBuffered),
	)...)
	if err != nil {
		return nil, fmt.Errorf("api producer: %w", err)
	}
	return client, nil
}

// produce returns once the record is durable. An error leaves open whether it is: commands and webhooks are
// deduplicated downstream, so the sender repeats.
func (a *API) produce(ctx context.Context, record *kgo.Record) error {
	if err := a.producer.ProduceSync(ctx, record).FirstErr(); err != nil {
		return unavailable("the broker is away; repeat the request", fmt.Errorf("produce to %s: %w", record.Topic, err))
	}
	return nil
}

func (a *API) produceCommand(ctx context.Context, o *order) error {
	value, err := topics.Marshal(&o.command)
	if err != nil {
		return err
	}
	key := o.command.CustomerID
	if key == "" {
		key = o.command.CommandID // a guest's payment
	}
	envelope := topics.Envelope{
		ID: o.command.CommandID, Source: "weir/api", Type: topics.TypeCommand, Subject: o.payment.String(),
		Time: o.command.IssuedAt, Tenant: o.command.Tenant, Region: o.command.Region, TraceID: o.command.TraceID,
	}
	return a.produce(ctx, &kgo.Record{
		Topic: topics.Commands, Key: []byte(key), Value: value, Headers: recordHeaders(envelope.Headers()),
	})
}

func recordHeaders(headers []topics.Header) []kgo.RecordHeader {
	out := make([]kgo.RecordHeader, len(headers))
	for i, h := range headers {
		out[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
	}
	return out
}
