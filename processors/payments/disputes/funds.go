package disputes

import (
	"cmp"
	"slices"

	"github.com/weirhq/weir/topics"
)

func (d *decision) withdrawn() {
	left, ahead := d.payment.Left(), d.p.Ahead()
	if !d.move(topics.DisputeFundsWithdrawn) {
		return
	}
	amount := d.in.Report.Amount
	if d.p.Amount > 0 && d.p.Taken() > d.p.Amount {
		d.openCase(topics.RefusedAmountMismatch, amount, "the PSP took %s of %s that is disputed", d.p.Money(d.p.Taken()), d.p.Money(d.p.Amount))
	}
	if amount-ahead > max(left, 0) {
		d.openCase(topics.RefusedExceedsCaptured, amount, "the PSP took %s, and %s was left of what was captured: the rest stands in suspense", d.p.Money(amount-ahead), d.p.Money(max(left, 0)))
	}
}

func (d *decision) reinstated() {
	if d.move(topics.DisputeFundsReinstated) && d.p.Ahead() > 0 {
		d.openCase(topics.RefusedAmountMismatch, d.in.Report.Amount, "the PSP gave %s back, and %s was taken as far as is known: the rest stands in suspense", d.p.Money(d.p.Totals.Reinstated), d.p.Money(d.p.Totals.Withdrawn))
	}
}

func (d *decision) fee() { d.move(topics.DisputeFeeCharged) }

func (d *decision) feeReturned() {
	if d.move(topics.DisputeFeeReturned) && d.p.Totals.FeesReturned > d.p.Totals.Fees {
		d.openCase(topics.RefusedAmountMismatch, d.in.Report.Amount, "the PSP gave back fees of %s, and charged %s as far as is known", d.p.Money(d.p.Totals.FeesReturned), d.p.Money(d.p.Totals.Fees))
	}
}

// move books what the PSP moved, once. It returns whether it did.
func (d *decision) move(kind topics.DisputeEventType) bool {
	r := d.in.Report
	m := Movement{r.Dispute.Fact, cmp.Or(r.Dispute.Movement, r.ReportID)}
	switch {
	case slices.Contains(d.p.Movements, m):
		return false
	case !d.fits(r):
		d.mismatch(r)
		return false
	case len(d.p.Movements) >= d.limits.Movements:
		d.openCase(topics.RefusedLimitExceeded, r.Amount, "the PSP moved money %d times because of one dispute: this is not booked", len(d.p.Movements)+1)
		return false
	}
	e := d.fact(kind)
	e.Amount, e.Movement = r.Amount, m.Name
	e.Reason, e.Category, e.Detail = "", "", ""
	d.emit(e)
	return true
}

// refundedToo opens a case where what is now disputed, or was taken, is refunded or being refunded, too: a refund that was
// submitted before is a fact.
func (d *decision) refundedToo(before *Dispute) {
	c := Change(before, d.p)
	if c == nil || d.payment.Refunded+d.payment.Refunding == 0 || slices.Contains(d.p.Cases, string(topics.RefusedDisputedRefund)) {
		return
	}
	if grown, left := c.Disputing+c.Disputed, d.payment.Left()-d.payment.Disputing; grown > 0 && grown > left {
		disputed := "an amount that is not known"
		if d.p.Amount > 0 {
			disputed = d.p.Money(d.p.Amount).String()
		}
		d.openCase(topics.RefusedDisputedRefund, grown, "%s is disputed, and %s was refunded or is being refunded: tell the PSP of the refund as evidence",
			disputed, d.p.Money(d.payment.Refunded+d.payment.Refunding))
	}
}
