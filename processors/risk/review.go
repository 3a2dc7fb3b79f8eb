package risk

import (
	"cmp"
	"context"
	"fmt"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// review is the subject of what the fold asks of an authorisation.
type review struct{ topics.AssessedAuthorization }

func (*review) event() velocity.Event { return velocity.Event{} }

func (v *review) assessed() (record any, envelope topics.Envelope) {
	c := &v.Review.Command
	return &v.AssessedAuthorization, topics.Envelope{Type: topics.TypeAssessedAuthorization, Subject: v.Review.PaymentID,
		Tenant: c.Tenant, Region: c.Region, TraceID: c.TraceID}
}

// Review is the stream.TransformFunc of review requests: it decides by the rules of stage after_authorization. Where the set
// has lost such rules since, the authorisation passes.
//
// Requests are read uncommitted: the database has committed before the fold produces them. One that comes again is answered
// again, and the payment takes the first answer.
func (a *Assessor) Review(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var v review
	in := &v.AssessedAuthorization
	if err := topics.UnmarshalOnce(r.Value, &in.Review); err != nil {
		return nil, a.undecodable(topics.RefusedUndecodable, err.Error()), nil
	}
	c := &in.Review.Command
	payment, err := topics.ParsePaymentID(in.Review.PaymentID)
	customer := cmp.Or(c.CustomerID, topics.GuestCustomer(payment.UUID))
	if err == nil && (payment.Partition != r.Partition || topics.PartitionOf(c.Tenant, customer, a.partitions) != r.Partition) {
		err = fmt.Errorf("payment %s of %s %s does not belong to partition %d, where the request stands",
			in.Review.PaymentID, c.Tenant, customer, r.Partition)
	}
	if err != nil {
		return nil, a.undecodable(topics.RefusedInvalid, err.Error()), nil
	}
	in.AssessedAt = r.Time
	d := &draft{
		Input: rules.InputOfReview(&in.Review, r.Time),
		of:    &v, id: payment.UUID, tenant: c.Tenant, customer: customer, decision: &in.Decision,
	}
	a.decide(d, a.rules())
	return a.assessment(d)
}
