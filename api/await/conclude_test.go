package await

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/topics"
)

const (
	command = "019ac1b2-f5a8-7c3e-9d10-aa5be2c17f44"
	payment = "pay_0003_019ac1b2f5a87c3e9d10aa5be2c17f44"
)

func own(id string, t topics.EventType) topics.PaymentEvent {
	return topics.PaymentEvent{EventID: id, Type: t, CommandID: command, PaymentID: payment}
}

func answers(id string, t topics.EventType, request string) topics.PaymentEvent {
	return topics.PaymentEvent{EventID: id, Type: t, RequestID: request, PaymentID: payment}
}

// more is the event with another one of the same record behind it.
func more(e topics.PaymentEvent) topics.PaymentEvent {
	e.More = true
	return e
}

// inReview is an authorized event that asks for a review.
func inReview(e topics.PaymentEvent) topics.PaymentEvent {
	e.Review = &topics.ReviewData{}
	return e
}

func TestConclude(t *testing.T) {
	foreign := topics.PaymentEvent{EventID: "3-7-0", Type: topics.EventVoided, CommandID: "another", PaymentID: payment}
	for _, test := range []struct {
		name       string
		events     []topics.PaymentEvent
		want       topics.EventType // "" where there is no answer
		incomplete bool             // it is none yet: its record has done more
		request    string
		open       bool
	}{
		{name: "nothing yet"},
		{name: "created alone", events: []topics.PaymentEvent{own("3-5-0", topics.EventCreated)}, want: topics.EventCreated},
		{name: "created, and the PSP is to be asked", want: topics.EventCreated, incomplete: true,
			events: []topics.PaymentEvent{more(own("3-5-0", topics.EventCreated))}},
		{name: "created and blocked", want: topics.EventBlocked,
			events: []topics.PaymentEvent{more(own("3-5-0", topics.EventCreated)), own("3-5-1", topics.EventBlocked)}},
		{name: "released, and nothing is asked of the PSP", want: topics.EventReleased,
			events: []topics.PaymentEvent{own("3-5-0", topics.EventReleased)}},
		{name: "released, and the PSP is to be asked", want: topics.EventReleased, incomplete: true,
			events: []topics.PaymentEvent{more(own("3-5-0", topics.EventReleased))}},
		{name: "requested", request: "3-5-1",
			events: []topics.PaymentEvent{more(own("3-5-0", topics.EventCreated)), own("3-5-1", topics.EventAuthorizationRequested)}},
		{name: "authorised", want: topics.EventAuthorized, request: "3-5-1",
			events: []topics.PaymentEvent{more(own("3-5-0", topics.EventCreated)), own("3-5-1", topics.EventAuthorizationRequested),
				answers("3-9-0", topics.EventAuthorized, "3-5-1")}},
		{name: "authorised and captured in one call", want: topics.EventCaptured, request: "3-5-1",
			events: []topics.PaymentEvent{more(own("3-5-0", topics.EventCreated)), own("3-5-1", topics.EventAuthorizationRequested),
				more(answers("3-9-0", topics.EventAuthorized, "3-5-1")), answers("3-9-1", topics.EventCaptured, "3-5-1")}},
		{name: "authorised, and the capture of the same call to come", want: topics.EventAuthorized, request: "3-5-1", incomplete: true,
			events: []topics.PaymentEvent{more(own("3-5-0", topics.EventCreated)), own("3-5-1", topics.EventAuthorizationRequested),
				more(answers("3-9-0", topics.EventAuthorized, "3-5-1"))}},
		{name: "captured later", want: topics.EventAuthorized, request: "3-5-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				answers("3-9-0", topics.EventAuthorized, "3-5-1"), answers("3-12-0", topics.EventCaptured, "3-5-1")}},
		{name: "unknown", want: topics.EventOutcomeUnknown, request: "3-5-1", open: true,
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				answers("3-9-0", topics.EventOutcomeUnknown, "3-5-1"), answers("3-12-0", topics.EventPollRequested, "3-5-1")}},
		{name: "unknown, then known", want: topics.EventDeclined, request: "3-5-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				answers("3-9-0", topics.EventOutcomeUnknown, "3-5-1"), answers("3-14-0", topics.EventDeclined, "3-5-1")}},
		{name: "a refund that the PSP has accepted", want: topics.EventSubmitted, request: "3-20-0", open: true,
			events: []topics.PaymentEvent{own("3-20-0", topics.EventRefundRequested), answers("3-21-0", topics.EventSubmitted, "3-20-0")}},
		{name: "authorised and being reviewed", want: topics.EventAuthorized, incomplete: true, request: "3-5-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested), inReview(answers("3-9-0", topics.EventAuthorized, "3-5-1"))}},
		{name: "reviewed", want: topics.EventReviewed, request: "3-5-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested), inReview(answers("3-9-0", topics.EventAuthorized, "3-5-1")),
				answers("3-11-0", topics.EventReviewed, "")}},
		{name: "reviewed, and the capture is asked for", request: "3-11-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested), inReview(answers("3-9-0", topics.EventAuthorized, "3-5-1")),
				more(answers("3-11-0", topics.EventReviewed, "")), answers("3-11-1", topics.EventCaptureRequested, "")}},
		{name: "declined by one PSP, and the next is asked", request: "3-9-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				more(answers("3-9-0", topics.EventAttemptDeclined, "3-5-1")), answers("3-9-1", topics.EventAuthorizationRequested, "")}},
		{name: "approved by the next PSP", want: topics.EventAuthorized, request: "3-9-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				more(answers("3-9-0", topics.EventAttemptDeclined, "3-5-1")), answers("3-9-1", topics.EventAuthorizationRequested, ""),
				answers("3-11-0", topics.EventAuthorized, "3-9-1")}},
		{name: "unknown at one PSP, then asked of the next", request: "3-9-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested), answers("3-7-0", topics.EventOutcomeUnknown, "3-5-1"),
				more(answers("3-9-0", topics.EventAttemptDeclined, "3-5-1")), answers("3-9-1", topics.EventAuthorizationRequested, "")}},
		{name: "queued", want: topics.EventQueued, request: "3-5-1", open: true,
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				more(answers("3-9-0", topics.EventAttemptDeclined, "3-5-1")), answers("3-9-1", topics.EventQueued, "")}},
		{name: "queued, and no PSP could be asked", want: topics.EventDeclined, request: "3-5-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				more(answers("3-9-0", topics.EventAttemptDeclined, "3-5-1")), answers("3-9-1", topics.EventQueued, ""),
				answers("3-20-0", topics.EventDeclined, "3-5-1")}},
		{name: "queued, and cancelled by another command", want: topics.EventCancelled, request: "3-5-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				more(answers("3-9-0", topics.EventAttemptDeclined, "3-5-1")), answers("3-9-1", topics.EventQueued, ""),
				{EventID: "3-20-0", Type: topics.EventCancelled, CommandID: "another", PaymentID: payment}}},
		{name: "queued, asked for again, and cancelled during the challenge", want: topics.EventActionRequired, request: "3-12-0",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested),
				more(answers("3-9-0", topics.EventAttemptDeclined, "3-5-1")), answers("3-9-1", topics.EventQueued, ""),
				answers("3-12-0", topics.EventAuthorizationRequested, ""), answers("3-14-0", topics.EventActionRequired, "3-12-0"),
				{EventID: "3-20-0", Type: topics.EventCancelled, CommandID: "another", PaymentID: payment}}},
		{name: "reviewed and captured", want: topics.EventCaptured, request: "3-11-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested), inReview(answers("3-9-0", topics.EventAuthorized, "3-5-1")),
				more(answers("3-11-0", topics.EventReviewed, "")), answers("3-11-1", topics.EventCaptureRequested, ""),
				answers("3-14-0", topics.EventCaptured, "3-11-1")}},
		{name: "reviewed and blocked, and the void is asked for", want: topics.EventBlocked, request: "3-5-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested), inReview(answers("3-9-0", topics.EventAuthorized, "3-5-1")),
				more(answers("3-11-0", topics.EventBlocked, "")), answers("3-11-1", topics.EventVoidRequested, "")}},
		{name: "reviewed and held", want: topics.EventHeld, request: "3-5-1",
			events: []topics.PaymentEvent{own("3-5-1", topics.EventAuthorizationRequested), inReview(answers("3-9-0", topics.EventAuthorized, "3-5-1")),
				answers("3-11-0", topics.EventHeld, "")}},
		{name: "refused", want: topics.EventCommandRefused, events: []topics.PaymentEvent{own("3-20-0", topics.EventCommandRefused)}},
		{name: "the answer to another request", request: "3-20-0",
			events: []topics.PaymentEvent{own("3-20-0", topics.EventCaptureRequested), answers("3-21-0", topics.EventCaptured, "3-18-0")}},
		{name: "another command's event", events: []topics.PaymentEvent{foreign}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := Question{CommandID: command, PaymentID: payment}
			answer, ok := Conclude(q, test.events)
			if answer.Event.Type != test.want || ok != (test.want != "" && !test.incomplete) {
				t.Errorf("got %q, %v; want %q, incomplete %v", answer.Event.Type, ok, test.want, test.incomplete)
			}
			if answer.Request != test.request || answer.Open != test.open {
				t.Errorf("got request %q, open %v; want %q, %v", answer.Request, answer.Open, test.request, test.open)
			}
		})
	}
}

// A3: the answer at the end of the first record that gives one is the answer for ever, whatever comes later.
func TestTheAnswerStays(t *testing.T) {
	kinds := []topics.EventType{
		topics.EventCreated, topics.EventAuthorizationRequested, topics.EventAuthorized, topics.EventCaptureRequested, topics.EventCaptured,
		topics.EventReviewed, topics.EventHeld, topics.EventOutcomeUnknown, topics.EventSubmitted, topics.EventDeclined,
		topics.EventCaseOpened, topics.EventCommandRefused, topics.EventPollRequested, topics.EventVoided,
		topics.EventAttemptDeclined, topics.EventQueued, topics.EventCancelled,
	}
	q := Question{CommandID: command, PaymentID: payment}
	rapid.Check(t, func(t *rapid.T) {
		var events []topics.PaymentEvent
		var requests []string
		var first *Answer
		for position := range rapid.IntRange(1, 8).Draw(t, "records") {
			n := rapid.IntRange(1, 3).Draw(t, "events")
			for index := range n {
				e := answers(fmt.Sprintf("3-%d-%d", position, index), rapid.SampledFrom(kinds).Draw(t, "type"), "")
				switch {
				case rapid.Bool().Draw(t, "own"):
					e.CommandID, e.TraceID = command, "trace"
				case len(requests) > 0:
					e.RequestID = rapid.SampledFrom(requests).Draw(t, "request")
				}
				if e.Type == topics.EventAuthorized && rapid.Bool().Draw(t, "review") {
					e.Review = &topics.ReviewData{}
				}
				if asksPSP(e.Type) {
					requests = append(requests, e.EventID)
				}
				e.More = index < n-1
				events = append(events, e)
			}
			answer, ok := Conclude(q, events)
			switch {
			case first != nil && (!ok || !reflect.DeepEqual(answer, *first)):
				t.Fatalf("answered with %+v, then with %+v, %v", *first, answer, ok)
			case first == nil && ok && !answer.Open:
				first = &answer
			}
		}
		if first != nil && first.TraceID != "trace" {
			t.Fatalf("the answer's trace is %q, want the command's", first.TraceID)
		}
	})
}

// Events may come in any order and more than once: from the hub and from the log.
func TestLearnInAnyOrder(t *testing.T) {
	events := []topics.PaymentEvent{
		more(own("3-5-0", topics.EventCreated)), own("3-5-1", topics.EventAuthorizationRequested),
		answers("3-9-0", topics.EventOutcomeUnknown, "3-5-1"), answers("3-10-0", topics.EventAuthorized, "3-5-1"),
	}
	for range 200 {
		w := newPaymentWaiter(nil, Question{CommandID: command, PaymentID: payment})
		for _, i := range rand.Perm(2 * len(events)) {
			w.Learn(events[i%len(events)])
		}
		if answer, ok := w.Answer(); !ok || answer.Event.Type != topics.EventAuthorized || len(w.events) != len(events) {
			t.Fatalf("got %v, %v from %d events", answer.Event.Type, ok, len(w.events))
		}
	}
}
