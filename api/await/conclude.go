package await

import "github.com/weirhq/weir/topics"

// Question is what is asked of payments: what became of this command on this payment.
type Question struct {
	CommandID string
	PaymentID string
}

// PaymentWaiter waits for the answer to a payment command.
type PaymentWaiter = Waiter[topics.PaymentEvent, Answer]

// Ask opens a question. It comes before the command is produced, and Close follows it on every path.
func (h *Hub) Ask(q Question) (*PaymentWaiter, error) {
	w := newPaymentWaiter(h, q)
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}

func newPaymentWaiter(h *Hub, q Question) *PaymentWaiter {
	w := &PaymentWaiter{
		hub: h, about: []subject{{topics.Events, q.CommandID}}, concluded: make(chan struct{}, 1),
		idOf:     func(e *topics.PaymentEvent) string { return e.EventID },
		conclude: func(events []topics.PaymentEvent) (Answer, bool) { return Conclude(q, events) },
	}
	if q.PaymentID != "" {
		w.about = append(w.about, subject{topics.Events, q.PaymentID})
	}
	return w
}

// Answer is the event that concludes a question.
type Answer struct {
	Event topics.PaymentEvent
	// Request is the id of the PSP request that the command caused, "" where there is none (yet).
	Request string
	// TraceID is that of the command as it was applied: a repeat may have another one.
	TraceID string
	// Open says that the answer is not the last word: the PSP has only accepted the request, or its outcome is unknown
	// and is being polled.
	Open bool
}

// Conclude follows a command through the events of its payment: command, the PSP request that it caused, the PSP's
// answer to that request or to that of the PSP which is asked next and, where the authorisation is reviewed, what the review
// says and the capture that it lets go on.
// The events stand in the order of their ids, without repeats. ok is false while there is no answer yet, and while more
// events of the last one's record are to come. Where several events of a record answer (authorised and captured in one
// call) the last one counts, and so it does where an outcome was unknown first.
//
// A3: the first record that gives an answer which is not open is the last that counts. Who asks later, and sees what
// happened since, concludes the same.
func Conclude(q Question, events []topics.PaymentEvent) (answer Answer, ok bool) {
	reviewing := false
	for i := range events {
		e := &events[i]
		own := e.CommandID == q.CommandID
		if own {
			answer.TraceID = e.TraceID
		}
		switch {
		case own && asksPSP(e.Type), reviewing && e.Type == topics.EventCaptureRequested:
			answer, ok = Answer{Request: e.EventID, TraceID: answer.TraceID}, false
			reviewing = false
		case answer.Request != "" && e.Type == topics.EventAuthorizationRequested: // of the next PSP: the last one did not charge
			answer, ok = Answer{Request: e.EventID, TraceID: answer.TraceID}, false
		case answer.Request != "" && e.Type == topics.EventQueued:
			answer.Event, answer.Open, ok = *e, true, true
		case answer.Open && answer.Event.Type == topics.EventQueued && e.Type == topics.EventCancelled: // by another command
			answer.Event, answer.Open, ok = *e, false, true
		case reviewing && endsReview(e.Type):
			answer.Event, answer.Open, ok = *e, false, true
		case own && concludes(e.Type),
			answer.Request != "" && e.RequestID == answer.Request && answersRequest(e.Type):
			answer.Event, answer.Open = *e, undecided(e.Type)
			reviewing = e.Review != nil
			ok = !reviewing
		}
		if ok && !answer.Open && !e.More {
			return answer, true
		}
	}
	return answer, ok && !events[len(events)-1].More
}

// undecided reports whether another event of the same request will follow.
func undecided(t topics.EventType) bool {
	return t == topics.EventSubmitted || t == topics.EventOutcomeUnknown
}

// endsReview reports whether an event tells what became of an authorisation that was reviewed.
func endsReview(t topics.EventType) bool {
	switch t {
	case topics.EventReviewed, topics.EventHeld, topics.EventBlocked, topics.EventReleased, topics.EventRejected,
		topics.EventVoided, topics.EventExpired:
		return true
	}
	return false
}

// asksPSP reports whether a PSP request follows the event.
func asksPSP(t topics.EventType) bool {
	switch t {
	case topics.EventAuthorizationRequested, topics.EventConfirmationRequested, topics.EventCaptureRequested,
		topics.EventIncrementRequested, topics.EventVoidRequested, topics.EventRefundRequested:
		return true
	}
	return false
}

// concludes reports whether an event that a command caused itself answers the command.
func concludes(t topics.EventType) bool {
	switch t {
	case topics.EventPollRequested, topics.EventCaseOpened, topics.EventMandateActivated, topics.EventMandateFailed, topics.EventMandateExpired:
		return false
	}
	return true
}

// answersRequest reports whether an event answers the PSP request that it names.
func answersRequest(t topics.EventType) bool {
	switch t {
	case topics.EventAuthorized, topics.EventDeclined, topics.EventActionRequired, topics.EventCaptured,
		topics.EventCaptureFailed, topics.EventIncremented, topics.EventIncrementFailed, topics.EventVoided, topics.EventVoidFailed, topics.EventRefunded,
		topics.EventRefundFailed, topics.EventSubmitted, topics.EventOutcomeUnknown, topics.EventDeadLettered:
		return true
	}
	return false
}
