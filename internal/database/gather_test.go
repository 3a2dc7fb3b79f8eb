package database_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirhq/weir/internal/database"
)

const every = 10 * time.Millisecond

// gathering is a Gather whose runs a test watches: each says what it holds and goes on when it is told to.
type gathering struct {
	*database.Gather[int]
	t     *testing.T
	begin chan begun
	end   chan func(item int) error // what becomes of each item
	start time.Time
}

type begun struct {
	after time.Duration // since the test began
	items []int
	ctx   context.Context
}

// gather runs a test in a bubble, in which time passes only while everybody waits.
func gather(t *testing.T, most int, test func(t *testing.T, g *gathering)) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{}) // the test, even where a run was not told to end
		defer time.Sleep(every)     // which lets the Gather come to rest
		defer close(over)
		g := &gathering{t: t, begin: make(chan begun), end: make(chan func(int) error), start: time.Now()}
		g.Gather = database.NewGather(most, every, func(ctx context.Context, items []int) []error {
			errs := make([]error, len(items))
			select {
			case g.begin <- begun{time.Since(g.start), items, ctx}:
			case <-over:
				return errs
			}
			select {
			case become := <-g.end:
				for i, item := range items {
					errs[i] = become(item)
				}
			case <-over:
			}
			return errs
		})
		test(t, g)
	})
}

// do starts callers one after the other, and returns where each leaves what it was told.
func (g *gathering) do(ctx context.Context, items ...int) []chan error {
	told := make([]chan error, len(items))
	for i, item := range items {
		told[i] = make(chan error, 1)
		go func() { told[i] <- g.Do(ctx, item) }()
		synctest.Wait()
	}
	return told
}

// begins waits for the next run, which is to begin so long after the test with these items.
func (g *gathering) begins(after time.Duration, items ...int) context.Context {
	g.t.Helper()
	run := <-g.begin
	if run.after != after || !slices.Equal(run.items, items) {
		g.t.Fatalf("run of %v after %s, want %v after %s", run.items, run.after, items, after)
	}
	return run.ctx
}

func (g *gathering) ends(err error) { g.end <- func(int) error { return err } }

// wants checks what a caller was told by now.
func (g *gathering) wants(told chan error, want error) {
	g.t.Helper()
	synctest.Wait()
	select {
	case err := <-told:
		if !errors.Is(err, want) {
			g.t.Fatalf("told %v, want %v", err, want)
		}
	default:
		g.t.Fatalf("told nothing yet, want %v", want)
	}
}

func TestWhoComesAloneIsRunAtOnce(t *testing.T) {
	gather(t, 3, func(t *testing.T, g *gathering) {
		g.do(t.Context(), 1)
		g.begins(0, 1)
		g.ends(nil)
		time.Sleep(every + 1) // no run has begun meanwhile: the next may
		g.do(t.Context(), 2)
		g.begins(every+1, 2)
		g.ends(nil)
	})
}

func TestWhoComesDuringARunSharesTheNext(t *testing.T) {
	gather(t, 3, func(t *testing.T, g *gathering) {
		g.do(t.Context(), 1)
		g.begins(0, 1)
		g.do(t.Context(), 2, 3, 4, 5, 6)
		time.Sleep(3 * every) // longer than the pace: the next run begins where this one ends
		g.ends(nil)
		g.begins(3*every, 2, 3, 4)
		g.ends(nil)
		g.begins(4*every, 5, 6)
		g.ends(nil)
	})
}

func TestRunsBeginApart(t *testing.T) {
	gather(t, 3, func(t *testing.T, g *gathering) {
		for i := range 4 {
			told := g.do(t.Context(), i)
			g.begins(time.Duration(i)*every, i)
			time.Sleep(every / 4)
			g.ends(nil)
			g.wants(told[0], nil)
		}
	})
}

func TestEachItemHasItsOwnError(t *testing.T) {
	gather(t, 3, func(t *testing.T, g *gathering) {
		g.do(t.Context(), 0)
		g.begins(0, 0)
		told := g.do(t.Context(), 1, 2, 3)
		g.ends(nil)
		g.begins(every, 1, 2, 3)
		one, three := errors.New("one"), errors.New("three")
		g.end <- func(item int) error { return map[int]error{1: one, 3: three}[item] }
		g.wants(told[0], one)
		g.wants(told[1], nil)
		g.wants(told[2], three)
	})
}

func TestWhoLeavesBeforeARunIsNeverRun(t *testing.T) {
	gather(t, 3, func(t *testing.T, g *gathering) {
		g.do(t.Context(), 1)
		g.begins(0, 1)
		ctx, cancel := context.WithTimeout(t.Context(), every)
		defer cancel()
		leaving := g.do(ctx, 2)
		staying := g.do(t.Context(), 3)
		time.Sleep(every)
		g.wants(leaving[0], context.DeadlineExceeded) // while the first run goes on
		g.ends(nil)
		g.begins(every, 3)
		g.ends(nil)
		g.wants(staying[0], nil)
	})
}

// unnoticed is a context that is done, of a caller who has not been told yet.
type unnoticed struct{ context.Context }

func (unnoticed) Done() <-chan struct{} { return nil }

func TestWhoHasLeftUnnoticedIsNeverRun(t *testing.T) {
	gather(t, 1, func(t *testing.T, g *gathering) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		told := g.do(unnoticed{ctx}, 1, 2)
		g.wants(told[0], context.Canceled)
		g.wants(told[1], context.Canceled)
		g.do(t.Context(), 3)
		g.begins(0, 3)
		g.ends(nil)
	})
}

func TestWhoLeavesDuringTheRunWaitsForIt(t *testing.T) {
	gather(t, 3, func(t *testing.T, g *gathering) {
		g.do(t.Context(), 1)
		g.begins(0, 1)
		first, leave := context.WithCancel(t.Context())
		second, leaveToo := context.WithCancel(t.Context())
		told := append(g.do(first, 2), g.do(second, 3)...)
		g.ends(nil)
		run := g.begins(every, 2, 3)
		leave()
		synctest.Wait()
		if len(told[0]) != 0 {
			t.Fatalf("told %v before the run has ended", <-told[0])
		}
		if run.Err() != nil {
			t.Fatal("the run's context is done while a caller waits")
		}
		leaveToo()
		synctest.Wait()
		if run.Err() == nil {
			t.Fatal("the run's context is not done when all callers have left")
		}
		outcome := errors.New("what became of it")
		g.ends(outcome)
		g.wants(told[0], outcome)
		g.wants(told[1], outcome)
	})
}

// Every item is run once, and its caller is told what became of it, except those that left before.
func TestManyCallersAreRunOnce(t *testing.T) {
	const callers, each, most = 64, 100, 7
	var mu sync.Mutex
	ran := map[int]int{}
	outcome := func(item int) error { return fmt.Errorf("item %d", item) }
	g := database.NewGather(most, 0, func(_ context.Context, items []int) []error {
		mu.Lock()
		defer mu.Unlock()
		if len(items) == 0 || len(items) > most {
			t.Errorf("%d items in a run", len(items))
		}
		errs := make([]error, len(items))
		for i, item := range items {
			ran[item]++
			errs[i] = outcome(item)
		}
		return errs
	})
	left := map[int]bool{}
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for item := caller * each; item < (caller+1)*each; item++ {
				ctx, cancel := context.WithCancel(t.Context())
				if item%3 == 0 {
					go cancel()
				}
				err := g.Do(ctx, item)
				cancel()
				if errors.Is(err, context.Canceled) {
					mu.Lock()
					left[item] = true
					mu.Unlock()
				} else if err == nil || err.Error() != outcome(item).Error() {
					t.Errorf("item %d was told %v", item, err)
				}
			}
		})
	}
	all.Wait()
	for item := range callers * each {
		if left[item] && ran[item] != 0 || !left[item] && ran[item] != 1 {
			t.Errorf("item %d was run %d times; its caller left before: %v", item, ran[item], left[item])
		}
	}
}
