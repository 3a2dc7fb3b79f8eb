package engine

import (
	"context"
	"time"

	"github.com/weirhq/weir/internal/health"
	"github.com/weirhq/weir/internal/killswitch"
	"github.com/weirhq/weir/topics"
)

// killSwitches are followed once in a process, by whatever of its roles asks PSPs or chooses which to ask.
func (e *Engine) killSwitches() *killswitch.Watch {
	if e.switches == nil {
		e.switches = killswitch.NewWatch(e.Kafka, e.log)
		e.roles = append(e.roles, role{"kill_switches", e.switches.Run, nil})
		e.advice = append(e.advice, health.Check{Name: "kill_switches", Advisory: true, Func: func(context.Context) error { return e.switches.Err() }})
	}
	return e.switches
}

// knowing runs a role once the kill switches are known.
func knowing(switches *killswitch.Watch, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if switches.Wait(ctx) != nil {
			return nil // it was stopped before
		}
		return run(ctx)
	}
}

func disabled(switches *killswitch.Watch) func(topics.RouteScope, time.Time) string {
	return func(asked topics.RouteScope, at time.Time) string { return switches.Controls().Disabled(asked, at) }
}
