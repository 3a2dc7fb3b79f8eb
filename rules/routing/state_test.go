package routing

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const healthy = "version: 1\nhealth: { window: 1m, at_least: 10, error_rate: 30%, timeout_rate: 20%, p95: 3s, open_for: 30s, probes: 2 }\n" +
	"routes:\n  - { name: a, psp: acme }\n  - { name: b, psp: beta }\n"

// watched is a PSP under observation.
type watched struct {
	t   *testing.T
	set *Set
	st  State
	now time.Time
}

func (w *watched) results(n int, answer Answer, took time.Duration) {
	for range n {
		w.now = w.now.Add(10 * time.Millisecond)
		w.st.Observe(w.set, Result{Route: "a", PSP: "acme", Asked: w.now.Add(-took), Took: took, At: w.now, Answer: answer})
	}
}

func (w *watched) want(routes, detail string) {
	w.t.Helper()
	q := query("p", 1000, "EUR")
	q.Input.Now = w.now
	plan := w.set.Plan(q, &w.st)
	got := ""
	if len(plan.LeftOut) > 0 {
		got = plan.LeftOut[0].Reason + ": " + plan.LeftOut[0].Detail
	}
	if order(plan) != routes || got != detail {
		w.t.Errorf("got %s (%s), want %s (%s)", order(plan), got, routes, detail)
	}
}

func TestHealth(t *testing.T) {
	begin := func(t *testing.T) *watched { return &watched{t: t, set: compile(t, healthy), now: start} }
	t.Run("errors", func(t *testing.T) {
		w := begin(t)
		w.results(9, Failed, 0)
		w.want("a b", "") // too few to say
		w.results(1, Failed, 0)
		w.want("b", "unhealthy: 10 of 10 requests failed")
	})
	t.Run("share of errors", func(t *testing.T) {
		w := begin(t)
		w.results(70, Answered, time.Second)
		w.results(30, Failed, 0)
		w.want("a b", "")
		w.results(1, Failed, 0)
		w.want("b", "unhealthy: 31 of 101 requests failed")
	})
	t.Run("timeouts", func(t *testing.T) {
		w := begin(t)
		w.results(10, Answered, time.Second)
		w.results(3, Unanswered, 0)
		w.want("b", "unhealthy: 3 of 13 requests were not answered")
	})
	t.Run("slow", func(t *testing.T) {
		w := begin(t)
		w.results(95, Answered, time.Second)
		w.results(4, Answered, 8*time.Second)
		w.want("a b", "")
		w.results(2, Answered, 8*time.Second)
		w.want("b", "unhealthy: p95 is 8.674s")
	})
	t.Run("what is older than the window is forgotten", func(t *testing.T) {
		w := begin(t)
		w.results(9, Failed, 0)
		w.now = w.now.Add(66 * time.Second)
		w.results(1, Failed, 0)
		w.want("a b", "")
	})
	t.Run("probes close it", func(t *testing.T) {
		w := begin(t)
		w.results(10, Failed, 0)
		w.now = w.now.Add(29 * time.Second)
		w.want("b", "unhealthy: 10 of 10 requests failed")
		w.now = w.now.Add(2 * time.Second)
		w.want("a b", "")
		w.want("a b", "")
		w.want("b", "unhealthy: probes are on their way")
		w.results(2, Answered, time.Second)
		for range 5 {
			w.want("a b", "")
		}
	})
	t.Run("what is asked later is no probe", func(t *testing.T) {
		w := begin(t)
		w.results(10, Failed, 0)
		w.now = w.now.Add(31 * time.Second)
		q := query("p", 1000, "EUR")
		q.Later, q.Input.Now = true, w.now
		for range 5 {
			if p := w.set.Plan(q, &w.st); order(p) != "a b" || p.Partial {
				t.Errorf("%+v", p)
			}
		}
		w.want("a b", "")
		w.want("a b", "")
		w.want("b", "unhealthy: probes are on their way")
	})
	t.Run("a probe that fails opens it again", func(t *testing.T) {
		w := begin(t)
		w.results(10, Failed, 0)
		w.now = w.now.Add(31 * time.Second)
		w.want("a b", "")
		w.results(1, Failed, 0)
		w.want("b", "unhealthy: a probe failed")
		w.now = w.now.Add(31 * time.Second)
		w.want("a b", "")
	})
	t.Run("probes that are lost are sent anew", func(t *testing.T) {
		w := begin(t)
		w.results(10, Failed, 0)
		w.now = w.now.Add(31 * time.Second)
		w.want("a b", "")
		w.want("a b", "")
		w.now = w.now.Add(31 * time.Second)
		w.want("a b", "")
	})
	t.Run("other terms begin anew", func(t *testing.T) {
		w := begin(t)
		w.results(10, Failed, 0)
		changed := compile(t, strings.Replace(healthy, "30%", "99%", 1))
		w.st.Keep(w.set, changed)
		w.set = changed
		w.want("a b", "")
	})
}

func TestDaily(t *testing.T) {
	set := compile(t, "version: 1\ntime_zone: Europe/Malta\nroutes:\n  - { name: few, psp: acme, daily: { count: 2 } }\n  - { name: little, psp: beta, daily: { amount: [\"100.00 EUR\"] } }\n  - { name: rest, psp: rest }\n")
	st := &State{}
	ask := func(at time.Time, minor int64, currency, want, left string) {
		t.Helper()
		q := query("p", minor, currency)
		q.Input.Now = at
		plan := set.Plan(q, st)
		got := ""
		for _, l := range plan.LeftOut {
			got += l.Reason + ": " + l.Detail + ";"
		}
		if order(plan) != want || got != left {
			t.Errorf("got %s (%s), want %s (%s)", order(plan), got, want, left)
		}
	}
	euro := func(minor int64) ledger.Money { return ledger.Money{Minor: minor, Currency: "EUR"} }
	evening := time.Date(2026, 11, 22, 22, 30, 0, 0, time.UTC) // 23:30 in Malta
	ask(evening, 10_000, "EUR", "few little rest", "")
	ask(evening, 10_001, "EUR", "few rest", "limit: 0.00 EUR of 100.00 EUR today;")
	ask(evening, 100, "USD", "few rest", "limit: no daily amount in USD;")
	st.Asked(set, "few", euro(1), evening)
	st.Asked(set, "few", euro(1), evening)
	st.Asked(set, "little", euro(9_900), evening)
	ask(evening, 101, "EUR", "rest", "limit: 2 of 2 payments today;limit: 99.00 EUR of 100.00 EUR today;")
	midnight := evening.Add(30 * time.Minute)
	ask(midnight, 101, "EUR", "few little rest", "")
	st.Asked(set, "few", euro(1), midnight)
	st.Asked(set, "few", euro(1), evening) // heard of late: it was yesterday
	ask(midnight, 101, "EUR", "few little rest", "")
}

// Under any results a breaker is open only for a reason, and lets payments through again.
func TestHealthAlwaysRecovers(t *testing.T) {
	set := compile(t, healthy)
	rapid.Check(t, func(t *rapid.T) {
		h, now := &health{}, start
		for range rapid.IntRange(0, 200).Draw(t, "results") {
			now = now.Add(time.Duration(rapid.IntRange(-1000, 5000).Draw(t, "ms")) * time.Millisecond)
			answer := rapid.IntRange(0, 3).Draw(t, "answer, or overdue")
			if answer == 3 {
				h.overdue(set.health, now.Add(-set.health.P95), now)
				continue
			}
			h.observe(set.health, Answer(answer), time.Duration(rapid.IntRange(0, 9000).Draw(t, "took"))*time.Millisecond,
				rapid.Bool().Draw(t, "was overdue"), now)
		}
		now = h.latest.Add(set.health.OpenFor)
		if ok, why := h.admits(set.health, now); !ok {
			t.Fatalf("still shut after open_for: %s", why)
		}
		if h.state == closed {
			return
		}
		for range set.health.Probes {
			h.observe(set.health, Answered, 0, false, now)
		}
		if ok, why := h.admits(set.health, now); !ok || h.state != closed {
			t.Fatalf("shut after its probes were answered: %s", why)
		}
	})
}

// BenchmarkDecision is a plan for one payment: 50 routes to 5 PSPs, each with a condition, health, limits and a draw.
func BenchmarkDecision(b *testing.B) {
	for _, strategy := range []string{"priority", "least_cost", "volume_split", "bandit\nhalf_life: 24h"} {
		name, _, _ := strings.Cut(strategy, "\n")
		b.Run(name, func(b *testing.B) {
			set, err := Compile(rules.File{Name: "r", Text: []byte(Fifty(strategy))}, nil, os.ReadFile)
			if err != nil {
				b.Fatal(err)
			}
			st := &State{}
			for i := range 200 {
				st.Observe(set, Result{Route: fmt.Sprintf("route_%d", i%50), PSP: fmt.Sprintf("psp_%d", i%5), Asked: start, At: start, Decided: true, Approved: i%3 > 0})
			}
			q := query("0-0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", 2000, "EUR")
			q.Input.Score = rules.Score{Known: true, Value: 20, Outcome: topics.OutcomePass}
			*q.Input.Command.Card = topics.Card{Token: "tok", Country: "DE", BIN: "411111", Scheme: "visa", Type: "credit"}
			var plan topics.RoutePlan
			b.ReportAllocs()
			for b.Loop() {
				plan = set.Plan(q, st)
			}
			if len(plan.Candidates) != 5 {
				b.Fatalf("%d candidates", len(plan.Candidates))
			}
		})
	}
}
