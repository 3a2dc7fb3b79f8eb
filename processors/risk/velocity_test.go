package risk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/processors/risk"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/processors/velocity"
	"github.com/weirhq/weir/topics"
)

const partitions = 4

// fivePerHour lets five attempts on a card pass in an hour, and blocks where it does not know.
const fivePerHour = `
version: 1
velocity:
  - { name: card_attempts_1h, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
rules:
  - { name: card_testing, when: velocity.card_attempts_1h >= 5, outcome: block, on_missing: block }
`

// stage is a broker with the roles risk and velocity.
type stage struct {
	t      testing.TB
	broker *brokertest.Broker
	rules  string // file
	client *kgo.Client
	kafka  []kgo.Opt // of the roles
	within time.Duration
	limits func() stream.Limits
	sent   int // by assess
}

func newStage(t testing.TB, rules string) *stage {
	t.Helper()
	s := &stage{t: t, broker: brokertest.New(t, partitions), rules: filepath.Join(t.TempDir(), "rules.yaml"), within: time.Minute, limits: limits}
	if err := os.WriteFile(s.rules, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	s.kafka = s.broker.Config.Options(log(t))
	s.client = s.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return s
}

func limits() stream.Limits {
	return stream.Limits{CommitInterval: 20 * time.Millisecond, FlushInterval: 50 * time.Millisecond, Heartbeat: 100 * time.Millisecond,
		SessionTimeout: time.Second, TransactionTimeout: time.Second, DrainTimeout: time.Second, LeaveTimeout: 200 * time.Millisecond,
		BackoffFirst: 10 * time.Millisecond, BackoffLast: 100 * time.Millisecond, BackoffStale: 200 * time.Millisecond}
}

// running is a role that runs until stop is called, or the test ends.
type running struct {
	stop  func()
	ready func() error
}

func (s *stage) run(run func(context.Context) error, ready func() error) running {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return running{stop, ready}
}

func (s *stage) risk() running {
	s.t.Helper()
	role, err := risk.New(risk.Config{Kafka: s.kafka, Partitions: partitions, Rules: []string{s.rules},
		Within: s.within, Limits: s.limits(), Log: log(s.t)})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.run(role.Run, role.Ready)
}

func (s *stage) velocity(hook stream.Hook) running {
	s.t.Helper()
	role, err := velocity.New(velocity.Config{Kafka: s.kafka, Skew: time.Minute, ReplyBytes: 16 << 20, Keep: time.Hour,
		Limits: s.limits(), Log: log(s.t), Hook: hook})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.run(role.Run, role.Ready)
}

// log writes to the test's output where WEIR_TEST_LOG is set.
func log(t testing.TB) *slog.Logger {
	if os.Getenv("WEIR_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

var number atomic.Int64

// attempt is a command that creates a payment with a card, of a customer of its own.
func attempt(card string) topics.Command {
	n := number.Add(1)
	return topics.Command{
		CommandID: uuid.Must(uuid.NewV7()).String(), Type: topics.CommandCreate, Tenant: "acme", CustomerID: fmt.Sprintf("cus_%d", n),
		Amount: 4000, Currency: "EUR", Authorize: true, Card: &topics.Card{Token: "tok_approve", Fingerprint: card, BIN: "411111"},
	}
}

func (s *stage) send(commands ...topics.Command) {
	s.t.Helper()
	records := make([]*kgo.Record, len(commands))
	for i := range commands {
		value, err := topics.Marshal(&commands[i])
		if err != nil {
			s.t.Fatal(err)
		}
		records[i] = &kgo.Record{Topic: topics.Commands, Key: []byte(commands[i].CustomerID), Value: value,
			Partition: topics.PartitionOf("acme", commands[i].CustomerID, partitions)}
	}
	if err := s.client.ProduceSync(s.t.Context(), records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// assessed reads the inbox until n different commands are in it, and returns the first assessment of each, which is the one
// that counts, and how many there were again.
func (s *stage) assessed(n int) (first map[string]topics.AssessedCommand, again int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	client := s.broker.Client(s.t, kgo.ConsumeTopics(topics.Inbox), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	first = map[string]topics.AssessedCommand{}
	for len(first) < n {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			s.t.Fatalf("%d of %d commands are assessed: %v", len(first), n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var in topics.AssessedCommand
			if err := topics.Unmarshal(r.Value, &in); err != nil {
				s.t.Fatal(err)
			}
			if _, ok := first[in.Command.CommandID]; ok {
				again++
				return
			}
			first[in.Command.CommandID] = in
		})
	}
	return first, again
}

func outcomes(assessed map[string]topics.AssessedCommand) map[topics.Outcome]int {
	count := map[topics.Outcome]int{}
	for _, in := range assessed {
		count[in.Decision.Outcome]++
	}
	return count
}

func TestVelocityDecides(t *testing.T) {
	s := newStage(t, fivePerHour)
	s.velocity(nil)
	s.risk()
	var commands []topics.Command
	for range 8 {
		commands = append(commands, attempt("fp_1"), attempt("fp_2"))
	}
	s.send(commands...)
	assessed, _ := s.assessed(len(commands))
	if got := outcomes(assessed); got[topics.OutcomePass] != 10 || got[topics.OutcomeBlock] != 6 {
		t.Errorf("outcomes %v, want 10 passes and 6 blocks", got)
	}
	seen := map[int64]int{}
	for _, in := range assessed {
		feature := in.Features["card_attempts_1h"]
		if feature.Missing || feature.WarmingUntil.IsZero() {
			t.Errorf("feature %+v, want an answer that warms up", feature)
		}
		seen[feature.Value]++
	}
	for n := range int64(8) {
		if seen[n] != 2 {
			t.Errorf("%d commands were answered with %d attempts before them, want 2", seen[n], n)
		}
	}
}

// Rules that were put back, with the time that their file had, count from the next start on.
func TestVelocityCountsByRulesThatWerePutBack(t *testing.T) {
	s := newStage(t, strings.ReplaceAll(fivePerHour, "card.fingerprint", "customer.id"))
	s.velocity(nil)
	first := s.risk()
	s.send(attempt("fp_1"))
	s.assessed(1)
	first.stop()
	if err := errors.Join(os.WriteFile(s.rules, []byte(fivePerHour), 0o600), os.Chtimes(s.rules, time.Time{}, time.UnixMilli(1))); err != nil {
		t.Fatal(err)
	}
	s.risk()
	var commands []topics.Command
	for range 8 {
		commands = append(commands, attempt("fp_1"))
	}
	s.send(commands...)
	assessed, _ := s.assessed(1 + len(commands))
	if got := outcomes(assessed); got[topics.OutcomePass] != 1+5 || got[topics.OutcomeBlock] != 3 {
		t.Errorf("outcomes %v, want 6 passes and 3 blocks", got)
	}
}

// What is not counted while a set without definitions is in force is not taken for counted when one with them comes back.
func TestVelocityKnowsWhenNothingWasCounted(t *testing.T) {
	s := newStage(t, fivePerHour)
	s.velocity(nil)
	under := func(rules string) topics.Feature {
		if err := os.WriteFile(s.rules, []byte(rules), 0o600); err != nil {
			t.Fatal(err)
		}
		role := s.risk()
		defer role.stop()
		c := attempt("fp_1")
		return s.assess(c)[c.CommandID].Features["card_attempts_1h"]
	}
	before := under(fivePerHour)
	under("version: 1\nrules: [{ name: nobody, when: tenant == \"nobody\", outcome: block }]\n")
	if after := under(fivePerHour); !after.WarmingUntil.After(before.WarmingUntil) {
		t.Errorf("complete from %s on, and before from %s on: an attempt in between was not counted", after.WarmingUntil, before.WarmingUntil)
	}
}

// A command that has no value by which anything is counted waits for nothing.
func TestVelocityIsNotAskedWithoutAValue(t *testing.T) {
	s := newStage(t, fivePerHour)
	s.within = time.Hour
	s.risk()
	s.send(attempt(""))
	assessed, _ := s.assessed(1)
	for _, in := range assessed {
		if !in.Features["card_attempts_1h"].Missing || in.Decision.Outcome != topics.OutcomeBlock {
			t.Errorf("features %+v, outcome %s; want a missing answer, and what on_missing says", in.Features, in.Decision.Outcome)
		}
	}
}

func TestVelocityThatIsAwayIsMissing(t *testing.T) {
	s := newStage(t, fivePerHour)
	s.within = 50 * time.Millisecond
	s.risk()
	s.send(attempt("fp_1"), attempt("fp_1"))
	assessed, _ := s.assessed(2)
	for _, in := range assessed {
		if !in.Features["card_attempts_1h"].Missing || in.Decision.Outcome != topics.OutcomeBlock {
			t.Errorf("features %+v, outcome %s; want a missing answer, and what on_missing says", in.Features, in.Decision.Outcome)
		}
	}
}

func (s *stage) await(what string, condition func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatal("timed out: ", what)
		}
	}
}
