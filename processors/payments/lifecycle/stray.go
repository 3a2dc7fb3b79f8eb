package lifecycle

import "github.com/weirhq/weir/topics"

// A stray authorisation is one that a PSP gave for an attempt that was given up: it had said before, or proven, that it did
// not charge. Another PSP may have charged since, so it is released at once: by a void, or by a refund where the PSP also
// took the money. None of it is the customer's or the payment's: what the PSP took stands in suspense until it is back.

// strayed decides on a report of an attempt that was given up, or of what releases it.
func (d *decision) strayed(r *topics.PSPReport) {
	if d.op.authorizes() {
		d.strayApproval(r)
		return
	}
	outcome := r.Outcome
	if outcome == topics.PSPNotFound {
		if d.early(r) {
			return
		}
		outcome, d.failed = topics.PSPFailed, topics.DeclineNotPerformed
	}
	if d.find(FromStray, d.op.trigger(), outcome) {
		d.step.do(d)
	}
}

func (d *decision) strayApproval(r *topics.PSPReport) {
	if r.Outcome == topics.PSPDeclined && d.find(FromStray, string(topics.OperationAuthorize), r.Outcome) {
		d.step.do(d)
		return
	}
	if r.Outcome == topics.PSPReversed && !d.p.Method.Card() {
		if !d.mismatch(r) && d.op.State != OperationReversed && d.find(FromStray, string(topics.OperationAuthorize), r.Outcome) {
			d.step.do(d)
		}
		return
	}
	if d.p.Method.Type == topics.MethodCrypto && d.op.State == OperationFailed && r.Amount > 0 && r.Amount <= topics.MaxAmount {
		d.op.Amount = r.Amount // whatever came goes back
	}
	if r.Outcome != topics.PSPApproved || d.op.State == OperationReversed || d.mismatch(r) || !d.find(FromStray, string(topics.OperationAuthorize), r.Outcome) {
		return
	}
	if d.op.State == OperationSucceeded && r.PSPReference != "" && d.op.Reference != "" && r.PSPReference != d.op.Reference {
		d.openCase(topics.RefusedDuplicateOperation, r.Amount, "the PSP %s reports a second success, %s, of an attempt that was given up", r.PSP, r.PSPReference)
		return
	}
	d.step.do(d)
}

// strayWentBack books that what the PSP took by an attempt that was given up went back by itself. What it never told to have taken
// needs a person.
func (d *decision) strayWentBack() {
	if !d.op.Captured {
		d.tell(topics.RefusedUnmatchedReport, "the PSP %s reports %s reversed, of an attempt that was given up", d.op.PSP, reported(d.in.Report))
		return
	}
	d.fact(topics.EventUnappliedReturned, d.op.Amount)
	if d.p.refundedOf(d.op.Request) > 0 {
		d.openCase(topics.RefusedDuplicateOperation, d.op.Amount, "the PSP %s took back what it had refunded", d.op.PSP)
	}
}

// strayAuthorized takes what the PSP says, once each, and has it released.
func (d *decision) strayAuthorized() {
	r, said := d.in.Report, len(d.events)
	if d.op.State != OperationSucceeded {
		d.fact(topics.EventStrayAuthorized, r.Amount)
	}
	if r.Captured && !d.op.Captured {
		e := topics.PaymentEvent{Type: topics.EventStrayCaptured, RequestID: d.op.Request.String(), Amount: r.Amount, PSP: d.said()}
		e.PSP.Fee = feeOf(r)
		d.emit(e)
		d.oddFee(r)
	}
	if len(d.events) > said {
		d.releaseStray(d.op.Request)
	}
}

// releaseStray asks the PSP to release an attempt, unless it was asked already. What was voided and then taken all the same
// needs a person: a refund might give back what the void gives back, too.
func (d *decision) releaseStray(attempt topics.EventID) {
	op := d.p.Operation(attempt)
	kind := topics.OperationVoid
	if op.Captured {
		kind = topics.OperationRefund
	}
	for i := range d.p.Operations {
		release := &d.p.Operations[i]
		if release.Of != attempt || !release.releases() {
			continue
		}
		if release.State == OperationSucceeded && release.Kind != kind {
			d.openCase(topics.RefusedNotReleased, op.Amount, "the PSP %s took what it had voided before", op.PSP)
			return
		}
		if release.State.Open() || release.Kind == kind {
			return
		}
	}
	d.askRelease(op, kind)
}

func (d *decision) askRelease(attempt *Operation, kind topics.PSPOperation) {
	d.emit(topics.PaymentEvent{
		Type: topics.EventStrayReleaseRequested, RequestID: attempt.Request.String(), Amount: attempt.Amount,
		Request: &topics.RequestData{PSP: attempt.PSP, NotAfter: d.now.Add(d.limits.FollowWithin), Release: kind},
	})
}

// releasesMost bounds how often the release of one attempt is asked for.
const releasesMost = 10

// releaseAgain asks once more for a release that provably was not performed: a PSP that is away for longer than a request may take
// to be sent would keep the money otherwise. Each takes that long, which paces them.
func (d *decision) releaseAgain() bool {
	asked := 0
	for i := range d.p.Operations {
		if release := &d.p.Operations[i]; release.Of == d.op.Of && release.releases() {
			asked++
		}
	}
	if d.failed != topics.DeclineNotPerformed || asked >= releasesMost {
		return false
	}
	d.askRelease(d.p.Operation(d.op.Of), d.op.Kind)
	return true
}

// strayReleased books that the PSP has released an attempt.
func (d *decision) strayReleased() {
	if d.mismatch(d.in.Report) || d.op.State == OperationSucceeded || d.op.State == OperationReversed {
		return
	}
	d.fact(topics.EventStrayReleased, d.op.Amount)
	if of := d.p.Operation(d.op.Of); of.wentAway() || of.Captured && d.p.refundedOf(of.Request) > of.Amount {
		d.openCase(topics.RefusedDuplicateOperation, d.op.Amount, "the PSP %s refunded what had gone back", d.op.PSP)
	}
	if d.op.Kind == topics.OperationVoid && d.p.Operation(d.op.Of).Captured {
		d.openCase(topics.RefusedNotReleased, d.op.Amount, "the PSP %s voided what it had taken", d.op.PSP)
	}
}

// strayReleaseFailed ends a release. What could not be voided because it was taken meanwhile is refunded, and what was not
// performed is asked for again; for the rest a person is told.
func (d *decision) strayReleaseFailed() {
	reversed := d.in.Report.Outcome == topics.PSPReversed
	if d.mismatch(d.in.Report) || !d.op.State.Open() && !(reversed && d.op.State == OperationSucceeded) {
		return
	}
	e := topics.PaymentEvent{
		Type: topics.EventStrayReleaseFailed, RequestID: d.op.Request.String(), Amount: d.op.Amount, PSP: d.said(), Detail: d.in.Report.Detail,
	}
	e.PSP.Reversed = reversed
	d.emit(e)
	if d.op.Kind == topics.OperationVoid && d.p.Operation(d.op.Of).Captured {
		d.releaseStray(d.op.Of)
		return
	}
	if of := d.p.Operation(d.op.Of); of.wentAway() { // it went back by itself
		return
	}
	if d.releaseAgain() {
		return
	}
	d.openCase(topics.RefusedNotReleased, d.op.Amount, "the PSP %s did not release an attempt that was given up", d.op.PSP)
}

// wentAway says that nothing is left of what nobody had asked for: it went back by itself, or was applied.
func (op *Operation) wentAway() bool {
	return op.Unapplied && !op.Captured || op.State == OperationReversed
}

// straySaid folds what an attempt that was given up has become.
func (p *Payment) straySaid(e *topics.PaymentEvent) error {
	op, err := p.named(e)
	if err != nil {
		return err
	}
	switch e.Type {
	case topics.EventStrayAuthorized:
		op.Amount = e.Amount // of crypto, what came
		op.close(OperationSucceeded, e)
	case topics.EventStrayCaptured:
		op.Captured = true
	case topics.EventStrayReleased:
		op.close(OperationSucceeded, e)
	case topics.EventStrayReleaseFailed:
		state := OperationFailed
		if e.PSP != nil && e.PSP.Reversed {
			state = OperationReversed
		}
		op.close(state, e)
	case topics.EventStrayReleaseRequested:
		request, err := topics.ParseEventID(e.EventID)
		if err != nil {
			return err
		}
		p.Operations = append(p.Operations, Operation{
			Request: request, Kind: e.Request.Release, State: OperationRequested, Amount: e.Amount, NotAfter: e.Request.NotAfter,
			AskedAt: e.At, PSP: e.Request.PSP, Of: op.Request,
		})
	}
	return nil
}

// Stray is what PSPs took by attempts that were given up, and have not given back: it stands in suspense.
func (p *Payment) Stray() (minor int64) {
	for i := range p.Operations {
		switch op := &p.Operations[i]; {
		case !op.stray():
		case op.authorizes() && op.Captured:
			minor += op.Amount
		case op.Kind == topics.OperationRefund && op.State == OperationSucceeded:
			minor -= op.Amount
		}
	}
	return minor
}

// releases says that the operation releases an attempt that was given up.
func (op *Operation) releases() bool { return op.stray() && !op.authorizes() }
