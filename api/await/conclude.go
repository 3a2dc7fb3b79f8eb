// Package await tells the HTTP API what became of a command: it reads payments.events.v1 as it is written and hands each
// event to whoever waits for the event's payment or command.
package await

import (
	"slices"

	"github.com/weirhq/weir/topics"
)

// Question is what a waiter asks: what became of this command on this payment.
type Question struct {
	CommandID string
	PaymentID string
}

// Answer is the event that concludes a question.
type Answer struct {
	Event topics.PaymentEvent
	// Request is the id of the PSP request that the command caused, "" where there is none (yet).
	Request string
	// Open says that the answer is not the last word: the PSP has only accepted the request, or its outcome is unknown
	// and is being polled.
	Open bool
}

// Conclude follows a command through the events of its payment: command, the PSP request that it caused, the PSP's
// answer to that request. The events stand in the order of their ids, without repeats. ok is false while there is no
// answer yet, and while more events of the last one's record are to come. Where several events answer (authorised and
// captured in one call, an outcome that was unknown first) the last one counts.
func Conclude(q Question, events []topics.PaymentEvent) (answer Answer, ok bool) {
	for i := range events {
		e := &events[i]
		own := e.CommandID == q.CommandID
		switch {
		case own && asksPSP(e.Type):
			answer, ok = Answer{Request: e.EventID}, false
		case own && concludes(e.Type),
			answer.Request != "" && e.RequestID == answer.Request && answersRequest(e.Type):
			answer = Answer{Event: *e, Request: answer.Request, Open: undecided(e.Type)}
			ok = true
		}
	}
	return answer, ok && !events[len(events)-1].More
}

// undecided reports whether another event of the same request will follow.
func undecided(t topics.EventType) bool {
	return t == topics.EventSubmitted || t == topics.EventOutcomeUnknown
}

// asksPSP reports whether a PSP request follows the event.
func asksPSP(t topics.EventType) bool {
	switch t {
	case topics.EventAuthorizationRequested, topics.EventConfirmationRequested, topics.EventCaptureRequested,
		topics.EventVoidRequested, topics.EventRefundRequested:
		return true
	}
	return false
}

// concludes reports whether an event that a command caused itself answers the command.
func concludes(t topics.EventType) bool {
	return t != topics.EventPollRequested && t != topics.EventCaseOpened
}

// answersRequest reports whether an event answers the PSP request that it names.
func answersRequest(t topics.EventType) bool {
	switch t {
	case topics.EventAuthorized, topics.EventDeclined, topics.EventActionRequired, topics.EventCaptured,
		topics.EventCaptureFailed, topics.EventVoided, topics.EventVoidFailed, topics.EventRefunded,
		topics.EventRefundFailed, topics.EventSubmitted, topics.EventOutcomeUnknown, topics.EventDeadLettered:
		return true
	}
	return false
}

// merge adds an event to events in the order of their ids; one that is there already changes nothing.
func merge(events []topics.PaymentEvent, e topics.PaymentEvent) ([]topics.PaymentEvent, error) {
	id, err := topics.ParseEventID(e.EventID)
	if err != nil {
		return events, err
	}
	at, found := slices.BinarySearchFunc(events, id, func(held topics.PaymentEvent, id topics.EventID) int {
		heldID, _ := topics.ParseEventID(held.EventID) // parsed before it was held
		return compare(heldID, id)
	})
	if found {
		return events, nil
	}
	return slices.Insert(events, at, e), nil
}

// compare orders the ids of one partition.
func compare(a, b topics.EventID) int {
	switch {
	case a.Position < b.Position, a.Position == b.Position && a.Index < b.Index:
		return -1
	case a == b:
		return 0
	}
	return 1
}
