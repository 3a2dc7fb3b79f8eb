package lifecycle

import (
	"slices"
	"time"

	"github.com/weirhq/weir/topics"
)

// Routing is how far a payment is in the plan of the PSPs that may be asked for its authorisation. It is kept for as long as
// another one may be asked: until one has approved or asked for a challenge, or the payment has ended.
//
// P6: no PSP is asked for an authorisation while an earlier attempt is open, unknown or approved: of all attempts but the
// last one it is known that they did not charge. What a PSP reports of one of them afterwards is stray, never the payment's.
type Routing struct {
	Plan    *topics.RoutePlan // without what it left out
	ThreeDS bool              // a challenge is asked for
	Next    int               // the candidate that is asked next
	Sent    int               // attempts that reached a PSP, or may have
	Asked   int               // all attempts
	Began   time.Time         // of the first request since the payment was queued, or of the first at all
	Rounds  int               // how often the payment was queued
	Queued  time.Time         // the latest time
	Until   time.Time         // how long it waits for a route; zero: it was never queued
}

// plan begins a plan. What it left out stands in the event and is not asked for any more.
func (p *Payment) plan(plan *topics.RoutePlan) {
	if plan == nil {
		return
	}
	kept := *plan
	kept.LeftOut, kept.Partial = nil, false
	p.Routing = &Routing{Plan: &kept}
}

// asks takes an authorisation request into the plan.
func (p *Payment) asks(e *topics.PaymentEvent) {
	p.plan(e.Request.Plan)
	if p.Mark == topics.StatusQueued {
		p.Mark = ""
	}
	if p.Recurring != nil {
		p.Recurring = p.Recurring.charged(e.At)
	}
	r := p.Routing
	if r == nil {
		return
	}
	if r.Next == 0 {
		r.Began = e.At
	}
	r.Next++
	r.Asked++
	r.ThreeDS = e.Request.ThreeDS
}

// giveUp ends the attempt that is under way: another PSP is asked, or the same one later. A late report of it must be
// recognised, so its requests keep whom they went to. Of one that was given up before it is the PSP's last word.
func (p *Payment) giveUp(e *topics.PaymentEvent) error {
	if of, err := p.named(e); err != nil {
		return err
	} else if of.stray() && p.Recurring != nil && e.PSP != nil {
		p.Recurring = p.Recurring.isFinal(e.PSP)
		return nil
	}
	for i := range p.Operations {
		if op := &p.Operations[i]; op.authorizes() && !op.stray() {
			op.PSP = p.PSP
			op.close(OperationFailed, e)
		}
	}
	if p.Routing != nil && (e.PSP == nil || !e.PSP.Unsent) {
		p.Routing.Sent++
	}
	p.PSPReference, p.NetworkReference, p.Authentication, p.Method.References = "", "", nil, nil
	return nil
}

// queue makes the payment wait for a route: all candidates may be asked again.
func (p *Payment) queue(e *topics.PaymentEvent) {
	p.Mark = topics.StatusQueued
	if p.Recurring != nil {
		p.Recurring = p.Recurring.waitsUntil(e.Retry)
	}
	if r := p.Routing; r != nil {
		r.Next, r.Queued, r.Until = 0, e.At, e.ExpiresAt
		r.Rounds++
	}
}

// candidate is the next PSP that may be asked at a time, nil where none may.
func (r *Routing) candidate(now time.Time) *topics.RouteCandidate {
	p := r.Plan
	if r.Sent >= p.Attempts {
		return nil
	}
	if r.Next > 0 && !now.Before(r.Began.Add(time.Duration(p.WithinSeconds)*time.Second)) {
		return nil
	}
	if r.Next < len(p.Candidates) {
		return &p.Candidates[r.Next]
	}
	if later := r.Next - len(p.Candidates); r.Rounds > 0 && later < len(p.Later) {
		return &p.Later[later]
	}
	return nil
}

// waits is until when the payment may wait for a route at a time, zero where it may not: a PSP was reached, or the time is up.
func (r *Routing) waits(now time.Time) time.Time {
	if r.Sent > 0 || len(r.Plan.Candidates) == 0 || r.Plan.DeferSeconds <= 0 {
		return zeroTime
	}
	until := r.Until
	if until.IsZero() {
		until = now.Add(time.Duration(r.Plan.DeferSeconds) * time.Second)
	}
	if !now.Before(until) {
		return zeroTime
	}
	return until
}

// retryAt is when a queued payment asks again: after pauses that double, and once more at the very end.
func (r *Routing) retryAt(limits *Limits) time.Time {
	at := r.Queued.Add(backoff(limits.QueueFirst, limits.QueueMost, r.Rounds-1))
	if r.Until.Before(at) {
		return r.Until
	}
	return at
}

func (r *Routing) clone() *Routing {
	if r == nil {
		return nil
	}
	c := *r // the plan is never changed
	return &c
}

// stray says that the operation is an attempt that was given up, or releases what its PSP approved all the same.
func (op *Operation) stray() bool { return op.PSP != "" }

// pspOf is the PSP that an operation was asked of.
func (p *Payment) pspOf(op *Operation) string {
	if op.stray() {
		return op.PSP
	}
	return p.PSP
}

// knows says that the payment has asked a PSP for anything.
func (p *Payment) knows(psp string) bool {
	return p.PSP == "" || p.PSP == psp || slices.ContainsFunc(p.Operations, func(op Operation) bool { return op.PSP == psp })
}
