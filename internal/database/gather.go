package database

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Gather lets concurrent callers share a transaction: while one run is under way, those who come wait for the next, which
// takes all of them. Who comes alone never waits. The busier it is, the more callers share a run, and the less each costs.
type Gather[T any] struct {
	run   func(ctx context.Context, items []T) []error
	most  int
	every time.Duration

	mu    sync.Mutex
	queue []*gathered[T]
	going bool
	began time.Time // of the last run
}

type gathered[T any] struct {
	ctx  context.Context
	item T
	done chan error
}

// NewGather returns a Gather whose runs take at most so many items and begin at least so far apart. A run returns an error,
// or nil, for each of its items; its context is done when that of each of its callers is.
func NewGather[T any](most int, every time.Duration, run func(ctx context.Context, items []T) []error) *Gather[T] {
	return &Gather[T]{run: run, most: most, every: every}
}

// Do returns what a run said of the item, or ctx's error where ctx is done before a run takes it.
func (g *Gather[T]) Do(ctx context.Context, item T) error {
	mine := &gathered[T]{ctx: ctx, item: item, done: make(chan error, 1)}
	g.mu.Lock()
	g.queue = append(g.queue, mine)
	if !g.going {
		g.going = true
		go g.work()
	}
	g.mu.Unlock()
	select {
	case err := <-mine.done:
		return err
	case <-ctx.Done():
	}
	g.mu.Lock()
	before := len(g.queue)
	g.queue = slices.DeleteFunc(g.queue, func(queued *gathered[T]) bool { return queued == mine })
	taken := len(g.queue) == before
	g.mu.Unlock()
	if !taken {
		return ctx.Err()
	}
	return <-mine.done
}

// work runs what is queued until nothing is.
func (g *Gather[T]) work() {
	for {
		g.mu.Lock()
		rest := g.every - time.Since(g.began)
		g.mu.Unlock()
		if rest > 0 {
			time.Sleep(rest) // delays nobody but those whose items are queued, who may leave meanwhile
		}
		items := g.take()
		if len(items) == 0 {
			return
		}
		g.share(items)
	}
}

// take returns the items of the next run. Where there are none, work has ended. A caller who is about to leave is not taken.
func (g *Gather[T]) take() []*gathered[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue = slices.DeleteFunc(g.queue, func(queued *gathered[T]) bool {
		err := queued.ctx.Err()
		if err != nil {
			queued.done <- err
		}
		return err != nil
	})
	n := min(len(g.queue), g.most)
	items := slices.Clone(g.queue[:n])
	g.queue = slices.Delete(g.queue, 0, n)
	g.going = n > 0
	if g.going {
		g.began = time.Now()
	}
	return items
}

func (g *Gather[T]) share(items []*gathered[T]) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var waiting atomic.Int32
	waiting.Store(int32(len(items)))
	all := make([]T, len(items))
	for i, item := range items {
		all[i] = item.item
		defer context.AfterFunc(item.ctx, func() {
			if waiting.Add(-1) == 0 {
				cancel()
			}
		})()
	}
	errs := g.run(ctx, all)
	for i, item := range items {
		item.done <- errs[i]
	}
}
