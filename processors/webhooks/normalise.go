package webhooks

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// Mapper maps the body of one PSP's verified webhook to a report, whose id derives from the PSP's event id. Its PaymentID is
// the merchant reference that the PSP names: ours, another one, or "". Its Tenant may be "" where the PSP names none. An
// error wraps topics.ErrUnknownEvent where the body is well formed and tells nothing that the mapper knows.
type Mapper interface {
	Webhook(body []byte) (topics.PSPReport, error)
}

// Mappers holds a Mapper for each PSP by name.
type Mappers map[string]Mapper

// errNotVerified means that the record does not say that its signature was verified.
var errNotVerified = errors.New(`header "` + topics.HeaderVerified + `": want "true": the signature was not verified`)

// Map maps one record of psp.webhooks.v1 to the report that it makes. Its error is a reason for the dead-letter topic:
// nothing is lost, and a person can have it replayed once the mapping knows it.
func (m Mappers) Map(record stream.Record) (topics.PSPReport, error) {
	envelope, err := topics.ParseEnvelope(record.Headers)
	if err != nil {
		return topics.PSPReport{}, err
	}
	if !verified(record.Headers) {
		return topics.PSPReport{}, errNotVerified
	}
	mapper, ok := m[envelope.Subject]
	if !ok {
		return topics.PSPReport{}, fmt.Errorf("header %s: no PSP %.64q is configured", topics.HeaderSubject, envelope.Subject)
	}
	report, err := mapper.Webhook(record.Value)
	if err != nil {
		return topics.PSPReport{}, err
	}
	if report.PSP != envelope.Subject {
		return topics.PSPReport{}, fmt.Errorf("the webhook of %q was mapped to a report of %q", envelope.Subject, report.PSP)
	}
	// What the database takes in no text would fail each look-up, and stop the partition.
	for field, text := range map[string]string{"reference": report.PSPReference, "merchant reference": report.PaymentID, "account": report.Tenant} {
		if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			return topics.PSPReport{}, fmt.Errorf("the PSP's %s %.64q holds a NUL or is no UTF-8", field, text)
		}
	}
	report.TraceID = envelope.TraceID
	report.OccurredAt = topics.OccurredAt(report.OccurredAt, record.Time)
	return report, nil
}

// letter is the reason why a record that does not map is put aside.
func letter(err error) *stream.DeadLetter {
	reason := topics.RefusedUndecodable
	if errors.Is(err, topics.ErrUnknownEvent) {
		reason = topics.RefusedUnknownEvent
	}
	return &stream.DeadLetter{Reason: reason, Detail: err.Error()}
}

// tooOld puts aside what is older than ids of facts are remembered: the topic is kept longer. Where the group's offsets are
// lost, all of it is read again, and money that a PSP moved by itself would be booked once more.
func tooOld(record stream.Record, now time.Time) *stream.DeadLetter {
	seen := FirstSeen(record)
	if now.Sub(seen) <= topics.DedupHorizon {
		return nil
	}
	return &stream.DeadLetter{Reason: topics.RefusedTooOld, Detail: fmt.Sprintf("it was received at %s: a repeat cannot be told after %d days",
		seen.UTC().Format(time.RFC3339), topics.DedupHorizon/(24*time.Hour))}
}

// FirstSeen is when the webhook was received: for one that was written again, when the first of its records was.
func FirstSeen(record stream.Record) time.Time {
	for _, h := range record.Headers {
		if h.Key != topics.HeaderFirstSeen {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, string(h.Value))
		if err != nil {
			return time.Time{} // it cannot be told: as old as can be
		}
		if at.Before(record.Time) {
			return at
		}
	}
	return record.Time
}

func verified(headers []topics.Header) bool {
	for _, h := range headers {
		if h.Key == topics.HeaderVerified {
			return string(h.Value) == "true"
		}
	}
	return false
}
