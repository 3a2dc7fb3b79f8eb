package lifecycle

import (
	"errors"
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
)

// Dispute is the event by which a payment takes what a dispute of it changed, which the fold gives it: a dispute is folded from
// the same inbox, in the same order. It posts nothing, since the dispute's event has.
func Dispute(p *Payment, id topics.EventID, change *topics.DisputeChange, now time.Time, traceID string) topics.PaymentEvent {
	d := decision{p: p}
	e := topics.PaymentEvent{EventID: id.String(), Type: topics.EventDisputed, At: now, TraceID: traceID, Dispute: change}
	e.Amount = max(change.Disputing, change.Disputed, -change.Disputed)
	d.address(&e)
	after, err := Evolve(p.Clone(), &e)
	if err != nil {
		panic(fmt.Sprintf("lifecycle: a dispute gave an event that Evolve refuses: %v", err))
	}
	e.Status = after.Status()
	if totals := after.Totals(); totals != p.Totals() {
		e.Totals = &totals
	}
	return e
}

// dispute takes what a dispute changed.
func (p *Payment) dispute(c *topics.DisputeChange) error {
	if c == nil {
		return errors.New("it says nothing of what changed")
	}
	p.Disputing += c.Disputing
	p.Disputed += c.Disputed
	return nil
}

// disputes says that something of the payment is in dispute, or was taken.
func (p *Payment) disputes() bool { return p.Disputing != 0 || p.Disputed != 0 }

const hasDisputes uint64 = 1 << 50

func (e *encoder) disputes(p *Payment) {
	if p.disputes() {
		e.int(p.Disputing)
		e.int(p.Disputed)
	}
}

func (d *decoder) disputes(p *Payment, m uint64) {
	if m&hasDisputes != 0 {
		p.Disputing, p.Disputed = d.int(), d.int()
	}
}
