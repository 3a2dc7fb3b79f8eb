package velocity

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

const partitions = 3

var limits = velocity.Limits{Skew: time.Minute, ReplyBytes: 64 << 20}

// definitions count by six dimensions.
func definitions() []velocity.Definition {
	var all []velocity.Definition
	for _, by := range []string{"card.fingerprint", "context.device_id", "context.ip", "ip.asn", "customer.id", "card.bin"} {
		for _, d := range []velocity.Definition{
			{Name: by + "_count", Aggregate: velocity.Count, Window: time.Hour},
			{Name: by + "_sum", Aggregate: velocity.Sum, Currency: "EUR", Window: 24 * time.Hour},
			{Name: by + "_cards", Aggregate: velocity.Distinct, Of: "card.last4", Window: 7 * 24 * time.Hour},
			{Name: by + "_last", Aggregate: velocity.SinceLast, Window: 10 * time.Minute},
		} {
			d.By, d.Kinds = by, []string{velocity.KindAttempt}
			all = append(all, d)
		}
	}
	return all
}

// world is a broker and who sends signals to it, as risk does.
type world struct {
	t        testing.TB
	broker   *brokertest.Broker
	client   *kgo.Client
	plan     *velocity.Plan
	random   *rand.Rand
	next     [partitions]int64 // offset of the next command of each partition
	sent     [partitions][][]velocity.Target
	batches  [partitions][]byte // what goes into one record
	repeated int
	roles    []*Role
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, broker: brokertest.New(t, partitions), random: rand.New(rand.NewPCG(3, 7))}
	w.client = w.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	var err error
	if w.plan, err = velocity.NewPlan("acme", 1, definitions()); err != nil {
		t.Fatal(err)
	}
	retain := w.plan.Retain()
	for p := range int32(partitions) {
		w.produce(p, retain.Append(nil))
	}
	return w
}

func (w *world) produce(partition int32, value []byte) {
	w.client.Produce(context.Background(), &kgo.Record{Topic: topics.Signals, Partition: partition, Value: value}, func(_ *kgo.Record, err error) {
		if err != nil {
			w.t.Error(err)
		}
	})
}

// attempts sends the signals of n commands of random values, of which a few are met again and again.
func (w *world) attempts(n int) {
	w.t.Helper()
	for range n {
		p := w.random.Int32N(partitions)
		values := map[string]string{}
		for i, field := range []string{"card.fingerprint", "context.device_id", "context.ip", "ip.asn", "customer.id", "card.bin"} {
			values[field] = fmt.Sprint(field, w.random.ExpFloat64()*float64(40/(i+1)))[:len(field)+1]
		}
		values["card.last4"] = fmt.Sprint(w.random.IntN(30))
		event := velocity.Event{
			Origin: velocity.Origin{Role: velocity.RoleAttempts, Partition: p, Offset: w.next[p]}, ID: fmt.Sprintf("%d-%d", p, w.next[p]),
			Kind: velocity.KindAttempt, Asks: true, Time: time.Now().Add(-time.Duration(w.random.IntN(90)) * time.Second),
			Amount: ledger.Money{Minor: w.random.Int64N(10000), Currency: "EUR"}, Field: func(name string) string { return values[name] },
		}
		w.next[p]++
		targets := w.plan.Signals(nil, &event, partitions)
		w.sent[p] = append(w.sent[p], targets)
		w.send(targets)
	}
	w.flush()
}

// send sends signals, many of them in one record.
func (w *world) send(targets []velocity.Target) {
	for i := range targets {
		p := targets[i].Partition
		w.batches[p] = velocity.AppendFrame(w.batches[p], targets[i].Signal.Append(nil))
		if w.random.IntN(20) == 0 {
			w.produce(p, w.batches[p])
			w.batches[p] = nil
		}
	}
}

// repeat sends the signals of the last n commands of a partition again, as a new owner of its commands does.
func (w *world) repeat(p int32, n int) {
	w.t.Helper()
	all := w.sent[p]
	for _, targets := range all[max(len(all)-n, 0):] {
		w.send(targets)
		w.repeated += len(targets)
	}
	w.flush()
}

func (w *world) flush() {
	for p := range w.batches {
		if w.batches[p] != nil {
			w.produce(int32(p), w.batches[p])
			w.batches[p] = nil
		}
	}
	if err := w.client.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// start runs the role until stop is called, or the test ends.
func (w *world) start(change func(*Config)) (stop func()) {
	w.t.Helper()
	c := Config{Kafka: w.broker.Config.Options(testLog(w.t)), Skew: limits.Skew, ReplyBytes: limits.ReplyBytes, Keep: time.Hour, Log: testLog(w.t),
		Limits: stream.Limits{FlushInterval: 40 * time.Millisecond, Heartbeat: 100 * time.Millisecond, BatchRecords: 200,
			BackoffFirst: 10 * time.Millisecond, BackoffLast: 100 * time.Millisecond, BackoffStale: 100 * time.Millisecond}}
	change(&c)
	role, err := New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.roles = append(w.roles, role)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// testLog writes to the test's output where WEIR_TEST_LOG is set.
func testLog(t testing.TB) *slog.Logger {
	if os.Getenv("WEIR_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// read reads a topic from its start to its end of now.
func (w *world) read(topic string) (all [partitions][]*kgo.Record) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	ends, err := w.broker.Admin(w.t).ListEndOffsets(ctx, topic)
	if err != nil {
		w.t.Fatal(err)
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	client := w.broker.Client(w.t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for left > 0 {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			all[r.Partition] = append(all[r.Partition], r)
			left--
		})
		if err := ctx.Err(); err != nil {
			w.t.Fatalf("%s: %d records are missing: %v", topic, left, err)
		}
	}
	return all
}

// asked names a signal: the command's partition and offset, and the partition that it was sent to. An answer does not say
// the latter; which queries it answers does.
type asked struct {
	origin velocity.Origin
	first  uint64 // id of the first query
}

// oracle is what one State alone answers to each signal, byte for byte, when it reads the same records in the same order.
func (w *world) oracle() map[asked]string {
	w.t.Helper()
	want := map[asked]string{}
	for _, records := range w.read(topics.Signals) {
		state := velocity.NewState(limits)
		if err := state.Restored(); err != nil {
			w.t.Fatal(err)
		}
		for _, r := range records {
			err := velocity.EachFrame(r.Value, func(frame []byte) error {
				reply, ok, err := state.Apply(r.Timestamp.UnixMilli(), frame)
				if ok {
					want[w.name(reply.Value)] = string(reply.Value)
				}
				return err
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return want
}

func (w *world) name(value []byte) asked {
	w.t.Helper()
	var reply velocity.Reply
	if err := reply.Decode(value); err != nil {
		w.t.Fatal(err)
	}
	if len(reply.Answers) == 0 {
		return asked{reply.Origin, 0}
	}
	return asked{reply.Origin, reply.Answers[0].ID}
}

// settle waits until every signal is applied, for as long as patience lasts; false where it is over.
func (w *world) settle(patience time.Duration) bool {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	ends, err := w.broker.Admin(w.t).ListEndOffsets(ctx, topics.Signals)
	if err != nil {
		w.t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for p := int32(0); p < partitions; {
		end, _ := ends.Lookup(topics.Signals, p)
		if w.applied(p) >= end.Offset {
			p++
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (w *world) applied(partition int32) (next int64) {
	for _, role := range w.roles {
		for _, status := range role.table.Status() {
			if status.Partition == partition {
				next = max(next, status.Applied)
			}
		}
	}
	return next
}

// mistakes counts the answers that are not the oracle's, and those that did not come.
func (w *world) mistakes() (mistakes, answers int) {
	w.t.Helper()
	want, seen := w.oracle(), map[asked]bool{}
	for _, records := range w.read(topics.Features) {
		for _, r := range records {
			err := velocity.EachFrame(r.Value, func(frame []byte) error {
				name := w.name(frame)
				answers++
				if seen[name] = true; want[name] != string(frame) {
					mistakes++
				}
				return nil
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for name := range want {
		if !seen[name] {
			mistakes++
		}
	}
	return mistakes, answers
}

// dying is a hook by which sessions die at random points: one in so many flushes, and now and then between them.
func (w *world) dying(one int) (hook stream.Hook, deaths *atomic.Int64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(5, 1))
	admin := w.broker.Admin(w.t)
	end := func(partition int32) int64 {
		ends, _ := admin.ListEndOffsets(context.Background(), topics.Velocity)
		listed, _ := ends.Lookup(topics.Velocity, partition)
		return listed.Offset
	}
	deaths = &atomic.Int64{}
	return func(at stream.Point, partition int32) error {
		among := one
		if at == stream.AfterReplies {
			among *= 8
		}
		mu.Lock()
		dies := random.IntN(among) == 0
		mu.Unlock()
		if !dies {
			return nil
		}
		if at == stream.DuringFlush {
			// Most of the time a part of the flush is to be written.
			for before, late := end(partition), time.After(50*time.Millisecond); end(partition) == before; {
				select {
				case <-late:
					before = -1
				default:
				}
			}
		}
		deaths.Add(1)
		return fmt.Errorf("died at %s", at)
	}, deaths
}

// live lets signals be answered by members that come, go and die, with repeats by whole blocks. It returns how many
// sessions died, and whether all signals were answered within patience.
func (w *world) live(rounds, commands, repeats int, patience time.Duration, change func(*Config)) (deaths int64, settled bool) {
	w.t.Helper()
	hook, died := w.dying(8)
	member := func() func() { return w.start(func(c *Config) { c.Hook = hook; change(c) }) }
	stop := member()
	for range rounds {
		w.attempts(commands / 3)
		if !w.settle(patience) {
			break
		}
		next := member()
		w.repeat(w.random.Int32N(partitions), repeats)
		w.attempts(commands / 3)
		stop()
		stop = next
		w.attempts(commands / 3)
		if !w.settle(patience) {
			break
		}
		w.repeat(w.random.Int32N(partitions), repeats)
	}
	settled = w.settle(patience)
	return died.Load(), settled
}

// Answers are those of one fold over the same order of signals, byte for byte, through deaths at every point, torn flushes,
// members that come and go, and repeated signals.
func TestAnswersAreTheOracles(t *testing.T) {
	const patience = 2 * time.Minute // of liveness: a busy machine is no failure
	w := newWorld(t)
	deaths, settled := w.live(6, 1200, 2500, patience, func(*Config) {})
	if !settled {
		t.Fatalf("not all signals are answered within %s", patience)
	}
	mistakes, answers := w.mistakes()
	if mistakes > 0 {
		t.Errorf("%d of %d answers are not the oracle's", mistakes, answers)
	}
	if deaths == 0 || w.repeated < 40_000 {
		t.Errorf("%d sessions died and %d signals were sent again, want some and 40,000", deaths, w.repeated)
	}
	t.Logf("%d answers, %d signals sent again, %d deaths", answers, w.repeated, deaths)
}

// The check of the check: without the reply cache, or with a changelog that is read uncommitted, the same test fails.
func TestTheOracleTellsBrokenVelocity(t *testing.T) {
	const mostLives = 5
	for name, change := range map[string]func(*Config){
		"without the reply cache":           func(c *Config) { c.program = forgetful{program{limits}} },
		"with a changelog read uncommitted": func(c *Config) { c.reading = []kgo.Opt{kgo.FetchIsolationLevel(kgo.ReadUncommitted())} },
	} {
		t.Run(name, func(t *testing.T) {
			// Whether a death comes where it does harm is chance: several lives are looked at.
			for life, told := 0, false; !told; life++ {
				if life == mostLives {
					t.Fatalf("all answers are the oracle's in %d lives", mostLives)
				}
				t.Run(fmt.Sprint("life ", life), func(t *testing.T) {
					w := newWorld(t)
					// A state that was torn may even refuse to be restored.
					deaths, settled := w.live(5, 600, 400, 5*time.Second, change)
					mistakes, answers := w.mistakes()
					told = mistakes > 0 || !settled
					t.Logf("%d of %d answers are wrong, after %d deaths; all signals answered: %t", mistakes, answers, deaths, settled)
				})
			}
		})
	}
}

// forgetful is the core without its reply cache: what it restores has none.
type forgetful struct{ program }

type forgetfulState struct{ stream.TableState }

func (p forgetful) Open(partition int32) stream.TableState {
	return forgetfulState{p.program.Open(partition)}
}

func (s forgetfulState) Restore(key, value []byte) error {
	if key[0] == 'r' {
		return nil
	}
	return s.TableState.Restore(key, value)
}
