package lifecycle

import (
	"fmt"

	"github.com/weirhq/weir/topics"
)

// An over-capture takes more than is authorised, as a tip does: the last capture of an authorisation, by itself, of which nothing
// was released. How much more is the least of what the PSP tells with its approval and of the configuration's share, and stands in
// the authorized event.

// overCapture is by how much captures may go beyond what a report approves.
func (d *decision) overCapture(r *topics.PSPReport, late bool) int64 {
	percent := d.limits.OverCapture[r.PSP]
	if percent == 0 || late || r.Captured || !d.p.Method.Card() {
		return 0
	}
	share := r.Amount/100*percent + r.Amount%100*percent/100
	return max(0, min(share, r.Capturable-r.Amount, topics.MaxAmount-r.Amount))
}

// OverCapturable is how much more than is left the next capture may ask for: nothing unless something is left, and it is the last.
// After one that took more it is nothing, also where the authorisation was raised late.
func (p *Payment) OverCapturable() int64 {
	if p.Terms.OverCapture == 0 || p.Released > 0 || p.Uncaptured() == 0 || p.overCaptured() > 0 {
		return 0
	}
	return p.Terms.OverCapture
}

// overCaptured is how much more was captured than was left, by captures that asked for it.
func (p *Payment) overCaptured() (minor int64) {
	for i := range p.Operations {
		if op := &p.Operations[i]; op.State == OperationSucceeded {
			minor += op.Over
		}
	}
	return minor
}

// CapturesAtMost is what will have been captured, whatever becomes of what is open and may still be asked for, but for increments
// to come.
func (p *Payment) CapturesAtMost() int64 {
	return p.Captured + p.Uncaptured() + p.incrementing() + p.OverCapturable()
}

// captureOver asks for a capture of more than is left.
func (d *decision) captureOver(amount int64) {
	if d.p.open(topics.OperationCapture) != nil {
		d.refuse(topics.RefusedInProgress, isOpen(topics.OperationCapture)+": what it takes decides how much is left, and only the last capture may take more")
		return
	}
	left, most := d.p.Uncaptured(), d.p.Uncaptured()+d.p.OverCapturable()
	if amount > most {
		d.refuse(topics.RefusedExceedsAuthorized, fmt.Sprintf("%s can be captured at most, of which %s are authorised", d.p.money(most), d.p.money(left)))
		return
	}
	if refusal := d.agreed(d.p.Captured + amount); refusal != nil {
		d.refuse(refusal.Code, refusal.Detail)
		return
	}
	if d.p.CountedDay != "" || d.in.CountedDay != "" {
		d.refuse(topics.RefusedLimitExceeded, "the customer has a deposit limit: no more is captured than was authorised; an increment may raise that")
		return
	}
	d.follow(topics.EventCaptureRequested, amount, topics.RequestData{})
}

// overCaptures says that a capture of an amount that is more than is authorised was made or is open.
func (p *Payment) overCaptures(amount int64) bool {
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Over > 0 && op.Amount == amount && (op.State.Open() || op.State == OperationSucceeded) {
			return true
		}
	}
	return false
}
