package disputes

import (
	"slices"
	"time"

	"github.com/weirhq/weir/processors/payments/lifecycle"
)

// Limits are the durations and bounds that Decide works with. What payments and disputes have in common is lifecycle's:
// not_after (FollowWithin), grace, polls, the horizon, cases, and Operations, which bounds the requests of a dispute.
type Limits struct {
	lifecycle.Limits
	// Remind is how long before evidence is due a dispute without any is reminded of.
	Remind time.Duration
	// Movements bounds what is booked for one dispute; what comes beyond opens a case.
	Movements int
	// Answering are the PSPs that take acceptances and evidence by their API. Nil: all do.
	Answering []string
}

const (
	// DefaultRemind is what production starts from.
	DefaultRemind    = 72 * time.Hour
	defaultMovements = 100
)

// NewLimits are those of disputes beside those of payments.
func NewLimits(of lifecycle.Limits, answering []string) Limits {
	return Limits{Limits: of, Remind: DefaultRemind, Movements: defaultMovements, Answering: answering}
}

func (l *Limits) answers(psp string) bool {
	return l.Answering == nil || slices.Contains(l.Answering, psp)
}

// pollDue is when an open request is to be asked for, zero where it is not.
func (l *Limits) pollDue(a *Asked) time.Time {
	switch {
	case a.Polls >= l.PollEnd:
		return time.Time{}
	case a.Polls >= l.PollLimit:
		return a.AskedAt.Add(l.PollSlow)
	case a.State == AskedRequested && a.Polls == 0:
		return a.NotAfter.Add(l.Grace)
	}
	wait := l.UnknownFirst
	for n := a.Polls; n > 0 && wait < l.UnknownMost; n-- {
		wait *= 2
	}
	return a.AskedAt.Add(min(wait, l.UnknownMost))
}
