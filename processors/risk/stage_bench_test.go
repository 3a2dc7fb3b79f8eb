package risk_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// sixDimensions counts by six fields, with four definitions of each two and one of the others.
func sixDimensions() string {
	var b strings.Builder
	b.WriteString("version: 1\nvelocity:\n")
	var reads []string
	for i, by := range []string{"card.fingerprint", "context.device_id", "context.ip", "customer.id", "card.bin", "context.email"} {
		define := func(aggregate, window, more string) {
			name := fmt.Sprintf("d%d_%s_%s", i, aggregate, window)
			fmt.Fprintf(&b, "  - { name: %s, aggregate: %s, events: [attempt], by: %s, window: %s%s }\n", name, aggregate, by, window, more)
			limit := "1000000"
			if aggregate == "sum" {
				limit = `money("1000000000.00 EUR")`
			}
			reads = append(reads, fmt.Sprintf("velocity.%s >= %s", name, limit))
		}
		define("count", "1h", "")
		if i < 2 {
			define("count", "24h", "")
			define("sum", "24h", ", currency: EUR")
			define("distinct", "7d", ", of: card.last4")
		}
	}
	fmt.Fprintf(&b, "rules:\n  - { name: any, when: '%s', outcome: block, on_missing: hold }\n", strings.Join(reads, " || "))
	return b.String()
}

const nothingCounted = "version: 1\nrules:\n  - { name: any, when: 'tenant == \"nobody\"', outcome: hold, on_missing: hold }\n"

// population makes commands of many customers, with cards and devices that come again.
func population(n int) []topics.Command {
	random := rand.New(rand.NewPCG(11, 13))
	commands := make([]topics.Command, n)
	for i := range commands {
		who := random.IntN(50_000)
		c := attempt(fmt.Sprintf("fp_%d", who))
		c.CustomerID = fmt.Sprintf("cus_%d", who)
		c.Card.BIN = fmt.Sprint(411111 + random.IntN(500))
		c.Card.Last4 = fmt.Sprintf("%04d", random.IntN(1000))
		c.Context = &topics.Context{DeviceID: fmt.Sprintf("dev_%d", random.IntN(60_000)), Email: fmt.Sprintf("a%d@example.com", who),
			IP: fmt.Sprintf("203.0.%d.%d", random.IntN(100), random.IntN(250))}
		commands[i] = c
	}
	return commands
}

// standard are the limits of an installation that configures none.
func standard() stream.Limits { return stream.Limits{} }

func (s *stage) startBoth() (stop func()) {
	s.limits = standard
	velocity := s.velocity(nil)
	s.await("velocity is ready", func() bool { return velocity.ready() == nil })
	risk := s.risk()
	s.await("risk is ready", func() bool { return risk.ready() == nil })
	return func() { risk.stop(); velocity.stop() }
}

// BenchmarkStageRate is how many commands a second risk assesses with six dimensions, velocity durable beside it.
//
//	go test ./processors/risk -run '^$' -bench Stage -benchtime 1x
func BenchmarkStageRate(b *testing.B) {
	const commands = 150_000
	for b.Loop() {
		s := newStage(b, sixDimensions())
		defer s.startBoth()()
		all := population(commands)
		s.send(all[:1000]...)
		s.assessedInAll(1000)
		began, used := time.Now(), cpuTime(b)
		go s.send(all[1000:]...)
		s.assessedInAll(commands)
		took := time.Since(began)
		b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/(commands-1000), "cpu-µs/command")
		b.ReportMetric(float64(commands-1000)/took.Seconds(), "commands/s")
		b.ReportMetric(0, "ns/op")
		s.wantAnswers(commands)
	}
}

// wantAnswers reads the first n assessed commands: a feature that is missing was not worked for.
func (s *stage) wantAnswers(n int) {
	s.t.Helper()
	client := s.broker.Client(s.t, kgo.ConsumeTopics(topics.Inbox), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	missing := 0
	for n > 0 {
		fetches := client.PollFetches(s.t.Context())
		if err := fetches.Err(); err != nil {
			s.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n--
			if bytes.Contains(r.Value, []byte(`"missing":true`)) {
				missing++
			}
		})
	}
	if missing > 0 {
		s.t.Errorf("%d commands miss answers", missing)
	}
}

// cpuTime is what this process has used, broker and producer included: other work on the machine does not change it much.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// assessedInAll waits until so many records are in the inbox.
func (s *stage) assessedInAll(n int64) {
	s.t.Helper()
	admin := s.broker.Admin(s.t)
	s.await("all commands are assessed", func() bool {
		ends, err := admin.ListEndOffsets(s.t.Context(), topics.Inbox)
		if err != nil {
			return false
		}
		sum := int64(0)
		for p := range int32(partitions) {
			end, _ := ends.Lookup(topics.Inbox, p)
			sum += end.Offset
		}
		return sum >= n
	})
}

// BenchmarkStageLatency is how long a command takes from its producer to a reader of the inbox, at 5,000 a second, with
// velocity and without.
func BenchmarkStageLatency(b *testing.B) {
	for _, c := range []struct{ name, rules string }{{"six dimensions", sixDimensions()}, {"nothing counted", nothingCounted}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				s := newStage(b, c.rules)
				defer s.startBoth()()
				used := cpuTime(b)
				took := s.paced(5000, 10*time.Second)
				b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/50_000, "cpu-µs/command")
				for _, q := range []struct {
					share float64
					name  string
				}{{0.5, "p50-ms"}, {0.99, "p99-ms"}, {0.999, "p99.9-ms"}} {
					b.ReportMetric(float64(took[int(q.share*float64(len(took)-1))])/1e6, q.name)
				}
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// paced sends so many commands a second and returns how long each took, in order; the first tenth is left out.
func (s *stage) paced(rate int, lasting time.Duration) []time.Duration {
	s.t.Helper()
	n := rate * int(lasting/time.Second)
	all := population(n)
	var mu sync.Mutex
	sent := map[string]time.Time{}
	took := make([]time.Duration, 0, n)
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*lasting+time.Minute)
	defer cancel()
	reader := s.broker.Client(s.t, kgo.ConsumeTopics(topics.Inbox), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	read := make(chan struct{})
	go func() {
		defer close(read)
		for seen := 0; seen < n && ctx.Err() == nil; {
			fetches := reader.PollFetches(ctx)
			now := time.Now()
			fetches.EachRecord(func(r *kgo.Record) {
				seen++
				mu.Lock()
				defer mu.Unlock()
				if seen > n/10 {
					took = append(took, now.Sub(sent[string(r.Key)+traceOf(r)]))
				}
			})
		}
	}()
	began := time.Now()
	writer := s.broker.Client(s.t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	for i := range all {
		all[i].TraceID = fmt.Sprint(i)
		value, err := topics.Marshal(&all[i])
		if err != nil {
			s.t.Fatal(err)
		}
		if early := time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))); early > time.Millisecond {
			time.Sleep(early)
		}
		mu.Lock()
		sent[all[i].CustomerID+all[i].TraceID] = time.Now()
		mu.Unlock()
		writer.Produce(ctx, &kgo.Record{Topic: topics.Commands, Key: []byte(all[i].CustomerID), Value: value,
			Partition: topics.PartitionOf("acme", all[i].CustomerID, partitions)}, nil)
	}
	<-read
	if len(took) < n*9/10 {
		s.t.Fatalf("%d of %d commands are assessed", len(took), n)
	}
	slices.Sort(took)
	return took
}

func traceOf(r *kgo.Record) string {
	for _, h := range r.Headers {
		if h.Key == topics.HeaderTraceID {
			return string(h.Value)
		}
	}
	return ""
}
