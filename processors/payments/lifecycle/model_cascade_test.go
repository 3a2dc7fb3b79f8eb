package lifecycle_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// TestCascadeAgainstModel begins with a payment that has several PSPs to ask, and has them answer in any order, twice, late
// and against what they said before.
func TestCascadeAgainstModel(t *testing.T) {
	seen := map[topics.EventType]int{}
	rapid.Check(t, func(t *rapid.T) {
		s := newSystem(t)
		s.limits.Operations = 40
		s.asksOneOf("alpha", "beta", "gamma")
		for range rapid.IntRange(10, 40).Draw(t, "steps") {
			s.w.now = s.w.now.Add(drawDuration(t) / 1000)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				s.timer()
			case 1:
				s.command(rapid.SampledFrom([]topics.CommandType{topics.CommandCapture, topics.CommandRefund, topics.CommandVoid,
					topics.CommandCancel, topics.CommandConfirm}).Draw(t, "command"))
			case 2:
				s.apply(rapid.SampledFrom(append(s.inputs, lifecycle.Input{Report: &topics.PSPReport{Tenant: "other"}})).Draw(t, "repeated"))
			default:
				s.report()
			}
			s.check()
		}
		for i := range s.events {
			seen[s.events[i].Type]++
		}
	})
	for _, e := range []topics.EventType{
		topics.EventAttemptDeclined, topics.EventQueued, topics.EventStrayAuthorized, topics.EventStrayCaptured, topics.EventStrayReleased,
		topics.EventStrayReleaseFailed,
	} {
		if seen[e] == 0 {
			t.Errorf("no payment had %s: the test looks at too little", e)
		}
	}
}

// asksOneOf creates a payment that the rules let pass.
func (s *system) asksOneOf(psps ...string) {
	plan := &topics.RoutePlan{
		Version: "v", Attempts: rapid.IntRange(1, 3).Draw(s.T, "attempts"), WithinSeconds: 30,
		DeferSeconds: rapid.SampledFrom([]int64{0, 600}).Draw(s.T, "defer"),
	}
	later := rapid.IntRange(0, len(psps)-1).Draw(s.T, "later")
	for n, psp := range psps {
		if c := (topics.RouteCandidate{Route: "to_" + psp, PSP: psp}); n < len(psps)-later {
			plan.Candidates = append(plan.Candidates, c)
		} else {
			plan.Later = append(plan.Later, c)
		}
	}
	s.apply(lifecycle.Input{Command: &topics.AssessedCommand{
		Command: topics.Command{
			CommandID: s.w.uuid("c"), Type: topics.CommandCreate, Tenant: "acme", CustomerID: "anna", Amount: 100, Currency: "EUR",
			Card: &topics.Card{Token: "tok"}, Authorize: true,
			CaptureMethod: rapid.SampledFrom([]topics.CaptureMethod{topics.CaptureManual, topics.CaptureAutomatic}).Draw(s.T, "capture"),
		},
		Decision: topics.Decision{Outcome: topics.OutcomePass, Reviews: rapid.Bool().Draw(s.T, "reviews")},
		Route:    plan,
	}})
}
