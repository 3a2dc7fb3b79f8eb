package await

import (
	"context"
	"sync"

	"github.com/weirhq/weir/topics"
)

// DecisionWaiter waits for the decision on a customer event: there is one.
type DecisionWaiter struct {
	hub           *Hub
	tenant, event string
	decision      chan topics.Decision // holds at most one
	closing       sync.Once
}

// AskDecision opens the question what is decided on a customer event. It comes before the event is produced, and Close
// follows it on every path. The first question asks the broker where decisions end.
func (h *Hub) AskDecision(ctx context.Context, tenant, eventID string) (*DecisionWaiter, error) {
	if h.Partitions() == 0 {
		return nil, ErrNotReady
	}
	if err := h.startDecisions(ctx); err != nil {
		return nil, err
	}
	w := &DecisionWaiter{hub: h, tenant: tenant, event: eventID, decision: make(chan topics.Decision, 1)}
	if err := h.ask(w); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *DecisionWaiter) subjects() []subject { return []subject{{topics.Decisions, w.event}} }

func (w *DecisionWaiter) learn(value []byte) error {
	var d topics.Decision
	if err := topics.Unmarshal(value, &d); err != nil {
		return err
	}
	w.Learn(d)
	return nil
}

// Learn adds decisions: those that the hub reads, and those that the database held before the question was asked. Another
// tenant's event may have the same id.
func (w *DecisionWaiter) Learn(decisions ...topics.Decision) {
	for _, d := range decisions {
		if d.Tenant != w.tenant || d.EventID != w.event {
			continue
		}
		select {
		case w.decision <- d:
		default:
		}
	}
}

// Wait returns as soon as there is a decision; ok is false where the context ended first.
func (w *DecisionWaiter) Wait(ctx context.Context) (d topics.Decision, ok bool) {
	select {
	case d = <-w.decision:
		return d, true
	default:
	}
	select {
	case d = <-w.decision:
		return d, true
	case <-ctx.Done():
		return d, false
	}
}

// Close gives the question up.
func (w *DecisionWaiter) Close() { w.closing.Do(func() { w.hub.forget(w) }) }
