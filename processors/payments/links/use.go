package links

import (
	"time"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// State is what a payment is to the link that it names.
type State uint8

const (
	Released State = iota // not there yet, or ended without having taken money
	Reserved              // it may still take money
	Captured              // it has taken some; what is refunded or disputed later does not free the use
)

// UseOf derives from a payment what it is to its link.
func UseOf(p *lifecycle.Payment) State {
	switch {
	case p == nil:
		return Released
	case p.Captured > 0:
		return Captured
	case !lifecycle.Final(p.Status()) || p.Uncaptured() > 0:
		return Reserved
	case p.Unapplied() > 0: // what is short of it may still come; until it goes back nobody is asked for the whole
		return Reserved
	}
	// It has ended, as far as is known. What a PSP has not answered yet may still take money.
	for i := range p.Operations {
		op := &p.Operations[i]
		takes := op.Kind == topics.OperationAuthorize || op.Kind == topics.OperationConfirm || op.Kind == topics.OperationCapture
		if takes && op.State.Open() && op.State != lifecycle.OperationAction {
			return Reserved
		}
	}
	return Released
}

// Change is what a record made of a payment that names a link.
type Change struct {
	Payment       string
	Before, After State
	TraceID       string
}

// Use says what a change of a payment means for its link. index is how many events of links the record has had before.
func Use(l *Link, c Change, at time.Time, partition int32, position int64, index int16) []topics.LinkEvent {
	if c.Before == c.After {
		return nil
	}
	d := decision{l: l.Clone(), now: at.UTC().Truncate(time.Millisecond), partition: partition, position: position, index: index, traceID: c.TraceID}
	e := topics.LinkEvent{PaymentID: c.Payment}
	switch {
	case c.After == Captured:
		e.Type, e.Late = topics.LinkUseCaptured, c.Before == Released
	case c.After == Reserved:
		e.Type, e.Late = topics.LinkUseReserved, d.l.Free() == 0
	default:
		e.Type = topics.LinkUseReleased
	}
	d.emit(e)
	if over := d.l.Reserved + d.l.Captured - d.l.Data.MaxUses; over > 0 && e.Type != topics.LinkUseReleased && c.Before == Released {
		d.emit(topics.LinkEvent{Type: topics.LinkCaseOpened, PaymentID: c.Payment, Refusal: topics.RefusedLinkOverpaid,
			Detail: "the payment had ended and takes money after all; the link's uses were taken by others meanwhile: void or refund one"})
	}
	return d.finish()
}
