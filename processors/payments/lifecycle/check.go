package lifecycle

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirhq/weir/topics"
)

var zeroTime time.Time

// Check compares what an event tells of the payment after it (Status, Totals) with the payment that Evolve made, and
// the payment with P1 to P3. It is what fsck runs after each event; Decide is tested with it.
func Check(after *Payment, e *topics.PaymentEvent) error {
	if after == nil {
		return nil
	}
	if e.Status != "" && e.Type != topics.EventCommandRefused && e.Status != after.Status() {
		return fmt.Errorf("event %s: %s says status %s, the fold of the events gives %s", e.EventID, e.Type, e.Status, after.Status())
	}
	if e.Totals != nil && *e.Totals != after.Totals() {
		return fmt.Errorf("event %s: %s says totals %+v, the fold of the events gives %+v", e.EventID, e.Type, *e.Totals, after.Totals())
	}
	return nil
}

// CheckInvariants checks P1 to P3, P5 to P9 and the signs of the amounts. A payment with a case may break P1 to P3, and have
// captures that P5 forbids to ask for.
func CheckInvariants(p *Payment) error {
	for name, v := range map[string]int64{
		"authorized": p.Authorized, "captured": p.Captured, "released": p.Released, "refunding": p.Refunding, "refunded": p.Refunded,
		"disputing": p.Disputing,
	} {
		if v < 0 {
			return fmt.Errorf("payment %s: %s is %d, below zero", p.ID, name, v)
		}
	}
	if p.CountedDay != "" && p.Counted != p.Deposited() {
		return fmt.Errorf("payment %s: G1: it counts %d for deposit limits, its amounts ask for %d", p.ID, p.Counted, p.Deposited())
	}
	for i := range p.Operations {
		if p.Review.open() && p.Operations[i].Kind == topics.OperationCapture {
			return fmt.Errorf("payment %s: P5: a capture was asked for before the review has let the authorisation pass", p.ID)
		}
	}
	if err := p.checkAttempts(); err != nil {
		return err
	}
	if err := p.checkTimer(); err != nil {
		return err
	}
	for i, done := range p.Unasked {
		if slices.Contains(p.Unasked[:i], done) {
			return fmt.Errorf("payment %s: P7: the %s %s, which nobody asked for, is booked twice", p.ID, done.Kind, done.Object)
		}
	}
	if len(p.Unasked) > p.Cases {
		return fmt.Errorf("payment %s: P7: %d operations that nobody asked for are booked, with %d cases", p.ID, len(p.Unasked), p.Cases)
	}
	if err := p.checkReceipts(); err != nil || p.Cases > 0 {
		return err
	}
	switch {
	case p.Review.open() && p.Captured > 0:
		return fmt.Errorf("payment %s: P5: captured %d before the review has let the authorisation pass", p.ID, p.Captured)
	case p.Captured > p.Authorized+p.overCaptured():
		return fmt.Errorf("payment %s: P1: captured %d, authorised %d, and %d more was asked for", p.ID, p.Captured, p.Authorized, p.overCaptured())
	case p.Refunding+p.Refunded > p.Captured:
		return fmt.Errorf("payment %s: P2: refunding %d and refunded %d, captured %d", p.ID, p.Refunding, p.Refunded, p.Captured)
	case p.Released > 0 && p.Captured+p.Released > p.Authorized:
		return fmt.Errorf("payment %s: P3: captured %d and released %d, authorised %d", p.ID, p.Captured, p.Released, p.Authorized)
	}
	return nil
}

// checkReceipts checks P8: what came by the request itself is what was captured and what stands unapplied of it, until it went
// back; and none is given back twice without a case.
func (p *Payment) checkReceipts() error {
	if p.Method.Card() {
		return nil
	}
	stands := p.Method.Paid
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Unapplied && op.Captured && p.own(op.Reference) {
			stands += op.Amount
		}
	}
	switch left := p.Unapplied() + p.Stray(); {
	case !p.wasReturned() && stands != p.Method.Received:
		return fmt.Errorf("payment %s: P8: %d came, of which %d were captured or stand unapplied", p.ID, p.Method.Received, stands)
	case p.wasReturned() && stands != 0:
		return fmt.Errorf("payment %s: P8: what came was returned, and %d still stand", p.ID, stands)
	case left < 0 && p.Cases == 0:
		return fmt.Errorf("payment %s: P8: %d unapplied, with no case", p.ID, left)
	}
	return nil
}

// checkAttempts checks P6: one attempt is the payment's, the others were closed before the next one began, and what a PSP
// approved of those is being released, or a person was told.
func (p *Payment) checkAttempts() error {
	attempts := 0
	for i := range p.Operations {
		op := &p.Operations[i]
		switch {
		case op.Kind == topics.OperationAuthorize && !op.stray():
			attempts++
		case op.stray() && op.authorizes() && op.State.Open():
			return fmt.Errorf("payment %s: P6: attempt %s was given up, and is %s", p.ID, op.Request, op.State)
		case op.stray() && op.authorizes() && op.State == OperationSucceeded && !op.Unapplied && !p.released(op.Request):
			return fmt.Errorf("payment %s: P6: attempt %s was given up and approved, and nothing releases it", p.ID, op.Request)
		case op.releases() && p.Operation(op.Of) == nil:
			return fmt.Errorf("payment %s: P6: request %s releases %s, which is none of the payment's attempts", p.ID, op.Request, op.Of)
		}
	}
	if attempts > 1 {
		return fmt.Errorf("payment %s: P6: %d attempts at an authorisation stand side by side", p.ID, attempts)
	}
	return nil
}

// checkTimer checks P9.
func (p *Payment) checkTimer() error {
	kind, status := p.Timer.Kind, p.Status()
	if kind != "" && kind != topics.TimerMandateExpire && Find(Trigger{Source: FromTimer, What: string(kind)}, status) == nil {
		return fmt.Errorf("payment %s: P9: it is %s and holds a timer to %s, which is no step from there", p.ID, status, kind)
	}
	if left := p.Uncaptured(); p.over() && left > 0 && kind == "" && p.open(topics.OperationVoid) == nil && p.open(topics.OperationCapture) == nil {
		return fmt.Errorf("payment %s: P9: it is %s with %d authorised, which nothing releases", p.ID, status, left)
	}
	return nil
}

func (p *Payment) released(attempt topics.EventID) bool {
	return slices.ContainsFunc(p.Operations, func(op Operation) bool { return op.releases() && op.Of == attempt })
}
