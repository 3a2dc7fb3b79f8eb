package routing

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

// event is what a Feed reads of an event, by way of JSON as it stands on the topic.
func event(t *testing.T, e topics.PaymentEvent) *Event {
	t.Helper()
	data, err := topics.Marshal(&e)
	if err != nil {
		t.Fatal(err)
	}
	var read Event
	if err := topics.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	return &read
}

func TestFeed(t *testing.T) {
	set := compile(t, "version: 1\nstrategy: bandit\nhalf_life: 24h\nhealth: { window: 1m, at_least: 100, error_rate: 50%, p95: 30s }\n"+
		"routes:\n  - { name: a, psp: acme, daily: { count: 2, amount: [\"100.00 EUR\"] } }\n")
	said := func(kind topics.EventType, psp *topics.PSPData) topics.PaymentEvent {
		return topics.PaymentEvent{Type: kind, RequestID: "0-1-0", PSP: psp}
	}
	decline := func(kind topics.EventType, code string, unsent bool) topics.PaymentEvent {
		return said(kind, &topics.PSPData{DeclineCode: code, Unsent: unsent})
	}
	for _, c := range []struct {
		name   string
		events []topics.PaymentEvent
		want   string // approved and declined of the route; results, failed and unanswered of the PSP
	}{
		{"nothing yet", nil, "0 0; 0 0 0"},
		{"approved", []topics.PaymentEvent{said(topics.EventAuthorized, nil)}, "1 0; 1 0 0"},
		{"approved, and told again", []topics.PaymentEvent{said(topics.EventAuthorized, nil), said(topics.EventAuthorized, nil)}, "1 0; 1 0 0"},
		{"declined", []topics.PaymentEvent{decline(topics.EventDeclined, "51", false)}, "0 1; 1 0 0"},
		{"declined, and another PSP is asked", []topics.PaymentEvent{decline(topics.EventAttemptDeclined, "05", false)}, "0 1; 1 0 0"},
		{"not sent", []topics.PaymentEvent{decline(topics.EventAttemptDeclined, topics.DeclineNotSent, true)}, "0 1; 1 1 0"},
		{"not performed", []topics.PaymentEvent{decline(topics.EventDeclined, topics.DeclineNotPerformed, false)}, "0 1; 1 1 0"},
		{"switched off says nothing of the PSP", []topics.PaymentEvent{decline(topics.EventAttemptDeclined, topics.DeclineRouteDisabled, true)}, "0 0; 0 0 0"},
		{"no route", []topics.PaymentEvent{decline(topics.EventDeclined, topics.DeclineNoRoute, false)}, "0 0; 0 0 0"},
		{"a challenge, then approved", []topics.PaymentEvent{said(topics.EventActionRequired, nil), said(topics.EventAuthorized, nil)}, "1 0; 2 0 0"},
		{"unknown, polled twice, then approved", []topics.PaymentEvent{said(topics.EventOutcomeUnknown, nil), said(topics.EventOutcomeUnknown, nil), said(topics.EventAuthorized, nil)}, "1 0; 2 0 1"},
		{"of a request that nobody knows", []topics.PaymentEvent{{Type: topics.EventAuthorized, RequestID: "0-9-0"}}, "0 0; 0 0 0"},
		{"of something else", []topics.PaymentEvent{said(topics.EventCaptured, nil)}, "0 0; 0 0 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := &State{}
			feed := NewFeed(st)
			feed.Take(set, event(t, topics.PaymentEvent{EventID: "0-1-0", Type: topics.EventAuthorizationRequested, At: start, Amount: 1000, Currency: "EUR",
				Request: &topics.RequestData{PSP: "acme", Route: "a", Attempt: 1}}))
			for i, e := range c.events {
				e.At = start.Add(time.Duration(i+1) * time.Second)
				feed.Take(set, event(t, e))
			}
			learnt, sum := st.arm("a"), slice{}
			for _, s := range st.psp("acme").window {
				sum.all, sum.failed, sum.silent = sum.all+s.all, sum.failed+s.failed, sum.silent+s.silent
			}
			got := fmt.Sprintf("%d %d; %d %d %d", learnt.approved/million, learnt.declined/million, sum.all, sum.failed, sum.silent)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if d := st.days["a"]; d.count != 1 || d.amounts["EUR"] != 1000 {
				t.Errorf("the day: %+v", d)
			}
		})
	}
}

// What a PSP took is told by its answer, where it is: the request may have waited for longer.
func TestFeedKnowsHowLongAPSPTook(t *testing.T) {
	set := compile(t, healthy)
	for _, c := range []struct {
		took int64
		want int
	}{{0, class(8 * time.Second)}, {400, class(400 * time.Millisecond)}} {
		st := &State{}
		feed := NewFeed(st)
		feed.Take(set, event(t, topics.PaymentEvent{EventID: "0-1-0", Type: topics.EventAuthorizationRequested, At: start, Request: &topics.RequestData{PSP: "acme"}}))
		feed.Take(set, event(t, topics.PaymentEvent{Type: topics.EventAuthorized, RequestID: "0-1-0", At: start.Add(8 * time.Second), PSP: &topics.PSPData{TookMS: c.took}}))
		found := -1
		for _, s := range st.psps["acme"].window {
			for class, n := range s.took {
				if n > 0 {
					found = class
				}
			}
		}
		if found != c.want {
			t.Errorf("took_ms %d: class %d, want %d", c.took, found, c.want)
		}
	}
}
