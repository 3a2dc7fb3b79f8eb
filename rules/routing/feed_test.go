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
			feed.Take(set, 0, event(t, topics.PaymentEvent{EventID: "0-1-0", Type: topics.EventAuthorizationRequested, At: start, Amount: 1000, Currency: "EUR",
				Request: &topics.RequestData{PSP: "acme", Route: "a", Attempt: 1}}))
			for i, e := range c.events {
				e.At = start.Add(time.Duration(i+1) * time.Second)
				feed.Take(set, 0, event(t, e))
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
		feed.Take(set, 0, event(t, topics.PaymentEvent{EventID: "0-1-0", Type: topics.EventAuthorizationRequested, At: start, Request: &topics.RequestData{PSP: "acme"}}))
		feed.Take(set, 0, event(t, topics.PaymentEvent{Type: topics.EventAuthorized, RequestID: "0-1-0", At: start.Add(8 * time.Second), PSP: &topics.PSPData{TookMS: c.took}}))
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

// A PSP that takes requests and is silent is unhealthy as soon as they are overdue, not when the calls have timed out.
func TestSilenceIsNoticedBeforeTheTimeout(t *testing.T) {
	set := compile(t, healthy) // p95: 3s, at_least: 10
	ask := func(feed *Feed, partition int32, n int, after time.Duration) {
		feed.Take(set, partition, event(t, topics.PaymentEvent{EventID: fmt.Sprintf("%d-%d-0", partition, n), Type: topics.EventAuthorizationRequested,
			At: start.Add(after), Request: &topics.RequestData{PSP: "acme", Route: "a"}}))
	}
	say := func(feed *Feed, partition int32, kind topics.EventType, n int, after time.Duration) {
		feed.Take(set, partition, event(t, topics.PaymentEvent{Type: kind, RequestID: fmt.Sprintf("%d-%d-0", partition, n), At: start.Add(after)}))
	}
	health := func(st *State, after time.Duration) string {
		_, why := st.psp("acme").admits(set.health, start.Add(after))
		return why
	}
	const second = time.Second
	t.Run("requests without an answer", func(t *testing.T) {
		st := &State{}
		feed := NewFeed(st)
		for n := range 10 {
			ask(feed, 0, n, time.Duration(n)*time.Millisecond)
		}
		say(feed, 0, topics.EventCaptured, 99, 3*second)
		if why := health(st, 3*second); why != "" {
			t.Errorf("within the time that they have: %s", why)
		}
		say(feed, 0, topics.EventCaptured, 99, 4*second)
		if why := health(st, 4*second); why != "p95 is above 3s: 10 of 10 requests were not answered within it" {
			t.Errorf("overdue: %q", why)
		}
		// Half-open, a probe that is overdue closes the way again; what was asked before is no probe.
		if why := health(st, 40*second); why != "" {
			t.Errorf("after open_for: %s", why)
		}
		ask(feed, 0, 20, 41*second)
		say(feed, 0, topics.EventCaptured, 99, 45*second)
		if why := health(st, 45*second); why != "a probe is not answered" {
			t.Errorf("an overdue probe: %q", why)
		}
	})
	t.Run("what was answered in time, and what another partition says", func(t *testing.T) {
		st := &State{}
		feed := NewFeed(st)
		for n := range 10 {
			ask(feed, 0, n, 0)
			ask(feed, 1, n, 0)
			say(feed, 0, topics.EventActionRequired, n, second)
		}
		say(feed, 0, topics.EventCaptured, 99, 60*second)
		if why := health(st, 60*second); why != "" {
			t.Errorf("partition 1 has not been read yet: %s", why)
		}
	})
	t.Run("each is counted once", func(t *testing.T) {
		st := &State{}
		feed := NewFeed(st)
		for n := range 4 {
			ask(feed, 0, n, 0)
		}
		say(feed, 0, topics.EventCaptured, 99, 4*second)
		for n, kind := range []topics.EventType{topics.EventAuthorized, topics.EventOutcomeUnknown, topics.EventActionRequired} {
			say(feed, 0, kind, n, 5*second)
		}
		var all, silent, overdue int64
		for _, s := range st.psp("acme").window {
			all, silent, overdue = all+s.all, silent+s.silent, overdue+s.overdue
		}
		if all != 4 || silent != 1 || overdue != 4 {
			t.Errorf("%d results, %d unanswered, %d overdue; want 4, 1, 4", all, silent, overdue)
		}
	})
}
