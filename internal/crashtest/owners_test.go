package crashtest

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database/databasetest"
)

const (
	foldGroup    = "weir-payments"
	shortSession = 2 * time.Second
	groupLimit   = time.Minute
)

// several returns a world of servers outside and engines that are not started.
func several(t *testing.T, names ...string) *world {
	t.Helper()
	b := brokertest.New(t, partitions)
	w := newWorld(t)
	w.session = shortSession
	for _, name := range names {
		w.addEngine(name)
	}
	return w.outside(b.Config.Brokers, databasetest.NewURL(t))
}

// awaitGroup waits until the fold's partitions by instance id satisfy a condition.
func (w *world) awaitGroup(what string, condition func(held map[string]int) bool) {
	w.t.Helper()
	w.awaitOwners(foldGroup, what, func(owners map[int32]string, members []string) bool {
		held := map[string]int{}
		for _, m := range members {
			held[m] = 0
		}
		for _, m := range owners {
			held[m]++
		}
		return condition(held)
	})
}

// awaitOwners waits until a group's partitions, each with the instance id of who holds it, and its members satisfy a
// condition.
func (w *world) awaitOwners(group, what string, condition func(owners map[int32]string, members []string) bool) {
	w.t.Helper()
	client, err := kgo.NewClient(w.kafka()...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	var owners map[int32]string
	err = until(w.t.Context(), groupLimit, func() (bool, error) {
		ctx, cancel := context.WithTimeout(w.t.Context(), groupLimit)
		defer cancel()
		groups, err := kadm.NewClient(client).DescribeGroups(ctx, group)
		if err != nil {
			return false, err
		}
		owners = map[int32]string{}
		var members []string
		for _, m := range groups[group].Members {
			if m.InstanceID == nil {
				continue
			}
			members = append(members, *m.InstanceID)
			if assigned, ok := m.Assigned.AsConsumer(); ok {
				for _, topic := range assigned.Topics {
					for _, p := range topic.Partitions {
						owners[p] = *m.InstanceID
					}
				}
			}
		}
		return condition(owners, members), nil
	})
	if err != nil {
		w.t.Fatalf("%s: %v; partitions held: %v", what, err, owners)
	}
}

// Two processes share the partitions while a third comes and goes, in good order and not.
func TestOwnersComeAndGo(t *testing.T) {
	w := several(t, "two", "three")
	one, two, three := w.engines[0], w.engines[1], w.engines[2]
	tr := w.begin(seed(t))
	one.start("")
	two.start("")
	one.ready()
	two.ready()
	tr.progress(30)
	for i := range 4 {
		three.start("")
		w.awaitGroup("the third takes part", func(held map[string]int) bool { return held["three"] > 0 })
		tr.progress(30)
		if i%2 == 0 {
			three.stop()
		} else {
			three.kill()
		}
		w.awaitGroup("the other two have all", func(held map[string]int) bool {
			return held["three"] == 0 && held["one"]+held["two"] == partitions
		})
		tr.progress(30)
	}
	two.kill()
	tr.progress(30)
	two.start("")
	two.ready()
	tr.finish()
	tr.verify()
	one.stop()
	two.stop()
}

// A process is frozen for longer than its session lasts, and then goes on as if nothing had happened. Meanwhile its partitions
// have another owner. Once it is frozen with a batch under way, which is committed when it has been given up.
func TestOwnerIsFrozen(t *testing.T) {
	w := several(t, "two")
	one, two := w.engines[0], w.engines[1]
	tr := w.begin(seed(t))
	one.start("")
	one.ready()
	two.start("")
	w.awaitGroup("both have partitions", func(held map[string]int) bool { return held["one"] > 0 && held["two"] > 0 })
	tr.progress(30)
	for i := range 2 {
		let := func() {}
		if i == 0 {
			two.signal(syscall.SIGSTOP)
		} else {
			let = w.freezeInTransaction(two)
		}
		w.awaitGroup("the frozen process is given up", func(held map[string]int) bool {
			return held["two"] == 0 && held["one"] == partitions
		})
		let()
		tr.progress(100) // more than may be under way, so those of the frozen process's partitions too
		two.signal(syscall.SIGCONT)
		w.awaitGroup("it takes part again", func(held map[string]int) bool { return held["two"] > 0 })
		tr.progress(30)
	}
	tr.finish()
	two.ready()
	tr.verify()
	one.stop()
	two.stop()
}

// freezeInTransaction stops a process while a batch of it, COMMIT included, is with the database and has to wait there. When
// let is called, the database commits it.
func (w *world) freezeInTransaction(e *engine) (let func()) {
	w.t.Helper()
	ctx := w.t.Context()
	var theirs int32
	w.awaitOwners(foldGroup, e.name+" has a partition", func(owners map[int32]string, _ []string) bool {
		for p, owner := range owners {
			if owner == e.name {
				theirs = p
				return true
			}
		}
		return false
	})
	db := w.openDatabase(ctx)
	hold, err := db.Pool.Begin(ctx)
	if err == nil {
		_, err = hold.Exec(ctx, `SELECT next FROM stream_positions WHERE role = 'payments' AND partition = $1 FOR UPDATE`, theirs)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if err := until(ctx, groupLimit, func() (waits bool, err error) {
		err = db.Pool.QueryRow(ctx, `SELECT count(*) > 0 FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'`, e.name).Scan(&waits)
		return waits, err
	}); err != nil {
		w.t.Fatalf("%s has no batch to commit: %v", e.name, err)
	}
	e.signal(syscall.SIGSTOP)
	return func() {
		w.t.Helper()
		defer db.Close()
		var before, after int64
		const next = `SELECT next - base FROM stream_positions WHERE role = 'payments' AND partition = $1`
		if err := hold.QueryRow(ctx, next, theirs).Scan(&before); err != nil {
			w.t.Fatal(err)
		}
		if err := hold.Rollback(ctx); err != nil {
			w.t.Fatal(err)
		}
		if err := until(ctx, groupLimit, func() (bool, error) {
			err := db.Pool.QueryRow(ctx, next, theirs).Scan(&after)
			return after > before, err
		}); err != nil {
			w.t.Fatalf("nothing is committed of what waited: %v", err)
		}
	}
}

// Two processes that believe to be the same one take the partitions from each other and do no harm.
func TestOwnersOfOneName(t *testing.T) {
	w := several(t, "two")
	one, two := w.engines[0], w.engines[1]
	w.configureAs(two, one.name)
	tr := w.begin(seed(t))
	one.start("")
	one.ready()
	tr.progress(30)
	two.start("")
	tr.progress(200)
	two.kill()
	one.ready() // though the other had taken its place in the group
	tr.progress(100)
	tr.finish()
	tr.verify()
	one.stop()
}
