package lifecycle

import (
	"fmt"
	"time"
)

// Limits are the durations and bounds that Decide works with. What follows from them stands in the events, so a payment
// keeps the times it was given when they are changed.
type Limits struct {
	PSP    string // that authorisations go to
	Region string // of commands on payments that were made while the installation had none; "" where it has none

	// Times to live: of a payment that nobody authorised, one that waits for a reviewer, a challenge, an authorisation.
	Created, Held, Challenge, Authorization time.Duration
	// Review is how long an authorised payment waits for risk's answer; then it is held.
	Review time.Duration

	// AuthorizeWithin and FollowWithin set not_after: a request is sent within this time or never. A customer waits for
	// an authorisation; captures, voids and refunds may wait for a PSP that is down.
	AuthorizeWithin, FollowWithin time.Duration
	// Grace after not_after in which a request may still be on its way to the PSP. Only later does "not found" prove
	// that it was not performed. A request without any answer is polled then for the first time.
	Grace time.Duration

	// LastLook is how long an expiring challenge waits for the PSP's answer to a last question: the customer may have
	// passed it where nobody told us.
	LastLook time.Duration

	// Polls of an unknown outcome begin after UnknownFirst, each wait twice the one before, up to UnknownMost; those of a
	// pending one PendingFirst to PendingMost. After PollLimit polls a case is opened and they slow down to PollSlow;
	// after PollEnd they cease, and only a report or a person can end the request. A challenge of a payment that was given
	// up, and counts for a deposit limit, is asked for each PollSlow, up to PollLimit times.
	UnknownFirst, UnknownMost, PendingFirst, PendingMost, PollSlow time.Duration
	PollLimit, PollEnd                                             int

	// QueueFirst is how long a payment that no PSP could be asked for waits before it asks again; each pause is twice the one
	// before, up to QueueMost.
	QueueFirst, QueueMost time.Duration

	Retries Retries // of payments by a mandate

	// OverCapture is how many percent more than is authorised may be captured at a PSP, by its name; no entry: none.
	OverCapture map[string]int64

	// Descriptors are what customers of a tenant read on their statements where the payment does not say it, by the tenant's name.
	Descriptors map[string]string

	Short int64 // of what is asked for by crypto: how much less is taken for it, in basis points

	Horizon    time.Duration // a command issued before it is refused: its id may have been forgotten
	Operations int           // of one payment; a command beyond is refused
	Cases      int           // of one payment; reports that would open more are dropped
}

// DefaultLimits returns the limits that production starts from.
func DefaultLimits() Limits {
	return Limits{
		PSP:     "sandbox",
		Created: 24 * time.Hour, Held: 72 * time.Hour, Challenge: 15 * time.Minute, Authorization: 7 * 24 * time.Hour,
		Review:          15 * time.Minute,
		AuthorizeWithin: time.Minute, FollowWithin: 15 * time.Minute, Grace: 30 * time.Second, LastLook: 10 * time.Second,
		UnknownFirst: time.Second, UnknownMost: 5 * time.Minute,
		PendingFirst: time.Minute, PendingMost: 6 * time.Hour,
		PollSlow: 24 * time.Hour, PollLimit: 30, PollEnd: 120,
		QueueFirst: 2 * time.Second, QueueMost: time.Minute, Short: 50,
		Retries: DefaultRetries(),
		Horizon: 30 * 24 * time.Hour, Operations: 100, Cases: 50,
	}
}

// Validate names the first limit that cannot be worked with. Times have milliseconds, as the records' times have.
func (l *Limits) Validate() error {
	for _, d := range [...]struct {
		name  string
		value time.Duration
	}{
		{"created", l.Created}, {"held", l.Held}, {"challenge", l.Challenge}, {"authorization", l.Authorization}, {"review", l.Review},
		{"authorize_within", l.AuthorizeWithin}, {"follow_within", l.FollowWithin}, {"grace", l.Grace}, {"last_look", l.LastLook},
		{"unknown_first", l.UnknownFirst}, {"unknown_most", l.UnknownMost}, {"pending_first", l.PendingFirst},
		{"pending_most", l.PendingMost}, {"poll_slow", l.PollSlow}, {"horizon", l.Horizon},
		{"queue_first", l.QueueFirst}, {"queue_most", l.QueueMost},
	} {
		if d.value <= 0 || d.value%time.Millisecond != 0 {
			return fmt.Errorf("limit %s is %s: want whole milliseconds above zero", d.name, d.value)
		}
	}
	if l.PSP == "" || l.PollLimit < 1 || l.PollEnd < l.PollLimit || l.Operations < 1 || l.Cases < 1 {
		return fmt.Errorf("limits: want a PSP's name, poll_limit from 1, poll_end from poll_limit, operations and cases from 1, got %q, %d, %d, %d, %d",
			l.PSP, l.PollLimit, l.PollEnd, l.Operations, l.Cases)
	}
	return l.Retries.validate()
}

// pollDue is when an operation is to be asked for, zero where it is not.
func (l *Limits) pollDue(p *Payment, op *Operation) time.Time {
	if !op.State.Open() || op.Polls >= l.PollEnd {
		return time.Time{}
	}
	if op.State == OperationAction { // the customer is waited for, or, where the payment was given up, the PSP
		if !p.abandoned() || op.Polls >= l.PollLimit {
			return time.Time{}
		}
		return op.AskedAt.Add(l.PollSlow)
	}
	if op.Polls >= l.PollLimit {
		return op.AskedAt.Add(l.PollSlow)
	}
	switch {
	case op.State == OperationPending:
		return op.AskedAt.Add(backoff(l.PendingFirst, l.PendingMost, op.Polls))
	case op.State == OperationRequested && op.Polls == 0:
		return op.NotAfter.Add(l.Grace)
	}
	return op.AskedAt.Add(backoff(l.UnknownFirst, l.UnknownMost, op.Polls))
}

// backoff is first, doubled n times, at most most.
func backoff(first, most time.Duration, n int) time.Duration {
	for ; n > 0 && first < most; n-- {
		first *= 2
	}
	return min(first, most)
}
