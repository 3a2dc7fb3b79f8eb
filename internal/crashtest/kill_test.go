package crashtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/stream"
)

// number reads a number from the environment.
func number(t testing.TB, name string, without uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return without
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func seed(t testing.TB) uint64 { return number(t, "WEIR_TEST_CRASH_SEED", 1) }

// death is how a process is killed: by itself at a passage of a point, or after a time.
type death struct {
	point stream.Point
	nth   int
	ready bool // after waits for readiness first
	after time.Duration
}

func (d death) String() string {
	if d.point != "" {
		return fmt.Sprintf("%s:%d", d.point, d.nth)
	}
	return fmt.Sprintf("after %s (ready first: %t)", d.after, d.ready)
}

// deaths mixes passages of each point with random moments, of the start and of the work.
func deaths(r *rand.Rand, passages []int, random int, moments time.Duration) []death {
	var all []death
	for _, point := range stream.Points() {
		for _, n := range passages {
			all = append(all, death{point: point, nth: n})
		}
	}
	for i := range random {
		all = append(all, death{ready: i%2 == 0, after: time.Duration(r.Int64N(int64(moments)))})
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// die starts the process and sees it killed. took is the time to readiness, 0 where it was not waited for.
func (e *engine) die(d death) (took time.Duration) {
	e.t.Helper()
	if d.point != "" {
		e.start(d.String())
		e.died()
		return 0
	}
	e.start("")
	if d.ready {
		took = e.ready()
	}
	select { // the moment of the kill, not a wait for anything
	case <-time.After(d.after):
	case <-e.ended:
		e.t.Fatalf("%s ended by itself: %v\n%s", e.name, e.state, e.tail())
	}
	e.kill()
	return took
}

// killed runs deaths one after another under load, and checks everything after the last start.
func killed(t *testing.T, w *world, all []death) {
	tr := w.begin(seed(t))
	e := w.engines[0]
	var recoveries []time.Duration
	for i, d := range all {
		if took := e.die(d); took > 0 && i > 0 {
			recoveries = append(recoveries, took)
		}
	}
	e.start("")
	recoveries = append(recoveries, e.ready())
	tr.progress(50)
	tr.finish()
	tr.verify()
	if b := &tr.books; b.visits == 0 || b.holds == 0 || !b.closed {
		t.Errorf("%d visits of wallets, %d holds that ran out, a month closed: %t: shows nothing", b.visits, b.holds, b.closed)
	}
	slices.Sort(recoveries)
	t.Logf("%d kills; ready after a kill: median %s, longest %s", len(all),
		recoveries[len(recoveries)/2].Round(time.Millisecond), recoveries[len(recoveries)-1].Round(time.Millisecond))
	e.stop()
}

// The engine is killed at each durability point, and at random moments at least 50 times: once with its broker and database
// inside, which die with it, and once beside servers that live on and keep what was on its way.
func TestKill(t *testing.T) {
	rounds := int(number(t, "WEIR_TEST_CRASH_ROUNDS", 2))
	t.Run("outside", func(t *testing.T) {
		b := brokertest.New(t, partitions)
		w := newWorld(t).outside(b.Config.Brokers, databasetest.NewURL(t))
		r := rand.New(rand.NewPCG(seed(t), 1))
		killed(t, w, deaths(r, slices.Repeat([]int{1, 4, 20}, rounds), 15*rounds, 800*time.Millisecond))
	})
	t.Run("embedded", func(t *testing.T) {
		if os.Getenv("WEIR_TEST_KAFKA_BROKERS") != "" {
			t.Skip("the broker of this run is a cluster")
		}
		r := rand.New(rand.NewPCG(seed(t), 2))
		// The first ones meet a directory that is being made.
		first := []death{{after: 150 * time.Millisecond}, {after: 500 * time.Millisecond}, {after: 850 * time.Millisecond}}
		killed(t, newWorld(t).embedded(), append(first,
			deaths(r, slices.Repeat([]int{1, 12}, rounds), 12*rounds, 1200*time.Millisecond)...))
	})
}
