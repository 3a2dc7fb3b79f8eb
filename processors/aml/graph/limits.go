package graph

import (
	"fmt"
	"time"
)

// Limits are the bounds of a Graph. Two graphs are comparable only where theirs are the same.
type Limits struct {
	// Horizon is how long links and transfers are held, in event time; it slides in Buckets parts, so that up to a part more
	// is held.
	Horizon time.Duration
	Buckets int
	// Lateness is how far an event's time may lie before its record's; an earlier time is taken as recorded − Lateness.
	Lateness time.Duration
	// MaxLinks and MaxTransfers bound what is held. A link counts once in each bucket in which it was used.
	MaxLinks, MaxTransfers int
	// MaxFindings bounds the findings that are remembered, so that one is not told as new again. Each takes up to 30 kB, as a rule
	// one or two.
	MaxFindings int
	// Hub is how many customers may share an instrument that joins groups.
	Hub int
	// MaxGroup is how many customers a group may have; a larger one is cut short.
	MaxGroup int
	// Steps is how many transfers one search may look at.
	Steps int
	// LeastAmount is the smallest transfer that is held, in minor units.
	LeastAmount int64
	// Patterns says what is looked for.
	Patterns Patterns
}

// DefaultLimits are those of a business of some 100,000 active customers whose reporting currency has two decimals.
func DefaultLimits() Limits {
	return Limits{
		Horizon: 90 * day, Buckets: 12, Lateness: 7 * day,
		MaxLinks: 4_000_000, MaxTransfers: 8_000_000, MaxFindings: 20_000,
		Hub: 20, MaxGroup: 100, Steps: 2000, LeastAmount: 10_00,
		Patterns: DefaultPatterns(),
	}
}

const day = 24 * time.Hour

// maxBuckets bounds how finely a horizon slides, and so what one event may have to look through.
const maxBuckets = 400

// Check says what is wrong with the limits.
func (l *Limits) Check() error {
	for _, bound := range []struct {
		name  string
		value int
		most  int
	}{
		{"buckets", l.Buckets, maxBuckets}, {"max_links", l.MaxLinks, 1 << 30}, {"max_transfers", l.MaxTransfers, 1 << 30},
		{"max_findings", l.MaxFindings, 1 << 24}, {"hub", l.Hub, 1 << 16}, {"max_group", l.MaxGroup, 1 << 16}, {"steps", l.Steps, 1 << 20},
	} {
		if bound.value < 1 || bound.value > bound.most {
			return fmt.Errorf("limits of the graph: %s is %d, want 1 to %d", bound.name, bound.value, bound.most)
		}
	}
	if l.LeastAmount < 0 {
		return fmt.Errorf("limits of the graph: least_amount is %d, want 0 or more", l.LeastAmount)
	}
	if l.Lateness < 0 {
		return fmt.Errorf("limits of the graph: lateness is %s, want 0 or more", l.Lateness)
	}
	longest, err := l.Patterns.check()
	if err != nil {
		return err
	}
	if l.Horizon.Milliseconds()/int64(l.Buckets) < 1 || l.Horizon < l.Lateness+longest {
		return fmt.Errorf("limits of the graph: horizon is %s, want at least lateness and the longest window of a pattern together: %s",
			l.Horizon, l.Lateness+longest)
	}
	return nil
}
