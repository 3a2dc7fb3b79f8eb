package stream

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// runUntil runs a role until the test ends or stop is called.
func runUntil(t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// endsAt ends sessions at every third passage of a point, six times; hit counts them.
func endsAt(point Point) (hook Hook, hit *atomic.Int64) {
	hit = &atomic.Int64{}
	var passed atomic.Int64
	return func(at Point, _ int32) error {
		if at == point && passed.Add(1)%3 == 1 && hit.Load() < 6 {
			hit.Add(1)
			return errInjected
		}
		return nil
	}, hit
}

// endsAtRandom ends sessions at one of twelve points that are passed.
func endsAtRandom() Hook {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	return func(Point, int32) error {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(12) == 0 {
			return errInjected
		}
		return nil
	}
}
