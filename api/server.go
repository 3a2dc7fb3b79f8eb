package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	idleWithin     = 60 * time.Second // between two requests on one connection
	shutdownWithin = 10 * time.Second // for requests that are being answered when the process stops
	maxHeaderBytes = 32 << 10
	marginWithin   = 5 * time.Second // for the answer to be taken

	sweepEvery = time.Hour
	sweepPause = 50 * time.Millisecond // between the pages of a sweep
)

// budget bounds a write from its claim on.
func (l Limits) budget() time.Duration { return l.ProduceWithin + l.AnswerWithin + databaseWithin }

// Run serves until the context ends, then lets the requests that are being answered finish, for shutdownWithin at most.
// Those cut off then are in the state of a crash, and repaired in the same way.
func (a *API) Run(ctx context.Context) error {
	// The hub outlives the server: requests wait for it.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return a.hub.Run(background) })
	group.Go(func() error { a.sweep(background); return nil })
	group.Go(func() error { a.store.Run(background, a.log); return nil })
	err := a.listen(ctx)
	stop()
	err = errors.Join(err, group.Wait())
	a.producer.Close()
	a.customers.Close()
	a.lists.Close()
	a.switches.Close()
	return err
}

// listen serves connections until the context ends.
func (a *API) listen(ctx context.Context) error {
	if a.listener == nil {
		<-ctx.Done()
		return nil
	}
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: a.limits.HeaderWithin,
		ReadTimeout:       a.limits.ReadWithin,
		WriteTimeout:      a.limits.ReadWithin + a.limits.budget() + marginWithin,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(a.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("api on %s: %w", a.listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		a.log.WarnContext(grace, "requests cut off at shutdown", "error", err)
		_ = server.Close() // the listener is closed already
	}
	return nil
}

// sweep deletes old idempotency keys from time to time.
func (a *API) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		deleted, err := a.store.Sweep(ctx, a.limits.KeepKeys, sweepPause)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			a.log.WarnContext(ctx, "idempotency keys not swept", "error", err)
		case deleted > 0:
			a.log.InfoContext(ctx, "idempotency keys swept", "deleted", deleted)
		}
	}
}
