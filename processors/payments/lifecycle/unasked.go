package lifecycle

import (
	"cmp"
	"slices"

	"github.com/weirhq/weir/topics"
)

// Unasked is a capture, void or refund that a PSP made without being asked.
type Unasked struct {
	Kind   topics.PSPOperation
	Object string // what the PSP calls it, or the id of the report where that names none
}

// unasked decides on a report of something that nobody asked for. What the PSP did on its own to the authorisation that
// it gave us is a fact, and booked once, however often and however late it is told; anything else moves nothing.
func (d *decision) unasked(r *topics.PSPReport) {
	ours := r.RequestID == "" && r.PSP == d.p.PSP && r.PSPReference != "" && r.PSPReference == d.p.PSPReference
	money := r.Amount > 0 && r.Amount <= topics.MaxAmount && r.Currency == string(d.p.Currency)
	if r.Operation == topics.OperationVoid {
		money = r.Amount == 0 || r.Amount == d.p.Uncaptured()
	}
	if ours && r.Outcome == topics.PSPApproved && slices.Contains(d.p.Unasked, Unasked{r.Operation, object(r)}) {
		return
	}
	if !d.p.Method.Card() && (r.Operation != topics.OperationRefund || d.p.Unapplied() != 0) {
		// Nothing is left to capture or to void; and nobody can say whether it is the customer's money that was refunded.
		d.tell(topics.RefusedUnmatchedReport, "the PSP reports %s %s, of %s, which fits no request of this payment", r.Operation, r.Outcome, reported(r))
		return
	}
	if ours && money && d.find(FromPSP, string(r.Operation), r.Outcome) {
		if d.p.Cases < d.limits.Cases { // else it is dropped with its case: what is remembered has a bound
			d.step.do(d)
		}
		return
	}
	d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP reports %s %s, which fits no request of this payment", r.Operation, r.Outcome)
}

func object(r *topics.PSPReport) string { return cmp.Or(r.Object, r.ReportID) }

// remember takes what the PSP did without being asked. Events of earlier releases name no object.
func (p *Payment) remember(kind topics.PSPOperation, e *topics.PaymentEvent) {
	if e.PSP != nil && e.PSP.Object != "" {
		p.Unasked = append(p.Unasked, Unasked{kind, e.PSP.Object})
	}
}
