package payouts

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Moves says that an event may book an entry.
func Moves(e *topics.PayoutEvent) bool {
	switch e.Type {
	case topics.PayoutCreated, topics.PayoutRejected, topics.PayoutCancelled, topics.PayoutExpired, topics.PayoutSendRequested,
		topics.PayoutPaid, topics.PayoutFailed, topics.PayoutReturned:
		return true
	}
	return false
}

// Post is the entry that an event books, nil where it moves no money. before is the payout before the event, nil before its
// first; standing is what its customer has and owes. The caller sets the entry's id. An error means that an amount does not
// fit 64 bits.
func Post(before *Payout, e *topics.PayoutEvent, standing ledger.Standing) (*ledger.Entry, error) {
	entry, err := post(before, e, standing)
	if err != nil {
		return nil, fmt.Errorf("event %s: %s of payout %s: %w", e.EventID, e.Type, e.PayoutID, err)
	}
	if entry.Template == "" {
		return nil, nil
	}
	entry.Reference, entry.At = e.PayoutID, e.At
	return &entry, nil
}

func post(before *Payout, e *topics.PayoutEvent, standing ledger.Standing) (ledger.Entry, error) {
	c := ledger.Customer{Tenant: e.Tenant, ID: e.CustomerID, Currency: ledger.Currency(e.Currency)}
	if before == nil {
		if e.Type == topics.PayoutCreated {
			return ledger.PayoutHeld(c, e.Amount)
		}
		return ledger.Entry{}, nil
	}
	amount := before.Amount
	var fee int64
	if e.PSP != nil {
		fee = e.PSP.Fee
	}
	switch at := before.Place; {
	case e.Type == topics.PayoutSendRequested && at == PlaceHold:
		return ledger.PayoutSent(c, amount)
	case e.Type == topics.PayoutPaid && at == PlaceFlight:
		return ledger.PayoutPaid(c, amount, fee)
	case e.Type == topics.PayoutPaid:
		return ledger.PayoutForced(c, amount, fee, standing)
	case e.Type == topics.PayoutReturned:
		return ledger.PayoutReturned(c, amount, standing)
	case e.Type == topics.PayoutSendRequested || !Moves(e):
		return ledger.Entry{}, nil
	case at == PlaceHold:
		return ledger.PayoutCancelled(c, amount, standing)
	}
	return ledger.PayoutFailed(c, amount, standing)
}

// Request is what an event asks of the PSP, nil where it asks for nothing. after is the payout with the event folded in.
func Request(after *Payout, e *topics.PayoutEvent) *topics.PSPRequest {
	var a *Attempt
	switch e.Type {
	case topics.PayoutSendRequested:
		a = after.find(e.EventID)
	case topics.PayoutPollRequested:
		a = after.find(e.RequestID)
	}
	if a == nil {
		return nil
	}
	to := after.Data.Destination
	r := &topics.PSPRequest{
		RequestID: a.Request, Operation: topics.OperationPayout, PSP: to.PSP, Tenant: after.Tenant, Region: after.Region,
		CustomerID: after.Customer, PaymentID: e.PayoutID, TraceID: e.TraceID, Amount: after.Amount, Currency: string(after.Currency),
		NotAfter: a.NotAfter, Poll: e.Type == topics.PayoutPollRequested, Card: to.Card, PSPReference: to.PSPReference,
		MerchantReference: after.Data.MerchantReference,
	}
	if r.Poll {
		r.PSPReference = a.Reference
	}
	return r
}
