package payouts

import (
	"slices"

	"github.com/weirhq/weir/topics"
)

// Trigger is an input as the transition table knows it.
type Trigger struct {
	Source  TriggerSource
	What    string            // the command or the timer
	Outcome topics.PSPOutcome // of a report
}

// TriggerSource is where an input comes from.
type TriggerSource string

const (
	FromCommand TriggerSource = "command"
	FromReport  TriggerSource = "report" // of a request that we made
	FromTimer   TriggerSource = "timer"
)

// String is the trigger as the documents show it.
func (t Trigger) String() string {
	switch t.Source {
	case FromReport:
		return "PSP: " + string(t.Outcome)
	case FromTimer:
		return t.What + " timer"
	}
	return t.What
}

// Step is one row of the transition table: the inputs that are a step from some statuses, the event that it begins with and
// the statuses that it may lead to. An input that has no step is refused (a command) or tells nothing new.
type Step struct {
	On     []Trigger
	From   []topics.PayoutStatus // none: no payout yet
	Event  topics.PayoutEventType
	To     []topics.PayoutStatus // none: the status stays
	Refuse topics.RefusalCode    // the command is refused from here, with this code rather than wrong_state
	Late   bool                  // the fact contradicts what the payout had come to: booked, and a case is opened

	do func(*decision)
}

const none topics.PayoutStatus = ""

var (
	blocked   = topics.PayoutStatusBlocked
	held      = topics.PayoutStatusHeld
	queued    = topics.PayoutStatusQueued
	sent      = topics.PayoutStatusSent
	unknown   = topics.PayoutStatusUnknown
	paid      = topics.PayoutStatusPaid
	failed    = topics.PayoutStatusFailed
	returned  = topics.PayoutStatusReturned
	rejected  = topics.PayoutStatusRejected
	cancelled = topics.PayoutStatusCancelled
	expired   = topics.PayoutStatusExpired
)

type statuses = []topics.PayoutStatus

var same statuses

// table is never changed. In the order in which a payout lives.
var table = [...]Step{
	// Commands.
	{On: command(topics.PayoutCreate), From: statuses{none}, Event: topics.PayoutCreated, To: statuses{sent, held, blocked}, do: (*decision).create},
	{On: command(topics.PayoutApprove), From: statuses{held}, Event: topics.PayoutReleased, To: statuses{sent}, do: (*decision).approve},
	{On: command(topics.PayoutReject), From: statuses{held}, Event: topics.PayoutRejected, To: statuses{rejected}, do: (*decision).reject},
	{On: command(topics.PayoutCancel), From: statuses{held, queued}, Event: topics.PayoutCancelled, To: statuses{cancelled}, do: (*decision).cancel},
	{On: command(topics.PayoutCancel), From: statuses{sent, unknown}, Refuse: topics.RefusedInProgress},

	// What the PSP says of a request that is open.
	{On: report(topics.PSPApproved), From: statuses{sent, unknown}, Event: topics.PayoutPaid, To: statuses{paid}, do: (*decision).paid},
	{On: report(topics.PSPDeclined), From: statuses{sent, unknown}, Event: topics.PayoutFailed, To: statuses{failed}, do: (*decision).failedNow},
	{On: report(topics.PSPFailed), From: statuses{sent, unknown}, Event: topics.PayoutFailed, To: statuses{failed, queued}, do: (*decision).notPerformed},
	{On: report(topics.PSPPending), From: statuses{sent, unknown}, Event: topics.PayoutSubmitted, To: statuses{sent}, do: (*decision).submitted},
	{On: report(topics.PSPUnknown), From: statuses{sent}, Event: topics.PayoutOutcomeUnknown, To: statuses{unknown}, do: (*decision).outcomeUnknown},
	{On: report(topics.PSPReversed), From: statuses{sent, unknown}, Event: topics.PayoutPaid, To: statuses{returned, sent, unknown}, do: (*decision).reversed},

	// What it says later, against what it had said.
	{On: report(topics.PSPReversed), From: statuses{paid, returned}, Event: topics.PayoutReturned, To: statuses{returned, paid}, do: (*decision).reversed},
	{On: report(topics.PSPReversed), From: statuses{queued, failed, cancelled}, Event: topics.PayoutRequestFailed, To: same, do: (*decision).reversed},
	{On: report(topics.PSPApproved), From: statuses{queued}, Event: topics.PayoutPaid, To: statuses{paid}, do: (*decision).paid},
	{On: report(topics.PSPApproved), From: statuses{failed, cancelled, returned, paid}, Event: topics.PayoutPaid, To: statuses{paid}, Late: true, do: (*decision).paid},
	{On: report(topics.PSPDeclined, topics.PSPFailed), From: statuses{paid}, Event: topics.PayoutRequestFailed, To: statuses{paid, returned}, do: (*decision).requestFailed},
	{On: report(topics.PSPPending), From: statuses{paid}, Event: topics.PayoutSubmitted, To: same, do: (*decision).submitted},
	{On: report(topics.PSPUnknown), From: statuses{paid}, Event: topics.PayoutOutcomeUnknown, To: same, do: (*decision).outcomeUnknown},

	// Timers.
	{On: timer(topics.TimerPayoutExpire), From: statuses{held}, Event: topics.PayoutExpired, To: statuses{expired}, do: (*decision).expire},
	{On: timer(topics.TimerPayoutRetry), From: statuses{queued}, Event: topics.PayoutSendRequested, To: statuses{sent}, do: (*decision).retry},
	{On: timer(topics.TimerPayoutPoll), From: statuses{sent, unknown, paid}, Event: topics.PayoutPollRequested, To: same, do: (*decision).poll},
}

func command(c topics.PayoutCommandType) []Trigger {
	return []Trigger{{Source: FromCommand, What: string(c)}}
}

func timer(k topics.TimerKind) []Trigger { return []Trigger{{Source: FromTimer, What: string(k)}} }

func report(outcomes ...topics.PSPOutcome) []Trigger {
	all := make([]Trigger, len(outcomes))
	for i, outcome := range outcomes {
		all[i] = Trigger{Source: FromReport, Outcome: outcome}
	}
	return all
}

// Leads says whether the step may lead from a status of From to another, or to the same one.
func (s *Step) Leads(from, to topics.PayoutStatus) bool {
	if len(s.To) == 0 {
		return from == to
	}
	return slices.Contains(s.To, to)
}

// Find is the step on a trigger from a status, nil where there is none.
func Find(on Trigger, from topics.PayoutStatus) *Step { return steps[lookup{on, from}] }

// Final says that no command is a step from the status. Facts of the PSP may still move it.
func Final(status topics.PayoutStatus) bool {
	switch status {
	case held, queued, sent, unknown:
		return false
	}
	return true
}

type lookup struct {
	trigger Trigger
	status  topics.PayoutStatus
}

var steps = func() map[lookup]*Step {
	m := make(map[lookup]*Step)
	for i := range table {
		for _, trigger := range table[i].On {
			for _, from := range table[i].From {
				if m[lookup{trigger, from}] != nil {
					panic("transition table of payouts: two steps on " + trigger.String() + " from " + string(from))
				}
				m[lookup{trigger, from}] = &table[i]
			}
		}
	}
	return m
}()
