package risk

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/rules"
)

// Set is the rule set in force.
func (r *Role) Set() *rules.Set { return r.rules.Set() }

// InForce follows the rule set in force in a process that assesses nothing and only says what the set has. It stops no
// process: where rules cannot be used there is no set.
type InForce struct {
	source   *RuleSource
	deployed *deployedRules // nil: rules come from files
	known    atomic.Bool
	log      *slog.Logger
}

// NewInForce reads the rules of a configuration as New does; of c it needs Kafka, Rules, Deployed, FourEyes and Log.
func NewInForce(c Config) (*InForce, error) {
	m, err := newMetrics(nil)
	if err != nil {
		return nil, err
	}
	f := &InForce{log: c.Log}
	f.source, err = openRules(c.Rules, c.Log, m)
	if err != nil {
		c.Log.Warn("this process cannot show or edit lists: the rules cannot be used", "paths", c.Rules, "error", err)
		return f, nil
	}
	if c.Deployed {
		f.deployed = &deployedRules{kafka: append([]kgo.Opt(nil), c.Kafka...), fourEyes: c.FourEyes, log: c.Log, live: f.source,
			candidate: openCandidate(nil, c.Log, m), liveAt: -1, candidateAt: -1}
	}
	f.known.Store(!c.Deployed)
	return f, nil
}

// Set is the rule set in force, nil where it is not known.
func (f *InForce) Set() *rules.Set {
	if !f.known.Load() {
		return nil
	}
	return f.source.Set()
}

// Run follows the rules until the context ends.
func (f *InForce) Run(ctx context.Context) error {
	switch {
	case f.source == nil:
		<-ctx.Done()
		return nil
	case f.deployed == nil:
		return f.source.Watch(ctx)
	}
	reader, err := f.deployed.start(ctx)
	if err != nil {
		f.log.Warn("this process cannot show or edit lists", "error", err)
		<-ctx.Done()
		return nil
	}
	if reader != nil {
		f.known.Store(true)
		f.deployed.follow(ctx, reader)
	}
	return nil
}

// Err says that the rule set in force is not known, nil where it is.
func (f *InForce) Err() error {
	if f.Set() == nil {
		return errors.New("no rule set can be used: the lists cannot be shown or edited here")
	}
	return nil
}
