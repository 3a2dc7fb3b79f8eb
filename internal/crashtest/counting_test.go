package crashtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/risk"
	processor "github.com/weirhq/weir/processors/velocity"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

const (
	riskGroup     = "weir-" + risk.RoleName
	velocityGroup = "weir-" + processor.RoleName
	countedLimit  = 3 * time.Minute
)

// counting returns a world whose engines, which are not started, do nothing but assess and count, by these rules.
func counting(t *testing.T, rules string, names ...string) *world {
	t.Helper()
	b := brokertest.New(t, partitions)
	w := newWorld(t)
	w.session = time.Second
	w.roles = "risk, velocity"
	w.rules = filepath.Join(w.dir, "rules.yaml")
	if err := os.WriteFile(w.rules, []byte(rules), 0o644); err != nil {
		t.Fatal(err)
	}
	// Whoever takes a dead process's partitions must come in time: what is missing is not compared.
	w.settings = append(w.settings, "velocity:\n  within: 30s\n  flush: 100ms")
	for _, name := range names {
		w.addEngine(name)
	}
	return w.outside(b.Config.Brokers, databasetest.NewURL(t))
}

// write writes commands, a few at a time, in the partitions of their customers. The error comes on the channel.
func (w *world) write(commands []topics.Command) <-chan error {
	w.t.Helper()
	client := w.producer()
	done := make(chan error, 1)
	go func() {
		for few := range slices.Chunk(commands, 10) {
			records := make([]*kgo.Record, len(few))
			for i := range few {
				value, err := topics.Marshal(&few[i])
				if err != nil {
					done <- err
					return
				}
				records[i] = &kgo.Record{Topic: topics.Commands, Key: []byte(few[i].CustomerID), Value: value,
					Partition: topics.PartitionOf(tenant, few[i].CustomerID, partitions)}
			}
			if err := client.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	return done
}

// attempt is the n-th command of a customer of its own, who pays with a card.
func attempt(n int, card string) topics.Command {
	return topics.Command{
		CommandID: uuid.Must(uuid.NewV7()).String(), Type: topics.CommandCreate, Tenant: tenant, CustomerID: fmt.Sprintf("cus_%d", n),
		Amount: 4000, Currency: "EUR", Authorize: true, Card: &topics.Card{Token: "tok_approved", Fingerprint: card, BIN: "411111"},
	}
}

// producer returns a client that writes where it is told.
func (w *world) producer() *kgo.Client {
	w.t.Helper()
	client, err := kgo.NewClient(append(w.kafka(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return client
}

// assessments follows the inbox. The first assessment of a command is the one that counts.
type assessments struct {
	w      *world
	client *kgo.Client
	first  map[string]topics.AssessedCommand
	again  int
}

func (w *world) assessments() *assessments {
	w.t.Helper()
	client, err := kgo.NewClient(append(w.kafka(), kgo.ConsumeTopics(topics.Inbox), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return &assessments{w: w, client: client, first: map[string]topics.AssessedCommand{}}
}

// await reads until n different commands are assessed.
func (a *assessments) await(n int) {
	a.w.t.Helper()
	ctx, cancel := context.WithTimeout(a.w.t.Context(), countedLimit)
	defer cancel()
	for len(a.first) < n {
		fetches := a.client.PollFetches(ctx)
		if ctx.Err() != nil {
			a.w.t.Fatalf("%d of %d commands are assessed within %s\n%s", len(a.first), n, countedLimit, a.w.engines[0].tail())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var in topics.AssessedCommand
			if err := topics.Unmarshal(r.Value, &in); err != nil {
				a.w.t.Fatal(err)
			}
			if _, ok := a.first[in.Command.CommandID]; ok {
				a.again++
				return
			}
			a.first[in.Command.CommandID] = in
		})
	}
}

// killMidway writes commands, kills an engine when some of the first half are answered, and returns when all are. It is
// started again where it was the only one.
func (w *world) killMidway(victim *engine, commands []topics.Command, some int, await func(int)) {
	w.t.Helper()
	half := len(commands) / 2
	before := w.write(commands[:half])
	await(some)
	victim.kill()
	after := w.write(commands[half:])
	if len(w.engines) == 1 {
		victim.start("")
	}
	await(len(commands))
	for _, written := range []<-chan error{before, after} {
		if err := <-written; err != nil {
			w.t.Error(err)
		}
	}
}

const fivePerHour = `
version: 1
velocity:
  - { name: card_attempts_1h, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }
rules:
  - { name: card_testing, when: velocity.card_attempts_1h >= 5, outcome: block, on_missing: block }
`

// Of a thousand attempts at once on one card, with a limit of five in an hour, exactly five pass, though the process that
// counts them is killed in the middle.
func TestAThousandAttemptsAtOnce(t *testing.T) {
	const attempts, limit, card = 1000, 5, "fp_1"
	for _, names := range [][]string{nil, {"two", "three"}} {
		t.Run(fmt.Sprintf("%d processes", 1+len(names)), func(t *testing.T) {
			w := counting(t, fivePerHour, names...)
			for _, e := range w.engines {
				e.start("")
			}
			counted := velocity.KeyOf(tenant, "card.fingerprint", card).Partition(partitions)
			var victim *engine
			w.awaitOwners(velocityGroup, "every process counts", func(owners map[int32]string, _ []string) bool {
				held := map[string]bool{}
				for _, name := range owners {
					held[name] = true
				}
				for _, e := range w.engines {
					if e.name == owners[counted] {
						victim = e
					}
				}
				return len(owners) == partitions && len(held) == len(w.engines)
			})
			for _, e := range w.engines {
				e.ready()
			}
			var commands []topics.Command
			for n := range attempts {
				commands = append(commands, attempt(n, card))
			}
			read := w.assessments()
			w.killMidway(victim, commands, 10*limit, read.await)
			passed, seen := 0, map[int64]bool{}
			for _, in := range read.first {
				if in.Decision.Outcome == topics.OutcomePass {
					passed++
				}
				if f := in.Features["card_attempts_1h"]; !f.Missing {
					seen[f.Value] = true
				}
			}
			if passed != limit || len(seen) != attempts {
				t.Errorf("%d attempts pass, want %d; %d different answers, want %d", passed, limit, len(seen), attempts)
			}
			t.Logf("%d commands were assessed again", read.again)
		})
	}
}
