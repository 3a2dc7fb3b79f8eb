package disputes

import (
	"cmp"
	"time"

	"github.com/weirhq/weir/topics"
)

// report decides on what the PSP said. What does not fit the payment moves nothing.
func (d *decision) report(r *topics.PSPReport) {
	switch {
	case r.Dispute == nil || r.Dispute.Reference == "":
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP %s reports a dispute without a reference of its own", r.PSP)
	case d.payment == nil:
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP %s reports dispute %s of a payment that we do not know", r.PSP, r.Dispute.Reference)
	case r.Tenant != d.payment.Tenant || r.CustomerID != "" && r.CustomerID != d.payment.Customer || r.PSP != d.payment.PSP:
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the report names another tenant, customer or PSP than the payment has")
	case r.Operation == topics.OperationDispute && d.payment.SpeaksOfStray(r):
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "dispute %s is of an attempt that was given up, or of the payment: the PSP %s was asked more than once, and %.64q is not what it calls the payment: nothing is moved", r.Dispute.Reference, r.PSP, r.PSPReference)
	case r.Operation != topics.OperationDispute:
		d.answered(r)
	default:
		d.told(r)
	}
}

// told decides on a fact. Whatever is told first of a dispute opens it.
func (d *decision) told(r *topics.PSPReport) {
	before := d.p.Clone()
	if !knownFact(r.Dispute.Fact) {
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP reports %.32q of a dispute, which is no fact that we know", r.Dispute.Fact)
		return
	}
	if d.p == nil {
		d.open(r)
	}
	if d.find(FromFact, string(r.Dispute.Fact), "") {
		d.step.do(d)
	}
	d.refundedToo(before)
}

func knownFact(f topics.DisputeFact) bool {
	return Find(Trigger{Source: FromFact, What: string(f)}, needsResponse) != nil
}

// open opens the dispute by what is told first of it. Of a fact that moves money back, the amount is not what is disputed.
func (d *decision) open(r *topics.PSPReport) {
	stage := topics.StageChargeback
	if r.Dispute.Fact == topics.FactInquiry || r.Dispute.Inquiry {
		stage = topics.StageInquiry
	}
	amount, fits := r.Amount, d.fits(r)
	moves := moved(r.Dispute.Fact)
	if !fits || moves && r.Dispute.Fact != topics.FactFundsWithdrawn {
		amount = 0
	}
	e := d.fact(topics.DisputeOpened)
	e.Tenant, e.Region, e.CustomerID = d.payment.Tenant, d.payment.Region, d.payment.Customer
	e.DisputeID, e.PaymentID, e.Currency = d.id.String(), d.payment.ID.String(), string(d.payment.Currency)
	e.Stage, e.Amount, e.Opened = stage, amount, &topics.DisputeData{PSP: r.PSP, Reference: r.Dispute.Reference}
	if r.Dispute.Fact != topics.FactInquiry && r.Dispute.Fact != topics.FactOpened {
		e.OccurredAt = time.Time{} // of what follows
	}
	d.emit(e)
	if !fits && !moves && r.Amount != 0 {
		d.mismatch(r)
	}
}

func moved(f topics.DisputeFact) bool {
	switch f {
	case topics.FactFundsWithdrawn, topics.FactFundsReinstated, topics.FactFee, topics.FactFeeReturned:
		return true
	}
	return false
}

// fits says that the report's amount is one of the payment's currency.
func (d *decision) fits(r *topics.PSPReport) bool {
	return r.Amount > 0 && r.Amount <= topics.MaxAmount && r.Currency == string(d.payment.Currency)
}

func (d *decision) mismatch(r *topics.PSPReport) {
	d.openCase(topics.RefusedAmountMismatch, r.Amount, "the PSP reports %s of %d minor units of %.8q, and the payment is in %s: nothing was moved", r.Dispute.Fact, r.Amount, r.Currency, d.payment.Currency)
}

// late says that the fact occurred before the one that made the dispute what it is.
func (d *decision) late() bool {
	return d.p.late(milliseconds(d.in.Report.OccurredAt))
}

// said is what is kept of the report.
func (d *decision) said() *topics.PSPData {
	r := d.in.Report
	data := &topics.PSPData{
		Source: r.Source, Operation: r.Operation, PSPReference: r.PSPReference, NetworkReference: r.NetworkReference, DeclineCode: r.DeclineCode,
	}
	if r.Source == topics.SourceWebhook { // only those are told apart by their id
		data.ReportID = r.ReportID
	}
	if d.failed != "" {
		data.DeclineCode = d.failed
	}
	return data
}

// fact is an event of what the report tells.
func (d *decision) fact(kind topics.DisputeEventType) topics.DisputeEvent {
	r := d.in.Report
	return topics.DisputeEvent{
		Type: kind, PSP: d.said(), Reason: r.Dispute.Reason, Category: r.Dispute.Category, EvidenceDue: milliseconds(r.Dispute.EvidenceDue),
		OccurredAt: milliseconds(r.OccurredAt), Detail: r.Detail,
	}
}

func milliseconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}

// status tells a fact that makes the status what it is, unless it came late.
func (d *decision) status(kind topics.DisputeEventType) {
	if !d.late() {
		d.emit(d.fact(kind))
	}
}

func (d *decision) won()  { d.status(topics.DisputeWon) }
func (d *decision) lost() { d.status(topics.DisputeLost) }

func (d *decision) closed() {
	if d.p.ClosedAt.IsZero() {
		d.status(topics.DisputeClosed)
	}
}

func (d *decision) preArbitration() {
	if d.p.Stage != topics.StagePreArbitration && d.p.Stage != topics.StageArbitration {
		d.emit(d.fact(topics.DisputePreArbitration))
	}
}

func (d *decision) arbitration() {
	if d.p.Stage != topics.StageArbitration {
		d.emit(d.fact(topics.DisputeArbitration))
	}
}

// inquired takes what is new of an inquiry. One that became a chargeback is past that.
func (d *decision) inquired() {
	if d.p.Stage == topics.StageInquiry {
		d.update()
	}
}

// noticed takes the notice of a chargeback: of an inquiry that became one, or what is new of it.
func (d *decision) noticed() {
	if d.p.Stage != topics.StageInquiry {
		d.update()
		return
	}
	e := d.fact(topics.DisputeChargedBack)
	e.Amount = d.disputed()
	d.emit(e)
}

// update tells what a notice has that is not known. One that came late only fills in what nothing was told of.
func (d *decision) update() {
	late := d.late()
	e := d.fact(topics.DisputeUpdated)
	e.OccurredAt = time.Time{} // it makes the status nothing
	e.Amount = d.disputed()
	if late && d.p.Amount != 0 {
		e.Amount = d.p.Amount
	}
	if late && d.p.Reason != "" {
		e.Reason, e.Category = d.p.Reason, d.p.Category
	}
	if late && !d.p.EvidenceDue.IsZero() || e.EvidenceDue.IsZero() {
		e.EvidenceDue = d.p.EvidenceDue
	}
	e.Reason, e.Category = cmp.Or(e.Reason, d.p.Reason), cmp.Or(e.Category, d.p.Category)
	if e.Amount == d.p.Amount && e.Reason == d.p.Reason && e.Category == d.p.Category && e.EvidenceDue.Equal(d.p.EvidenceDue) {
		return
	}
	d.emit(e)
}

// disputed is the disputed amount that a notice tells, that which is known where it tells none that fits.
func (d *decision) disputed() int64 {
	r := d.in.Report
	if d.fits(r) {
		return r.Amount
	}
	if r.Amount != 0 && !d.just(topics.DisputeOpened) {
		d.mismatch(r)
	}
	return d.p.Amount
}

// just says that the record has caused an event of a kind.
func (d *decision) just(kind topics.DisputeEventType) bool {
	for i := range d.events {
		if d.events[i].Type == kind {
			return true
		}
	}
	return false
}

func (d *decision) evidenced() {
	if d.in.Report.Operation == topics.OperationDispute && d.late() {
		return
	}
	e := d.fact(topics.DisputeEvidenceSubmitted)
	if d.p.Asked != nil && d.p.Asked.Kind == topics.OperationDisputeEvidence {
		e.RequestID = d.p.Asked.Request
	}
	d.emit(e)
}

// answered decides on the answer to a request. Of all but the latest request it matters no more.
func (d *decision) answered(r *topics.PSPReport) {
	if d.p == nil || d.p.Asked == nil || r.RequestID != d.p.Asked.Request || r.Operation != d.p.Asked.Kind {
		return
	}
	outcome := r.Outcome
	if outcome == topics.PSPNotFound {
		if r.Source == topics.SourceWebhook || d.now.Before(d.p.Asked.NotAfter.Add(d.limits.Grace)) {
			return // it may still be on its way: the poll timer asks again
		}
		outcome, d.failed = topics.PSPFailed, topics.DeclineNotPerformed
	}
	if !d.p.Asked.Open() && (d.p.Asked.State != AskedFailed || outcome != topics.PSPApproved) {
		return
	}
	if d.find(FromAnswer, string(r.Operation), outcome) {
		d.step.do(d)
	}
}

// answer tells an event of the answer to the latest request.
func (d *decision) answer(kind topics.DisputeEventType) {
	e := d.fact(kind)
	e.RequestID = d.p.Asked.Request
	d.emit(e)
}

func (d *decision) accepted()      { d.answer(topics.DisputeAccepted) }
func (d *decision) requestFailed() { d.answer(topics.DisputeRequestFailed) }

func (d *decision) outcomeUnknown() {
	if d.p.Asked.State == AskedRequested {
		d.answer(topics.DisputeOutcomeUnknown)
	}
}
