package engine

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// timerProducer puts due timers into the inbox.
type timerProducer struct{ client *kgo.Client }

func newTimerProducer(options []kgo.Opt) (*timerProducer, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.RequiredAcks(kgo.AllISRAcks()))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &timerProducer{client}, nil
}

func (t *timerProducer) close() error {
	t.client.Close()
	return nil
}

// produce returns when the broker has the timer for certain. After a crash or an error the timer is still in its table
// and is produced again; the fold ignores the repeat by its generation.
func (t *timerProducer) produce(ctx context.Context, partition int32, due topics.TimerDue) error {
	value, err := topics.Marshal(due)
	if err != nil {
		return fmt.Errorf("timer %s: %w", due.TimerID, err)
	}
	envelope := topics.Envelope{
		ID: fmt.Sprintf("%s-%d", due.TimerID, due.Generation), Source: "weir/payments", Type: topics.TypeTimerDue,
		Subject: due.PaymentID, Time: due.Due, Tenant: due.Tenant,
	}
	record := &kgo.Record{Topic: topics.Inbox, Partition: partition, Key: []byte(due.CustomerID), Value: value}
	for _, h := range envelope.Headers() {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	if err := t.client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return fmt.Errorf("timer %s: %w", due.TimerID, err)
	}
	return nil
}
