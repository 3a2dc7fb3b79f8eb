package lifecycle

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Ledger is whose wallet the payment's entries move, in the payment's currency.
func (p *Payment) Ledger() ledger.Customer {
	return ledger.Customer{Tenant: p.Tenant, ID: p.Customer, Currency: p.Currency}
}

// Moves says that an event books an entry.
func Moves(e *topics.PaymentEvent) bool {
	switch e.Type {
	case topics.EventCaptured, topics.EventReturned, topics.EventUnappliedReceived, topics.EventUnappliedReturned, topics.EventRefundRequested, topics.EventRefunded, topics.EventRefundFailed,
		topics.EventStrayCaptured, topics.EventStrayReleased, topics.EventStrayReleaseFailed:
		return true
	}
	return false
}

// Post is the entry that an event books, nil where it moves no money. before is the payment before the event, standing
// what its customer has and owes. The caller sets the entry's id. An error means that an amount does not fit 64 bits.
func Post(before *Payment, e *topics.PaymentEvent, standing ledger.Standing) (*ledger.Entry, error) {
	if before == nil {
		return nil, nil
	}
	standing.Excess = max(0, -before.Left()) // stands in suspense: cleared first
	entry, err := post(before, e, standing)
	if err != nil {
		return nil, fmt.Errorf("event %s: %s of payment %s: %w", e.EventID, e.Type, e.PaymentID, err)
	}
	if entry.Template == "" {
		return nil, nil
	}
	entry.PaymentID, entry.At = e.PaymentID, e.At
	return &entry, nil
}

func post(before *Payment, e *topics.PaymentEvent, standing ledger.Standing) (ledger.Entry, error) {
	c := before.Ledger()
	switch e.Type {
	case topics.EventUnappliedReceived, topics.EventUnappliedReturned:
		return postUnapplied(c, e, standing)
	case topics.EventCaptured:
		if e.PSP != nil && e.PSP.Applied {
			return postUnapplied(c, e, standing)
		}
		var fee int64
		if e.PSP != nil {
			fee = e.PSP.Fee
		}
		return ledger.DepositCaptured(c, e.Amount, fee, standing)
	case topics.EventRefundRequested:
		return ledger.RefundRequested(c, e.Amount)
	case topics.EventRefunded:
		if before.stateOf(e.RequestID).Open() {
			return ledger.RefundSettled(c, e.Amount)
		}
		return ledger.RefundForced(c, e.Amount, before.Left(), standing)
	case topics.EventRefundFailed:
		if before.stateOf(e.RequestID) == OperationSucceeded {
			return ledger.RefundReversed(c, e.Amount, standing)
		}
		return ledger.RefundFailed(c, e.Amount, standing)
	case topics.EventReturned:
		return ledger.RefundForced(c, e.Amount, before.Left(), standing)
	case topics.EventStrayCaptured:
		return ledger.StrayReceived(c, e.Amount, e.PSP.Fee)
	case topics.EventStrayReleased:
		if before.find(e.RequestID).Kind == topics.OperationRefund {
			return ledger.StrayReturned(c, e.Amount)
		}
	case topics.EventStrayReleaseFailed:
		if before.stateOf(e.RequestID) == OperationSucceeded {
			return ledger.StrayReceived(c, e.Amount, 0)
		}
	}
	return ledger.Entry{}, nil
}

// stateOf is the state of an operation by its request id, 0 where there is none.
func (p *Payment) stateOf(request string) OperationState {
	if op := p.find(request); op != nil {
		return op.State
	}
	return 0
}

// find is an operation by its request id as events spell it, nil where there is none.
func (p *Payment) find(request string) *Operation {
	id, err := topics.ParseEventID(request)
	if err != nil {
		return nil
	}
	return p.Operation(id)
}

// Request is what a *_requested event asks of the PSP, nil where it asks for nothing. after is the payment with the
// event folded in.
func Request(after *Payment, e *topics.PaymentEvent) *topics.PSPRequest {
	var op *Operation
	switch e.Type {
	case topics.EventAuthorizationRequested, topics.EventConfirmationRequested, topics.EventCaptureRequested,
		topics.EventIncrementRequested, topics.EventVoidRequested, topics.EventRefundRequested, topics.EventStrayReleaseRequested:
		op = after.find(e.EventID)
	case topics.EventPollRequested:
		op = after.find(e.RequestID)
	}
	if op == nil {
		return nil
	}
	r := &topics.PSPRequest{
		RequestID: op.Request.String(), Operation: op.Kind, PSP: after.pspOf(op), Tenant: after.Tenant, Region: after.Region,
		CustomerID: after.Customer, PaymentID: e.PaymentID, TraceID: e.TraceID, Amount: op.said(),
		Currency: string(after.Currency), NotAfter: op.NotAfter, Poll: e.Type == topics.EventPollRequested,
		PSPReference: after.PSPReference, CreatedAt: after.CreatedAt, PaymentMethod: after.Method.Said(),
	}
	if op.releases() {
		r.PSPReference = after.Operation(op.Of).Reference
	}
	switch {
	case r.Poll:
		if op.Reference != "" {
			r.PSPReference = op.Reference
		}
	case op.Kind == topics.OperationAuthorize:
		r.Card, r.Capture, r.ThreeDS = after.charges(), e.Request.Capture, e.Request.ThreeDS
		r.StoredCredential = after.credential()
		r.ReturnURL, r.MerchantReference, r.StatementDescriptor = after.ReturnURL, after.MerchantReference, after.Terms.Descriptor
		r.Route, r.Fallback = e.Request.Route, e.Request.Fallback
		if after.Routing != nil {
			r.Country = after.Routing.Plan.Country
		}
	case op.Kind == topics.OperationConfirm:
		r.Challenge, r.Capture = e.Request.Challenge, after.capturesAtOnce()
	}
	return r
}
