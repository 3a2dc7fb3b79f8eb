package disputes

import (
	"slices"

	"github.com/weirhq/weir/topics"
)

// Trigger is an input as the transition table knows it.
type Trigger struct {
	Source  TriggerSource
	What    string            // the command, the fact, the operation that is answered or the timer
	Outcome topics.PSPOutcome // of an answer
}

// TriggerSource is where an input comes from.
type TriggerSource string

const (
	FromCommand TriggerSource = "command"
	FromFact    TriggerSource = "fact"   // what the PSP tells of the dispute
	FromAnswer  TriggerSource = "answer" // to a request that we made
	FromTimer   TriggerSource = "timer"
)

// String is the trigger as the documents show it.
func (t Trigger) String() string {
	switch t.Source {
	case FromFact:
		return "PSP: " + t.What
	case FromAnswer:
		return "answer to " + t.What + ": " + string(t.Outcome)
	case FromTimer:
		return t.What + " timer"
	}
	return t.What
}

// Step is one row of the transition table: the inputs that are a step from some statuses, the event that it begins with and
// the statuses that it may lead to. An input that has no step is refused (a command) or tells nothing new.
type Step struct {
	On     []Trigger
	From   []topics.DisputeStatus // none: no dispute yet
	Event  topics.DisputeEventType
	Or     topics.DisputeEventType // in its place, of an inquiry
	To     []topics.DisputeStatus  // none: the status stays
	Refuse topics.RefusalCode      // the command is refused from here, with this code rather than wrong_state

	do func(*decision)
}

const none topics.DisputeStatus = ""

const (
	needsResponse = topics.DisputeStatusNeedsResponse
	overdue       = topics.DisputeStatusOverdue
	submitting    = topics.DisputeStatusSubmitting
	accepting     = topics.DisputeStatusAccepting
	underReview   = topics.DisputeStatusUnderReview
	accepted      = topics.DisputeStatusAccepted
	won           = topics.DisputeStatusWon
	lost          = topics.DisputeStatusLost
	closed        = topics.DisputeStatusClosed
)

type statuses = []topics.DisputeStatus

var (
	same   statuses
	known  = statuses{needsResponse, overdue, submitting, accepting, underReview, accepted, won, lost, closed}
	undone = statuses{needsResponse, overdue, submitting, accepting, underReview, accepted}
)

// table is never changed. In the order in which a dispute lives. What is told of a dispute that is not known opens it first.
var table = [...]Step{
	// What the PSP tells of it.
	{On: fact(topics.FactInquiry, topics.FactOpened), From: statuses{none}, Event: topics.DisputeOpened, To: statuses{needsResponse}, do: (*decision).nothing},
	{On: fact(topics.FactInquiry), From: undone, Event: topics.DisputeUpdated, To: undone, do: (*decision).inquired},
	{On: fact(topics.FactOpened), From: known, Event: topics.DisputeUpdated, Or: topics.DisputeChargedBack, To: known, do: (*decision).noticed},
	{On: fact(topics.FactEvidenceSubmitted), From: statuses{needsResponse, overdue, submitting}, Event: topics.DisputeEvidenceSubmitted, To: statuses{underReview}, do: (*decision).evidenced},
	{On: fact(topics.FactPreArbitration), From: known, Event: topics.DisputePreArbitration, To: known, do: (*decision).preArbitration},
	{On: fact(topics.FactArbitration), From: known, Event: topics.DisputeArbitration, To: known, do: (*decision).arbitration},
	{On: fact(topics.FactWon), From: without(known, won), Event: topics.DisputeWon, To: statuses{won}, do: (*decision).won},
	{On: fact(topics.FactLost), From: without(known, lost), Event: topics.DisputeLost, To: statuses{lost}, do: (*decision).lost},
	{On: fact(topics.FactClosed), From: without(known, closed), Event: topics.DisputeClosed, To: statuses{accepted, won, lost, closed}, do: (*decision).closed},
	{On: fact(topics.FactFundsWithdrawn), From: known, Event: topics.DisputeFundsWithdrawn, To: same, do: (*decision).withdrawn},
	{On: fact(topics.FactFundsReinstated), From: known, Event: topics.DisputeFundsReinstated, To: same, do: (*decision).reinstated},
	{On: fact(topics.FactFee), From: known, Event: topics.DisputeFeeCharged, To: same, do: (*decision).fee},
	{On: fact(topics.FactFeeReturned), From: known, Event: topics.DisputeFeeReturned, To: same, do: (*decision).feeReturned},

	// Commands.
	{On: command(topics.DisputeSubmitEvidence), From: statuses{needsResponse, overdue}, Event: topics.DisputeEvidenceRequested, To: statuses{submitting}, do: (*decision).submit},
	{On: command(topics.DisputeAccept), From: statuses{needsResponse, overdue}, Event: topics.DisputeAcceptanceRequested, To: statuses{accepting}, do: (*decision).accept},
	{On: command(topics.DisputeSubmitEvidence, topics.DisputeAccept), From: statuses{submitting, accepting}, Refuse: topics.RefusedInProgress},

	// Answers to them.
	{On: answer(topics.OperationDisputeEvidence, topics.PSPApproved), From: statuses{submitting, needsResponse, overdue}, Event: topics.DisputeEvidenceSubmitted, To: statuses{underReview}, do: (*decision).evidenced},
	{On: answer(topics.OperationDisputeEvidence, topics.PSPDeclined, topics.PSPFailed), From: statuses{submitting}, Event: topics.DisputeRequestFailed, To: statuses{needsResponse, overdue}, do: (*decision).requestFailed},
	{On: answer(topics.OperationDisputeEvidence, topics.PSPUnknown), From: statuses{submitting}, Event: topics.DisputeOutcomeUnknown, To: same, do: (*decision).outcomeUnknown},
	{On: answer(topics.OperationDisputeAccept, topics.PSPApproved), From: statuses{accepting, needsResponse, overdue}, Event: topics.DisputeAccepted, To: statuses{accepted}, do: (*decision).accepted},
	{On: answer(topics.OperationDisputeAccept, topics.PSPDeclined, topics.PSPFailed), From: statuses{accepting}, Event: topics.DisputeRequestFailed, To: statuses{needsResponse, overdue}, do: (*decision).requestFailed},
	{On: answer(topics.OperationDisputeAccept, topics.PSPUnknown), From: statuses{accepting}, Event: topics.DisputeOutcomeUnknown, To: same, do: (*decision).outcomeUnknown},

	// Timers.
	{On: timer(topics.TimerDisputeRemind), From: statuses{needsResponse}, Event: topics.DisputeEvidenceReminder, To: same, do: (*decision).remind},
	{On: timer(topics.TimerDisputeDue), From: statuses{needsResponse}, Event: topics.DisputeEvidenceOverdue, To: statuses{overdue}, do: (*decision).overdue},
	{On: timer(topics.TimerDisputePoll), From: statuses{submitting, accepting}, Event: topics.DisputePollRequested, To: same, do: (*decision).poll},
}

func command(all ...topics.DisputeCommandType) []Trigger {
	on := make([]Trigger, len(all))
	for i, c := range all {
		on[i] = Trigger{Source: FromCommand, What: string(c)}
	}
	return on
}

func fact(all ...topics.DisputeFact) []Trigger {
	on := make([]Trigger, len(all))
	for i, f := range all {
		on[i] = Trigger{Source: FromFact, What: string(f)}
	}
	return on
}

func answer(to topics.PSPOperation, outcomes ...topics.PSPOutcome) []Trigger {
	on := make([]Trigger, len(outcomes))
	for i, outcome := range outcomes {
		on[i] = Trigger{FromAnswer, string(to), outcome}
	}
	return on
}

func timer(k topics.TimerKind) []Trigger { return []Trigger{{Source: FromTimer, What: string(k)}} }

func without(all statuses, status topics.DisputeStatus) statuses {
	return slices.DeleteFunc(slices.Clone(all), func(s topics.DisputeStatus) bool { return s == status })
}

// Leads says whether the step may lead from a status of From to another, or to the same one.
func (s *Step) Leads(from, to topics.DisputeStatus) bool {
	if len(s.To) == 0 {
		return from == to
	}
	return slices.Contains(s.To, to)
}

// Find is the step on a trigger from a status, nil where there is none.
func Find(on Trigger, from topics.DisputeStatus) *Step { return steps[lookup{on, from}] }

// Final says that no command is a step from the status. Facts of the PSP may still move it.
func Final(status topics.DisputeStatus) bool {
	return status == won || status == lost || status == closed
}

type lookup struct {
	trigger Trigger
	status  topics.DisputeStatus
}

var steps = func() map[lookup]*Step {
	m := make(map[lookup]*Step)
	for i := range table {
		for _, trigger := range table[i].On {
			for _, from := range table[i].From {
				if m[lookup{trigger, from}] != nil {
					panic("transition table of disputes: two steps on " + trigger.String() + " from " + string(from))
				}
				m[lookup{trigger, from}] = &table[i]
			}
		}
	}
	return m
}()
