package payments_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/fsck"
	"github.com/weirhq/weir/internal/proof"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

const (
	foldLimit = 2 * time.Minute // of liveness: a busy machine is no failure
	foldBatch = 12              // records
)

// replay has the runtime fold what a partition was folded from directly, through a broker and with faults. It must come to
// the same, chain included.
type replay struct {
	t       *testing.T
	db      *database.DB
	broker  *brokertest.Broker
	records int64
	stored  []string
	heads   string
	folds   []*stream.Fold
}

// newReplay fills the inbox of a broker with the records that original has folded.
func newReplay(t *testing.T, original *inbox) *replay {
	t.Helper()
	r := &replay{t: t, db: databasetest.New(t), broker: brokertest.New(t, 1), records: original.next,
		stored: storedOf(t, original.db), heads: headsOf(t, original.db, 1)}
	if r.broker.Cluster == nil {
		t.Skip("a cluster sets the time of a record, and so other chains come out")
	}
	var all []*kgo.Record
	for _, record := range original.folded {
		out := &kgo.Record{Topic: topics.Inbox, Timestamp: record.Time, Value: record.Value}
		for _, h := range record.Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		all = append(all, out)
	}
	client := r.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := client.ProduceSync(t.Context(), all...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return r
}

// start runs a fold until the test ends or stop is called.
func (r *replay) start(change ...func(*stream.FoldConfig)) (stop func()) {
	r.t.Helper()
	log := slog.New(slog.DiscardHandler)
	config := stream.FoldConfig{
		Role: payments.Role, Input: topics.Inbox, DeadLetters: topics.InboxDeadLetters, Format: payments.Format,
		Program: r.program(r.db), DB: r.db, Kafka: r.broker.Config.Options(log), Log: log,
		Limits: stream.Limits{BatchRecords: foldBatch, CommitInterval: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond,
			BackoffFirst: 5 * time.Millisecond, BackoffLast: 50 * time.Millisecond, BackoffStale: 100 * time.Millisecond},
	}
	for _, f := range change {
		f(&config)
	}
	fold, err := stream.NewFold(config)
	if err != nil {
		r.t.Fatal(err)
	}
	r.folds = append(r.folds, fold)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fold.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

func (r *replay) program(db *database.DB) *payments.Program {
	return newProgram(r.t, db, 1, func(c *payments.Config) { c.Log = slog.New(slog.DiscardHandler) })
}

// wait waits until all is applied and published.
func (r *replay) wait() {
	r.t.Helper()
	deadline := time.After(foldLimit)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !r.published() {
		select {
		case <-ticker.C:
		case <-deadline:
			r.t.Fatalf("not all of %d records are published after %s: %+v", r.records, foldLimit, r.folds[0].Status())
		}
	}
}

func (r *replay) published() bool {
	for _, fold := range r.folds {
		for _, status := range fold.Status() {
			if status.Published == r.records {
				return true
			}
		}
	}
	return false
}

// check waits for the end, stops and compares everything: with the original, and with itself by fsck and by verify.
func (r *replay) check(stop func()) {
	r.t.Helper()
	r.wait()
	stop()
	if got := storedOf(r.t, r.db); !slices.Equal(got, r.stored) {
		r.t.Errorf("not what comes without faults:\n%s", difference(strings.Join(r.stored, "\n"), strings.Join(got, "\n")))
	}
	if got := headsOf(r.t, r.db, 1); got != r.heads {
		r.t.Errorf("the chain ends in\n%swithout faults in\n%s", got, r.heads)
	}
	r.sound()
}

// sound has fsck and verify look at what is stored and published.
func (r *replay) sound() {
	r.t.Helper()
	if n := checkChain(r.t, r.db, 1); n == 0 {
		r.t.Error("nothing was booked")
	}
	var problems []string
	_, err := fsck.Run(r.t.Context(), fsck.Config{Database: r.db, Kafka: r.broker.Config.Options(slog.New(slog.DiscardHandler)),
		Problem: func(p fsck.Problem) { problems = append(problems, "fsck: "+p.String()) }})
	if err != nil {
		r.t.Error(err)
	}
	_, err = proof.Verify(r.t.Context(), proof.Config{Database: r.db, Partition: proof.AllPartitions,
		Problem: func(p proof.Problem) { problems = append(problems, "verify: "+p.String()) }})
	if err != nil || len(problems) > 0 {
		r.t.Errorf("%v, %d problems:\n%s", err, len(problems), strings.Join(problems[:min(len(problems), 20)], "\n"))
	}
}

// Payments, wallet commands and closings of months in one fold: whatever fails, what comes out is what comes out without
// faults.
func TestFaultsOfTheFold(t *testing.T) {
	_, inboxes := playMixed(t, variant{partitions: 1, batch: 1000})
	for name, test := range map[string]func(*replay){
		"no fault": func(r *replay) { r.check(r.start()) },
		"serialization failures at statements": func(r *replay) {
			r.failStatements(foldTables...)
			r.check(r.start())
			r.failed(foldTables...)
		},
		"serialization failures at COMMIT": func(r *replay) {
			r.failCommits()
			r.check(r.start())
			r.failed("commit")
		},
		"COMMIT is lost":               func(r *replay) { r.loseCommits(chaos.LoseRequest) },
		"the answer to COMMIT is lost": func(r *replay) { r.loseCommits(chaos.LoseAnswer) },
		"sessions end at any point": func(r *replay) {
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(7, 8))
			r.check(r.start(func(c *stream.FoldConfig) {
				c.Hook = func(stream.Point, int32) error {
					mu.Lock()
					defer mu.Unlock()
					if random.IntN(15) == 0 {
						return errors.New("injected")
					}
					return nil
				}
			}))
		},
		"two owners": twoOwners,
	} {
		t.Run(name, func(t *testing.T) { test(newReplay(t, inboxes[0])) })
	}
}

// foldTables are the tables that the fold of payments writes.
var foldTables = []string{"stream_positions", "stream_log", "payments", "applied_inputs", "timers", "wallets", "holds", "rounds", "psp_references",
	"accounts", "entries", "ledger_chain", "closed_periods", "disputes", "payouts", "payment_links", "mandates", "deposit_sources", "customer_limits", "customers"}

// every is how often a statement on a table, or a COMMIT, fails: the first time, and each so many times.
const every = 40

func (r *replay) exec(sql string, args ...any) {
	r.t.Helper()
	if len(args) > 0 {
		sql = fmt.Sprintf(sql, args...)
	}
	if _, err := r.db.Pool.Exec(r.t.Context(), sql); err != nil {
		r.t.Fatal(err)
	}
}

// failing makes a function that raises 40001, now and then. A sequence goes on where its transaction is rolled back.
func (r *replay) failing(name string) {
	r.t.Helper()
	if r.db.Dialect != database.PostgreSQL {
		r.t.Skip("CockroachDB repeats by itself, and its triggers do not know sequences")
	}
	r.exec(`CREATE SEQUENCE fault_%s`, name)
	r.exec(`CREATE FUNCTION fail_%[1]s() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF nextval('fault_%[1]s') %% %[2]d = 1 THEN RAISE EXCEPTION 'injected at %[1]s' USING ERRCODE = '40001'; END IF;
		RETURN NULL;
	END $$`, name, every)
}

// failStatements makes the statements that write tables fail.
func (r *replay) failStatements(tables ...string) {
	r.t.Helper()
	for _, table := range tables {
		r.failing(table)
		r.exec(`CREATE TRIGGER fault BEFORE INSERT OR UPDATE OR DELETE ON %[1]s FOR EACH STATEMENT EXECUTE FUNCTION fail_%[1]s()`, table)
	}
}

// failCommits makes COMMIT fail, where deferred constraints are checked.
func (r *replay) failCommits() {
	r.t.Helper()
	r.failing("commit")
	r.exec(`CREATE CONSTRAINT TRIGGER fault AFTER INSERT OR UPDATE ON stream_positions DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION fail_commit()`)
}

// failed checks that each has failed.
func (r *replay) failed(names ...string) {
	r.t.Helper()
	for _, name := range names {
		var n int64
		if err := r.db.Pool.QueryRow(r.t.Context(), fmt.Sprintf(`SELECT last_value - 1 + is_called::int FROM fault_%s`, name)).Scan(&n); err != nil {
			r.t.Fatal(err)
		}
		if n == 0 {
			r.t.Errorf("nothing failed at %s", name)
		}
	}
}

// loseCommits loses every few COMMITs on the way there, or their answers on the way back.
func (r *replay) loseCommits(fault chaos.Fault) {
	r.t.Helper()
	address, err := url.Parse(r.db.URL())
	if err != nil {
		r.t.Fatal(err)
	}
	proxy, err := chaos.NewProxy(address.Host)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = proxy.Close() }) // its connections end with it
	address.Host = proxy.Addr()
	db, err := database.Open(r.t.Context(), address.String(), 8, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(db.Close)
	const losses = 8
	armed := proxy.Arm(chaos.Prepared("commit"), 0, fault)
	stop := r.start(func(c *stream.FoldConfig) { c.DB, c.Program = db, r.program(db) })
	for i := range losses {
		select {
		case <-armed.Fired():
		case <-time.After(foldLimit):
			r.t.Fatalf("only %d were lost", i)
		}
		if i+1 < losses {
			armed = proxy.Arm(chaos.Prepared("commit"), i%3, fault)
		}
	}
	r.check(stop)
}

// opened tells of each time that a program's state is opened.
type opened struct {
	*payments.Program
	tell func()
}

func (o *opened) Open(ctx context.Context, partition int32, next int64) (stream.State, error) {
	state, err := o.Program.Open(ctx, partition, next)
	o.tell()
	return state, err
}

// twoOwners has a former owner commit after the new one has opened its state: each believes to be the one.
func twoOwners(r *replay) {
	one := func(c *stream.FoldConfig) { c.InstanceID = "one" }
	reached, release := make(chan struct{}), make(chan struct{})
	var passed atomic.Int64
	stopFirst := r.start(one, func(c *stream.FoldConfig) {
		c.Hook = func(point stream.Point, _ int32) error {
			if point == stream.BeforeDatabaseCommit && passed.Add(1) == 4 {
				close(reached)
				<-release
			}
			return nil
		}
	})
	<-reached
	read := make(chan struct{})
	var times atomic.Int64
	stopSecond := r.start(one, func(c *stream.FoldConfig) {
		c.Program = &opened{r.program(r.db), func() {
			if times.Add(1) == 1 {
				close(read)
			}
		}}
	})
	<-read
	close(release)
	r.wait()
	stopFirst()
	r.check(stopSecond)
}
