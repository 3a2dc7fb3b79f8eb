package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/topics"
)

// parallel lets a test with a broker of its own run beside others; a real cluster is shared.
func parallel(t *testing.T) {
	if os.Getenv("WEIR_TEST_KAFKA_BROKERS") == "" {
		t.Parallel()
	}
}

var errInjected = errors.New("injected")

// At each point a session ends as if the process had died there; the next one repairs it.
func TestFoldEndsAtEachPoint(t *testing.T) {
	for _, point := range Points() {
		t.Run(string(point), func(t *testing.T) {
			parallel(t)
			b := newBench(t, 2)
			hook, hit := endsAt(point)
			b.start(func(c *FoldConfig) { c.Hook = hook; c.Limits.BatchRecords = 17 })
			for range 5 {
				b.sendAdds(200)
				b.settle()
			}
			if hit.Load() == 0 {
				t.Error("the point was never passed")
			}
		})
	}
}

func TestFoldEndsAtRandomPoints(t *testing.T) {
	b := newBench(t, 3)
	b.start(func(c *FoldConfig) { c.Hook = endsAtRandom(); c.Limits.BatchRecords = 40 })
	for range 4 {
		b.sendAdds(600)
		b.settle()
	}
}

// holdAlone owns a partition outside the group, until stop.
func (b *bench) holdAlone(partition int32, change ...func(*FoldConfig)) (f *Fold, stop func()) {
	b.t.Helper()
	f, err := NewFold(b.config(change...))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	drain, begin := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.hold(ctx, drain, partition)
	}()
	stop = sync.OnceFunc(func() {
		begin()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			cancel()
			<-done
		}
	})
	b.t.Cleanup(stop)
	return f, stop
}

// Two owners that both believe they are the one take the partition from each other all the time.
func TestTwoOwnersFight(t *testing.T) {
	b := newBench(t, 1)
	quick := func(c *FoldConfig) {
		c.Limits.BackoffStale = 30 * time.Millisecond
		c.Limits.BackoffLast = 30 * time.Millisecond
		c.Limits.BatchRecords = 20
	}
	var sessions [2]atomic.Int64
	var stops []func()
	for i := range sessions {
		_, stop := b.holdAlone(0, quick, func(c *FoldConfig) {
			program := &toy{db: b.db, opened: func(int32, int64) error { sessions[i].Add(1); return nil }}
			c.Program = program
		})
		stops = append(stops, stop)
	}
	waitFor(t, "both have owned it several times", func() bool {
		b.sendAdds(20)
		return sessions[0].Load() >= 4 && sessions[1].Load() >= 4
	})
	stops[0]()
	b.settle()
}

// A transaction of a former owner lands in the database after the new owner has read M.
func TestDatabaseCommitLandsAfterTakeover(t *testing.T) {
	b := newBench(t, 1)
	b.send(0, "a add 1", "b add 2")
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	late := func(point Point, _ int32) error {
		if point == BeforeDatabaseCommit {
			once.Do(func() { close(reached); <-release })
		}
		return nil
	}
	first, stopFirst := b.holdAlone(0, func(c *FoldConfig) { c.Hook = late; c.Limits.BackoffStale = time.Hour })
	<-reached
	opened := make(chan struct{})
	var count atomic.Int64
	b.holdAlone(0, func(c *FoldConfig) {
		c.Program = &toy{db: b.db, opened: func(_ int32, next int64) error {
			if count.Add(1) == 1 {
				if next != 0 {
					t.Errorf("the new owner began at %d, want 0", next)
				}
				close(opened)
			}
			return nil
		}}
	})
	<-opened
	close(release)
	b.settle()
	b.send(0, "a add 3")
	b.settle()
	if n := count.Load(); n < 2 {
		t.Errorf("the new owner opened its state %d times, want at least 2", n)
	}
	stopFirst()
	_ = first
}

func TestProduceFailsInsideTheTransaction(t *testing.T) {
	b := newBench(t, 1)
	if b.broker.Cluster == nil {
		t.Skip("faults are injected into the embedded broker only")
	}
	var refused atomic.Int64
	refuseProduce(b.broker.Cluster, topics.Entries, func() bool { return refused.Add(1) <= 3 })
	b.start(func(c *FoldConfig) { c.Limits.BatchRecords = 10 })
	b.sendAdds(100)
	b.settle()
	if refused.Load() <= 3 {
		t.Error("nothing was refused")
	}
}

// fault injects faults into the embedded broker.
func (b *bench) fault(faults ...kfake.Fault) *kfake.FaultHandle {
	if b.broker.Cluster == nil {
		b.t.Skip("faults are injected into the embedded broker only")
	}
	return b.broker.Cluster.Fault(faults...)
}

func TestBrokerAnswersWithErrors(t *testing.T) {
	for name, faults := range map[string][]kfake.Fault{
		"EndTxn happens and is answered by a timeout": {{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.RequestTimedOut, Count: 3}},
		"EndTxn fails for good":                       {{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError, Count: 2}},
		"EndTxn says fenced":                          {{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.ProducerFenced, Count: 2}},
		"InitProducerID fails": {{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError},
			{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.UnknownServerError, Count: 2}},
		"produce happens and is answered by an error": {{Keys: []kmsg.Key{kmsg.Produce}, Topic: topics.Events, Err: kerr.NotEnoughReplicasAfterAppend, Count: 3}},
		"produce says invalid epoch":                  {{Keys: []kmsg.Key{kmsg.Produce}, Topic: topics.Events, Err: kerr.InvalidProducerEpoch, Count: 2}},
		"fetch fails":                                 {{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topics.Inbox, Err: kerr.UnknownServerError, Count: 2}},
		"produce of the position fails":               {{Keys: []kmsg.Key{kmsg.Produce}, Topic: topics.Positions, Err: kerr.InvalidRecord, Count: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			b := newBench(t, 1)
			b.start(func(c *FoldConfig) { c.Limits.BatchRecords = 10 })
			b.sendAdds(50)
			b.settle()
			handle := b.fault(faults...)
			waitFor(t, "the fault happens", func() bool {
				b.sendAdds(50)
				return handle.Hits() >= len(faults)
			})
			b.settle()
		})
	}
}

// proxied makes a Fold reach broker and database through proxies.
func (b *bench) proxied() (kafka, sql *chaos.Proxy, change func(*FoldConfig)) {
	b.t.Helper()
	open := func(target string) *chaos.Proxy {
		proxy, err := chaos.NewProxy(target)
		if err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(func() { _ = proxy.Close() })
		return proxy
	}
	kafka = open(b.broker.Config.Brokers[0])
	address, err := url.Parse(b.db.URL())
	if err != nil {
		b.t.Fatal(err)
	}
	host := address.Host
	if address.Port() == "" {
		host = net.JoinHostPort(address.Hostname(), "5432")
	}
	sql = open(host)
	address.Host = sql.Addr()
	db, err := database.Open(b.t.Context(), address.String(), 8, discard())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(db.Close)
	options := append(broker.Config{Brokers: []string{kafka.Addr()}}.Options(discard()), kgo.Dialer(kafka.Dial))
	return kafka, sql, func(c *FoldConfig) {
		c.Kafka = options
		c.DB = db
		c.Program = &toy{db: db}
		c.Limits.DatabaseTimeout = 2 * time.Second
		c.Limits.PublishTimeout = 2 * time.Second
		c.Limits.ClaimTimeout = 5 * time.Second
		c.Limits.TransactionTimeout = 2 * time.Second
	}
}

// Requests and answers are lost where it hurts: at COMMIT and at EndTxn.
func TestLostRequestsAndAnswers(t *testing.T) {
	commit, endTxn, produce := chaos.Prepared("commit"), chaos.KafkaRequest(26), chaos.KafkaRequest(0)
	for name, trap := range map[string]struct {
		sql   bool
		match chaos.Matcher
		fault chaos.Fault
	}{
		"COMMIT is lost":                {true, commit, chaos.LoseRequest},
		"the answer to COMMIT is lost":  {true, commit, chaos.LoseAnswer},
		"COMMIT is never answered":      {true, commit, chaos.Mute},
		"EndTxn is lost":                {false, endTxn, chaos.LoseRequest},
		"the answer to EndTxn is lost":  {false, endTxn, chaos.LoseAnswer},
		"EndTxn is never answered":      {false, endTxn, chaos.Mute},
		"a produce is lost":             {false, produce, chaos.LoseRequest},
		"the answer to produce is lost": {false, produce, chaos.LoseAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			b := newBench(t, 1)
			kafka, sql, change := b.proxied()
			b.start(change, func(c *FoldConfig) { c.Limits.BatchRecords = 20 })
			b.sendAdds(30)
			b.settle()
			proxy := kafka
			if trap.sql {
				proxy = sql
			}
			rounds := 3
			if trap.fault == chaos.Mute {
				rounds = 1 // it takes the time-out of a client
			}
			for skip := range rounds {
				armed := proxy.Arm(trap.match, skip, trap.fault)
				waitFor(t, "the trap fires", func() bool {
					b.sendAdds(20)
					select {
					case <-armed.Fired():
						return true
					default:
						return false
					}
				})
				b.settle()
			}
		})
	}
}

func TestBrokerAndDatabaseGoAwayAndComeBack(t *testing.T) {
	b := newBench(t, 2)
	kafka, sql, change := b.proxied()
	b.start(change)
	b.sendAdds(50)
	b.settle()
	for _, proxy := range []*chaos.Proxy{kafka, sql} {
		proxy.Down()
		b.sendAdds(100)
		proxy.Up()
		b.sendAdds(100)
		b.settle()
	}
}

// The end of Run is bounded even where nothing answers.
func TestFoldStopsInTime(t *testing.T) {
	for name, away := range map[string]func(kafka, sql *chaos.Proxy){
		"broker away":       func(kafka, _ *chaos.Proxy) { kafka.Down() },
		"database away":     func(_, sql *chaos.Proxy) { sql.Down() },
		"both away":         func(kafka, sql *chaos.Proxy) { kafka.Down(); sql.Down() },
		"broker mute":       func(kafka, _ *chaos.Proxy) { kafka.Arm(chaos.KafkaRequest(0), 0, chaos.Mute) },
		"nothing is amiss":  func(_, _ *chaos.Proxy) {},
		"a COMMIT is muted": func(_, sql *chaos.Proxy) { sql.Arm(chaos.Prepared("commit"), 0, chaos.Mute) },
	} {
		t.Run(name, func(t *testing.T) {
			parallel(t)
			b := newBench(t, 2)
			kafka, sql, change := b.proxied()
			_, stop := b.start(change, func(c *FoldConfig) { c.InstanceID = "one"; c.Limits.DatabaseTimeout = time.Minute })
			b.sendAdds(50)
			b.settle()
			away(kafka, sql)
			b.sendAdds(500)
			began := time.Now()
			stop()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("Run took %s to end", took)
			}
			b.start()
			b.settle()
		})
	}
}

// Members come and go; each partition has its records published once.
func TestRebalance(t *testing.T) {
	b := newBench(t, 4)
	_, stopA := b.start()
	b.sendAdds(200)
	foldB, stopB := b.start()
	b.sendAdds(400)
	waitFor(t, "the second member has partitions", func() bool { return len(foldB.Status()) > 0 && foldB.Ready() == nil })
	b.sendAdds(400)
	stopA()
	b.sendAdds(400)
	b.settle()
	b.start()
	b.sendAdds(400)
	stopB()
	b.settle()
}

// A record that cannot be processed is put aside, and the rest of its batch is saved.
func TestPoisonIsPutAside(t *testing.T) {
	for _, poison := range []string{"bad", "add x", "poison", "taken", "nul", "panic", "big", "hopeless"} {
		t.Run(poison, func(t *testing.T) {
			parallel(t)
			b := newBench(t, 1)
			lines := make([]string, 100)
			for i := range lines {
				lines[i] = fmt.Sprintf("k%d add %d", i%5, i)
			}
			lines[33] = "k3 " + poison
			lines[67] = "k4 " + poison
			lines[68] = "k4 " + poison
			b.send(0, lines...)
			b.start()
			b.settle()
			b.send(0, "k3 add 1", "k4 add 1")
			b.settle()
		})
	}
	t.Run("all at once", func(t *testing.T) {
		parallel(t)
		b := newBench(t, 2)
		kinds := []string{"bad", "poison", "add 1", "nul", "add 2", "panic", "taken", "big", "hopeless", "add 3"}
		for p := range b.partitions {
			var lines []string
			for i := range 36 {
				lines = append(lines, fmt.Sprintf("k%d %s", i%3, kinds[i%len(kinds)]))
			}
			b.send(p, lines...)
		}
		b.start(func(c *FoldConfig) { c.Limits.BackoffFirst = time.Millisecond })
		b.settle()
	})
}

func TestCardNumberIsMasked(t *testing.T) {
	b := newBench(t, 1)
	b.send(0, "k is 4111111111111111 here")
	b.start()
	b.settle()
	for _, r := range b.readCommitted(topics.InboxDeadLetters, 0) {
		var letter topics.DeadLetter
		if err := topics.Unmarshal(r.Value, &letter); err != nil {
			t.Fatal(err)
		}
		if !letter.Masked || string(letter.Value) != "is xxxxxxxxxxxxxxxx here" {
			t.Errorf("masked %t: %q", letter.Masked, letter.Value)
		}
	}
}

// waitStopped waits for a partition to be stopped, and returns why.
func waitStopped(t *testing.T, f *Fold, partition int32) *StopError {
	t.Helper()
	var stopped *StopError
	waitFor(t, "the partition is stopped", func() bool {
		for _, s := range f.Status() {
			if s.Partition == partition && s.Phase == PhaseStopped && errors.As(s.Err, &stopped) {
				return true
			}
		}
		return false
	})
	if err := f.Ready(); err == nil {
		t.Error("Ready returns nil while a partition is stopped")
	}
	return stopped
}

// What O1 finds and cannot repair stops the partition, and publishes nothing.
func TestStops(t *testing.T) {
	for _, test := range []struct {
		name   string
		reason StopReason
		damage func(b *bench)
	}{
		{"database restored", StopDatabaseBehind, func(b *bench) {
			b.exec(`UPDATE stream_positions SET next = next - 5`)
		}},
		{"database empty", StopDatabaseBehind, func(b *bench) {
			b.exec(`DELETE FROM stream_positions`)
		}},
		{"positions topic lost", StopPositionMissing, func(b *bench) { b.recreate(topics.Positions) }},
		{"inbox recreated", StopTopicChanged, func(b *bench) {
			b.recreate(topics.Inbox)
			b.sendAdds(200)
		}},
		{"inbox lost records", StopInputLost, func(b *bench) {
			b.sendAdds(40)
			for p := range b.partitions {
				b.deleteRecords(topics.Inbox, p, b.end(topics.Inbox, p)-2)
			}
		}},
		{"inbox truncated", StopInputTruncated, func(b *bench) {
			b.exec(`UPDATE stream_positions SET next = next + 5`)
			b.declare(5)
		}},
		{"another record", StopHashMismatch, func(b *bench) {
			b.exec(`UPDATE stream_positions SET last_hash = '\x00'`)
		}},
		{"format of the state", StopFutureFormat, func(b *bench) {
			b.exec(`UPDATE stream_positions SET format = 2`)
		}},
		{"format of the position", StopFutureFormat, func(b *bench) {
			for p := range b.partitions {
				b.client.ProduceSync(b.t.Context(), &kgo.Record{Topic: topics.Positions, Partition: p, Key: []byte("toy"),
					Value: []byte(`{"role":"toy","next":1,"format":99}`)})
			}
		}},
		{"format of a record", StopFutureFormat, func(b *bench) {
			for p := range b.partitions {
				b.send(p, "k future")
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			parallel(t)
			b := newBench(t, 2)
			_, stop := b.start()
			b.sendAdds(60)
			b.settle()
			stop()
			before := [2]int{len(b.readCommitted(topics.Events, 0)), len(b.readCommitted(topics.Events, 1))}
			test.damage(b)
			fold, stopAgain := b.start()
			for p := range b.partitions {
				if stopped := waitStopped(t, fold, p); stopped.Reason != test.reason {
					t.Errorf("partition %d: %v, want %s", p, stopped, test.reason)
				}
			}
			stopAgain()
			after := [2]int{len(b.readCommitted(topics.Events, 0)), len(b.readCommitted(topics.Events, 1))}
			if before != after {
				t.Errorf("events: %d before, %d after", before, after)
			}
		})
	}
}

func (b *bench) exec(sql string, arguments ...any) {
	b.t.Helper()
	if _, err := b.db.Pool.Exec(b.t.Context(), sql, arguments...); err != nil {
		b.t.Fatal(err)
	}
}

// declare moves the published position of all partitions on by n.
func (b *bench) declare(n int64) {
	b.t.Helper()
	for p := range b.partitions {
		claim, err := takeClaim(b.t.Context(), b.config().Kafka, "toy", p, testLimits().withDefaults())
		if err != nil {
			b.t.Fatal(err)
		}
		position := claim.position
		position.Next += n
		if err := claim.declare(b.t.Context(), position); err != nil {
			b.t.Fatal(err)
		}
		claim.close(time.Second)
	}
}

func (b *bench) recreate(topic string) {
	b.t.Helper()
	admin := adminOf(b)
	details, err := admin.ListTopics(b.t.Context(), topic)
	if err != nil {
		b.t.Fatal(err)
	}
	before := details[topic].ID
	if _, err := admin.DeleteTopic(b.t.Context(), topic); err != nil {
		b.t.Fatal(err)
	}
	waitFor(b.t, topic+" is recreated", func() bool {
		_, _ = admin.CreateTopic(b.t.Context(), b.partitions, 1, nil, topic)
		details, err := admin.ListTopics(b.t.Context(), topic)
		return err == nil && details[topic].Err == nil && details[topic].ID != before && len(details[topic].Partitions) == int(b.partitions)
	})
	b.client = b.broker.Client(b.t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
}

func (b *bench) deleteRecords(topic string, partition int32, before int64) {
	b.t.Helper()
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = 5000
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, before
	t.Partitions = append(t.Partitions, p)
	request.Topics = append(request.Topics, t)
	response, err := request.RequestWith(b.t.Context(), b.client)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := kerr.ErrorForCode(response.Topics[0].Partitions[0].ErrorCode); err != nil {
		b.t.Fatal(err)
	}
}

// A stopped partition is looked at again, and goes on when it is repaired.
func TestStoppedPartitionGoesOnWhenRepaired(t *testing.T) {
	b := newBench(t, 1)
	_, stop := b.start()
	b.sendAdds(20)
	b.settle()
	stop()
	b.exec(`UPDATE stream_positions SET format = 2`)
	fold, _ := b.start()
	waitStopped(t, fold, 0)
	b.exec(`UPDATE stream_positions SET format = 1`)
	b.sendAdds(20)
	b.settle()
}

// The row of stream_positions disappears under an owner: the fence must notice.
func TestFenceNoticesALostRow(t *testing.T) {
	b := newBench(t, 1)
	fold, _ := b.start()
	b.sendAdds(20)
	b.settle()
	b.exec(`DELETE FROM stream_positions`)
	b.send(0, "a add 1")
	if stopped := waitStopped(t, fold, 0); stopped.Reason != StopDatabaseBehind {
		t.Error(stopped)
	}
}

func TestBackgroundErrorEndsTheSession(t *testing.T) {
	b := newBench(t, 1)
	var started, ended atomic.Int64
	program := &backgroundToy{toy: b.program, run: func(ctx context.Context) error {
		if started.Add(1) < 3 {
			return errInjected
		}
		<-ctx.Done()
		ended.Add(1)
		return ctx.Err()
	}}
	_, stop := b.start(func(c *FoldConfig) { c.Program = program })
	waitFor(t, "the third background runs", func() bool { return started.Load() == 3 })
	b.sendAdds(20)
	b.settle()
	stop()
	if started.Load() != 3 || ended.Load() != 1 {
		t.Errorf("%d started, %d ended", started.Load(), ended.Load())
	}
}

type backgroundToy struct {
	*toy
	run func(context.Context) error
}

type backgroundState struct {
	State
	run func(context.Context) error
}

func (p *backgroundToy) Open(ctx context.Context, partition int32, next int64) (State, error) {
	state, err := p.toy.Open(ctx, partition, next)
	return &backgroundState{state, p.run}, err
}

func (s *backgroundState) Background(ctx context.Context) error { return s.run(ctx) }

// A reader with read_uncommitted and a HighWater sees each event once, in order, whatever is aborted and repeated.
func TestHighWaterUnderFaults(t *testing.T) {
	b := newBench(t, 1)
	var n atomic.Int64
	hook := func(point Point, _ int32) error {
		if n.Add(1)%7 == 0 {
			return errInjected
		}
		return nil
	}
	b.start(func(c *FoldConfig) { c.Hook = hook; c.Limits.BatchRecords = 15 })
	b.sendAdds(300)
	b.waitPublished(0)
	client := b.broker.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topics.Events: {0: kgo.NewOffset().AtStart()}}), kgo.FetchIsolationLevel(kgo.ReadUncommitted()))
	var water HighWater
	var got []string
	repeats := 0
	end := b.end(topics.Events, 0)
	for last := int64(0); last < end-1; {
		fetches := client.PollFetches(t.Context())
		fetches.EachRecord(func(r *kgo.Record) {
			last = r.Offset + 1 // the commit marker of the last transaction is not handed out
			i := slices.IndexFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == topics.HeaderID })
			fresh, err := water.Accept(r.Partition, string(r.Headers[i].Value))
			if err != nil {
				t.Fatal(err)
			}
			if fresh {
				got = append(got, string(r.Value))
			} else {
				repeats++
			}
		})
	}
	var want []string
	outputs, _ := model(0, 0, b.readCommitted(topics.Inbox, 0))
	for _, o := range outputs {
		if o.topic == topics.Events {
			want = append(want, o.value)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %d events, want %d", len(got), len(want))
	}
	if repeats == 0 {
		t.Error("nothing was repeated: the test shows nothing")
	}
}
