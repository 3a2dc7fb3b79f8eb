package risk

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// Features answers what velocity knows of a command, by feature name. A nil Features answers nothing: every feature is
// missing, and the rules' on_missing decides.
type Features func(ctx context.Context, c *topics.Command) (map[string]topics.Feature, error)

// Find says what data files know of a command, nil where they know nothing.
type Find func(*topics.Command) *topics.Enrichment

// Assessor assesses commands. It may be used by several goroutines at once.
type Assessor struct {
	rules      func() *rules.Set // the set in force
	features   Features
	find       Find  // nil: there are no data files
	partitions int32 // of every topic
	metrics    *metrics
}

// NewAssessor returns an Assessor for topics of so many partitions. rules yields the set in force; features may be nil.
// Metrics go to a registry of their own where registerer is nil.
func NewAssessor(rules func() *rules.Set, features Features, partitions int32, registerer prometheus.Registerer) (*Assessor, error) {
	m, err := newMetrics(registerer)
	if err != nil {
		return nil, err
	}
	return newAssessor(rules, features, partitions, m)
}

func newAssessor(rules func() *rules.Set, features Features, partitions int32, m *metrics) (*Assessor, error) {
	if partitions < 1 {
		return nil, fmt.Errorf("risk: %d partitions; the inbox has at least 1", partitions)
	}
	return &Assessor{rules: rules, features: features, partitions: partitions, metrics: m}, nil
}

// Assess is the stream.TransformFunc of the role: a record becomes either one message for the inbox or a dead letter.
// The error is that of Features; the record is then to be repeated. The record's own time is now, so that a repetition
// under the same rules decides the same.
func (a *Assessor) Assess(ctx context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var in topics.AssessedCommand
	if err := topics.Unmarshal(r.Value, &in.Command); err != nil {
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	c := &in.Command
	id, detail := identify(c.CommandID, c.Tenant)
	if detail != "" {
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedInvalid, Detail: detail}, nil
	}
	if c.TraceID == "" {
		c.TraceID = traceOf(r.Headers)
	}
	if refusal := validate(c.Validate(), r.Value, "send the PSP's token of the card in card.token"); refusal != nil {
		a.metrics.refused(refusal.Code)
		in = topics.AssessedCommand{Command: nameOnly(c), Refusal: refusal}
	} else if err := a.decide(ctx, &in, r.Time); err != nil {
		return nil, nil, err
	}
	return a.assessment(&in, id)
}

// decide evaluates the rules.
func (a *Assessor) decide(ctx context.Context, in *topics.AssessedCommand, now time.Time) error {
	c := &in.Command
	if a.find != nil && rules.Assessed(c.Type) {
		in.Enrichment = a.find(c)
	}
	if a.features != nil && rules.Assessed(c.Type) {
		var err error
		if in.Features, err = a.features(ctx, c); err != nil {
			return fmt.Errorf("features of command %s: %w", c.CommandID, err)
		}
	}
	in.Decision = a.rules().Evaluate(rules.Input{Command: c, Enrichment: in.Enrichment, Features: in.Features, Now: now})
	a.metrics.decided(&in.Decision)
	return nil
}

// assessment encodes the record and finds its place.
func (a *Assessor) assessment(in *topics.AssessedCommand, id uuid.UUID) ([]stream.Message, *stream.DeadLetter, error) {
	c := &in.Command
	value, err := topics.Marshal(in)
	if err != nil {
		// Nothing that was decoded fails to encode; if it does, the bytes are kept for whoever finds out why.
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedPoison, Detail: err.Error()}, nil
	}
	customer := c.CustomerID
	if customer == "" {
		customer = topics.GuestCustomer(id)
	}
	partition := topics.PartitionOf(c.Tenant, customer, a.partitions)
	subject := c.PaymentID
	if subject == "" && c.Type == topics.CommandCreate {
		subject = topics.PaymentID{Partition: partition, UUID: id}.String()
	}
	return []stream.Message{{Partition: partition, Output: stream.Output{
		Topic: topics.Inbox,
		Key:   []byte(customer),
		Value: value,
		Envelope: topics.Envelope{Type: topics.TypeAssessedCommand, Subject: subject, Tenant: c.Tenant, Region: c.Region,
			TraceID: c.TraceID},
	}}}, nil, nil
}
