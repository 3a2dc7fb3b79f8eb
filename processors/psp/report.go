package psp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// readTask decodes and checks a record. Its error is a reason for the dead-letter topic.
func (s *session) readTask(r *kgo.Record) (*task, error) {
	envelope, err := topics.ParseEnvelope(headersOf(r))
	if err != nil {
		return nil, err
	}
	if envelope.Type != topics.TypePSPRequest {
		return nil, fmt.Errorf("header %s: got %.64q, want %q", topics.HeaderType, envelope.Type, topics.TypePSPRequest)
	}
	t := &task{offset: r.Offset, recordID: envelope.ID, asked: envelope.Time, received: time.Now()}
	if t.asked.IsZero() {
		t.asked = r.Timestamp
	}
	if err := topics.Unmarshal(r.Value, &t.request); err != nil {
		return nil, err
	}
	q := &t.request
	partition, err := topics.PartitionOfReference(q.PaymentID)
	switch {
	case err != nil:
		return nil, err
	case partition != r.Partition:
		return nil, fmt.Errorf("payment or payout %s stands in partition %d", q.PaymentID, r.Partition)
	case q.NotAfter.IsZero():
		return nil, errors.New(`field "not_after": is missing`)
	case s.stations[q.PSP] == nil && (s.absent == nil || q.Operation != topics.OperationPayout):
		return nil, fmt.Errorf("field \"psp\": %s", notConfigured(q.PSP))
	}
	switch q.Operation {
	case topics.OperationAuthorize, topics.OperationConfirm, topics.OperationCapture, topics.OperationIncrement, topics.OperationVoid, topics.OperationRefund,
		topics.OperationPayout, topics.OperationDisputeAccept, topics.OperationDisputeEvidence:
	default:
		return nil, fmt.Errorf("field \"operation\": %.64q is not one", q.Operation)
	}
	if _, err := topics.ParseEventID(q.RequestID); err != nil {
		return nil, fmt.Errorf("field \"request_id\": %w", err)
	}
	return t, nil
}

func headersOf(r *kgo.Record) []topics.Header {
	headers := make([]topics.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = topics.Header{Key: h.Key, Value: h.Value}
	}
	return headers
}

// report writes a task's report to the inbox and lets the payment's next request go. The reports of one payment keep
// their order, because one idempotent producer writes them to one partition.
//
// A crash before the acknowledgement leaves the offset uncommitted: the next owner asks the PSP again and gets the same
// answer, whose report the payment ignores if this one was written after all.
func (s *session) report(t *task, r *topics.PSPReport) {
	record, err := s.reportRecord(t, r)
	if err != nil {
		s.failed(fmt.Errorf("psp: report of %s: %w", t.request.RequestID, err))
		s.abandon(t)
		return
	}
	s.write(t.partition, t.offset, record, func() {
		s.metrics.reports.WithLabelValues(r.PSP, string(r.Outcome)).Inc()
	})
	s.mu.Lock()
	next := s.leave(t)
	s.mu.Unlock()
	if next != nil {
		s.dispatch(next)
	}
}

func (s *session) reportRecord(t *task, r *topics.PSPReport) (*kgo.Record, error) {
	r.Authentication = r.Authentication.Concealed()
	value, err := topics.Marshal(r)
	if err != nil {
		return nil, err
	}
	envelope := topics.Envelope{
		ID: r.ReportID, Source: "weir/" + Role, Type: topics.TypePSPReport, Subject: r.PaymentID,
		Time: s.cfg.Now(), Tenant: r.Tenant, Region: r.Region, TraceID: r.TraceID,
	}
	return recordOf(topics.Inbox, t.partition.number, r.CustomerID, value, envelope), nil
}

func recordOf(topic string, partition int32, key string, value []byte, envelope topics.Envelope) *kgo.Record {
	headers := envelope.Headers()
	r := &kgo.Record{
		Topic: topic, Partition: partition, Key: []byte(key), Value: value, Headers: make([]kgo.RecordHeader, len(headers)),
	}
	for i, h := range headers {
		r.Headers[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
	}
	return r
}

// write produces a record for the one at offset, which is done when this one is acknowledged.
func (s *session) write(p *partition, offset int64, record *kgo.Record, written func()) {
	s.client.Produce(context.WithoutCancel(s.work), record, func(_ *kgo.Record, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		p.active--
		p.quiet()
		s.release()
		if err != nil {
			// The client has tried for as long as it may. The offset stays where it is; whoever runs next repeats.
			s.failed(fmt.Errorf("psp: writing to %s: %w", record.Topic, err))
			return
		}
		s.done(p, offset)
		written()
	})
}

// putAside writes a record that cannot be read to the dead-letter topic.
func (s *session) putAside(p *partition, r *kgo.Record, reason error) {
	s.cfg.Log.Error("psp: request put aside", "partition", r.Partition, "offset", r.Offset, "error", reason)
	letter, err := stream.Letter(Role, r, stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: reason.Error()}, topics.PSPRequestsDeadLetters)
	if err != nil {
		s.failed(fmt.Errorf("psp: dead letter: %w", err))
		s.mu.Lock()
		defer s.mu.Unlock()
		p.active--
		p.quiet()
		s.release()
		return
	}
	s.write(p, r.Offset, letter, s.metrics.dead.Inc)
}
