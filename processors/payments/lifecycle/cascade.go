package lifecycle

import (
	"fmt"

	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// declined ends an attempt at an authorisation that the PSP declined or did not perform. Where the payment has a plan, and
// the attempt did not charge for certain, the next PSP of the plan is asked, or the payment waits for a route.
func (d *decision) declined() {
	if d.retriesLater() {
		return
	}
	if d.cascades() {
		d.fact(topics.EventAttemptDeclined, d.op.Amount)
		d.goOn()
		return
	}
	if d.p.Routing != nil && d.p.Routing.Sent == 0 && d.unsent() {
		d.failed = topics.DeclineNoRoute
	}
	d.lastWord()
	d.fact(topics.EventDeclined, d.op.Amount)
	d.gaveUp()
}

// cascades says that the answer at hand leads to another request, now or later. A hard decline is the same everywhere, and so
// is one that only time or the customer can change; a challenge stays with its PSP, and ends the plan when it is asked for. Where a
// part has come, the attempt did charge.
func (d *decision) cascades() bool {
	r := d.p.Routing
	if r == nil || d.p.Method.Received > 0 || d.op.Kind != topics.OperationAuthorize || d.in.Report.HardDecline || sameEverywhere(d.in.Report) || d.full() {
		return false
	}
	after := *r
	if !d.unsent() {
		after.Sent++
	}
	return after.candidate(d.now) != nil || !after.waits(d.now).IsZero()
}

// sameEverywhere says that another PSP would be told the same, by the table of decline codes.
func sameEverywhere(r *topics.PSPReport) bool {
	retry := declines.Retry(r.DeclineRetry)
	return r.Outcome == topics.PSPDeclined && retry != "" && retry != declines.OtherRoute
}

// unsent says that the answer at hand proves that nothing was sent.
func (d *decision) unsent() bool {
	r := d.in.Report
	return r != nil && r.Outcome == topics.PSPFailed && r.Source == topics.SourceResponse &&
		(r.DeclineCode == topics.DeclineNotSent || r.DeclineCode == topics.DeclineRouteDisabled)
}

// full says that no further attempt may be made: half of the payment's requests are kept for what follows them.
func (d *decision) full() bool { return 2*len(d.p.Operations) >= d.limits.Operations }

// goOn asks the next candidate, or queues the payment.
func (d *decision) goOn() {
	r := d.p.Routing
	if r.candidate(d.now) != nil {
		d.attempt(d.authorization(r.ThreeDS, d.p.capturesAtOnce()))
		return
	}
	d.emit(topics.PaymentEvent{Type: topics.EventQueued, Amount: d.p.Amount, ExpiresAt: r.waits(d.now)})
}

// authorization asks the PSP of the configuration.
func (d *decision) authorization(threeDS, capture bool) topics.PaymentEvent {
	return topics.PaymentEvent{
		Type: topics.EventAuthorizationRequested, Amount: d.p.Amount,
		Request: &topics.RequestData{PSP: d.limits.PSP, NotAfter: d.now.Add(d.limits.AuthorizeWithin), Capture: capture, ThreeDS: threeDS},
	}
}

// attempt asks the next PSP of the plan instead, where there is one.
func (d *decision) attempt(e topics.PaymentEvent) {
	if d.p.Recurring != nil {
		d.charge(e)
		return
	}
	r := d.p.Routing
	if plan := e.Request.Plan; plan != nil {
		r = &Routing{Plan: plan}
	}
	if r != nil {
		next := r.candidate(d.now)
		if next == nil {
			d.noRoute(&e)
			return
		}
		e.Request.PSP, e.Request.Route, e.Request.Attempt = next.PSP, next.Route, r.Asked+1
		later := r.clone()
		later.Next++
		later.Began = d.now
		e.Request.Fallback = later.candidate(d.now) != nil || !later.waits(d.now).IsZero()
	}
	d.emit(e)
}

// planned is the plan that an authorisation begins with, nil where the payment's own is followed: what was known when it was
// created counts, the card and the amount, which a separate command does not name.
func (d *decision) planned(assessed *topics.AssessedCommand) *topics.RoutePlan {
	if d.p.Recurring != nil {
		return nil // only the PSP that keeps the card can be asked
	}
	plan, own := assessed.Route, d.p.Routing
	if plan == nil || own == nil {
		return plan
	}
	if plan.Partial {
		return nil
	}
	whole := *plan
	if whole.Country == "" {
		whole.Country = own.Plan.Country
	}
	return &whole
}

// noRoute declines a payment whose plan has no PSP to ask.
func (d *decision) noRoute(e *topics.PaymentEvent) {
	e.Type, e.Amount, e.Counted = topics.EventDeclined, d.p.Amount, nil
	e.Request = &topics.RequestData{Plan: e.Request.Plan}
	e.PSP = &topics.PSPData{DeclineCode: topics.DeclineNoRoute}
	e.Detail = "no PSP can be asked"
	d.emit(*e)
}

// retry asks the PSPs of a queued payment again, or declines it once it has waited for as long as it may. A deposit limit that the
// customer has set meanwhile blocks it.
func (d *decision) retry() {
	if v := d.in.verdict(); v.limit != nil {
		d.block(v)
		return
	}
	r := d.p.Routing
	if d.p.Recurring != nil || d.now.Before(r.Until) && r.candidate(d.now) != nil && !d.full() {
		e := d.authorization(r != nil && r.ThreeDS, d.p.capturesAtOnce())
		e.Counted = d.counting()
		d.attempt(e)
		return
	}
	d.emit(topics.PaymentEvent{
		Type: topics.EventDeclined, RequestID: d.p.lastAttempt(), Amount: d.p.Amount,
		PSP:    &topics.PSPData{DeclineCode: topics.DeclineNoRoute},
		Detail: fmt.Sprintf("no PSP could be asked, %d requests", r.Asked),
	})
}

// lastAttempt is the latest authorisation request, as events spell it.
func (p *Payment) lastAttempt() string {
	for i := len(p.Operations) - 1; i >= 0; i-- {
		if p.Operations[i].Kind == topics.OperationAuthorize {
			return p.Operations[i].Request.String()
		}
	}
	return ""
}
