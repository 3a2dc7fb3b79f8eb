package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/weirhq/weir/processors/aml/behaviour"
	"github.com/weirhq/weir/processors/aml/evaluate"
	"github.com/weirhq/weir/processors/aml/graph"
	"github.com/weirhq/weir/processors/aml/synthetic"
)

const (
	ringTransfers = 1_000_000
	ringParties   = 100_000
	rings         = 100 // cycles of six
)

// aml measures monitoring: what it folds of made-up traffic, what a customer takes, and how soon a cycle is found.
func (b *bench) aml(ctx context.Context) error {
	w, err := synthetic.Generate(synthetic.Options{Seed: 1, Customers: 10_000, Days: 90, Plants: 20})
	if err != nil {
		return err
	}
	r, err := evaluate.Run(w, graph.DefaultLimits(), behaviour.DefaultConfig(), time.Now)
	if err != nil {
		return err
	}
	b.figure("AML events through graph and behaviour, without scenarios, one after the other", "/s", "≥ 10000", int64(r.Took.EventsPerSecond))
	for _, measure := range []func(context.Context) error{b.amlCustomers, b.amlCycle} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// amlCustomers measures the windows of customers after a year.
func (b *bench) amlCustomers(context.Context) error {
	w, err := synthetic.Generate(synthetic.Options{Seed: 2, Customers: 1000, Days: 365})
	if err != nil {
		return err
	}
	empty := heap()
	customers, err := behaviour.NewCustomers(behaviour.DefaultConfig())
	if err != nil {
		return err
	}
	active := map[string]bool{}
	add := func(who graph.Party, kind behaviour.Kind, other graph.Party, e *synthetic.Event) error {
		active[who.ID] = true
		_, err := customers.Add(who.ID, &behaviour.Event{Kind: kind, Amount: e.Amount, Time: e.Time, Recorded: e.Time, Other: other.String()})
		return err
	}
	for i := range w.Events {
		e := &w.Events[i]
		if e.Use {
			continue
		}
		if err := add(e.Customer, e.Kind, e.Other, e); err != nil {
			return err
		}
		if e.Kind == behaviour.TransferOut {
			if err := add(e.Other, behaviour.TransferIn, e.Customer, e); err != nil {
				return err
			}
		}
	}
	var stored []int64
	for id := range active {
		stored = append(stored, int64(len(customers.Stored(id))))
	}
	b.figure("stored behaviour of a customer after a year", "B", "≤ 1500", stored...)
	b.figure("memory for a customer and that, on average", "B", "≤ 1500", (heap()-empty)/int64(customers.Len()))
	runtime.KeepAlive(w)
	return nil
}

// amlCycle closes cycles of six among transfers of half a week, ten of each party, and times the last transfer of each.
func (b *bench) amlCycle(context.Context) error {
	limits := graph.DefaultLimits()
	window := limits.Patterns[graph.Cycle].Window.Milliseconds()
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli()
	random := rand.New(rand.NewPCG(3, 4))
	parties := make([]graph.Party, ringParties)
	for i := range parties {
		parties[i] = graph.Party{Kind: graph.Customer, ID: synthetic.CustomerID(i)}
	}
	filling := limits
	filling.Patterns = graph.Patterns{} // nothing is looked for meanwhile
	g, err := graph.New(filling)
	if err != nil {
		return err
	}
	transfers := int64(0)
	move := func(from, to int, at int64) ([]graph.Finding, error) {
		transfers++
		return g.Move(graph.Transfer{From: parties[from], To: parties[to], Amount: 1000_00, Time: at, Ref: graph.Ref{Position: transfers}}, at)
	}
	for i := range int64(ringTransfers) {
		from := random.IntN(ringParties)
		if _, err := move(from, (from+1+random.IntN(ringParties-1))%ringParties, start+i*(window/2)/ringTransfers); err != nil {
			return err
		}
	}
	if g, err = graph.Decode(limits, g.Encode(nil)); err != nil {
		return err
	}
	took := make([]int64, rings)
	for i := range took {
		at := start + window/2 + int64(i)*10
		ring := random.Perm(ringParties)[:6]
		for j := range 5 {
			if _, err := move(ring[j], ring[j+1], at+int64(j)); err != nil {
				return err
			}
		}
		began := time.Now()
		found, err := move(ring[5], ring[0], at+5)
		took[i] = time.Since(began).Microseconds()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(found, func(f graph.Finding) bool { return f.Pattern == graph.Cycle && len(f.Members) == 6 }) {
			return fmt.Errorf("the cycle of %v was not found", ring)
		}
	}
	b.figure(fmt.Sprintf("cycle of six found from its last transfer, among %d", ringTransfers), "µs", "≤ 1000000", took...)
	return nil
}
