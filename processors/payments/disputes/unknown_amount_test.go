package disputes_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// TestAnUnknownAmountBindsWhatIsCapturedLater: a dispute is told in another currency than the payment's, so that nobody knows how much
// is disputed. Whatever is captured afterwards, above what was authorised, too, none of it can be refunded.
func TestAnUnknownAmountBindsWhatIsCapturedLater(t *testing.T) {
	const dispute, capture, approved, increment, raised = "dispute", "capture", "approved", "increment", "raised"
	for name, c := range map[string]struct {
		before int64 // captured of 100.00
		steps  []string
	}{
		"the dispute, then an over-capture": {50_00, []string{dispute, capture, approved}},
		"while an over-capture is open":     {50_00, []string{capture, dispute, approved}},
		"the dispute, then an increment":    {0, []string{dispute, increment, capture, approved}},
		"while an increment is open":        {0, []string{increment, dispute, raised, capture, approved}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.captured(100_00, "EUR")
			w.payment.Captured, w.payment.Terms.OverCapture, w.payment.ExpiresAt = c.before, 20_00, w.now.Add(100*time.Hour)
			w.payment.Operations = []lifecycle.Operation{{
				Request: topics.EventID{Partition: 3, Position: 1000}, Kind: topics.OperationAuthorize, State: lifecycle.OperationSucceeded, Amount: 100_00, Reference: "pay_1",
			}}
			for i, step := range c.steps {
				switch step {
				case dispute:
					t.Log(w.do("psp funds_withdrawn 130.00 USD"))
				case capture, increment:
					amount := w.payment.Uncaptured() + w.payment.OverCapturable()
					if step == increment {
						amount = 50_00
					}
					t.Log(w.pay(lifecycle.Input{Command: &topics.AssessedCommand{Command: topics.Command{
						Type: topics.CommandType(step), CommandID: uuid.NewV5(uuid.Nil, fmt.Sprint(name, i)).String(), Tenant: tenant, CustomerID: customer,
						PaymentID: w.payment.ID.String(), Amount: amount, Currency: "EUR",
					}, Decision: topics.Decision{Outcome: topics.OutcomePass}}}))
				case approved, raised:
					op := w.payment.Operations[len(w.payment.Operations)-1]
					t.Log(w.pay(lifecycle.Input{Report: &topics.PSPReport{
						PSP: psp, Tenant: tenant, CustomerID: customer, PaymentID: w.payment.ID.String(), Operation: op.Kind, Outcome: topics.PSPApproved,
						RequestID: op.Request.String(), PSPReference: "pay_1", Amount: max(op.Amount, op.Total), Currency: "EUR", Source: topics.SourceResponse, OccurredAt: w.now,
					}}))
				}
			}
			if p := w.payment; p.Captured <= 100_00 || p.Cases > 0 {
				t.Errorf("captured %d with %d cases, want more than was authorised first, and none", p.Captured, p.Cases)
			} else if left := p.Refundable(); left != 0 {
				t.Errorf("captured %d, disputing %d: %d can be refunded although nobody knows how much is disputed", p.Captured, p.Disputing, left)
			}
			raises := slices.ContainsFunc(w.payment.Operations, func(op lifecycle.Operation) bool { return op.Kind == topics.OperationIncrement })
			if asked := slices.Index(c.steps, increment); asked >= 0 && raises != (asked < slices.Index(c.steps, dispute)) {
				t.Errorf("increment asked for: %t", raises)
			}
		})
	}
}
