package lifecycle

import (
	"fmt"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Evolve folds one event into the payment (nil before its created event) and returns it. It changes p in place; Clone
// keeps the state before. Status and Totals of the event are not read: Check compares them. An error means that the
// event is not one that Decide gives for this state, and p must not be used any more.
func Evolve(p *Payment, e *topics.PaymentEvent) (*Payment, error) {
	switch e.Type {
	case topics.EventCommandRefused, topics.EventDeadLettered:
		return p, nil
	case topics.EventCaseOpened:
		if p == nil {
			return nil, nil
		}
	case topics.EventCreated:
		if p != nil {
			return nil, fmt.Errorf("event %s: payment %s is created a second time", e.EventID, e.PaymentID)
		}
		return open(e)
	default:
		if p == nil {
			return nil, fmt.Errorf("event %s: %s of payment %s, which is not created", e.EventID, e.Type, e.PaymentID)
		}
	}
	err := p.apply(e)
	if err != nil {
		return nil, fmt.Errorf("event %s: %s of payment %s: %w", e.EventID, e.Type, e.PaymentID, err)
	}
	p.stamp(e)
	return p, nil
}

func open(e *topics.PaymentEvent) (*Payment, error) {
	id, err := topics.ParsePaymentID(e.PaymentID)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.EventID, err)
	}
	c := e.Created
	if c == nil {
		return nil, fmt.Errorf("event %s: created without its data", e.EventID)
	}
	p := &Payment{
		ID: id, Tenant: e.Tenant, Region: e.Region, Customer: e.CustomerID,
		Currency: ledger.Currency(e.Currency), Amount: e.Amount, CaptureMethod: c.CaptureMethod,
		StepUp: e.Outcome == topics.OutcomeStepUp, Method: methodOf(c.PaymentMethod), Card: c.Card, ReturnURL: c.ReturnURL,
		MerchantReference: c.MerchantReference, Description: c.Description, Metadata: c.Metadata,
		Reasons: e.Reasons, ExpiresAt: e.ExpiresAt, CreatedAt: e.At,
		Terms: Terms{CaptureDelaySeconds: c.CaptureDelaySeconds, Descriptor: c.StatementDescriptor},
	}
	p.plan(c.Plan)
	p.setsUp(c.SetupMandate)
	p.isBy(c.Mandate)
	p.stamp(e)
	return p, p.pays(c.LinkID)
}

// stamp takes what any event may carry.
func (p *Payment) stamp(e *topics.PaymentEvent) {
	p.UpdatedAt = e.At
	if e.TraceID != "" {
		p.TraceID = e.TraceID
	}
	if e.Timer != nil {
		p.Timer = *e.Timer
	}
	if e.Counted != nil {
		p.count(e.Counted)
	}
}

func (p *Payment) apply(e *topics.PaymentEvent) error {
	switch e.Type {
	case topics.EventHeld, topics.EventReleased, topics.EventReviewed, topics.EventBlocked, topics.EventRejected:
		return p.judge(e)
	case topics.EventCancelled, topics.EventDeclined, topics.EventExpired:
		return p.end(e)
	case topics.EventAuthorizationRequested, topics.EventConfirmationRequested, topics.EventCaptureRequested,
		topics.EventIncrementRequested, topics.EventVoidRequested, topics.EventRefundRequested:
		return p.request(e)
	case topics.EventActionRequired, topics.EventSubmitted, topics.EventOutcomeUnknown, topics.EventPollRequested,
		topics.EventCaptureFailed, topics.EventIncrementFailed, topics.EventVoidFailed:
		return p.progress(e)
	case topics.EventAttemptDeclined:
		return p.giveUp(e)
	case topics.EventQueued:
		p.queue(e)
	case topics.EventAuthorized:
		return p.authorize(e)
	case topics.EventIncremented:
		return p.increment(e)
	case topics.EventCaptured:
		return p.capture(e)
	case topics.EventVoided:
		return p.release(e, topics.StatusVoided)
	case topics.EventRefunded:
		return p.refund(e)
	case topics.EventRefundFailed:
		return p.unrefund(e)
	case topics.EventReturned:
		return p.giveBack(e)
	case topics.EventUnappliedReceived:
		return p.receipt(e)
	case topics.EventUnappliedReturned:
		return p.wentAway(e)
	case topics.EventStrayAuthorized, topics.EventStrayCaptured, topics.EventStrayReleaseRequested, topics.EventStrayReleased,
		topics.EventStrayReleaseFailed:
		return p.straySaid(e)
	case topics.EventDisputed:
		return p.dispute(e.Dispute)
	case topics.EventCaseOpened:
		return p.openCase(e)
	case topics.EventMandateActivated, topics.EventMandateRevoked, topics.EventMandateExpired, topics.EventMandateFailed:
		return p.mandated(e)
	default:
		return fmt.Errorf("unknown event type %q", e.Type)
	}
	return nil
}

// judge takes what the rules or a reviewer say, of a payment on its way to the PSP or of what is authorised.
func (p *Payment) judge(e *topics.PaymentEvent) error {
	switch {
	case p.Authorized > 0:
		return p.judgeAuthorization(e)
	case e.Type == topics.EventHeld:
		p.Mark, p.Waiting, p.Reasons, p.ExpiresAt = topics.StatusHeld, e.Request, e.Reasons, e.ExpiresAt
		if e.Request != nil {
			p.plan(e.Request.Plan)
		}
	case e.Type == topics.EventReleased:
		p.Mark, p.Waiting, p.ExpiresAt = "", nil, e.ExpiresAt
	case e.Type == topics.EventReviewed:
		return fmt.Errorf("nothing is authorised")
	default:
		return p.end(e)
	}
	return nil
}

func (p *Payment) judgeAuthorization(e *topics.PaymentEvent) error {
	if e.Reasons != nil {
		p.Reasons = e.Reasons
	}
	p.ReviewBy = zeroTime
	switch e.Type {
	case topics.EventHeld:
		p.Mark, p.ReviewBy = topics.StatusHeld, e.ExpiresAt
		if e.Outcome != "" { // else there is no answer yet, and one may still come
			p.Review = ReviewHeld
		}
	case topics.EventReviewed, topics.EventReleased:
		p.Mark, p.Review = "", ReviewPassed
	case topics.EventBlocked:
		p.Mark, p.Review = topics.StatusBlocked, ReviewRefused
	case topics.EventRejected:
		p.Mark, p.Review = topics.StatusRejected, ReviewRefused
	}
	if p.Review != ReviewPending {
		p.Before = nil
	}
	return nil
}

// end marks the payment; an authorisation that is still open has failed, as far as is known.
func (p *Payment) end(e *topics.PaymentEvent) error {
	if e.Type == topics.EventExpired && p.Authorized > 0 {
		return p.release(e, topics.StatusExpired)
	}
	p.Waiting, p.Routing = nil, nil
	ended := p.Mark == topics.StatusCancelled || p.Mark == topics.StatusExpired
	switch e.Type {
	case topics.EventBlocked:
		p.Mark, p.Reasons = topics.StatusBlocked, e.Reasons
	case topics.EventRejected:
		p.Mark = topics.StatusRejected
	case topics.EventCancelled:
		p.Mark = topics.StatusCancelled
	case topics.EventExpired:
		p.Mark = topics.StatusExpired
	case topics.EventDeclined:
		if !ended {
			p.Mark = topics.StatusDeclined
		}
		if e.PSP != nil && !(e.PSP.Reversed && p.DeclineCode != "") {
			p.DeclineCode, p.HardDecline = e.PSP.DeclineCode, e.PSP.HardDecline
		}
	}
	p.refer(e.PSP)
	p.learn(e)
	if e.Type == topics.EventCancelled || e.Type == topics.EventExpired {
		p.Action, p.ExpiresAt, p.Before = nil, zeroTime, nil
		if p.abandoned() {
			return nil
		}
	}
	if e.PSP != nil && e.PSP.Reversed {
		p.closeAuthorization(OperationReversed, e)
		return nil
	}
	p.closeAuthorization(OperationFailed, e)
	return nil
}

func (p *Payment) request(e *topics.PaymentEvent) error {
	id, err := topics.ParseEventID(e.EventID)
	if err != nil {
		return err
	}
	if e.Request == nil {
		return fmt.Errorf("request without its data")
	}
	op := Operation{
		Request: id, State: OperationRequested, Amount: e.Amount, NotAfter: e.Request.NotAfter, AskedAt: e.At,
		Expiry: e.Request.Expiry,
	}
	switch e.Type {
	case topics.EventAuthorizationRequested:
		op.Kind = topics.OperationAuthorize
		p.PSP, p.ExpiresAt = e.Request.PSP, zeroTime
		p.asks(e)
		if e.Request.Review != nil {
			p.Review, p.Before = ReviewWanted, e.Request.Review
		}
		if e.Reasons != nil {
			p.Reasons = e.Reasons
		}
	case topics.EventConfirmationRequested:
		op.Kind = topics.OperationConfirm
		p.Action, p.ExpiresAt = nil, zeroTime
	case topics.EventCaptureRequested:
		op.Kind, p.Terms.CaptureAt = topics.OperationCapture, zeroTime
		op.Over = max(0, e.Amount-p.Uncaptured())
	case topics.EventIncrementRequested:
		op.Kind, op.Total = topics.OperationIncrement, e.Request.Total
	case topics.EventVoidRequested:
		op.Kind, p.Terms.CaptureAt = topics.OperationVoid, zeroTime
	case topics.EventRefundRequested:
		op.Kind = topics.OperationRefund
		p.Refunding += e.Amount
	}
	p.Operations = append(p.Operations, op)
	return nil
}

// progress changes how far an operation is and no amount.
func (p *Payment) progress(e *topics.PaymentEvent) error {
	op, err := p.named(e)
	if err != nil {
		return err
	}
	if e.PSP != nil && e.PSP.PSPReference != "" {
		op.Reference = e.PSP.PSPReference
	}
	switch e.Type {
	case topics.EventActionRequired:
		op.State, p.ExpiresAt, p.Routing = OperationAction, e.ExpiresAt, nil
		p.refer(e.PSP)
		if e.PSP != nil {
			p.Action = e.PSP.Action
		}
		p.learn(e)
	case topics.EventSubmitted:
		op.State = OperationPending
		if op.authorizes() {
			p.refer(e.PSP)
			p.ExpiresAt = zeroTime
			if p.Method.Type != topics.MethodCrypto { // more may come by it
				p.Action = nil
			}
			p.see(e)
			p.learn(e)
		}
	case topics.EventOutcomeUnknown:
		op.State = OperationUnknown
	case topics.EventPollRequested:
		op.Polls++
		if !e.ExpiresAt.IsZero() {
			p.ExpiresAt = e.ExpiresAt
		}
	case topics.EventCaptureFailed, topics.EventIncrementFailed, topics.EventVoidFailed:
		op.State = OperationFailed
	}
	op.AskedAt = e.At
	return nil
}

func (p *Payment) authorize(e *topics.PaymentEvent) error {
	p.Authorized += e.Amount
	p.Routing = nil
	p.Mark, p.DeclineCode, p.HardDecline, p.ExpiresAt = "", "", false, e.ExpiresAt
	if e.CaptureAt != nil {
		p.Terms.CaptureAt = *e.CaptureAt
	}
	p.Terms.OverCapture = e.OverCapture
	if e.Review != nil {
		p.Review, p.ReviewBy = ReviewPending, e.Review.Until
	}
	p.refer(e.PSP)
	p.learn(e)
	p.keeps(e.PSP)
	p.closeAuthorization(OperationSucceeded, e)
	return nil
}

func (p *Payment) capture(e *topics.PaymentEvent) error {
	p.Captured += e.Amount
	p.Terms.CaptureAt = zeroTime
	if e.RequestID == "" {
		p.remember(topics.OperationCapture, e) // the PSP began it
		return nil
	}
	op, err := p.named(e)
	if err != nil {
		return err
	}
	if op.authorizes() {
		op.Captured = true
		p.came(e)
		return nil
	}
	op.close(OperationSucceeded, e)
	return nil
}

// release takes back what is authorised and not captured, by a void or by expiry.
func (p *Payment) release(e *topics.PaymentEvent, mark topics.PaymentStatus) error {
	p.Released += e.Amount
	p.Terms.CaptureAt = zeroTime
	switch p.Mark {
	case "", topics.StatusHeld, topics.StatusBlocked, topics.StatusRejected:
		p.Mark = mark // else it has ended already, and a second void succeeded late
	}
	if e.RequestID == "" {
		p.remember(topics.OperationVoid, e)
		return nil
	}
	op, err := p.named(e)
	if err != nil {
		return err
	}
	op.close(OperationSucceeded, e)
	return nil
}

func (p *Payment) refund(e *topics.PaymentEvent) error {
	p.Refunded += e.Amount
	if e.RequestID == "" {
		p.remember(topics.OperationRefund, e) // the PSP began it
		return nil
	}
	op, err := p.named(e)
	if err != nil {
		return err
	}
	if op.State.Open() {
		p.Refunding -= e.Amount
	}
	op.close(OperationSucceeded, e)
	return nil
}

func (p *Payment) unrefund(e *topics.PaymentEvent) error {
	op, err := p.named(e)
	if err != nil {
		return err
	}
	if op.State == OperationSucceeded {
		p.Refunded -= e.Amount
	} else {
		p.Refunding -= e.Amount
	}
	state := OperationFailed
	if e.PSP != nil && e.PSP.Reversed {
		state = OperationReversed // also where the settlement was not reported, or is still on its way
	}
	op.close(state, e)
	return nil
}

func (p *Payment) openCase(e *topics.PaymentEvent) error {
	p.Cases++
	if e.PSP != nil && e.PSP.Object != "" {
		p.remember(e.PSP.Operation, e)
	}
	if e.RequestID == "" {
		return nil
	}
	op, err := p.named(e)
	if err != nil {
		return err
	}
	op.Cases |= flagOf(e.Refusal)
	return nil
}

// named is the operation that the event's RequestID names.
func (p *Payment) named(e *topics.PaymentEvent) (*Operation, error) {
	id, err := topics.ParseEventID(e.RequestID)
	if err != nil {
		return nil, err
	}
	op := p.Operation(id)
	if op == nil {
		return nil, fmt.Errorf("request %s is not one of the payment's", e.RequestID)
	}
	return op, nil
}

// closeAuthorization ends the authorisation and its confirmations together: they succeed or fail as one.
func (p *Payment) closeAuthorization(state OperationState, e *topics.PaymentEvent) {
	p.Action = nil
	if state != OperationSucceeded {
		p.ExpiresAt, p.Before = zeroTime, nil
	}
	for i := range p.Operations {
		if op := &p.Operations[i]; op.authorizes() && !op.stray() {
			op.close(state, e)
		}
	}
}

func (op *Operation) close(state OperationState, e *topics.PaymentEvent) {
	op.State, op.AskedAt = state, e.At
	if e.PSP != nil && e.PSP.PSPReference != "" {
		op.Reference = e.PSP.PSPReference
	}
}
