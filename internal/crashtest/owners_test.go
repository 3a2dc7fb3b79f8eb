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

// A process is frozen for longer than its session lasts, once in the middle of a transaction of the database, and then
// goes on as if nothing had happened. Meanwhile its partitions have another owner.
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
		if i == 0 {
			two.signal(syscall.SIGSTOP)
		} else {
			w.freezeInTransaction(two)
		}
		w.awaitGroup("the frozen process is given up", func(held map[string]int) bool {
			return held["two"] == 0 && held["one"] == partitions
		})
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

// freezeInTransaction stops a process at a moment at which a transaction of it is open in the database.
func (w *world) freezeInTransaction(e *engine) {
	w.t.Helper()
	db := w.openDatabase(w.t.Context())
	defer db.Close()
	err := until(w.t.Context(), groupLimit, func() (bool, error) {
		e.signal(syscall.SIGSTOP)
		var open bool
		// What a stopped process has sent is executed all the same; then the server waits for it.
		err := db.Pool.QueryRow(w.t.Context(), `SELECT count(*) > 0 FROM pg_stat_activity a
			JOIN pg_locks l ON l.pid = a.pid AND l.relation = 'stream_positions'::regclass AND l.mode = 'RowExclusiveLock'
			WHERE a.datname = current_database() AND a.application_name = $1 AND a.state = 'idle in transaction'`, e.name).Scan(&open)
		if err != nil || open {
			return open, err
		}
		e.signal(syscall.SIGCONT)
		return false, nil
	})
	if err != nil {
		w.t.Fatalf("%s is never in a transaction: %v", e.name, err)
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
