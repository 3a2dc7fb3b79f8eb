// Package webhooks turns the verified webhooks of psp.webhooks.v1 into reports for payments.inbox.v1. It has no state: a
// webhook that comes twice gives the same report id twice, and the inbox takes an id once.
package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Role is the normaliser's name in groups, sources and dead letters.
const Role = "webhooks"

// Mapper maps the body of one PSP's verified webhook to a complete report, whose id derives from the PSP's event id.
type Mapper interface {
	Webhook(body []byte) (topics.PSPReport, error)
}

// Mappers holds a Mapper for each PSP by name.
type Mappers map[string]Mapper

// errNotVerified means that the record does not say that its signature was verified.
var errNotVerified = errors.New(`header "` + topics.HeaderVerified + `": want "true": the signature was not verified`)

// Normalise maps one record of psp.webhooks.v1. Its error is a reason for the dead-letter topic: nothing is lost, and a
// person can have it replayed once the mapping knows it. The partition is that of the payment which the PSP names.
func (m Mappers) Normalise(record stream.Record, partitions int32) (topics.PSPReport, int32, error) {
	envelope, err := topics.ParseEnvelope(record.Headers)
	if err != nil {
		return topics.PSPReport{}, 0, err
	}
	if !verified(record.Headers) {
		return topics.PSPReport{}, 0, errNotVerified
	}
	mapper, ok := m[envelope.Subject]
	if !ok {
		return topics.PSPReport{}, 0, fmt.Errorf("header %s: no PSP %.64q is configured", topics.HeaderSubject, envelope.Subject)
	}
	report, err := mapper.Webhook(record.Value)
	if err != nil {
		return topics.PSPReport{}, 0, err
	}
	if report.PSP != envelope.Subject {
		return topics.PSPReport{}, 0, fmt.Errorf("the webhook of %q was mapped to a report of %q", envelope.Subject, report.PSP)
	}
	partition, err := topics.PartitionOfReference(report.PaymentID)
	if err != nil {
		return topics.PSPReport{}, 0, fmt.Errorf("merchant reference: %w", err)
	}
	if partition >= partitions {
		return topics.PSPReport{}, 0, fmt.Errorf("merchant reference %s: partition %d of %d", report.PaymentID, partition, partitions)
	}
	report.TraceID = envelope.TraceID
	report.OccurredAt = topics.OccurredAt(report.OccurredAt, record.Time)
	return report, partition, nil
}

func verified(headers []topics.Header) bool {
	for _, h := range headers {
		if h.Key == topics.HeaderVerified {
			return string(h.Value) == "true"
		}
	}
	return false
}

// Config of the normaliser.
type Config struct {
	Kafka      []kgo.Opt // options that reach the cluster
	Mappers    Mappers
	Partitions int32 // of every topic
	InstanceID string
	Limits     stream.Limits
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// New returns the transform that runs the role. A crash between its output and its offset repeats the output, with the
// same report id.
func New(cfg Config) (*stream.Transform, error) {
	if cfg.Partitions < 1 || len(cfg.Mappers) == 0 {
		return nil, errors.New("webhooks: partitions or mappers are missing")
	}
	return stream.NewTransform(stream.TransformConfig{
		Role: Role, Input: topics.PSPWebhooks, DeadLetters: topics.PSPWebhooksDeadLetters, Apply: apply(cfg.Mappers, cfg.Partitions),
		Kafka: cfg.Kafka, InstanceID: cfg.InstanceID, Limits: cfg.Limits, Log: cfg.Log, Registerer: cfg.Registerer,
	})
}

func apply(mappers Mappers, partitions int32) stream.TransformFunc {
	return func(_ context.Context, record stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
		// The topic is kept longer than the ids of facts are remembered. Where the group's offsets are lost, all of it is read
		// again, and money that a PSP moved by itself would be booked once more.
		if age := time.Since(record.Time); age > topics.DedupHorizon {
			return nil, &stream.DeadLetter{Reason: topics.RefusedTooOld,
				Detail: fmt.Sprintf("it was received at %s: a repeat cannot be told after %d days", record.Time.UTC().Format(time.RFC3339), topics.DedupHorizon/(24*time.Hour))}, nil
		}
		report, partition, err := mappers.Normalise(record, partitions)
		if err != nil {
			return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
		}
		value, err := topics.Marshal(&report)
		if err != nil {
			return nil, &stream.DeadLetter{Reason: topics.RefusedPoison, Detail: err.Error()}, nil
		}
		return []stream.Message{{
			Partition: partition,
			Output: stream.Output{
				Topic: topics.Inbox, Key: []byte(report.PaymentID), Value: value,
				Envelope: topics.Envelope{
					ID: report.ReportID, Type: topics.TypePSPReport, Subject: report.PaymentID, Tenant: report.Tenant,
					TraceID: report.TraceID,
				},
			},
		}}, nil, nil
	}
}
