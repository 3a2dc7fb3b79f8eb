package lifecycle

import (
	"fmt"
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
	e.PSP.PSPReference, e.PSP.Fee = reference, d.newFee(reference)
	d.emit(e)
}

// newFee is by how much the fee has changed, where the PSP tells that of all that came by a reference: below zero where it is less by
// now. A report without a fee tells nothing of it.
func (d *decision) newFee(reference string) int64 {
	fee := feeOf(d.in.Report)
	switch {
	case fee == 0 || d.p.Method.Type != topics.MethodCrypto:
		return fee
	case d.p.own(reference):
		return fee - d.p.Method.Fees
	}
	return fee - d.p.feesAs(reference)
}

// feesAs is the fee that is booked of what came by another payment than the request itself.
func (p *Payment) feesAs(reference string) (minor int64) {
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Unapplied && op.Reference == reference {
			minor += op.Fee
		}
	}
	return minor
}

func feeIn(e *topics.PaymentEvent) int64 {
	if e.PSP == nil {
		return 0
	}
	return e.PSP.Fee
}

// receipt folds what came. It is part of the receipt that stands under its reference, unless that was given back, or may be.
func (p *Payment) receipt(e *topics.PaymentEvent) error {
	request, err := topics.ParseEventID(e.EventID)
	if err != nil {
		return err
	}
	of, err := p.named(e)
	if err != nil {
		return err
	}
	p.learn(e)
	own := p.own(said(e))
	if own {
		p.Method.Received += e.Amount
		p.Method.Fees += feeIn(e)
	}
	for i := range p.Operations {
		op := &p.Operations[i]
		if op.Unapplied && (op.Captured || op.Amount == 0) && !p.released(op.Request) && (op.Reference == said(e) || own && p.own(op.Reference)) {
			op.Amount, op.Fee, op.Captured = op.Amount+e.Amount, op.Fee+feeIn(e), true
			return nil
		}
	}
	p.Operations = append(p.Operations, Operation{
		Request: request, Kind: topics.OperationAuthorize, State: OperationSucceeded, Amount: e.Amount, AskedAt: e.At, NotAfter: e.At,
		Captured: true, Unapplied: true, PSP: p.pspOf(of), Reference: said(e), Fee: feeIn(e),
	})
	return nil
}

func said(e *topics.PaymentEvent) string {
	if e.PSP == nil {
		return ""
	}
	return e.PSP.PSPReference
}

// own says that a reference is of the request itself, and not of another payment of the same code. Until something has come, any is.
func (p *Payment) own(reference string) bool {
	if reference == "" || slices.Contains(p.Method.References, reference) {
		return true
	}
	return p.Method.Received == 0 && !p.wasReturned()
}

// learn keeps what the PSP calls the request: all that it calls it until something has come, that included.
func (p *Payment) learn(e *topics.PaymentEvent) {
	if reference := said(e); !p.Method.Card() && p.own(reference) && reference != "" && !slices.Contains(p.Method.References, reference) &&
		len(p.Method.References) < referencesMost {
		p.Method.References = append(p.Method.References, reference)
	}
}

// referencesMost bounds what a PSP may call one request.
const referencesMost = 16

// wasReturned says that what came by the request itself, or was on its way, went back.
func (p *Payment) wasReturned() bool {
	return slices.ContainsFunc(p.Operations, func(op Operation) bool { return op.authorizes() && !op.stray() && op.State == OperationReversed })
}

// applyFunds takes an amount that is captured out of what was not applied, the oldest first.
func (p *Payment) applyFunds(amount int64) {
	for i := range p.Operations {
		op := &p.Operations[i]
		if !op.Unapplied || !op.Captured || !p.own(op.Reference) || p.returning(op.Request) {
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
	if !d.p.own(r.PSPReference) {
		d.secondPayment(r)
		return
	}
	if before := d.p.Method.Received; r.Amount > before && d.countable(r) {
		d.receive(r.Amount-before, r.PSPReference)
		d.overpaid(r)
	}
}

// secondPayment books what came under another reference than the request's: the code was paid twice, by two people perhaps.
func (d *decision) secondPayment(r *topics.PSPReport) {
	came, gone := d.p.cameAs(r.PSPReference)
	switch {
	case !d.countable(r) || came > 0 && r.Amount == came:
		return
	case gone, came > 0 && d.p.Method.Type != topics.MethodCrypto:
		d.tell(topics.RefusedUnmatchedReport, "the PSP reports %s as %s, of which %s had come", reported(r), r.PSPReference, d.p.money(came))
		return
	case r.Amount < came:
		return // overtaken
	}
	d.receive(r.Amount-came, r.PSPReference)
	op := d.op
	d.op = nil // one for each payment
	d.openCase(topics.RefusedDuplicateOperation, r.Amount-came, "paid again, as %s, after %s: it stands in suspense until what is unapplied is refunded", r.PSPReference, d.p.Method.called())
	d.op = op
}

// called is what the PSP calls the request, as far as it has told.
func (m *Method) called() string {
	if len(m.References) == 0 {
		return "the first payment"
	}
	return m.References[len(m.References)-1]
}

// cameAs is what came by another payment than the request itself, and whether it went back by itself.
func (p *Payment) cameAs(reference string) (minor int64, gone bool) {
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Unapplied && op.Reference == reference {
			minor, gone = minor+op.Amount, gone || !op.Captured
		}
	}
	return minor, gone
}

// cameAfterReturn decides on an approval of a request by which the money had come and went back, or went back before it was told.
func (d *decision) cameAfterReturn(r *topics.PSPReport) {
	received := d.p.Method.Received
	switch {
	case received > 0 && !d.p.own(r.PSPReference):
		d.secondPayment(r)
	case received > 0 && r.Amount <= received:
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP reports %s approved, which had come and was returned", r.Operation)
	case received > 0 || !d.p.own(r.PSPReference):
		d.tell(topics.RefusedUnmatchedReport, "the PSP reports %s approved, of %s, after it was returned", r.Operation, reported(r))
	}
}

// tell opens a case of money that a PSP moved and that nobody can book: one for each sum and reference, however often it is told.
func (d *decision) tell(code topics.RefusalCode, format string, args ...any) {
	r := d.in.Report
	told := fmt.Sprintf("%s %d %s %s", r.Outcome, r.Amount, r.Currency, r.PSPReference)
	if slices.Contains(d.p.Unasked, Unasked{r.Operation, told}) {
		return
	}
	op := d.op
	d.op, d.told = nil, told
	d.openCase(code, r.Amount, format, args...)
	d.op, d.told = op, ""
}

// countable says that a report's amount can be booked as it is; else it opens a case.
func (d *decision) countable(r *topics.PSPReport) bool {
	if r.Currency == string(d.p.Currency) && r.Amount > 0 && r.Amount <= topics.MaxAmount {
		return true
	}
	d.tell(topics.RefusedAmountMismatch, "the PSP reports %s of %s, of a payment in %s", r.Operation, reported(r), d.p.Currency)
	return false
}

// wentBack decides on what went back against everybody's will, of what had come: by the request itself, with all that had come
// by it, or by another payment of the same code.
func (d *decision) wentBack(r *topics.PSPReport) {
	if !d.p.own(r.PSPReference) {
		d.secondWentBack(r)
		return
	}
	if d.op.State == OperationReversed {
		return
	}
	if d.p.Method.Received > 0 {
		d.op.Amount = d.p.Method.Received
	}
	if d.mismatch(r) {
		return
	}
	if !d.find(FromReport, d.op.trigger(), r.Outcome) {
		d.tell(topics.RefusedUnmatchedReport, "the PSP reports %s reversed while the payment is %s", r.Operation, d.p.Status())
		return
	}
	d.step.do(d)
}

// secondWentBack decides on it by another reference than the request's: of another payment, or of nobody knows what.
func (d *decision) secondWentBack(r *topics.PSPReport) {
	came, gone := d.p.cameAs(r.PSPReference)
	switch {
	case came == 0:
		d.tell(topics.RefusedUnmatchedReport, "the PSP reports %s reversed as %s, by which nothing is known to have come", reported(r), r.PSPReference)
	case gone && r.Amount == came:
	case gone || r.Amount != came || r.Currency != string(d.p.Currency):
		d.tell(topics.RefusedAmountMismatch, "the PSP reports %s reversed as %s, by which %s had come", reported(r), r.PSPReference, d.p.money(came))
	default:
		d.drop(func(op *Operation) bool { return op.Reference == r.PSPReference })
	}
}

// dropAll books that what had not been applied went back by itself, of all that came by the request itself.
func (d *decision) dropAll() {
	d.drop(func(op *Operation) bool { return d.p.own(op.Reference) })
}

// drop books it of some receipts. What was refunded, too, is lost: it went twice.
func (d *decision) drop(which func(*Operation) bool) {
	for _, receipt := range slices.Clone(d.p.Operations) {
		if !receipt.Unapplied || !receipt.Captured || !which(&receipt) {
			continue
		}
		d.emit(topics.PaymentEvent{Type: topics.EventUnappliedReturned, RequestID: receipt.Request.String(), Amount: receipt.Amount, PSP: d.said()})
		if d.p.refundedOf(receipt.Request) > 0 {
			op := d.op
			d.op = nil
			d.openCase(topics.RefusedDuplicateOperation, receipt.Amount, "the PSP %s took back what it had refunded", receipt.PSP)
			d.op = op
		}
	}
}

// wentAway folds what went back by itself, of what nobody had asked for.
func (p *Payment) wentAway(e *topics.PaymentEvent) error {
	op, err := p.named(e)
	if err != nil {
		return err
	}
	op.Captured = false
	if !op.Unapplied {
		op.State = OperationReversed
	}
	return nil
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

// refundedOf is what went back of a receipt, or of an attempt that was given up, by refunds.
func (p *Payment) refundedOf(receipt topics.EventID) (minor int64) {
	for i := range p.Operations {
		if op := &p.Operations[i]; op.releases() && op.Of == receipt && op.Kind == topics.OperationRefund && op.State == OperationSucceeded {
			minor += op.Amount
		}
	}
	return minor
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

// requests is how many requests the payment has had; what came for it is none.
func (p *Payment) requests() (n int) {
	if p == nil {
		return 0
	}
	for i := range p.Operations {
		if !p.Operations[i].Unapplied {
			n++
		}
	}
	return n
}
