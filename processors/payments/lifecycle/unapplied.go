package lifecycle

import (
	"slices"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Unapplied funds are what came for a payment that no card pays, and is not the customer's, or not yet: a part of what was asked
// for, what came above it, a second payment of the same code. They stand in suspense. A part is applied once enough has come; the
// rest goes back by a refund that a person asks for, or is dropped by the PSP.
//
// P8: what came is what was captured and what stands unapplied, less what went back: each sum that the PSP told of is booked once.
// Each receipt is an operation of its own, which nobody asked for: its request is the event that told of it.

// receive books what came and is not applied. d.op is the request that it came by.
func (d *decision) receive(amount int64, reference string) {
	e := topics.PaymentEvent{
		Type: topics.EventUnappliedReceived, RequestID: d.op.Request.String(), Amount: amount, PSP: d.said(), Detail: d.in.Report.Detail,
	}
	e.PSP.PSPReference, e.PSP.Fee = reference, feeOf(d.in.Report)
	d.emit(e)
}

// receipt folds what came.
func (p *Payment) receipt(e *topics.PaymentEvent) error {
	request, err := topics.ParseEventID(e.EventID)
	if err != nil {
		return err
	}
	of, err := p.named(e)
	if err != nil {
		return err
	}
	own := p.own(of, said(e))
	r := Operation{
		Request: request, Kind: topics.OperationAuthorize, State: OperationSucceeded, Amount: e.Amount, AskedAt: e.At, NotAfter: e.At,
		Captured: true, Unapplied: true, PSP: p.pspOf(of), Reference: said(e),
	}
	if own {
		p.Method.Received += e.Amount
	}
	p.Operations = append(p.Operations, r)
	return nil
}

func said(e *topics.PaymentEvent) string {
	if e.PSP == nil {
		return ""
	}
	return e.PSP.PSPReference
}

// own says that a reference is of the request itself, and not of another payment of the same code.
func (p *Payment) own(of *Operation, reference string) bool {
	return reference == "" || of.Reference == "" || reference == of.Reference || reference == p.PSPReference
}

// applyFunds takes an amount that is captured out of what was not applied, the oldest first.
func (p *Payment) applyFunds(amount int64) {
	for i := range p.Operations {
		op := &p.Operations[i]
		if !op.Unapplied || !op.Captured || p.returning(op.Request) {
			continue
		}
		taken := min(amount, op.Amount)
		op.Amount, amount = op.Amount-taken, amount-taken
		op.Captured = op.Amount > 0
	}
}

// Unapplied is what stands in suspense of what came for the payment, minor units.
func (p *Payment) Unapplied() (minor int64) {
	if p.Method.Card() {
		return 0
	}
	for i := range p.Operations {
		switch op := &p.Operations[i]; {
		case op.Unapplied && op.Captured:
			minor += op.Amount
		case op.Kind == topics.OperationRefund && op.State == OperationSucceeded && op.releases() && p.Operation(op.Of).Unapplied:
			minor -= op.Amount
		}
	}
	return minor
}

// gaveUp tells a person of a part that came for a payment that has ended without the rest.
func (d *decision) gaveUp() {
	if left := d.p.Unapplied(); left > 0 {
		d.op = nil
		d.openCase(topics.RefusedAmountMismatch, left, "%s of %s came and stands in suspense: refund what is unapplied", d.p.money(left), d.p.money(d.p.Amount))
	}
}

// moreCame books what came once the payment was paid: more by crypto, or another payment of the same code.
func (d *decision) moreCame() {
	r := d.in.Report
	if !d.p.own(d.op, r.PSPReference) {
		d.secondPayment(r)
		return
	}
	if before := d.p.Method.Received; r.Amount > before && d.countable(r) && d.p.Cases < d.limits.Cases {
		d.receive(r.Amount-before, r.PSPReference)
		d.overpaid(r)
	}
}

// secondPayment books a second success of one request under another reference: the code was paid twice, by two people perhaps.
func (d *decision) secondPayment(r *topics.PSPReport) {
	known := slices.ContainsFunc(d.p.Operations, func(op Operation) bool { return op.Unapplied && op.Reference == r.PSPReference })
	if known || d.p.Cases >= d.limits.Cases {
		return
	}
	if !d.countable(r) {
		return
	}
	d.receive(r.Amount, r.PSPReference)
	first := d.op.Reference
	d.op = nil // one for each payment
	d.openCase(topics.RefusedDuplicateOperation, r.Amount, "paid again, as %s, after %s: it stands in suspense until what is unapplied is refunded", r.PSPReference, first)
}

// countable says that a report's amount can be booked as it is; else it opens a case.
func (d *decision) countable(r *topics.PSPReport) bool {
	if r.Currency == string(d.p.Currency) && r.Amount > 0 && r.Amount <= topics.MaxAmount {
		return true
	}
	d.openCase(topics.RefusedAmountMismatch, r.Amount, "the PSP reports %s of %s, of a payment in %s", r.Operation, reported(r), d.p.Currency)
	return false
}

// receiptOf is the receipt that the PSP calls so, of what is still there; nil where there is none.
func (p *Payment) receiptOf(reference string) *Operation {
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Unapplied && op.Captured && op.Reference == reference && !p.refunded(op.Request) {
			return op
		}
	}
	return nil
}

// wentBack decides on what went back against everybody's will, of what had come: by the request itself, with all that had come
// by it, or by another payment of the same code.
func (d *decision) wentBack(r *topics.PSPReport) {
	if !d.p.own(d.op, r.PSPReference) {
		if receipt := d.p.receiptOf(r.PSPReference); receipt != nil {
			if d.op.Amount = receipt.Amount; !d.mismatch(r) {
				d.dropped(*receipt)
			}
		}
		return
	}
	if d.op.Amount = d.p.Method.Received; !d.mismatch(r) && d.find(FromReport, d.op.trigger(), r.Outcome) {
		d.step.do(d)
	}
}

// dropped books that what had not been applied went back by itself.
func (d *decision) dropped(receipt Operation) {
	d.emit(topics.PaymentEvent{Type: topics.EventUnappliedReturned, RequestID: receipt.Request.String(), Amount: receipt.Amount, PSP: d.said()})
}

// dropAll books it of all that came by the request itself. What is being refunded goes twice where that succeeds.
func (d *decision) dropAll() {
	for _, op := range slices.Clone(d.p.Operations) {
		if op.Unapplied && op.Captured && d.p.own(d.op, op.Reference) && !d.p.refunded(op.Request) {
			d.dropped(op)
		}
	}
}

// refundUnapplied asks for the refund of all that stands unapplied: each receipt goes back by itself.
func (d *decision) refundUnapplied() {
	decision := &d.in.Command.Decision
	var ask []Operation
	for _, op := range d.p.Operations {
		if op.Unapplied && op.Captured && !d.p.returning(op.Request) {
			ask = append(ask, op)
		}
	}
	if len(ask) == 0 {
		d.refuse(topics.RefusedExceedsCaptured, "unapplied: nothing came that is not applied, or it is being refunded")
		return
	}
	if refusal := decision.Refusal(d.in.Command.Command.ApprovedBy); refusal != nil {
		d.refuse(refusal.Code, refusal.Detail, decision.Reasons...)
		return
	}
	for i := range ask {
		d.askRelease(&ask[i], topics.OperationRefund)
	}
}

// refunded says that a receipt went back by a refund.
func (p *Payment) refunded(receipt topics.EventID) bool {
	return slices.ContainsFunc(p.Operations, func(op Operation) bool {
		return op.releases() && op.Of == receipt && op.State == OperationSucceeded
	})
}

// returning says that a refund of a receipt is open, or was paid.
func (p *Payment) returning(receipt topics.EventID) bool {
	return slices.ContainsFunc(p.Operations, func(op Operation) bool {
		return op.releases() && op.Of == receipt && (op.State.Open() || op.State == OperationSucceeded)
	})
}

// postUnapplied is the entry of what came, was applied or went back.
func postUnapplied(c ledger.Customer, e *topics.PaymentEvent, standing ledger.Standing) (ledger.Entry, error) {
	switch e.Type {
	case topics.EventUnappliedReceived:
		return ledger.StrayReceived(c, e.Amount, e.PSP.Fee)
	case topics.EventUnappliedReturned:
		return ledger.StrayReturned(c, e.Amount)
	}
	return ledger.DepositApplied(c, e.Amount, standing)
}

// OfUnapplied says that an operation is a receipt, or gives one back.
func (p *Payment) OfUnapplied(op *Operation) bool {
	return op.Unapplied || op.releases() && p.Operation(op.Of).Unapplied
}
