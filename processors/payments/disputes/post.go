package disputes

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// Moves says that an event books an entry.
func Moves(e *topics.DisputeEvent) bool {
	switch e.Type {
	case topics.DisputeFundsWithdrawn, topics.DisputeFundsReinstated, topics.DisputeFeeCharged, topics.DisputeFeeReturned:
		return true
	}
	return false
}

// Post is the entry that an event books, nil where it moves no money. before is the dispute before the event, payment the payment
// before the record; standing is what its customer has and owes. The caller sets the entry's id. An error means that an amount
// does not fit 64 bits.
//
// The customer is given no more than the dispute took: what the PSP gives back above that goes to suspense, and what it takes is
// taken from there first.
func Post(before *Dispute, payment *lifecycle.Payment, e *topics.DisputeEvent, standing ledger.Standing) (*ledger.Entry, error) {
	c := payment.Ledger()
	var entry ledger.Entry
	var err error
	switch e.Type {
	case topics.DisputeFundsWithdrawn:
		entry, err = ledger.ChargebackWithdrawn(c, e.Amount, min(payment.Left(), e.Amount-before.Ahead()), standing)
	case topics.DisputeFundsReinstated:
		standing.Excess = max(0, -payment.Left()) + max(0, e.Amount-before.Taken()) // of suspense, before any is the customer's
		entry, err = ledger.ChargebackReinstated(c, e.Amount, standing)
	case topics.DisputeFeeCharged:
		entry, err = ledger.ChargebackFeeCharged(c, e.Amount)
	case topics.DisputeFeeReturned:
		entry, err = ledger.ChargebackFeeReturned(c, e.Amount)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("event %s: %s of dispute %s: %w", e.EventID, e.Type, e.DisputeID, err)
	}
	entry.PaymentID, entry.Reference, entry.At = e.PaymentID, e.DisputeID, e.At
	return &entry, nil
}

// Request is what an event asks of the PSP, nil where it asks for nothing. after is the dispute with the event folded in,
// payment the one that is disputed.
func Request(after *Dispute, payment *lifecycle.Payment, e *topics.DisputeEvent) *topics.PSPRequest {
	switch e.Type {
	case topics.DisputeEvidenceRequested, topics.DisputeAcceptanceRequested, topics.DisputePollRequested:
	default:
		return nil
	}
	a := after.Asked
	r := &topics.PSPRequest{
		RequestID: a.Request, Operation: a.Kind, PSP: after.PSP, Tenant: after.Tenant, Region: after.Region, CustomerID: after.Customer,
		PaymentID: after.Payment, TraceID: e.TraceID, Amount: after.Amount, Currency: string(after.Currency), NotAfter: a.NotAfter,
		Poll: e.Type == topics.DisputePollRequested, PSPReference: payment.PSPReference, DisputeReference: after.Reference, CreatedAt: payment.CreatedAt,
	}
	if a.Kind == topics.OperationDisputeEvidence {
		r.Evidence = after.Evidence
	}
	return r
}
