package risk

import (
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// Find says what data files know of a command, nil where they know nothing.
type Find func(*topics.Command) *topics.Enrichment

// Assessor assesses commands. It may be used by several goroutines at once.
type Assessor struct {
	rules      func() *rules.Set // the set in force
	evaluate   func(*rules.Set, rules.Input) topics.Decision
	candidate  *candidate // the set on trial; nil: there never is one
	find       Find       // nil: there are no data files
	partitions int32      // of every topic
	metrics    *metrics
}

// newAssessor returns an Assessor for topics of so many partitions. set yields the one in force.
func newAssessor(set func() *rules.Set, evaluate func(*rules.Set, rules.Input) topics.Decision, partitions int32, m *metrics) (*Assessor, error) {
	if partitions < 1 {
		return nil, fmt.Errorf("risk: %d partitions; the inbox has at least 1", partitions)
	}
	return &Assessor{rules: set, evaluate: evaluate, partitions: partitions, metrics: m}, nil
}

// draft is a command on its way to be assessed. One with a refusal is not evaluated. The record's own time is now, so that
// a repetition under the same rules decides the same.
type draft struct {
	in  topics.AssessedCommand
	id  uuid.UUID
	now time.Time
}

// read decodes and validates a record, and looks up what data files say of it.
func (a *Assessor) read(r stream.Record) (*draft, *stream.DeadLetter) {
	d := &draft{now: r.Time}
	c := &d.in.Command
	if err := topics.Unmarshal(r.Value, c); err != nil {
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}
	}
	var detail string
	if d.id, detail = identify(c.CommandID, c.Tenant); detail != "" {
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedInvalid, Detail: detail}
	}
	if c.TraceID == "" {
		c.TraceID = traceOf(r.Headers)
	}
	if refusal := validate(c.Validate(), r.Value, "send the PSP's token of the card in card.token"); refusal != nil {
		a.metrics.refused(refusal.Code)
		d.in = topics.AssessedCommand{Command: nameOnly(c), Refusal: refusal}
		return d, nil
	}
	c.IssuedAt = issued(c.IssuedAt, r.Time)
	if a.find != nil && (c.Type == topics.CommandCreate || c.Type == topics.CommandAuthorize) {
		d.in.Enrichment = a.find(c)
	}
	return d, nil
}

// decide evaluates a rule set, and then the one on trial.
func (a *Assessor) decide(d *draft, set *rules.Set) {
	d.in.Decision = a.evaluate(set, d.input())
	a.metrics.decided(&d.in.Decision)
	if d.in.Decision.RuleSet == "" {
		return
	}
	d.in.AssessedAt = d.now
	if a.candidate == nil {
		return
	}
	if d.in.Decision.Candidate = a.candidate.decide(set, d.input()); d.in.Decision.Candidate != nil {
		a.metrics.compared(&d.in.Decision)
	}
}

// input is what rules read of the command.
func (d *draft) input() rules.Input {
	return rules.Input{Command: &d.in.Command, Enrichment: d.in.Enrichment, Features: d.in.Features, Now: d.now}
}

// customer is whose command it is: the account holder, or the guest that the command makes.
func (d *draft) customer() string {
	if id := d.in.Command.CustomerID; id != "" {
		return id
	}
	return topics.GuestCustomer(d.id)
}

// partitionOf is where all that happens to the customer meets.
func (a *Assessor) partitionOf(d *draft) int32 {
	return topics.PartitionOf(d.in.Command.Tenant, d.customer(), a.partitions)
}

// assessment encodes the record and finds its place.
func (a *Assessor) assessment(d *draft) ([]stream.Message, *stream.DeadLetter, error) {
	c := &d.in.Command
	value, err := topics.Marshal(&d.in)
	if err != nil {
		// Nothing that was decoded fails to encode; if it does, the bytes are kept for whoever finds out why.
		a.metrics.deadLettered.Inc()
		return nil, &stream.DeadLetter{Reason: topics.RefusedPoison, Detail: err.Error()}, nil
	}
	partition := a.partitionOf(d)
	subject := c.PaymentID
	if subject == "" && c.Type == topics.CommandCreate {
		subject = topics.PaymentID{Partition: partition, UUID: d.id}.String()
	}
	return []stream.Message{{Partition: partition, Output: stream.Output{
		Topic: topics.Inbox,
		Key:   []byte(d.customer()),
		Value: value,
		Envelope: topics.Envelope{Type: topics.TypeAssessedCommand, Subject: subject, Tenant: c.Tenant, Region: c.Region,
			TraceID: c.TraceID},
	}}}, nil, nil
}
