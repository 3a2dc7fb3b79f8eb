package risk

import (
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// command is a pointer to a command of kind C.
type command[C any] interface {
	*C
	Validate() *topics.Refusal
}

// names are the fields of a command, in their places, that say what it is called, whom it is of and what it is about.
type names struct {
	command, tenant, region, customer, trace *string
	issued                                   *time.Time
	about                                    *string           // the payment, payout, link or dispute; nil: commands of the kind have no such field
	isID                                     func(string) bool // says whether about is well formed
}

// admit decodes and validates a command. Nothing is left of a refused one but what names it. dead is for a record whose bytes are no
// command, or that names nobody to tell. namesOf finds the names in a command; instead says what to do about a card number.
func admit[C any, P command[C]](a *Assessor, r *stream.Record, c P, namesOf func(P) names, instead string) (id uuid.UUID, customer string, refusal *topics.Refusal, dead *stream.DeadLetter) {
	if err := topics.UnmarshalOnce(r.Value, c); err != nil {
		return id, "", nil, a.undecodable(topics.RefusedUndecodable, err.Error())
	}
	n := namesOf(c)
	id, detail := identify(*n.command, *n.tenant)
	if detail != "" {
		return id, "", nil, a.undecodable(topics.RefusedInvalid, detail)
	}
	if *n.trace == "" {
		*n.trace = traceOf(r.Headers)
	}
	if refusal = validate(a.placed(n.region, c.Validate()), r.Value, instead); refusal != nil {
		a.metrics.refused(refusal.Code)
		var left C
		namesOf(&left).keep(n)
		*c = left
	} else {
		*n.issued = issued(*n.issued, r.Time)
	}
	if customer = *n.customer; customer == "" {
		customer = topics.GuestCustomer(id) // whom the command makes, or who is told of its refusal
	}
	return id, customer, refusal, nil
}

// keep takes the names of a refused command over, each only where it is well formed. Whatever its author could have written freely
// is dropped, so that neither a card number nor a text of any size goes on. So are its type and amount: what is left must not be a
// command that a reader could carry out.
func (n names) keep(of names) {
	*n.command, *n.tenant = *of.command, *of.tenant // identify has looked at them
	if topics.ValidTime(*of.issued) {
		*n.issued = *of.issued
	}
	if isName(*of.region, maxRegion) {
		*n.region = *of.region
	}
	if isName(*of.customer, maxCustomer) {
		*n.customer = *of.customer
	}
	if of.about != nil && of.isID(*of.about) {
		*n.about = *of.about
	}
	if isName(*of.trace, maxTrace) {
		*n.trace = *of.trace
	}
}

// forward passes a command on to the inbox, to the partition of its customer.
func (a *Assessor) forward(record any, partition int32, customer string, envelope topics.Envelope) ([]stream.Message, *stream.DeadLetter, error) {
	value, err := topics.Marshal(record)
	if err != nil {
		// Nothing that was decoded fails to encode; if it does, the bytes are kept for whoever finds out why.
		return nil, a.undecodable(topics.RefusedPoison, err.Error()), nil
	}
	return []stream.Message{{Partition: partition, Output: stream.Output{
		Topic: topics.Inbox, Key: []byte(customer), Value: value, Envelope: envelope,
	}}}, nil, nil
}
