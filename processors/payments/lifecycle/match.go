package lifecycle

import (
	"slices"

	"github.com/weirhq/weir/topics"
)

// match finds the operation that a report speaks of and returns the report. One that names the authorisation and speaks
// of its capture is read as the authorisation, captured in the same call. One without a request id is matched by what the
// PSP calls things, and where that leaves no doubt by operation and amount.
func (d *decision) match(r *topics.PSPReport) *topics.PSPReport {
	switch {
	case r.RequestID != "":
		if op := d.p.find(r.RequestID); op != nil {
			return d.speaksOf(op, r)
		}
	case r.Object != "" && r.Operation != topics.OperationAuthorize && r.Operation != topics.OperationConfirm:
		d.byObject(r)
	default:
		return d.byReference(r)
	}
	return r
}

// speaksOf takes the operation that a report speaks of.
func (d *decision) speaksOf(op *Operation, r *topics.PSPReport) *topics.PSPReport {
	if op.authorizes() && r.Operation == topics.OperationCapture && r.Outcome == topics.PSPApproved {
		both := *r
		both.Operation, both.Captured = topics.OperationAuthorize, true
		r, d.in = &both, &Input{Partition: d.in.Partition, Position: d.in.Position, Report: &both}
	}
	if op.answers(r.Operation) {
		d.take(op)
	}
	return r
}

// byObject finds the operation that the PSP calls so. One of the same amount alone is another one: nobody asked for this.
func (d *decision) byObject(r *topics.PSPReport) {
	for i := range d.p.Operations {
		op := &d.p.Operations[i]
		if d.p.pspOf(op) == r.PSP && op.Kind == r.Operation && op.Reference == r.Object {
			d.take(op)
			return
		}
	}
}

// byReference finds the attempt that a report speaks of, and of what was asked for in it the operation that the report fits.
// Where a PSP was asked more than once, only its reference says which attempt that is: amounts and times fit both.
func (d *decision) byReference(r *topics.PSPReport) *topics.PSPReport {
	attempts := d.p.attempts(r.PSP)
	named := slices.DeleteFunc(slices.Clone(attempts), func(attempt topics.EventID) bool { return !d.p.calls(attempt, r) })
	if len(named) == 0 {
		named = attempts
	}
	if len(named) > 1 {
		d.unclear = true
		return r
	}
	if len(named) == 0 {
		return r
	}
	d.guess(named[0], r)
	if op := d.p.Operation(named[0]); d.op == nil && op.stray() && d.p.calls(op.Request, r) {
		return d.speaksOf(op, r)
	}
	return r
}

// attempts are the authorisation requests that went to a PSP.
func (p *Payment) attempts(psp string) (requests []topics.EventID) {
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Kind == topics.OperationAuthorize && !op.Unapplied && p.pspOf(op) == psp {
			requests = append(requests, op.Request)
		}
	}
	return requests
}

// attemptOf is the authorisation request that an operation belongs to.
func (p *Payment) attemptOf(op *Operation) topics.EventID {
	switch {
	case p.OfUnapplied(op): // of the payment, whatever came by it
	case op.releases():
		return op.Of
	case op.stray():
		return op.Request
	}
	for i := range p.Operations {
		if own := &p.Operations[i]; own.Kind == topics.OperationAuthorize && !own.stray() {
			return own.Request
		}
	}
	return topics.EventID{}
}

// calls says that the PSP calls an attempt, or what was asked for in it, as a report does.
func (p *Payment) calls(attempt topics.EventID, r *topics.PSPReport) bool {
	if r.PSPReference == "" {
		return false
	}
	if !p.Operation(attempt).stray() && p.PSPReference == r.PSPReference {
		return true
	}
	return slices.ContainsFunc(p.Operations, func(op Operation) bool {
		return op.Reference == r.PSPReference && p.attemptOf(&op) == attempt
	})
}

// SpeaksOfStray says that a dispute is of an attempt at the payment's PSP that was given up, whose money is not the customer's, or
// may be: the PSP took money there, and its reference is not one of the payment.
func (p *Payment) SpeaksOfStray(r *topics.PSPReport) bool {
	var named, taken bool
	for i := range p.Operations {
		switch op := &p.Operations[i]; {
		case p.pspOf(op) != r.PSP:
		case op.stray():
			named = named || r.PSPReference != "" && op.Reference == r.PSPReference
			taken = taken || op.Captured
		case op.Reference == r.PSPReference && r.PSPReference != "":
			return false
		}
	}
	return (named || taken) && (r.PSPReference == "" || r.PSPReference != p.PSPReference)
}

// guess takes the operation of an attempt that a report fits.
func (d *decision) guess(attempt topics.EventID, r *topics.PSPReport) {
	var found *Operation
	for i := range d.p.Operations {
		op := &d.p.Operations[i]
		if op.Unapplied || d.p.attemptOf(op) != attempt || !op.answers(r.Operation) || (!op.authorizes() && r.Amount != 0 && r.Amount != op.said()) {
			continue
		}
		if found != nil && !d.p.Method.Card() && !op.authorizes() && op.State.Open() && found.State.Open() && !better(op, found, r) && !better(found, op, r) {
			d.unclear = true // of the customer's money or of what is unapplied
		}
		if found == nil || better(op, found, r) {
			found = op
		}
	}
	if found == nil && !d.p.Operation(attempt).stray() {
		found = d.p.open(r.Operation) // of another amount: a mismatch, not a second operation
	}
	if found != nil && !d.unclear {
		d.take(found)
	}
}

// better says that a report without a request id fits a better than b: by its reference, else by being open.
func better(a, b *Operation, r *topics.PSPReport) bool {
	same := func(op *Operation) bool { return r.PSPReference != "" && op.Reference == r.PSPReference }
	if same(a) != same(b) {
		return same(a)
	}
	return a.State.Open() && !b.State.Open()
}

// lookAgain moves nothing on a report of which nobody can say whether it speaks of the payment or of an attempt that was given
// up. The PSP is asked for what is open there, by request; where money was moved, a person is told.
func (d *decision) lookAgain() {
	r := d.in.Report
	if moved(r) {
		d.openCase(topics.RefusedUnmatchedReport, r.Amount,
			"the PSP %s, which was asked more than once, reports %s %s and does not name which attempt", r.PSP, r.Operation, r.Outcome)
	}
	for _, op := range slices.Clone(d.p.Operations) {
		if d.p.pspOf(&op) == r.PSP && op.State.Open() && op.State != OperationAction && op.Polls < d.limits.PollLimit {
			d.ask(&op)
		}
	}
}
