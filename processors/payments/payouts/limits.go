package payouts

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirhq/weir/processors/payments/lifecycle"
)

// Limits are the durations and bounds that Decide works with. What follows from them stands in the events, so a payout keeps
// the times it was given when they are changed. What payments and payouts have in common is lifecycle's: the PSP, how long a
// held one waits, not_after (FollowWithin), grace, polls, the horizon, cases.
type Limits struct {
	lifecycle.Limits
	Terms
	// Payers are the PSPs that pay out. A payout that could go to others alone is refused. Nil: all do.
	Payers []string
}

// pays tells whether a PSP pays out.
func (l *Limits) pays(psp string) bool { return l.Payers == nil || slices.Contains(l.Payers, psp) }

// Terms are the limits that only payouts have.
type Terms struct {
	// OpenLoop lets a payout go to a card that the customer never deposited with, where no deposit waits to be paid back.
	OpenLoop bool
	// A payout that could not be sent is asked for again after RetryFirst, each wait twice the one before, up to RetryMost,
	// until QueueFor after it was first asked for, at most Attempts times; then it fails and the customer has the money back.
	RetryFirst, RetryMost, QueueFor time.Duration
	Attempts                        int
}

// DefaultTerms returns the terms that production starts from.
func DefaultTerms() Terms {
	return Terms{RetryFirst: 30 * time.Second, RetryMost: 30 * time.Minute, QueueFor: 24 * time.Hour, Attempts: 100}
}

// Validate names the first of the terms that cannot be worked with.
func (l *Terms) Validate() error {
	for _, d := range [...]struct {
		name  string
		value time.Duration
	}{{"retry_first", l.RetryFirst}, {"retry_most", l.RetryMost}, {"queue_for", l.QueueFor}} {
		if d.value <= 0 || d.value%time.Millisecond != 0 {
			return fmt.Errorf("limit of payouts %s is %s: want whole milliseconds above zero", d.name, d.value)
		}
	}
	if l.Attempts < 1 {
		return fmt.Errorf("limit of payouts attempts is %d: want at least 1", l.Attempts)
	}
	return nil
}

// pollDue is when an attempt is to be asked for, zero where it is not.
func (l *Limits) pollDue(a *Attempt) time.Time {
	switch {
	case !a.State.Open() || a.Polls >= l.PollEnd:
		return time.Time{}
	case a.Polls >= l.PollLimit:
		return a.AskedAt.Add(l.PollSlow)
	case a.State == AttemptPending:
		return a.AskedAt.Add(backoff(l.PendingFirst, l.PendingMost, a.Polls))
	case a.State == AttemptRequested && a.Polls == 0:
		return a.NotAfter.Add(l.Grace)
	}
	return a.AskedAt.Add(backoff(l.UnknownFirst, l.UnknownMost, a.Polls))
}

// backoff is first, doubled n times, at most most.
func backoff(first, most time.Duration, n int) time.Duration {
	for ; n > 0 && first < most; n-- {
		first *= 2
	}
	return min(first, most)
}
