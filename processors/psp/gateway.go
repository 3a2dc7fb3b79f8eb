package psp

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Gateway performs the requests of psp.requests.v1. It reads uncommitted records, which is safe because the database has
// committed what they come from, and drops those it has seen in a transaction that was aborted.
//
// Any number of gateways share the work as one consumer group. Within one, a request takes this way:
//
//	read ──► accept: decode, drop repeats ──► the payment's earlier request ──► station of its PSP ──► report ──► inbox
//	                                          (one at a time, in order)         (bounded calls)                    │ acknowledged
//	                                                 offset committed ◄── contiguous prefix of what is done ◄──────┘
type Gateway struct {
	cfg     Config
	metrics *metrics

	mu      sync.Mutex
	current *session // nil between two
	failure error    // what ended the last one
}

// New checks the configuration. Nothing is connected before Run.
func New(cfg Config) (*Gateway, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	return &Gateway{cfg: cfg, metrics: m}, nil
}

// Run works until ctx ends, then finishes the calls under way (for DrainTimeout at most), leaves the group and returns
// nil. Where the broker refuses something for good, it begins again from the committed offsets, as after a crash.
func (g *Gateway) Run(ctx context.Context) error {
	for failures := 1; ; failures++ {
		began := time.Now()
		s := newSession(&g.cfg, g.metrics)
		g.note(s, nil)
		err := s.run(ctx)
		g.note(nil, err)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > 2*maxBackoff {
			failures = 1
		}
		pause := backoff(failures, rand.Float64())
		g.cfg.Log.Error("psp: begins again from the committed offsets", "error", err, "after", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (g *Gateway) note(s *session, failure error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.current, g.failure = s, failure
}

// Ready returns nil once the group has assigned partitions, possibly none, and the reason why not before that.
func (g *Gateway) Ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.current == nil && g.failure != nil:
		return g.failure
	case g.current == nil || !g.current.ready():
		return errors.New("psp: no partitions assigned yet")
	}
	return nil
}
