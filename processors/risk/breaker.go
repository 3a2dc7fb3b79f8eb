package risk

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// guard decides by the live rule set with its breakers, and tells when one trips. What has tripped stays in the shadow
// until a set is taken into force, be it the same one again.
type guard struct {
	live    func() *rules.Set
	edits   func() *rules.Edits // of its lists
	log     *slog.Logger
	metrics *metrics

	mu      sync.Mutex // for changes of breaker, and of its metric
	breaker atomic.Pointer[rules.Breaker]
}

// evaluate decides by a set that is live, or was when the command came and has waited for velocity since; of such a one
// no breaker is left.
func (g *guard) evaluate(set *rules.Set, in rules.Input) topics.Decision {
	b := g.current()
	in.Edits = g.edits()
	if b.Set() != set {
		return set.Evaluate(in)
	}
	d, trips := b.Evaluate(in)
	for _, t := range trips {
		g.log.Error("a breaker has tripped: until rules are saved or deployed again, what it guards does not block, and does what trip_to says", "rule", t.Rule, "bound", t.Bound.String(),
			"rule_set", d.RuleSet, "blocked", t.Blocked, "of", t.Counted, "record_time", t.At)
		g.count(b, t.Rule)
	}
	return d
}

// current is the breaker of the live set.
func (g *guard) current() *rules.Breaker {
	if b := g.breaker.Load(); b != nil && b.Set() == g.live() {
		return b
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.breaker.Load()
	if set := g.live(); b == nil || b.Set() != set {
		b = rules.NewBreaker(set)
		g.breaker.Store(b)
		g.metrics.tripped.Reset()
	}
	return b
}

// count notes that a rule is in the shadow, unless its set was replaced meanwhile.
func (g *guard) count(b *rules.Breaker, rule string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b == g.breaker.Load() {
		g.metrics.tripped.WithLabelValues(rule).Set(1)
	}
}
