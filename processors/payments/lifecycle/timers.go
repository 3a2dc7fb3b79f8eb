package lifecycle

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// timer decides on a timer that has run out. One that the payment no longer holds is ignored: the generation tells.
func (d *decision) timer(t *topics.TimerDue) {
	if d.p == nil || t.Tenant != d.p.Tenant || t.Generation != d.p.Timer.Generation || t.Kind != d.p.Timer.Kind {
		return
	}
	// The record's clock may be a little behind the one that found the timer due.
	if d.now.Before(d.p.Timer.Due) {
		d.now = d.p.Timer.Due
	}
	if t.Kind == topics.TimerMandateExpire {
		d.expireMandate()
		return
	}
	if d.find(FromTimer, string(t.Kind), "") {
		d.step.do(d)
	}
}

// nextTimer is the timer that the payment needs: the earlier of its expiry and its next poll. kind is "" where it needs none.
func (p *Payment) nextTimer(limits *Limits) (kind topics.TimerKind, due time.Time) {
	switch {
	case p.Status() == topics.StatusQueued && p.Recurring != nil:
		kind, due = topics.TimerRetry, p.Recurring.Retry.At
	case p.Status() == topics.StatusQueued:
		kind, due = topics.TimerRetry, p.Routing.retryAt(limits)
	case p.expires(limits):
		kind, due = topics.TimerExpire, p.due()
	}
	if at := p.captureAt(limits); !at.IsZero() && (kind == "" || !at.After(due)) {
		kind, due = topics.TimerCapture, at
	}
	for i := range p.Operations {
		poll := limits.pollDue(p, &p.Operations[i])
		if !poll.IsZero() && (kind == "" || poll.Before(due)) {
			kind, due = topics.TimerPoll, poll
		}
	}
	if at := p.mandateDue(); !at.IsZero() && (kind == "" || at.Before(due)) {
		kind, due = topics.TimerMandateExpire, at
	}
	return kind, due
}

// Expiry is when the payment, or what is authorised and not captured, runs out; zero where nothing does any more.
func (p *Payment) Expiry() time.Time {
	switch p.Status() {
	case topics.StatusHeld:
		if p.Authorized > 0 {
			return p.ReviewBy
		}
		return p.ExpiresAt
	case topics.StatusCreated, topics.StatusRequiresAction:
		return p.ExpiresAt
	case topics.StatusQueued:
		if p.Recurring != nil {
			return p.Recurring.Retry.Until
		}
		return p.Routing.Until
	}
	if p.Uncaptured() > 0 {
		return p.ExpiresAt
	}
	return zeroTime
}

// due is when the payment's expire timer runs out: its expiry, or that of the wait for a review.
func (p *Payment) due() time.Time {
	if p.Status() == topics.StatusReviewing {
		return p.ReviewBy
	}
	return p.Expiry()
}

// expires says that the payment can run out now. An authorisation waits for a capture or a void that is open, and for an increment
// whose outcome may still be learnt soon.
func (p *Payment) expires(limits *Limits) bool {
	return !p.due().IsZero() && p.open(topics.OperationCapture) == nil && p.open(topics.OperationVoid) == nil && !p.raising(limits)
}

func (d *decision) expire() {
	d.emit(topics.PaymentEvent{Type: topics.EventExpired, Amount: d.p.Amount})
	d.gaveUp()
}

// expireHeld ends a payment that nobody reviewed, and releases what is authorised.
func (d *decision) expireHeld() {
	if d.p.Authorized > 0 {
		d.expireAuthorization()
		return
	}
	d.expire()
}

// expireChallenge asks the PSP once more before the challenge expires.
func (d *decision) expireChallenge() {
	for i := len(d.p.Operations) - 1; i >= 0; i-- {
		op := d.p.Operations[i]
		if op.State == OperationAction && op.Polls == 0 {
			d.emit(topics.PaymentEvent{
				Type: topics.EventPollRequested, RequestID: op.Request.String(), Amount: op.Amount,
				ExpiresAt: d.now.Add(d.limits.LastLook),
			})
			return
		}
	}
	d.expire()
}

// expireAuthorization asks the PSP to release what was not captured; the answer makes the payment expired.
func (d *decision) expireAuthorization() {
	if d.p.expires(d.limits) {
		d.follow(topics.EventVoidRequested, d.p.Uncaptured(), topics.RequestData{Expiry: true})
	}
}

// poll asks for the operations whose time has come, or for all that can be polled where the limits have changed since
// the timer was armed.
func (d *decision) poll() {
	var due []Operation
	for _, all := range [...]bool{false, true} {
		for _, op := range d.p.Operations {
			at := d.limits.pollDue(d.p, &op)
			if !at.IsZero() && (all || !at.After(d.now)) {
				due = append(due, op)
			}
		}
		if len(due) > 0 {
			break
		}
	}
	for i := range due {
		d.ask(&due[i])
	}
}

// ask asks the PSP what became of a request.
func (d *decision) ask(op *Operation) {
	d.op = op
	d.emit(topics.PaymentEvent{Type: topics.EventPollRequested, RequestID: op.Request.String(), Amount: op.Amount})
	if op.Polls+1 == d.limits.PollLimit && op.State != OperationAction { // what nobody waits for needs no person
		d.openCase(topics.RefusedOutcomeUnknown, op.Amount, "the outcome of the %s is not known after %d polls", op.Kind, d.limits.PollLimit)
	}
}
