package payouts

import (
	"slices"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// had says that a case of a code was opened for the attempt.
func (a *Attempt) had(code topics.RefusalCode) bool { return slices.Contains(a.Cases, string(code)) }

// report decides on what the PSP said.
func (d *decision) report(r *topics.PSPReport) {
	moved := r.Outcome == topics.PSPApproved || r.Outcome == topics.PSPReversed
	switch {
	case r.Operation != topics.OperationPayout:
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP reports %s of what is a payout", r.Operation)
		return
	case d.p == nil:
		if moved {
			d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP %s reports payout %s of a payout that we do not know", r.PSP, r.Outcome)
		}
		return
	case r.Tenant != d.p.Tenant || r.CustomerID != "" && r.CustomerID != d.p.Customer || r.PSP != d.p.psp():
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the report names another tenant, customer or PSP than the payout has")
		return
	}
	d.match(r)
	switch {
	case d.a == nil && moved:
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP reports payout %s, which fits no request of this payout", r.Outcome)
	case d.a == nil:
		// It says that nothing was moved by what nobody asked for.
	case d.a.State.Open():
		d.answered(r)
	default:
		d.repeated(r)
	}
	d.giveBack()
}

// match finds the attempt that a report speaks of. One without a request id is matched by its reference, else by being open,
// else it is the latest, or one that nobody told a reference of where that has another.
func (d *decision) match(r *topics.PSPReport) {
	var found *Attempt
	if r.RequestID != "" {
		found = d.p.find(r.RequestID)
	} else if n := len(d.p.Attempts); n > 0 {
		found = &d.p.Attempts[n-1]
		if a := d.p.open(); a != nil {
			found = a
		}
		d.guess = n > 1
		if r.PSPReference != "" {
			known := slices.IndexFunc(d.p.Attempts, func(a Attempt) bool { return a.Reference == r.PSPReference })
			switch other := d.p.neverPaid(); {
			case known >= 0:
				found, d.guess = &d.p.Attempts[known], false
			case found.State == AttemptPaid && found.Reference != "" && other != nil:
				found = other
			}
		}
	}
	if found != nil {
		was := *found
		d.a = &was
	}
}

// answered decides on a report of an open attempt.
func (d *decision) answered(r *topics.PSPReport) {
	outcome := r.Outcome
	if outcome == topics.PSPNotFound {
		if r.Source == topics.SourceWebhook || d.now.Before(d.a.NotAfter.Add(d.limits.Grace)) {
			return // it may still be on its way: the poll timer asks again
		}
		outcome, d.failed = topics.PSPFailed, topics.DeclineNotPerformed
	}
	if outcome != topics.PSPPending && outcome != topics.PSPUnknown && d.mismatch(r) {
		return
	}
	if d.find(FromReport, "", outcome) {
		d.step.do(d)
	}
}

// repeated decides on a report of an attempt whose result is known. A failure never downgrades a success, a success after a
// failure is a fact, and what was paid may come back.
func (d *decision) repeated(r *topics.PSPReport) {
	switch {
	case d.a.State == AttemptPaid && r.Outcome == topics.PSPApproved:
		if r.PSPReference != "" && d.a.Reference != "" && r.PSPReference != d.a.Reference {
			if other := d.p.neverPaid(); other != nil && d.a.Guessed && !d.guess {
				d.paidByOther(other)
				return
			}
			d.openCase(topics.RefusedDuplicateOperation, r.Amount, "the PSP reports a second success, %s, of the payout that succeeded as %s", r.PSPReference, d.a.Reference)
			return
		}
		d.mismatch(r)
	case r.Outcome == topics.PSPReversed && d.a.State != AttemptReturned && !d.a.Reversed, r.Outcome == topics.PSPApproved && d.a.State == AttemptFailed:
		if !d.mismatch(r) && d.find(FromReport, "", r.Outcome) {
			d.step.do(d)
		}
	}
}

// mismatch opens a case where a result is not of the amount and the currency that were asked for. It moves nothing. A failure
// may leave them out.
func (d *decision) mismatch(r *topics.PSPReport) bool {
	sameAmount, sameCurrency := r.Amount == d.p.Amount, r.Currency == string(d.p.Currency)
	if r.Outcome != topics.PSPApproved && r.Outcome != topics.PSPReversed {
		sameAmount, sameCurrency = sameAmount || r.Amount == 0, sameCurrency || r.Currency == ""
	}
	if sameAmount && sameCurrency {
		return false
	}
	d.openCase(topics.RefusedAmountMismatch, r.Amount, "the PSP reports %d minor units of %.8q, and %s was asked for", r.Amount, r.Currency,
		ledger.Money{Minor: d.p.Amount, Currency: d.p.Currency})
	return true
}

// said is what is kept of the report.
func (d *decision) said() *topics.PSPData {
	r := d.in.Report
	data := &topics.PSPData{
		Source: r.Source, Operation: r.Operation, PSPReference: r.PSPReference, NetworkReference: r.NetworkReference,
		DeclineCode: r.DeclineCode, HardDecline: r.HardDecline,
	}
	if r.Source == topics.SourceWebhook { // only those are told apart by their id
		data.ReportID = r.ReportID
	}
	if d.failed != "" {
		data.DeclineCode = d.failed
	}
	return data
}

// fact is an event of the attempt that the report speaks of.
func (d *decision) fact(kind topics.PayoutEventType) topics.PayoutEvent {
	return topics.PayoutEvent{Type: kind, RequestID: d.a.Request, PSP: d.said(), Detail: d.in.Report.Detail}
}

// neverPaid is the latest attempt that failed, of which the PSP told no reference; nil where there is none.
func (p *Payout) neverPaid() *Attempt {
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		if a := &p.Attempts[i]; a.State == AttemptFailed && a.Reference == "" {
			return a
		}
	}
	return nil
}

// paidByOther books a success of the attempt d.a, whose payment was guessed to be its own: that was the other attempt's, and
// takes its reference along.
func (d *decision) paidByOther(other *Attempt) {
	if d.mismatch(d.in.Report) {
		return
	}
	e := d.fact(topics.PayoutPaid)
	e.RequestID, e.PSP.PSPReference = other.Request, d.a.Reference
	d.paidAs(e)
}

// paid books that the PSP paid, in answer to the request that the report speaks of.
func (d *decision) paid() {
	e := d.fact(topics.PayoutPaid)
	e.Guessed = d.guess
	d.paidAs(e)
}

// paidAs books that the PSP paid. Where the customer has the money back, or had it paid before, it is taken from them by force.
func (d *decision) paidAs(e topics.PayoutEvent) {
	r, place := d.in.Report, d.p.Place
	fee := r.Fee
	if r.Outcome == topics.PSPReversed || fee < -topics.MaxAmount || fee > topics.MaxAmount {
		fee = 0
	}
	e.PSP.Fee = fee
	d.emit(e)
	switch {
	case place == PlaceCustomer:
		d.openCase(topics.RefusedLatePayout, d.p.Amount, "the PSP paid what had been given back to the customer: it was taken from the wallet again, or is owed")
	case place == PlacePaid && d.p.cameBack() == nil: // what came back gives way to this one
		d.openCase(topics.RefusedDuplicateOperation, d.p.Amount, "the PSP paid a second time: it was taken from the wallet, or is owed")
	}
	if fee != r.Fee && r.Outcome != topics.PSPReversed {
		d.openCase(topics.RefusedAmountMismatch, r.Fee, "the PSP reports a fee of %d minor units, which is not booked", r.Fee)
	}
}

// reversed books that what was paid came back. Where nobody had told that it was paid, it was; where it had failed, the two
// are nothing together, and a success that is told afterwards is of before.
//
// As long as another request is open, the money stays where it is: the customer would have it back, and the payout as well if
// that request is paid.
func (d *decision) reversed() {
	e := d.fact(topics.PayoutReturned)
	switch open := d.p.open(); {
	case d.a.State == AttemptPaid && open != nil:
		e.Type, e.PSP.Reversed = topics.PayoutRequestFailed, true
		e.Detail = "it came back; its money is given back once the outcome of the other request is known"
	case d.a.State == AttemptFailed:
		e.Type, e.PSP.Reversed = topics.PayoutRequestFailed, true
	case d.a.State.Open():
		d.paid()
	}
	d.emit(e)
}

// giveBack books what came back while another request was open, now that none is.
func (d *decision) giveBack() {
	if d.p == nil || len(d.events) == 0 || d.p.open() != nil {
		return
	}
	for a := d.p.cameBack(); a != nil; a = d.p.cameBack() {
		d.emit(topics.PayoutEvent{Type: topics.PayoutReturned, RequestID: a.Request, PSP: &topics.PSPData{
			Source: d.in.Report.Source, Operation: topics.OperationPayout, PSPReference: a.Reference,
		}, Detail: "it had come back while another request was open"})
	}
}

func (d *decision) failedNow() { d.emit(d.fact(topics.PayoutFailed)) }

// notPerformed queues the payout where no route was up, as long as it may wait.
func (d *decision) notPerformed() {
	code := d.in.Report.DeclineCode
	noRoute := code == topics.DeclineNotSent || code == topics.DeclineRouteDisabled
	if !noRoute || d.failed != "" || !d.now.Before(d.p.QueueUntil) || len(d.p.Attempts) >= d.limits.Attempts {
		d.failedNow()
		return
	}
	e := d.fact(topics.PayoutQueued)
	e.RetryAt = d.now.Add(backoff(d.limits.RetryFirst, d.limits.RetryMost, len(d.p.Attempts)-1))
	if e.RetryAt.After(d.p.QueueUntil) {
		e.RetryAt = d.p.QueueUntil
	}
	d.emit(e)
}

func (d *decision) requestFailed() { d.emit(d.fact(topics.PayoutRequestFailed)) }

func (d *decision) submitted() {
	if d.a.State == AttemptRequested || d.a.State == AttemptUnknown {
		d.emit(d.fact(topics.PayoutSubmitted))
	}
}

func (d *decision) outcomeUnknown() {
	if d.a.State == AttemptRequested || d.a.State == AttemptPending {
		d.emit(d.fact(topics.PayoutOutcomeUnknown))
	}
}
