package disputes_test

import (
	"testing"

	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// TestADisputeOfAStrayAttempt: a PSP was asked twice, and took money in the attempt that was given up, too. That stands in suspense:
// its dispute is not the customer's.
func TestADisputeOfAStrayAttempt(t *testing.T) {
	for _, c := range []struct {
		reference string // of the payment that the PSP names
		taken     bool   // in the stray attempt
		booked    bool
	}{
		{"pay_0", true, false},
		{"pay_0", false, false},
		{"pay_1", true, true},
		{"cap_1", true, true},
		{"", true, false},
		{"unknown", true, false},
		{"", false, true},
		{"unknown", false, true},
	} {
		w := newWorld(t)
		w.captured(10000, "EUR")
		w.payment.Operations = []lifecycle.Operation{
			{Request: topics.EventID{Partition: 3, Position: 1000}, Kind: topics.OperationAuthorize, State: lifecycle.OperationSucceeded, Amount: 10000, PSP: psp, Reference: "pay_0", Captured: c.taken},
			{Request: topics.EventID{Partition: 3, Position: 1001}, Kind: topics.OperationAuthorize, State: lifecycle.OperationSucceeded, Amount: 10000, Reference: "pay_1"},
			{Request: topics.EventID{Partition: 3, Position: 1002}, Kind: topics.OperationCapture, State: lifecycle.OperationSucceeded, Amount: 10000, Reference: "cap_1"},
		}
		got := w.input("d1", &disputes.Input{Report: &topics.PSPReport{
			ReportID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Source: topics.SourceWebhook, PSP: psp, Tenant: tenant, PaymentID: w.payment.ID.String(),
			Operation: topics.OperationDispute, Outcome: topics.PSPApproved, Amount: 10000, Currency: "EUR", PSPReference: c.reference, OccurredAt: w.now,
			Dispute: &topics.DisputeReport{Reference: "d1", Fact: topics.FactFundsWithdrawn, Movement: "m1"},
		}})
		if c.booked {
			if w.payment.Disputed != 10000 || w.standing().Available != 0 {
				t.Errorf("%+v: %q", c, got)
			}
		} else if w.payment.Disputed != 0 || w.standing().Available != 10000 || len(w.events) != 1 || w.events[0].Refusal != topics.RefusedUnmatchedReport {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
