package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/health"
	"github.com/weirhq/weir/processors/checkpoints"
)

// checks are what /readyz asks of the roles built so far.
func (e *Engine) checks() []health.Check {
	checks := slices.Clone(e.advice)
	for _, r := range e.roles {
		if r.ready != nil {
			checks = append(checks, health.Check{Name: r.name, Func: func(context.Context) error { return r.ready() }})
		}
	}
	return checks
}

// addHealth serves health and metrics for a process without the API, which would serve them. Only what its roles cannot
// work without counts: risk keeps nothing in the database.
func (e *Engine) addHealth() error {
	listener, err := e.listen()
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(e.Kafka...)
	if err != nil {
		return errors.Join(fmt.Errorf("kafka client: %w", err), listener.Close())
	}
	e.closers = append(e.closers, func() error { client.Close(); return nil })
	checks := append(e.checks(), health.Check{Name: "broker", Func: client.Ping})
	if slices.ContainsFunc([]string{"payments", "psp", "webhooks", "statements", checkpoints.Role}, e.Config.Runs) {
		checks = append(checks, health.Check{Name: "database", Func: e.Database.Pool.Ping})
	}
	handler := health.Handler(checks, e.registry)
	e.roles = append(e.roles, role{"health", func(ctx context.Context) error {
		return health.Serve(ctx, listener, handler, e.log)
	}, nil})
	return nil
}
