package demo

import (
	"slices"

	"github.com/weirhq/weir/topics"
)

// lifeOf is the story of which one payment's whole life is shown.
const lifeOf = "two partial refunds"

// observed is what the public topics told.
type observed struct {
	events    map[string]bool // ids
	decisions map[string]bool // command ids
	rules     map[string]int  // hits and missing data by rule
	outcomes  map[topics.Outcome]int
	lives     map[string][]topics.PaymentEvent // by payment
}

func newObserved() *observed {
	return &observed{events: map[string]bool{}, decisions: map[string]bool{}, rules: map[string]int{},
		outcomes: map[topics.Outcome]int{}, lives: map[string][]topics.PaymentEvent{}}
}

// event takes note of an event and reports whether it is the first with its id.
func (o *observed) event(e *topics.PaymentEvent) bool {
	first := !o.events[e.EventID]
	o.events[e.EventID] = true
	o.lives[e.PaymentID] = append(o.lives[e.PaymentID], *e)
	return first
}

func (o *observed) decision(value []byte) error {
	var d topics.Decision
	if err := topics.Unmarshal(value, &d); err != nil {
		return err
	}
	o.decisions[d.CommandID] = true
	o.outcomes[d.Outcome]++
	for _, r := range d.Rules {
		o.rules[r.Rule+" ("+string(r.Result)+")"]++
	}
	return nil
}

// sorted lists a tally, the most frequent first.
func sorted[K ~string](tally map[K]int) []K {
	keys := make([]K, 0, len(tally))
	for k := range tally {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int {
		if tally[a] != tally[b] {
			return tally[b] - tally[a]
		}
		if a < b {
			return -1
		}
		return 1
	})
	return keys
}
