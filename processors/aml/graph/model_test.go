package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model finds patterns by looking at all transfers again and again. What it finds is written as pattern, key and period.
type model struct {
	limits Limits
	all    []Transfer // in their order
	found  map[string]bool
}

func (m *model) tell(p Pattern, time int64, key ...Party) {
	m.found[fmt.Sprint(p, key, time/m.limits.Patterns[p].Window.Milliseconds())] = true
}

// run looks at each transfer as the last one.
func (m *model) run() {
	for last := range m.all {
		for p := FanIn; p < SharedInstrument; p++ {
			a := m.all[last]
			var window []Transfer
			for _, t := range m.all[:last+1] {
				if t.Time > a.Time-m.limits.Patterns[p].Window.Milliseconds() {
					window = append(window, t)
				}
			}
			m.look(p, a, window)
		}
	}
}

func (m *model) look(p Pattern, a Transfer, window []Transfer) {
	at := m.limits.Patterns[p]
	enough := func(parties map[Party]bool, amount int64) bool {
		return len(parties) >= at.Parties && amount >= at.Amount
	}
	switch p {
	case FanIn, FanOut:
		others, amount := map[Party]bool{}, int64(0)
		centre := a.To
		if p == FanOut {
			centre = a.From
		}
		for _, t := range window {
			if p == FanIn && t.To == centre {
				others[t.From], amount = true, amount+t.Amount
			} else if p == FanOut && t.From == centre {
				others[t.To], amount = true, amount+t.Amount
			}
		}
		if enough(others, amount) {
			m.tell(p, a.Time, centre)
		}
	case Cycle:
		m.cycles(a, window, []Transfer{a})
	case ScatterGather:
		for _, source := range partiesOf(window) {
			middles, amount, direct := map[Party]bool{}, int64(0), false
			for _, second := range window {
				passed := false
				for _, first := range window {
					passed = passed || second.To == a.To && first.To == second.From && first.From == source && source != a.To &&
						first.Time <= second.Time && min(first.Amount, second.Amount) >= keep(max(first.Amount, second.Amount), at.Keep)
				}
				if passed {
					middles[second.From], amount = true, amount+second.Amount
					direct = direct || second.Ref == a.Ref
				}
			}
			if direct && enough(middles, amount) {
				m.tell(p, a.Time, source, a.To)
			}
		}
	case GatherScatter:
		from, into, in := int64(-1), map[Party]bool{}, int64(0)
		for _, t := range window {
			if t.To == a.From && from < 0 {
				into[t.From], in = true, in+t.Amount
				if enough(into, in) {
					from = t.Time
				}
			}
		}
		out, paid := map[Party]bool{}, int64(0)
		for _, t := range window {
			if t.From == a.From && t.Time >= from && from >= 0 {
				out[t.To], paid = true, paid+t.Amount
			}
		}
		if enough(out, paid) {
			m.tell(p, a.Time, a.From)
		}
	case Bipartite, Stack:
		m.layers(p, a, window)
	}
}

func partiesOf(window []Transfer) []Party {
	var all []Party
	for _, t := range window {
		all = append(all, t.From, t.To)
	}
	slices.SortFunc(all, Party.Compare)
	return slices.Compact(all)
}

// cycles goes back from the payer of the last of a way.
func (m *model) cycles(a Transfer, window, way []Transfer) {
	at := m.limits.Patterns[Cycle]
	last := way[len(way)-1]
	for _, t := range window {
		if t.To != last.From || t.Time > last.Time || t.Ref == a.Ref || len(way) == maxCycle {
			continue
		}
		next := append(slices.Clone(way), t)
		least, most := t.Amount, t.Amount
		seen := t.From == a.From
		for _, u := range way {
			least, most = min(least, u.Amount), max(most, u.Amount)
			seen = seen || u.From == t.From
		}
		if least < keep(most, at.Keep) || seen {
			continue
		}
		if t.From != a.To {
			m.cycles(a, window, next)
			continue
		}
		sum := int64(0)
		for _, u := range next {
			sum += u.Amount
		}
		if len(next) < at.Parties || sum < at.Amount {
			continue
		}
		var key []Party
		for i := len(next) - 1; i >= 0; i-- {
			key = append(key, next[i].From)
		}
		first := slices.Index(key, slices.MinFunc(key, Party.Compare))
		m.tell(Cycle, a.Time, append(key[first:], key[:first]...)...)
	}
}

// layers takes out whoever has too few partners, and begins anew, until nobody has.
func (m *model) layers(p Pattern, a Transfer, window []Transfer) {
	at, need, last := m.limits.Patterns[p], m.limits.Patterns[p].Parties, 1
	if p == Stack {
		need, last = 2, 2
	}
	var edges [2][]Transfer // by layer
	for _, t := range window {
		payerOf := func(p, q Party) bool {
			return slices.ContainsFunc(window, func(u Transfer) bool { return u.From == p && u.To == q })
		}
		switch {
		case p == Bipartite:
			if payerOf(t.From, a.To) && payerOf(a.From, t.To) {
				edges[0] = append(edges[0], t)
			}
		default:
			middle := func(p Party) bool {
				return slices.ContainsFunc(window, func(u Transfer) bool { return u.From == p && payerOf(a.From, u.To) })
			}
			if middle(t.From) {
				edges[1] = append(edges[1], t)
			}
			if middle(t.To) && slices.ContainsFunc(window, func(u Transfer) bool { return u.From == t.To && u.Time >= t.Time }) {
				edges[0] = append(edges[0], t)
			}
		}
	}
	for again := true; again; {
		again = false
		for k := range last {
			edges[k] = slices.DeleteFunc(slices.Clone(edges[k]), func(t Transfer) bool {
				partners := func(k int, match func(u Transfer) (Party, bool)) int {
					all := map[Party]bool{}
					for _, u := range edges[k] {
						if q, ok := match(u); ok {
							all[q] = true
						}
					}
					return len(all)
				}
				out := func(k int, p Party) int {
					return partners(k, func(u Transfer) (Party, bool) { return u.To, u.From == p })
				}
				in := func(k int, p Party) int {
					return partners(k, func(u Transfer) (Party, bool) { return u.From, u.To == p })
				}
				weak := out(k, t.From) < need || in(k, t.To) < need || k > 0 && in(k-1, t.From) < need || k+1 < last && out(k+1, t.To) < need
				again = again || weak
				return weak
			})
		}
	}
	sizes := [3]map[Party]bool{{}, {}, {}}
	amount, there := int64(0), false
	for k := range last {
		for _, t := range edges[k] {
			sizes[k][t.From], sizes[k+1][t.To] = true, true
			if k+1 == last {
				amount += t.Amount
			}
			there = there || t.Ref == a.Ref
		}
	}
	for k := 0; k <= last; k++ {
		there = there && len(sizes[k]) >= at.Parties
	}
	if there && amount >= at.Amount {
		m.tell(p, a.Time, a.To)
	}
}

// TestPatterns compares what is found with what the model finds.
func TestPatterns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := smallLimits()
		likeModel(t, limits, arrive(t, &limits, drawEvents(t, &limits, 1100)))
	})
}

// TestEachPattern compares on traffic among few that is the same each time, in which all patterns are.
func TestEachPattern(t *testing.T) {
	limits := smallLimits()
	seen := map[Pattern]int{}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var all []event
		for i := range int64(40) {
			from := random.IntN(5)
			e := event{Transfer: Transfer{From: customer(from), To: customer((from + 1 + random.IntN(4)) % 5), Amount: 10 + random.Int64N(90), Time: 10_000 + 10*i, Ref: Ref{Position: i + 1}}}
			e.recorded = e.Time
			all = append(all, e)
		}
		for p, n := range likeModel(t, limits, all) {
			seen[p] += n
		}
	}
	for p := FanIn; p < SharedInstrument; p++ {
		if seen[p] == 0 {
			t.Errorf("%s was never found: the test does not see it", p)
		}
	}
}

// likeModel folds events and demands the findings of the model, which it counts.
func likeModel(t failer, limits Limits, all []event) map[Pattern]int {
	t.Helper()
	m := model{limits: limits, found: map[string]bool{}}
	g := newGraph(t, limits)
	for i := range all {
		fold(t, g, &all[i])
		if all[i].Ref.Position != 0 && all[i].Amount >= limits.LeastAmount {
			m.all = append(m.all, all[i].Transfer)
		}
	}
	slices.SortFunc(m.all, func(a, b Transfer) int { return a.compare(&b) })
	m.run()
	got, seen := map[string]bool{}, map[Pattern]int{}
	for _, i := range g.book.byID {
		if f := g.book.list.at(i); f.pattern != SharedInstrument {
			got[fmt.Sprint(f.pattern, f.key, f.period)] = true
			seen[f.pattern]++
		}
	}
	for f := range m.found {
		if !got[f] {
			t.Fatal("not found:", f, "in", m.all)
		}
	}
	for f := range got {
		if !m.found[f] {
			t.Fatal("found, and not there:", f, "in", m.all)
		}
	}
	return seen
}
