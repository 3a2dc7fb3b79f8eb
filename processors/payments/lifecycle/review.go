package lifecycle

import (
	"cmp"
	"reflect"
	"time"

	"github.com/weirhq/weir/topics"
)

// ReviewState is how far the review of a payment's authorisation is: risk looks at what the issuer answered before anything
// is captured. It only goes on.
//
// P5: no capture is asked for, and without a case nothing is captured, unless the review is none or passed.
type ReviewState uint8

const (
	ReviewNone    ReviewState = iota
	ReviewWanted              // the authorisation was asked for, and is to be reviewed
	ReviewPending             // risk was asked; nothing was decided yet, though the payment may be held meanwhile
	ReviewHeld                // a rule asks for a reviewer, who has not decided
	ReviewPassed              // by the rules or by a reviewer
	ReviewRefused             // by the rules or by a reviewer: what is authorised is released
)

// noReview is the reason of a payment that is held because risk gave no answer in time.
const noReview = "review_missing"

// open says that nothing may be captured.
func (s ReviewState) open() bool { return s != ReviewNone && s != ReviewPassed }

// capturesAtOnce says that the PSP is asked to capture together with the authorisation.
func (p *Payment) capturesAtOnce() bool { return p.together() && p.Review == ReviewNone }

// Review is what an event asks risk to look at, nil where it asks for nothing. after is the payment with the event folded in.
func Review(after *Payment, e *topics.PaymentEvent) *topics.ReviewRequest {
	if e.Review == nil || after.Before == nil {
		return nil
	}
	customer := after.Customer
	if customer == topics.GuestCustomer(after.ID.UUID) {
		customer = "" // as in the command that created the payment
	}
	return &topics.ReviewRequest{
		PaymentID: e.PaymentID,
		Command: topics.Command{
			CommandID: after.ID.UUID.String(), Type: topics.CommandCreate, Tenant: after.Tenant, Region: after.Region,
			CustomerID: customer, Amount: after.Amount, Currency: string(after.Currency), TraceID: e.TraceID,
			CaptureMethod: after.CaptureMethod, Card: after.Card, Metadata: after.Metadata, Mandate: after.mandateID(),
		},
		Authorization: after.authorization(),
		Before:        *after.Before,
	}
}

// authorization is what a review looks at.
func (p *Payment) authorization() topics.Authorization {
	return topics.Authorization{PSP: p.PSP, Amount: p.Authorized, Authentication: p.Authentication}
}

// reviewBasis is what a review is given of the decision on a command, nil where that asks for none.
func reviewBasis(c *topics.AssessedCommand) *topics.ReviewBasis {
	if !c.Decision.Reviews {
		return nil
	}
	// What no card pays has come once it is approved: nothing is left to let pass, and there are no results of its issuer.
	if c.Command.PaymentMethod.By() != nil {
		return nil
	}
	return &topics.ReviewBasis{Enrichment: c.Enrichment, Features: c.Features}
}

// reviewed decides on the answer to a review. Only the first one counts, and none after a reviewer has decided. One that
// was given of something else than the payment's authorisation is no answer: without another one the payment is held.
func (d *decision) reviewed(a *topics.AssessedAuthorization) {
	if d.p == nil || a.Review.Command.Tenant != d.p.Tenant || d.p.Review != ReviewPending ||
		!reflect.DeepEqual(a.Review.Authorization, d.p.authorization()) {
		return
	}
	outcome := a.Decision.Outcome
	switch outcome {
	case topics.OutcomePass, topics.OutcomeAllow, topics.OutcomeBlock:
	default:
		outcome = topics.OutcomeHold // nobody can be asked to authenticate any more
	}
	if d.find(FromReview, string(outcome), "") {
		d.step.do(d)
	}
}

// verdict emits an event that the review's decision led to.
func (d *decision) verdict(event topics.EventType, expires time.Time) {
	decision := &d.in.Review.Decision
	d.emit(topics.PaymentEvent{
		Type: event, Amount: d.p.Authorized, Outcome: cmp.Or(decision.Outcome, topics.OutcomeHold), Reasons: decision.Reasons,
		ExpiresAt: expires,
	})
}

func (d *decision) reviewPassed() {
	d.verdict(topics.EventReviewed, time.Time{})
	d.captureNow()
}

func (d *decision) reviewHeld() {
	d.verdict(topics.EventHeld, d.heldUntil())
	d.capturedUnreviewed()
}

func (d *decision) reviewBlocked() {
	d.verdict(topics.EventBlocked, time.Time{})
	d.releaseAll()
	d.capturedUnreviewed()
}

// reviewMissing holds a payment whose review has not come.
func (d *decision) reviewMissing() {
	d.emit(topics.PaymentEvent{Type: topics.EventHeld, Amount: d.p.Authorized, Reasons: []string{noReview}, ExpiresAt: d.heldUntil()})
}

// heldUntil is when what is authorised is released if no reviewer decides.
func (d *decision) heldUntil() time.Time {
	return earlier(d.now.Add(d.limits.Held), d.p.ExpiresAt)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// captureNow asks for the capture that waited for the review, unless it is to come later.
func (d *decision) captureNow() {
	left := d.p.Capturable()
	if d.p.automatic() && left > 0 && d.p.open(topics.OperationVoid) == nil && !d.now.Before(d.p.Terms.CaptureAt) {
		d.follow(topics.EventCaptureRequested, left, topics.RequestData{})
	}
}

// releaseAll asks the PSP to release what is authorised and not captured, unless it was asked already.
func (d *decision) releaseAll() {
	if left := d.p.Uncaptured(); left > 0 && d.p.open(topics.OperationVoid) == nil {
		d.follow(topics.EventVoidRequested, left, topics.RequestData{})
	}
}

// capturedUnreviewed opens a case of money that the PSP took by itself before a review that does not let it pass.
func (d *decision) capturedUnreviewed() {
	if d.p.Captured > 0 {
		d.openCase(topics.RefusedLateCapture, d.p.Captured, "the PSP captured before the review, whose outcome is %s", d.in.Review.Decision.Outcome)
	}
}
