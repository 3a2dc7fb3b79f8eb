package lifecycle

import (
	"slices"

	"github.com/weirhq/weir/topics"
)

// Step is one row of the transition table: the inputs that are a step from some statuses, the event that it begins with
// and the statuses that it may lead to. An input that has no step from a payment's status is refused (a command), is
// ignored (a timer, a report that tells nothing new) or opens a case (a report of money).
type Step struct {
	On     []Trigger
	From   []topics.PaymentStatus // none: no payment yet
	Event  topics.EventType
	To     []topics.PaymentStatus // none: the status stays
	Refuse topics.RefusalCode     // the command is refused from here, with this code rather than wrong_state
	Late   bool                   // the fact contradicts what the payment had come to: booked, and a case is opened

	do func(*decision)
}

const none topics.PaymentStatus = ""

var (
	created    = topics.StatusCreated
	held       = topics.StatusHeld
	blocked    = topics.StatusBlocked
	rejected   = topics.StatusRejected
	asking     = topics.StatusAuthorizing
	queued     = topics.StatusQueued
	acting     = topics.StatusRequiresAction
	unknown    = topics.StatusUnknown
	declined   = topics.StatusDeclined
	reviewing  = topics.StatusReviewing
	authorized = topics.StatusAuthorized
	partly     = topics.StatusPartiallyCaptured
	captured   = topics.StatusCaptured
	partlyBack = topics.StatusPartiallyRefunded
	refunded   = topics.StatusRefunded
	voided     = topics.StatusVoided
	expired    = topics.StatusExpired
	cancelled  = topics.StatusCancelled
)

type statuses = []topics.PaymentStatus

// refundOfUnapplied is the refund of what came and was not applied: wherever the payment is, that is not the customer's.
const refundOfUnapplied = "refund unapplied"

// Approvals of what no card pays that are steps of their own.
const (
	inPart topics.PSPOutcome = "approved in part" // less came than was asked for
	more   topics.PSPOutcome = "approved again"   // of what was paid: more came, or the same once more
)

// Sets of statuses that several rows share.
var (
	same       statuses
	capturable = statuses{authorized, partly, partlyBack}                                            // something is left to capture or release
	reviewed   = statuses{reviewing, held, blocked, rejected}                                        // something authorised may be left that must not be captured
	releasable = append(slices.Clone(reviewed), voided, expired)                                     // what is authorised may be left, or come late, that must be released
	asked      = statuses{authorized, partly, captured, partlyBack, refunded, voided, expired}       // a capture or a void may be open
	released   = append(slices.Clone(reviewed), asked...)                                            // a void may be open
	moneyHeld  = statuses{partly, captured, partlyBack, refunded}                                    // something was captured
	overdue    = statuses{declined, expired, cancelled}                                              // ended without an authorisation, as far as was known
	everywhere = append(statuses{asking, queued, unknown, acting, declined, cancelled}, released...) // a request may be open
)

// table is never changed. In the order in which a payment lives.
var table = [...]Step{
	// Commands.
	{On: command(topics.CommandCreate), From: statuses{none}, Event: topics.EventCreated, To: statuses{created, asking, held, blocked, declined}, do: (*decision).create},
	{On: command(topics.CommandAuthorize), From: statuses{created}, Event: topics.EventAuthorizationRequested, To: statuses{asking, held, blocked, declined}, do: (*decision).authorize},
	{On: command(topics.CommandAuthorize), From: statuses{asking, queued, acting, unknown}, Refuse: topics.RefusedInProgress},
	{On: command(topics.CommandApprove), From: statuses{held}, Event: topics.EventReleased, To: statuses{created, asking, blocked, authorized, declined}, do: (*decision).approve},
	{On: command(topics.CommandReject), From: statuses{held}, Event: topics.EventRejected, To: statuses{rejected}, do: (*decision).reject},
	{On: command(topics.CommandConfirm), From: statuses{acting}, Event: topics.EventConfirmationRequested, To: statuses{asking}, do: (*decision).confirm},
	{On: command(topics.CommandCancel), From: statuses{created, held, queued, acting}, Event: topics.EventCancelled, To: statuses{cancelled}, do: (*decision).cancel},
	{On: command(topics.CommandCancel), From: statuses{asking, unknown}, Refuse: topics.RefusedInProgress},
	{On: command(topics.CommandCapture), From: statuses{reviewing}, Refuse: topics.RefusedUnderReview},
	{On: command(topics.CommandCapture), From: capturable, Event: topics.EventCaptureRequested, To: same, do: (*decision).capture},
	{On: command(topics.CommandIncrement), From: statuses{reviewing}, Refuse: topics.RefusedUnderReview},
	{On: command(topics.CommandIncrement), From: statuses{asking, unknown}, Refuse: topics.RefusedInProgress},
	{On: command(topics.CommandIncrement), From: statuses{authorized}, Event: topics.EventIncrementRequested, To: same, do: (*decision).increment},
	{On: command(topics.CommandVoid), From: append(slices.Clone(capturable), releasable...), Event: topics.EventVoidRequested, To: same, do: (*decision).void},
	{On: command(topics.CommandVoid), From: statuses{asking, unknown}, Refuse: topics.RefusedInProgress},
	{On: command(topics.CommandRefund), From: statuses{partly, captured, partlyBack}, Event: topics.EventRefundRequested, To: same, do: (*decision).refund},

	{On: []Trigger{{Source: FromCommand, What: refundOfUnapplied}}, From: statuses{asking, unknown, acting, declined, expired, cancelled, captured, partlyBack, refunded}, Event: topics.EventStrayReleaseRequested, To: same, do: (*decision).refundUnapplied},

	// What the PSP says of the authorisation.
	{On: report(topics.OperationAuthorize, topics.PSPApproved), From: statuses{asking, unknown, acting}, Event: topics.EventAuthorized, To: statuses{authorized, captured, reviewing}, do: (*decision).authorized},
	{On: report(topics.OperationAuthorize, topics.PSPApproved), From: overdue, Event: topics.EventAuthorized, To: statuses{authorized, captured}, Late: true, do: (*decision).authorized},
	{On: report(topics.OperationAuthorize, topics.PSPRequiresAction), From: statuses{asking, unknown}, Event: topics.EventActionRequired, To: statuses{acting}, do: (*decision).actionRequired},
	{On: report(topics.OperationAuthorize, topics.PSPDeclined, topics.PSPFailed), From: statuses{asking, unknown}, Event: topics.EventDeclined, To: statuses{declined, asking, queued}, do: (*decision).declined},
	{On: report(topics.OperationAuthorize, topics.PSPDeclined, topics.PSPFailed), From: statuses{acting}, Event: topics.EventDeclined, To: statuses{declined}, do: (*decision).declined},
	{On: report(topics.OperationAuthorize, topics.PSPDeclined, topics.PSPFailed), From: statuses{expired, cancelled}, Event: topics.EventDeclined, To: same, do: (*decision).declined},
	{On: report(topics.OperationAuthorize, topics.PSPPending), From: statuses{asking, unknown}, Event: topics.EventSubmitted, To: statuses{asking}, do: (*decision).submitted},
	{On: report(topics.OperationAuthorize, topics.PSPUnknown), From: statuses{asking}, Event: topics.EventOutcomeUnknown, To: statuses{unknown}, do: (*decision).outcomeUnknown},

	{On: report(topics.OperationAuthorize, topics.PSPPending), From: statuses{acting}, Event: topics.EventSubmitted, To: statuses{asking}, do: (*decision).accepted},
	{On: report(topics.OperationAuthorize, inPart), From: statuses{asking, unknown, acting, declined, expired, cancelled}, Event: topics.EventUnappliedReceived, To: same, do: (*decision).partCame},
	{On: report(topics.OperationAuthorize, more), From: statuses{captured, partlyBack, refunded}, Event: topics.EventUnappliedReceived, To: same, do: (*decision).moreCame},
	{On: report(topics.OperationAuthorize, topics.PSPReversed), From: statuses{asking, unknown, acting}, Event: topics.EventDeclined, To: statuses{declined}, do: (*decision).cameAndWent},
	{On: report(topics.OperationAuthorize, topics.PSPReversed), From: overdue, Event: topics.EventDeclined, To: same, do: (*decision).cameAndWent},
	{On: report(topics.OperationAuthorize, topics.PSPReversed), From: statuses{captured, partlyBack, refunded}, Event: topics.EventReturned, To: statuses{refunded}, do: (*decision).returned},

	// What risk says of the authorisation.
	{On: review(topics.OutcomePass, topics.OutcomeAllow), From: statuses{reviewing, held}, Event: topics.EventReviewed, To: statuses{authorized}, do: (*decision).reviewPassed},
	{On: review(topics.OutcomeHold), From: statuses{reviewing, held}, Event: topics.EventHeld, To: statuses{held}, do: (*decision).reviewHeld},
	{On: review(topics.OutcomeBlock), From: statuses{reviewing, held}, Event: topics.EventBlocked, To: statuses{blocked}, do: (*decision).reviewBlocked},
	{On: review(topics.OutcomePass, topics.OutcomeAllow), From: moneyHeld, Event: topics.EventReviewed, To: same, do: (*decision).reviewPassed},
	{On: review(topics.OutcomeHold), From: moneyHeld, Event: topics.EventHeld, To: same, Late: true, do: (*decision).reviewHeld},
	{On: review(topics.OutcomeBlock), From: moneyHeld, Event: topics.EventBlocked, To: same, Late: true, do: (*decision).reviewBlocked},

	// What the PSP says of a capture.
	{On: report(topics.OperationCapture, topics.PSPApproved), From: statuses{authorized, partly}, Event: topics.EventCaptured, To: statuses{partly, captured}, do: (*decision).captured},
	{On: report(topics.OperationCapture, topics.PSPApproved), From: statuses{partlyBack}, Event: topics.EventCaptured, To: statuses{partlyBack}, do: (*decision).captured},
	{On: report(topics.OperationCapture, topics.PSPApproved), From: statuses{voided, expired, captured}, Event: topics.EventCaptured, To: statuses{captured}, Late: true, do: (*decision).captured},
	{On: report(topics.OperationCapture, topics.PSPApproved), From: statuses{refunded}, Event: topics.EventCaptured, To: statuses{partlyBack, refunded}, Late: true, do: (*decision).captured},
	{On: report(topics.OperationCapture, topics.PSPDeclined, topics.PSPFailed), From: asked, Event: topics.EventCaptureFailed, To: same, do: (*decision).captureFailed},
	{On: report(topics.OperationCapture, topics.PSPPending), From: asked, Event: topics.EventSubmitted, To: same, do: (*decision).submitted},
	{On: report(topics.OperationCapture, topics.PSPUnknown), From: asked, Event: topics.EventOutcomeUnknown, To: same, do: (*decision).outcomeUnknown},

	// What the PSP says of an increment.
	{On: report(topics.OperationIncrement, topics.PSPApproved), From: statuses{authorized}, Event: topics.EventIncremented, To: same, do: (*decision).incremented},
	{On: report(topics.OperationIncrement, topics.PSPApproved), From: statuses{partly, captured}, Event: topics.EventIncremented, To: statuses{partly}, Late: true, do: (*decision).incremented},
	{On: report(topics.OperationIncrement, topics.PSPApproved), From: statuses{partlyBack, refunded}, Event: topics.EventIncremented, To: statuses{partlyBack}, Late: true, do: (*decision).incremented},
	{On: report(topics.OperationIncrement, topics.PSPApproved), From: statuses{voided, expired}, Event: topics.EventIncremented, To: same, Late: true, do: (*decision).incremented},
	{On: report(topics.OperationIncrement, topics.PSPDeclined, topics.PSPFailed), From: asked, Event: topics.EventIncrementFailed, To: same, do: (*decision).incrementFailed},
	{On: report(topics.OperationIncrement, topics.PSPPending), From: asked, Event: topics.EventSubmitted, To: same, do: (*decision).submitted},
	{On: report(topics.OperationIncrement, topics.PSPUnknown), From: asked, Event: topics.EventOutcomeUnknown, To: same, do: (*decision).outcomeUnknown},

	// What the PSP says of a void.
	{On: report(topics.OperationVoid, topics.PSPApproved), From: append(statuses{authorized}, reviewed...), Event: topics.EventVoided, To: statuses{voided, expired}, do: (*decision).voided},
	{On: report(topics.OperationVoid, topics.PSPApproved), From: statuses{partly}, Event: topics.EventVoided, To: statuses{partly, captured}, do: (*decision).voided},
	{On: report(topics.OperationVoid, topics.PSPApproved), From: statuses{partlyBack}, Event: topics.EventVoided, To: statuses{partlyBack, refunded}, do: (*decision).voided},
	{On: report(topics.OperationVoid, topics.PSPApproved), From: statuses{captured, refunded, voided, expired}, Event: topics.EventVoided, To: same, do: (*decision).voided},
	{On: report(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), From: statuses{authorized}, Event: topics.EventVoidFailed, To: statuses{authorized, expired}, do: (*decision).voidFailed},
	{On: report(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), From: statuses{reviewing}, Event: topics.EventVoidFailed, To: statuses{reviewing, expired}, do: (*decision).voidFailed},
	{On: report(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), From: statuses{held}, Event: topics.EventVoidFailed, To: statuses{held, expired}, do: (*decision).voidFailed},
	{On: report(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), From: statuses{blocked}, Event: topics.EventVoidFailed, To: statuses{blocked, expired}, do: (*decision).voidFailed},
	{On: report(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), From: statuses{rejected}, Event: topics.EventVoidFailed, To: statuses{rejected, expired}, do: (*decision).voidFailed},
	{On: report(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), From: statuses{partly}, Event: topics.EventVoidFailed, To: statuses{partly, captured}, do: (*decision).voidFailed},
	{On: report(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), From: statuses{partlyBack}, Event: topics.EventVoidFailed, To: statuses{partlyBack, refunded}, do: (*decision).voidFailed},
	{On: report(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), From: statuses{captured, refunded, voided, expired}, Event: topics.EventVoidFailed, To: same, do: (*decision).voidFailed},
	{On: report(topics.OperationVoid, topics.PSPPending), From: released, Event: topics.EventSubmitted, To: same, do: (*decision).submitted},
	{On: report(topics.OperationVoid, topics.PSPUnknown), From: released, Event: topics.EventOutcomeUnknown, To: same, do: (*decision).outcomeUnknown},

	// What the PSP says of a refund.
	{On: report(topics.OperationRefund, topics.PSPApproved), From: statuses{partly}, Event: topics.EventRefunded, To: statuses{partlyBack}, do: (*decision).refunded},
	{On: report(topics.OperationRefund, topics.PSPApproved), From: statuses{captured, partlyBack}, Event: topics.EventRefunded, To: statuses{partlyBack, refunded}, do: (*decision).refunded},
	{On: report(topics.OperationRefund, topics.PSPApproved), From: statuses{refunded}, Event: topics.EventRefunded, To: same, do: (*decision).refunded},
	{On: report(topics.OperationRefund, topics.PSPDeclined, topics.PSPFailed), From: moneyHeld, Event: topics.EventRefundFailed, To: same, do: (*decision).refundFailed},
	{On: report(topics.OperationRefund, topics.PSPReversed), From: statuses{partly, captured}, Event: topics.EventRefundFailed, To: same, do: (*decision).refundFailed},
	{On: report(topics.OperationRefund, topics.PSPReversed), From: statuses{partlyBack}, Event: topics.EventRefundFailed, To: statuses{partlyBack, partly, captured}, do: (*decision).refundFailed},
	{On: report(topics.OperationRefund, topics.PSPReversed), From: statuses{refunded}, Event: topics.EventRefundFailed, To: statuses{refunded, partlyBack, captured}, do: (*decision).refundFailed},
	{On: report(topics.OperationRefund, topics.PSPPending), From: moneyHeld, Event: topics.EventSubmitted, To: same, do: (*decision).submitted},
	{On: report(topics.OperationRefund, topics.PSPUnknown), From: moneyHeld, Event: topics.EventOutcomeUnknown, To: same, do: (*decision).outcomeUnknown},

	// What the PSP did without being asked, of the authorisation that it knows: booked, and a person looks at it.
	{On: itself(topics.OperationCapture, topics.PSPApproved), From: append(statuses{authorized, voided, expired, partly, captured}, reviewed...), Event: topics.EventCaptured, To: statuses{partly, captured}, Late: true, do: (*decision).captured},
	{On: itself(topics.OperationCapture, topics.PSPApproved), From: statuses{partlyBack, refunded}, Event: topics.EventCaptured, To: statuses{partlyBack, refunded}, Late: true, do: (*decision).captured},
	{On: itself(topics.OperationVoid, topics.PSPApproved), From: append(slices.Clone(capturable), reviewed...), Event: topics.EventVoided, To: statuses{voided, captured, partlyBack, refunded}, Late: true, do: (*decision).voided},
	{On: itself(topics.OperationRefund, topics.PSPApproved), From: moneyHeld, Event: topics.EventRefunded, To: statuses{partlyBack, refunded}, Late: true, do: (*decision).refunded},

	// What a PSP says of an attempt that was given up for another PSP.
	{On: stray(topics.OperationAuthorize, topics.PSPApproved), From: everywhere, Event: topics.EventStrayAuthorized, To: same, do: (*decision).strayAuthorized},
	{On: stray(topics.OperationAuthorize, topics.PSPReversed), From: everywhere, Event: topics.EventUnappliedReturned, To: same, do: (*decision).strayWentBack},
	{On: stray(topics.OperationAuthorize, topics.PSPDeclined), From: statuses{queued}, Event: topics.EventDeclined, To: statuses{declined}, do: (*decision).declinedForGood},
	{On: stray(topics.OperationAuthorize, topics.PSPDeclined), From: statuses{asking, unknown, acting}, Event: topics.EventAttemptDeclined, To: same, do: (*decision).declinedForGood},
	{On: append(stray(topics.OperationVoid, topics.PSPApproved), stray(topics.OperationRefund, topics.PSPApproved)...), From: everywhere, Event: topics.EventStrayReleased, To: same, do: (*decision).strayReleased},
	{On: append(stray(topics.OperationVoid, topics.PSPDeclined, topics.PSPFailed), stray(topics.OperationRefund, topics.PSPDeclined, topics.PSPFailed, topics.PSPReversed)...), From: everywhere, Event: topics.EventStrayReleaseFailed, To: same, do: (*decision).strayReleaseFailed},
	{On: append(stray(topics.OperationVoid, topics.PSPPending), stray(topics.OperationRefund, topics.PSPPending)...), From: everywhere, Event: topics.EventSubmitted, To: same, do: (*decision).submitted},
	{On: append(stray(topics.OperationVoid, topics.PSPUnknown), stray(topics.OperationRefund, topics.PSPUnknown)...), From: everywhere, Event: topics.EventOutcomeUnknown, To: same, do: (*decision).outcomeUnknown},

	// What a PSP says that was asked more than once, by no reference that is known.
	{On: unclear(), From: everywhere, Event: topics.EventPollRequested, To: same, do: (*decision).lookAgain},

	// Timers.
	{On: timer(topics.TimerExpire), From: statuses{created}, Event: topics.EventExpired, To: statuses{expired}, do: (*decision).expire},
	{On: timer(topics.TimerExpire), From: statuses{held}, Event: topics.EventExpired, To: statuses{expired, held}, do: (*decision).expireHeld},
	{On: timer(topics.TimerExpire), From: statuses{reviewing}, Event: topics.EventHeld, To: statuses{held}, do: (*decision).reviewMissing},
	{On: timer(topics.TimerExpire), From: statuses{acting}, Event: topics.EventPollRequested, To: statuses{acting, expired}, do: (*decision).expireChallenge},
	{On: timer(topics.TimerExpire), From: append(append(statuses{blocked, rejected}, capturable...), voided, expired), Event: topics.EventVoidRequested, To: same, do: (*decision).expireAuthorization},
	{On: timer(topics.TimerRetry), From: statuses{queued}, Event: topics.EventAuthorizationRequested, To: statuses{asking, declined, blocked}, do: (*decision).retry},
	{On: timer(topics.TimerCapture), From: statuses{authorized}, Event: topics.EventCaptureRequested, To: same, do: (*decision).captureDelayed},
	{On: timer(topics.TimerPoll), From: everywhere, Event: topics.EventPollRequested, To: same, do: (*decision).poll},
}

// Leads says whether the step may lead from a status of From to another, or to the same one.
func (s *Step) Leads(from, to topics.PaymentStatus) bool {
	if len(s.To) == 0 {
		return from == to
	}
	return slices.Contains(s.To, to)
}

// Find is the step on a trigger from a status, nil where there is none.
func Find(on Trigger, from topics.PaymentStatus) *Step { return steps[lookup{on, from}] }

// Table returns the transition table.
func Table() []Step { return slices.Clone(table[:]) }

type lookup struct {
	trigger Trigger
	status  topics.PaymentStatus
}

var (
	steps = indexSteps()
	// unfinished are the statuses from which some command is a step, whatever is authorised.
	unfinished = indexUnfinished()
)

func indexSteps() map[lookup]*Step {
	m := make(map[lookup]*Step)
	for i := range table {
		for _, trigger := range table[i].On {
			for _, from := range table[i].From {
				if m[lookup{trigger, from}] != nil {
					panic("transition table: two steps on " + trigger.String() + " from " + string(from))
				}
				m[lookup{trigger, from}] = &table[i]
			}
		}
	}
	return m
}

func indexUnfinished() map[topics.PaymentStatus]bool {
	m := make(map[topics.PaymentStatus]bool)
	for i := range table {
		if table[i].On[0].Source == FromCommand && table[i].On[0].What != refundOfUnapplied {
			for _, from := range table[i].From {
				m[from] = true
			}
		}
	}
	for _, from := range []topics.PaymentStatus{blocked, rejected, voided, expired} {
		delete(m, from)
	}
	return m
}

// Final says that no command is a step from the status, but for a void of what is still authorised once a review has refused
// it, or a void left it. Facts of the PSP may still move it.
func Final(status topics.PaymentStatus) bool { return !unfinished[status] }

// finished says that no command is a step any more, not even a void.
func (p *Payment) finished() bool { return p != nil && Final(p.Status()) && p.Uncaptured() == 0 }
