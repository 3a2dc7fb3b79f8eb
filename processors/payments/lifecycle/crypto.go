package lifecycle

import "github.com/weirhq/weir/topics"

// A payment by crypto comes in what amounts people send, in as many transactions. The PSP quotes each in the payment's currency
// and tells with each approval how much is confirmed in all under its reference: a repeat, or a smaller sum that was overtaken, tells
// nothing new. What comes under a reference that is not the request's is another payment.
//
//	less than was asked for      stands unapplied, and the payment waits for the rest for as long as it may
//	enough (Limits.Short)        what came is authorised and captured, up to what was asked for
//	more                         the rest stands unapplied, with a case

// cryptoPaid decides on how much is confirmed of a request that was not paid before, or not enough.
func (d *decision) cryptoPaid(r *topics.PSPReport) {
	if !d.p.own(r.PSPReference) {
		d.secondPayment(r)
		return
	}
	before, asked := d.p.Method.Received, d.op.Amount
	if !d.countable(r) || r.Amount <= before {
		return
	}
	if !d.find(FromReport, d.op.trigger(), r.Outcome) {
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP reports %s approved while the payment is %s", r.Operation, d.p.Status())
		return
	}
	step, op, delta := d.step, d.op, r.Amount-before
	if enough := d.limits.enough(asked); d.p.usable()+delta < enough {
		if d.find(FromReport, d.op.trigger(), inPart) {
			d.step.do(d)
		}
		return
	} else if before > 0 || delta < enough { // what came in parts is applied together
		d.receive(delta, r.PSPReference)
		d.applies = true
	}
	whole := *r
	whole.Amount = min(r.Amount, asked)
	if d.applies {
		whole.Amount, whole.Fee = min(d.p.usable(), asked), 0 // its fee was booked with the parts
	}
	d.in = &Input{Partition: d.in.Partition, Position: d.in.Position, Report: &whole}
	d.step = step
	d.step.do(d)
	if over := r.Amount - whole.Amount; !d.applies && over > 0 {
		rest := *r
		rest.Fee = 0 // it was booked with the capture
		d.in, d.op = &Input{Partition: d.in.Partition, Position: d.in.Position, Report: &rest}, op
		d.receive(over, r.PSPReference)
	}
	d.overpaid(r)
}

// partCame books a part, and tells a person where nobody waits for the rest.
func (d *decision) partCame() {
	r := d.in.Report
	d.receive(r.Amount-d.p.Method.Received, r.PSPReference)
	if d.op.State == OperationFailed {
		d.gaveUp()
	}
}

const basisPoints = 10_000

// enough is the least amount that is taken for what was asked for.
func (l *Limits) enough(asked int64) int64 {
	return asked - asked/basisPoints*l.Short - asked%basisPoints*l.Short/basisPoints
}

// usable is what came by the request itself and can be applied: what is being refunded cannot.
func (p *Payment) usable() (minor int64) {
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Unapplied && op.Captured && p.own(op.Reference) && !p.returning(op.Request) {
			minor += op.Amount
		}
	}
	return minor
}

// overpaid opens the case of what came above what was asked for.
func (d *decision) overpaid(r *topics.PSPReport) {
	if left := d.p.Unapplied(); left > 0 {
		d.op = nil
		d.openCase(topics.RefusedAmountMismatch, left, "%s came of %s: %s stands in suspense until what is unapplied is refunded", reported(r), d.p.money(d.p.Amount), d.p.money(left))
	}
}

// byCrypto says that the report is of what is paid by crypto.
func (d *decision) byCrypto() bool {
	return d.p.Method.Type == topics.MethodCrypto && d.op.authorizes() && !d.op.stray()
}

// seen says that a report tells more of what is on its way than the payment knows.
func (d *decision) seen(r *topics.PSPReport) bool {
	c := r.Confirmations
	return c != nil && d.p.Method.Type == topics.MethodCrypto && c.Seen >= 0 && c.Have >= 0 && c.Have <= c.Need &&
		(c.Seen > d.p.Method.Seen || c.Seen == d.p.Method.Seen && c.Have > d.p.Method.Have)
}

// see folds what is on its way.
func (p *Payment) see(e *topics.PaymentEvent) {
	if e.PSP == nil || e.PSP.Confirmations == nil {
		return
	}
	c := e.PSP.Confirmations
	p.Method.Seen, p.Method.Have, p.Method.Need = c.Seen, c.Have, c.Need
}
