package lifecycle

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// report decides on what the PSP said.
func (d *decision) report(r *topics.PSPReport) {
	if d.p == nil {
		if moved(r) {
			d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP %s reports %s %s of a payment that we do not know", r.PSP, r.Operation, r.Outcome)
		}
		return
	}
	known := r.Tenant == d.p.Tenant && (r.CustomerID == "" || r.CustomerID == d.p.Customer) && d.p.knows(r.PSP)
	if known {
		r = d.match(d.paid(r))
		if d.op != nil && d.p.pspOf(d.op) != r.PSP {
			d.op, known = nil, false
		}
	}
	switch {
	case !known:
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the report names another tenant, customer or PSP than the payment has")
	case d.op != nil && d.op.stray():
		d.strayed(r)
	case d.unclear && d.find(FromUnclear, "report", ""):
		d.step.do(d)
	case d.op == nil && moved(r):
		d.unasked(r)
	case d.op == nil:
		// It says that nothing was moved by what nobody asked for.
	case d.op.State.Open():
		d.answered(r)
	default:
		d.repeated(r)
	}
}

func (d *decision) take(op *Operation) {
	was := *op
	d.op = &was
}

func (op *Operation) answers(reported topics.PSPOperation) bool {
	return op.Kind == reported || op.authorizes() && (reported == topics.OperationAuthorize || reported == topics.OperationConfirm)
}

// trigger is the operation's name in the table.
func (op *Operation) trigger() string {
	if op.Kind == topics.OperationConfirm {
		return string(topics.OperationAuthorize)
	}
	return string(op.Kind)
}

// moved says that the PSP tells of money that it moved.
func moved(r *topics.PSPReport) bool {
	return r.Outcome == topics.PSPApproved || r.Outcome == topics.PSPReversed
}

// answered decides on a report of an open operation.
func (d *decision) answered(r *topics.PSPReport) {
	outcome := r.Outcome
	if outcome == topics.PSPNotFound {
		if d.early(r) {
			return
		}
		outcome, d.failed = topics.PSPFailed, topics.DeclineNotPerformed
	}
	if d.byCrypto() && outcome == topics.PSPApproved {
		d.cryptoPaid(r)
		return
	}
	if outcome == topics.PSPReversed && d.op.authorizes() && !d.p.Method.Card() {
		d.wentBack(r)
		return
	}
	if outcome != topics.PSPPending && outcome != topics.PSPUnknown && outcome != topics.PSPRequiresAction && d.mismatch(r) {
		return
	}
	if !d.find(FromReport, d.op.trigger(), outcome) {
		if outcome != topics.PSPPending && outcome != topics.PSPUnknown && outcome != topics.PSPRequiresAction {
			d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP reports %s %s while the payment is %s", r.Operation, outcome, d.p.Status())
		}
		return
	}
	d.step.do(d)
}

// early says that "not found" proves nothing yet: the request may still be on its way, and the poll timer asks again.
func (d *decision) early(r *topics.PSPReport) bool {
	return r.Source == topics.SourceWebhook || d.now.Before(d.op.NotAfter.Add(d.limits.Grace))
}

// repeated decides on a report of an operation whose result is known. A failure never downgrades a success, a success
// after a failure is a fact, and a refund may be reversed after it was settled.
func (d *decision) repeated(r *topics.PSPReport) {
	switch {
	case d.op.State == OperationSucceeded && r.Outcome == topics.PSPApproved:
		d.again(r)
	case d.op.State == OperationSucceeded && d.op.Kind == topics.OperationRefund && r.Outcome == topics.PSPReversed:
		if !d.mismatch(r) && d.find(FromReport, d.op.trigger(), r.Outcome) {
			d.step.do(d)
		}
	case d.op.authorizes() && r.Outcome == topics.PSPReversed && !d.p.Method.Card():
		d.wentBack(r)
	case d.op.State == OperationReversed && d.op.authorizes() && r.Outcome == topics.PSPApproved:
		d.cameAfterReturn(r)
	case d.op.State == OperationFailed && r.Outcome == topics.PSPApproved && d.byCrypto():
		d.cryptoPaid(r)
	case d.op.State == OperationFailed && r.Outcome == topics.PSPApproved:
		if d.mismatch(r) {
			return
		}
		if d.superseded() || !d.find(FromReport, d.op.trigger(), r.Outcome) {
			d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP reports %s approved, which had failed, while the payment is %s", r.Operation, d.p.Status())
			return
		}
		d.step.do(d)
	}
}

// again decides on a second success of one operation: the same one, its capture, or another one.
func (d *decision) again(r *topics.PSPReport) {
	if d.op.authorizes() && (d.byCrypto() || !d.p.Method.Card() && !d.p.own(r.PSPReference)) {
		if !d.find(FromReport, d.op.trigger(), more) {
			d.tell(topics.RefusedUnmatchedReport, "the PSP reports %s approved again while the payment is %s", r.Operation, d.p.Status())
			return
		}
		d.step.do(d)
		return
	}
	if d.p.Method.Card() && r.PSPReference != "" && r.PSPReference != d.op.Reference && r.PSPReference != d.p.PSPReference && d.op.Reference != "" {
		d.openCase(topics.RefusedDuplicateOperation, r.Amount, "the PSP reports a second success, %s, of the %s that succeeded as %s", r.PSPReference, d.op.Kind, d.op.Reference)
		return
	}
	if d.mismatch(r) {
		return
	}
	// What was captured, or is being, is what the PSP tells of here.
	if d.op.authorizes() && r.Captured && d.p.Captured == 0 && d.p.open(topics.OperationCapture) == nil {
		d.bookCapture(r)
	}
}

// mismatch opens a case where a result is not of the amount and the currency that were asked for. It moves nothing. A
// failure, and the result of a void, may leave them out.
func (d *decision) mismatch(r *topics.PSPReport) bool {
	sameAmount := r.Amount == d.op.said() || d.p.Method.Card() && d.means(r.Amount)
	sameCurrency := r.Currency == string(d.p.Currency)
	if d.op.Kind == topics.OperationVoid || r.Outcome != topics.PSPApproved && r.Outcome != topics.PSPReversed {
		sameAmount, sameCurrency = sameAmount || r.Amount == 0 || d.byCrypto() && r.Outcome != topics.PSPReversed, sameCurrency || r.Currency == ""
	}
	if sameAmount && sameCurrency {
		return false
	}
	if text := "the PSP reports %s of %s, and %s was asked for"; !d.p.Method.Card() && moved(r) {
		d.tell(topics.RefusedAmountMismatch, text, r.Operation, reported(r), d.p.money(d.op.said()))
	} else {
		d.openCase(topics.RefusedAmountMismatch, r.Amount, text, r.Operation, reported(r), d.p.money(d.op.said()))
	}
	return true
}

// means says that the PSP speaks of the operation by an amount. The authorisation, and a void of it, may be of more than was asked
// for since it was raised, and the authorisation of what was captured of it above that.
func (d *decision) means(amount int64) bool {
	op, p := d.op, d.p
	switch {
	case amount == op.said():
		return true
	case op.stray():
		return false
	case op.authorizes():
		return op.State == OperationSucceeded && (amount == p.Authorized || amount == p.Authorized+p.incrementing() || p.overCaptures(amount))
	}
	return op.Kind == topics.OperationVoid && amount == p.Uncaptured()
}

// reported is a report's amount for people: its currency may be none that we know.
func reported(r *topics.PSPReport) string {
	currency := ledger.Currency(r.Currency)
	if _, ok := currency.Exponent(); !ok {
		return fmt.Sprintf("%d minor units of %q", r.Amount, r.Currency)
	}
	return ledger.Money{Minor: r.Amount, Currency: currency}.String()
}

// said is what is kept of the report.
func (d *decision) said() *topics.PSPData {
	r := d.in.Report
	data := &topics.PSPData{
		Source: r.Source, Operation: r.Operation, PSPReference: r.PSPReference,
		NetworkReference: r.NetworkReference, DeclineCode: r.DeclineCode, HardDecline: r.HardDecline,
		DeclineCategory: r.DeclineCategory, DeclineRetry: r.DeclineRetry,
		Action: r.Action, Authentication: r.Authentication.Concealed(), StoredCredential: r.StoredCredential, Confirmations: r.Confirmations,
	}
	if r.Source == topics.SourceWebhook { // only those are told apart by their id
		data.ReportID = r.ReportID
	}
	if d.failed != "" {
		data.DeclineCode = d.failed
	}
	if d.p != nil && d.p.Routing != nil {
		data.PSP, data.Unsent = r.PSP, d.unsent()
		if d.op != nil && d.op.State.Open() && r.Source != topics.SourceWebhook {
			data.TookMS = max(0, d.now.Sub(d.op.AskedAt).Milliseconds())
		}
	}
	return data
}

// fact emits an event of the operation that the report speaks of.
func (d *decision) fact(event topics.EventType, amount int64) {
	e := topics.PaymentEvent{Type: event, Amount: amount, PSP: d.said(), Detail: d.in.Report.Detail}
	if d.op != nil {
		e.RequestID = d.op.Request.String()
	} else {
		e.PSP.Object = object(d.in.Report)
	}
	d.emit(e)
}

func (d *decision) authorized() {
	r := d.in.Report
	e := topics.PaymentEvent{
		Type: topics.EventAuthorized, RequestID: d.op.Request.String(), Amount: r.Amount, PSP: d.said(),
		ExpiresAt: d.now.Add(d.limits.Authorization),
	}
	late := d.step.Late
	reviews := d.p.Review == ReviewWanted && !late
	e.CaptureAt, e.OverCapture = d.delayed(r, late), d.overCapture(r, late)
	if reviews {
		e.Review = &topics.ReviewData{Until: earlier(d.now.Add(d.limits.Review), e.ExpiresAt)}
	}
	d.emit(e)
	switch {
	case r.Captured:
		d.bookCapture(r)
		if late {
			d.openCase(topics.RefusedLateCapture, r.Amount, "captured together with an authorisation that had ended")
		}
	case late:
		// Nobody waits for the money any more: what the card holder's bank holds back is released.
		d.follow(topics.EventVoidRequested, d.p.Uncaptured(), topics.RequestData{})
	case d.p.automatic() && !reviews && e.CaptureAt == nil:
		d.follow(topics.EventCaptureRequested, d.p.Uncaptured(), topics.RequestData{})
	}
}

// bookCapture books a capture that the PSP made together with the authorisation, or tells of under its request.
func (d *decision) bookCapture(r *topics.PSPReport) {
	within := r.Amount <= d.p.Uncaptured()
	d.emit(topics.PaymentEvent{
		Type: topics.EventCaptured, RequestID: d.op.Request.String(), Amount: r.Amount,
		PSP: &topics.PSPData{Operation: r.Operation, Source: r.Source, Fee: feeOf(r), Applied: d.applies},
	})
	switch {
	case !within:
		d.openCase(topics.RefusedLateCapture, r.Amount, "captured together with the authorisation, of which less was left")
	case !d.p.capturesAtOnce():
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP captured together with the authorisation, which nobody asked for")
	}
	d.oddFee(r)
}

// feeOf is the fee that is booked with a capture, below zero a rebate. One beyond all amounts is none.
func feeOf(r *topics.PSPReport) int64 {
	if r.Fee < -topics.MaxAmount || r.Fee > topics.MaxAmount {
		return 0
	}
	return r.Fee
}

// oddFee opens a case of a fee that was not booked. The capture was.
func (d *decision) oddFee(r *topics.PSPReport) {
	if feeOf(r) != r.Fee {
		d.openCase(topics.RefusedAmountMismatch, r.Fee, "the PSP reports a fee of %d minor units, which is not booked", r.Fee)
	}
}

func (d *decision) actionRequired() {
	if d.op.State == OperationAction {
		return
	}
	d.emit(topics.PaymentEvent{
		Type: topics.EventActionRequired, RequestID: d.op.Request.String(), Amount: d.op.Amount, PSP: d.said(),
		ExpiresAt: d.actionUntil(),
	})
}

func (d *decision) submitted() {
	if d.op.State == OperationRequested || d.op.State == OperationUnknown || d.seen(d.in.Report) {
		d.fact(topics.EventSubmitted, d.op.Amount)
	}
}

func (d *decision) outcomeUnknown() {
	if d.op.State == OperationRequested || d.op.State == OperationPending {
		d.fact(topics.EventOutcomeUnknown, d.op.Amount)
	}
}

func (d *decision) captured() {
	r, late := d.in.Report, d.step.Late
	within := r.Amount <= d.p.Uncaptured() || d.op != nil && d.op.State.Open() && r.Amount <= d.p.Uncaptured()+d.op.Over
	e := topics.PaymentEvent{Type: topics.EventCaptured, Amount: r.Amount, PSP: d.said()}
	e.PSP.Fee = feeOf(r)
	if d.op != nil {
		e.RequestID = d.op.Request.String()
	} else {
		e.PSP.Object = object(r)
	}
	d.emit(e)
	switch {
	case d.op == nil:
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP captured without being asked")
	case late || !within:
		d.openCase(topics.RefusedLateCapture, r.Amount, "captured although nothing, or less, was left to capture")
	}
	d.oddFee(r)
}

// voided releases what is left, which is less than was asked for where a late capture came between, and more where the
// authorisation was raised: the PSP may mean all of it, else it is asked again.
func (d *decision) voided() {
	left := d.p.Uncaptured()
	event := topics.EventVoided
	if d.op != nil && d.op.Expiry {
		event = topics.EventExpired
	}
	if d.op != nil {
		left = min(left, max(d.op.Amount, d.in.Report.Amount))
	}
	d.fact(event, left)
	if d.op == nil {
		d.openCase(topics.RefusedUnmatchedReport, left, "the PSP released the authorisation without being asked")
		return
	}
	d.releaseRest(d.op.Expiry)
}

// voidFailed ends the void. An authorisation that runs out does so whether or not the PSP could release it; one that a review
// refused, or that was raised once it was voided, is asked for by nobody before, unless a person does.
func (d *decision) voidFailed() {
	d.fact(topics.EventVoidFailed, d.op.Amount)
	left := d.p.Uncaptured()
	switch {
	case d.op.Expiry:
		d.emit(topics.PaymentEvent{Type: topics.EventExpired, Amount: left})
	case d.p.Review == ReviewRefused && left > 0:
		d.openCase(topics.RefusedNotReleased, left, "the PSP did not release what the review refused")
	case d.p.over() && left > 0:
		d.openCase(topics.RefusedNotReleased, left, "the PSP did not release what was raised once nobody waited for it")
	}
}

// refunded books a settled refund. One that nobody asked for, or that had failed, is taken from the customer by force.
func (d *decision) refunded() {
	r := d.in.Report
	asked := d.op != nil && d.op.State.Open()
	within := asked || r.Amount <= d.p.Refundable()
	d.fact(topics.EventRefunded, r.Amount)
	switch {
	case d.op == nil:
		d.openCase(topics.RefusedUnmatchedReport, r.Amount, "the PSP refunded without being asked")
	case !within:
		d.openCase(topics.RefusedExceedsCaptured, r.Amount, "refunded, after it had failed, above what was captured")
	}
}

func (d *decision) refundFailed() {
	e := topics.PaymentEvent{
		Type: topics.EventRefundFailed, RequestID: d.op.Request.String(), Amount: d.op.Amount, PSP: d.said(), Detail: d.in.Report.Detail,
	}
	e.PSP.Reversed = d.in.Report.Outcome == topics.PSPReversed
	d.emit(e)
}
