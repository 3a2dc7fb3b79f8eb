package webhooks

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// dueAtOnce is how many parked webhooks of a partition are tried again in one look.
const dueAtOnce = 200

// retryRegularly tries what is parked in a partition again, until ctx is done.
func (d *desk) retryRegularly(ctx context.Context, partition int32) {
	ticker := time.NewTicker(d.parking.Look)
	defer ticker.Stop()
	for {
		if err := d.retry(ctx, partition, d.now()); err != nil && ctx.Err() == nil {
			d.log.Warn("parked webhooks are tried again later", "partition", partition, "after", d.parking.Look, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// retry tries what is due. The row of a webhook is deleted when what it became is durable: a crash before that tries it once
// more, and the report, with the same id, is taken once.
func (d *desk) retry(ctx context.Context, partition int32, now time.Time) error {
	due, err := d.rows.due(ctx, partition, now, dueAtOnce)
	if err != nil || len(due) == 0 {
		return err
	}
	reports := make([]topics.PSPReport, len(due))
	asides := make([]*stream.DeadLetter, len(due))
	for i := range due {
		record := due[i].Record()
		if asides[i] = tooOld(record, now); asides[i] != nil {
			continue
		}
		if reports[i], err = d.mappers.Map(record); err != nil { // the mapping is another one by now
			asides[i] = letter(err)
		}
	}
	owners, err := d.resolver.owners(ctx, reports)
	if err != nil {
		return err
	}
	var waiting pgx.Batch
	for i := range due {
		if err := d.retryOne(ctx, &due[i], &reports[i], owners[i], asides[i], now, &waiting); err != nil {
			return err
		}
	}
	return d.rows.send(ctx, &waiting)
}

// retryOne tries one. That it goes on waiting is queued: mostly all of them do.
func (d *desk) retryOne(ctx context.Context, p *Parked, report *topics.PSPReport, o owner, reason *stream.DeadLetter, now time.Time, waiting *pgx.Batch) error {
	partition, parked := int32(0), ""
	if reason == nil {
		partition, reason, parked = d.resolver.settle(report, o)
	}
	if parked != "" && now.Sub(p.ParkedAt) < d.parking.For {
		attempts := p.Attempts + 1
		waiting.Queue(deferParked, p.Letter.Partition, p.ID, now.Add(d.parking.wait(attempts)), attempts)
		return nil
	}
	if parked != "" {
		reason = &stream.DeadLetter{Reason: topics.RefusedUnknownPayment, Detail: fmt.Sprintf("%s; it was tried %d times since %s",
			parked, p.Attempts+1, p.ParkedAt.UTC().Format(time.RFC3339))}
	}
	became, records, err := "found", []*kgo.Record(nil), error(nil)
	if reason == nil {
		var messages []stream.Message
		if messages, reason, err = message(report, partition); err == nil && reason == nil {
			for i := range messages {
				records = append(records, inboxRecord(&messages[i], now))
			}
		}
	}
	if reason != nil {
		became = "given_up"
		var record *kgo.Record
		record, err = aside(p.Record(), *reason)
		records = []*kgo.Record{record}
		d.log.Warn("parked webhook put aside", "psp", p.PSP, "partition", p.Letter.Partition, "offset", p.Letter.Offset, "reason", reason.Reason, "detail", reason.Detail)
	}
	if err != nil {
		return err
	}
	if err := d.producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("produce to %s: %w", records[0].Topic, err)
	}
	d.metrics.parked.WithLabelValues(p.PSP, became).Inc()
	return d.rows.remove(ctx, p.Letter.Partition, p.ID)
}

// inboxRecord is a message as the runtime would write it.
func inboxRecord(m *stream.Message, now time.Time) *kgo.Record {
	m.Envelope.Source, m.Envelope.Time = stream.SourceOf(Name), now
	r := &kgo.Record{Topic: m.Topic, Partition: m.Partition, Key: m.Key, Value: m.Value}
	for _, h := range m.Envelope.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}
