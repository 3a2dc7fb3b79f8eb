package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/rules/routing"
	"github.com/weirhq/weir/topics"
)

// Plans of one run, and how many runs there are.
const (
	plansOfRun = 20_000
	planRuns   = 3
)

// routing measures the plan for one payment: 50 routes with conditions to 5 PSPs, all of which take it, with health, daily
// limits and the draw of a bandit. It is counted by the time that processors work, the collection of garbage included.
func (b *bench) routing(context.Context) error {
	set, err := routing.Compile(rules.File{Name: "routes.yaml", Text: []byte(routing.Fifty("bandit\nhalf_life: 24h"))}, nil, nil)
	if err != nil {
		return err
	}
	now, state := time.Now(), &routing.State{}
	for i := range 1000 {
		state.Observe(set, routing.Result{Route: fmt.Sprintf("route_%d", i%50), PSP: fmt.Sprintf("psp_%d", i%5), Asked: now, At: now, Decided: true, Approved: i%3 > 0})
	}
	q := &routing.Query{Payment: "pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b", Input: rules.Input{
		Now: now, Score: rules.Score{Known: true, Value: 20, Outcome: topics.OutcomePass},
		Command: &topics.Command{Type: topics.CommandCreate, Tenant: tenant, CustomerID: "cus_1", Amount: 2000, Currency: "EUR",
			Card: &topics.Card{Token: "tok", Country: "DE", BIN: "411111", Scheme: "visa", Type: "credit"}},
	}}
	var times []int64
	for range planRuns {
		before, err := processorTime()
		if err != nil {
			return err
		}
		for range plansOfRun {
			if plan := set.Plan(q, state); len(plan.Candidates) != 5 {
				return fmt.Errorf("the plan has %d candidates, not 5", len(plan.Candidates))
			}
		}
		after, err := processorTime()
		if err != nil {
			return err
		}
		times = append(times, int64(after-before)/plansOfRun)
	}
	b.figure("routing decision, 5 PSPs and 50 rules", "ns", "≤ 10000", times...)
	return nil
}
