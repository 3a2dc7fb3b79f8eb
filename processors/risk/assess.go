package risk

import (
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// Find says what data files know of a command, nil where they know nothing.
type Find func(*topics.Command) *topics.Enrichment

// Assessor assesses commands. It may be used by several goroutines at once.
type Assessor struct {
	rules      func() *rules.Set // the set in force
	evaluate   func(*rules.Set, rules.Input) topics.Decision
	candidate  *candidate // the set on trial; nil: there never is one
	routes     *routes    // nil: the fold asks the one PSP of its configuration
	find       Find       // nil: there are no data files
	region     string     // of the installation; "": any
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

// draft is a record on its way to be assessed. One with a refusal is not evaluated. The record's own time is now, so that a
// repetition under the same rules decides the same.
type draft struct {
	rules.Input // points into the record
	of          subject
	id          uuid.UUID
	tenant      string
	customer    string    // whose partition it is for
	about       uuid.UUID // the payment that a customer event is about; the zero UUID: none
	refusal     *topics.Refusal
	decision    *topics.Decision // RuleSet "": no rule was evaluated
	gaming      *topics.GamingTerms
	route       *topics.RoutePlan
}

// subject is what is assessed: a command of a payment (payment.go), of a payout (payout.go) or of a wallet (wallet.go), or a
// customer event (customer.go).
type subject interface {
	// event is what velocity counts it as; Kind "": as nothing.
	event() velocity.Event
	// assessed is the record for the inbox, whose kind and subject the envelope tells.
	assessed() (record any, envelope topics.Envelope)
}

// readFunc decodes and validates a record, and looks up what data files say of it.
type readFunc func(*Assessor, stream.Record) (*draft, *stream.DeadLetter)

// undecodable puts a record aside whose bytes are no command, or whose command names nobody to tell.
func (a *Assessor) undecodable(reason topics.RefusalCode, detail string) *stream.DeadLetter {
	a.metrics.deadLettered.Inc()
	return &stream.DeadLetter{Reason: reason, Detail: detail}
}

// decide assesses a draft by a rule set, whose responsible-gaming limits go with it: the fold, where a customer's commands
// meet in one order, decides on them.
func (a *Assessor) decide(d *draft, set *rules.Set) {
	*d.decision, d.gaming = a.judge(set, d.Input), set.GamingTerms(&d.Input)
	if d.Command != nil && d.Authorization == nil {
		d.route = a.routes.plan(a.paymentOf(d), d.Input, d.decision)
	}
}

// judge evaluates a rule set, and then the one on trial.
func (a *Assessor) judge(set *rules.Set, in rules.Input) (d topics.Decision) {
	d = a.evaluate(set, in)
	a.metrics.decided(&d)
	if d.RuleSet == "" || a.candidate == nil {
		return d
	}
	if d.Candidate = a.candidate.decide(set, in); d.Candidate != nil {
		a.metrics.compared(&d)
	}
	return d
}

// partitionOf is where all that happens to the customer meets.
func (a *Assessor) partitionOf(d *draft) int32 {
	return topics.PartitionOf(d.tenant, d.customer, a.partitions)
}

// assessment encodes the record and finds its place.
func (a *Assessor) assessment(d *draft) ([]stream.Message, *stream.DeadLetter, error) {
	record, envelope := d.of.assessed()
	partition := a.partitionOf(d)
	switch {
	case envelope.Subject != "":
	case d.creates():
		envelope.Subject = a.paymentOf(d)
	case d.Payout != nil:
		envelope.Subject = topics.PayoutID{Partition: partition, UUID: topics.PayoutKey(d.tenant, d.id)}.String()
	}
	return a.forward(record, partition, d.customer, envelope)
}

// paymentOf is the payment that a command creates or names.
func (a *Assessor) paymentOf(d *draft) string {
	if d.creates() {
		return topics.PaymentID{Partition: a.partitionOf(d), UUID: d.id}.String()
	}
	return d.Command.PaymentID
}

// creates tells whether it is a command that creates a payment.
func (d *draft) creates() bool { return d.Command != nil && d.Command.Type == topics.CommandCreate }
