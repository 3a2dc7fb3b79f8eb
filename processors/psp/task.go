package psp

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// task is one request on its way through the gateway. After it is accepted only its station touches it.
type task struct {
	partition *partition
	offset    int64
	recordID  string    // ce_id
	asked     time.Time // ce_time: the key window is counted from it
	request   topics.PSPRequest
	received  time.Time

	next *task // the payment's next request, which waits for this one; the session's mutex guards it

	tries      int
	claimed    bool      // the attempt row is ours, and nobody else may send
	onlyPoll   bool      // someone has sent it, or may have
	withheld   string    // the code with which it is answered as not sent; "": it may be sent
	pollFailed time.Time // of the first of the failed polls
}

// step is what the gateway does with a task now.
type step int

const (
	stepSend  step = iota
	stepClaim      // of a PSP without keys: the attempt row first
	stepPoll
	stepNeverSent // nothing was and nothing will be sent
)

// decide says what a task needs at a time. window is the PSP's key window, idempotent whether it has one (G1, G2).
func (t *task) decide(now time.Time, window time.Duration, idempotent bool) step {
	late := !now.Before(t.request.NotAfter)
	switch {
	case t.request.Poll || t.onlyPoll:
		return stepPoll
	case idempotent && (late || now.Sub(t.asked) >= window):
		return stepPoll
	case idempotent:
		return stepSend
	case !t.claimed:
		return stepClaim // a late one too: whoever holds the row knows that nobody else sends
	case late:
		return stepNeverSent
	default:
		return stepSend
	}
}

// claims says that the request is claimed and sent by one gateway alone, whatever the PSP knows of keys (G6): a routing plan chose
// the PSP, and another one may be asked where this one provably was not; or it is a payout, which is asked for again then.
func (t *task) claims() bool {
	return t.request.Operation == topics.OperationAuthorize && t.request.Route != "" || t.request.Operation == topics.OperationPayout
}

// scope is what kill switches are looked up for.
func (t *task) scope() topics.RouteScope {
	s := topics.RouteScope{PSP: t.request.PSP, Method: t.request.PaymentMethod.Kind(), Country: t.request.Country, Tenant: t.request.Tenant}
	if card := t.request.Card; s.Country == "" && card != nil {
		s.Country = card.Country
	}
	return s
}

// absence is what "not found" means for a task at a time: nothing was and nothing will be performed, once no call can be
// under way any more (G3). Before that it is unknown, and the payment asks again.
func (t *task) absence(now time.Time, settle time.Duration) topics.PSPOutcome {
	if now.Before(t.request.NotAfter.Add(settle)) {
		return topics.PSPUnknown
	}
	return topics.PSPNotFound
}

// backoff is the pause after a number of failed tries: it doubles from firstBackoff to maxBackoff, and spread (0 to 1)
// takes up to a quarter off.
func backoff(tries int, spread float64) time.Duration {
	pause := maxBackoff
	if tries < 16 {
		pause = min(firstBackoff<<max(tries-1, 0), maxBackoff)
	}
	return pause - time.Duration(spread*float64(pause/4))
}
