package api

import (
	"time"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// statusAccepted is the status of what is durable and not decided on.
const statusAccepted = "accepted"

// intentOf is a payment as the document shows it.
func intentOf(v *view.Intent) Intent {
	intent := Intent{
		ID: v.ID, Status: string(v.Status), CustomerID: v.CustomerID,
		LinkID: v.LinkID, Amount: v.Amount, Currency: v.Currency, CaptureMethod: v.CaptureMethod, PaymentMethod: v.PaymentMethod,
		Unapplied: v.Unapplied, Confirmations: v.Confirmations,
		Authorized: v.Authorized, Captured: v.Captured, Released: v.Released, Refunding: v.Refunding, Refunded: v.Refunded,
		Disputing: v.Disputing, Disputed: v.Disputed,
		Capturable: v.Capturable, OverCapture: v.OverCapture, Refundable: v.Refundable,
		NextAction: v.Action, PSP: v.PSP, PSPReference: v.PSPReference, NetworkReference: v.NetworkReference,
		DeclineCode: v.DeclineCode, HardDecline: v.HardDecline, Authentication: v.Authentication, Reasons: v.Reasons,
		ReturnURL: v.ReturnURL, MerchantReference: v.MerchantReference, Description: v.Description, StatementDescriptor: v.Descriptor, Metadata: v.Metadata,
		CreatedAt: timeOf(v.CreatedAt), UpdatedAt: timeOf(v.UpdatedAt), ExpiresAt: timeOf(v.ExpiresAt),
		CaptureAt: timeOf(v.CaptureAt),
	}
	intent.MandateID, intent.Retry = v.MandateID, v.Retry
	if c := v.Card; c != nil {
		intent.Card = &MaskedCard{Fingerprint: c.Fingerprint, BIN: c.BIN, Last4: c.Last4, Scheme: c.Scheme, Type: c.Type, Country: c.Country}
	}
	for _, op := range v.Operations {
		intent.Operations = append(intent.Operations, Operation{
			ID: op.RequestID, Type: string(op.Type), State: op.State, Amount: op.Amount, PSPReference: op.PSPReference,
			PSP: op.PSP, GivenUp: op.GivenUp, Unapplied: op.Unapplied,
		})
	}
	return intent
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// refundsOf lists the refunds among a payment's operations, oldest first.
func refundsOf(v *view.Intent) []Refund {
	refunds := []Refund{}
	for _, op := range v.Operations {
		if op.Type == topics.OperationRefund && !op.GivenUp {
			refunds = append(refunds, refundOf(v, op))
		}
	}
	return refunds
}

func refundOf(v *view.Intent, op view.Operation) Refund {
	status := op.State
	switch status {
	case "requested":
		status = "pending"
	case "succeeded":
		status = "settled"
	}
	return Refund{
		ID: op.RequestID, IntentID: v.ID, Status: status, Amount: op.Amount, Currency: v.Currency, PSPReference: op.PSPReference,
	}
}
