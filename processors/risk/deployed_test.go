package risk

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/ruletopic"
	"github.com/weirhq/weir/topics"
)

// deployment is a broker and a process that takes its rules from there.
type deployment struct {
	*testing.T
	broker *brokertest.Broker
	kafka  []kgo.Opt
	clock  time.Time
}

func newDeployment(t *testing.T) *deployment {
	b := brokertest.New(t, partitions)
	return &deployment{t, b, b.Config.Options(slog.New(slog.DiscardHandler)), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (w *deployment) pack(score int) *ruletopic.Package {
	w.Helper()
	name := filepath.Join(w.TempDir(), "rules.yaml")
	text := fmt.Sprintf("version: 1\nrules:\n  - { name: large, when: payment.amount > money(\"10.00 EUR\"), outcome: hold, on_missing: hold, score: %d }\n", score)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	p, err := ruletopic.Pack(name)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *deployment) deploy(p *ruletopic.Package, slot string) {
	w.Helper()
	desk, err := ruletopic.Open(w.Context(), w.kafka, false)
	if err != nil {
		w.Fatal(err)
	}
	defer desk.Close()
	w.clock = w.clock.Add(time.Minute)
	if _, err := desk.Deploy(w.Context(), p, slot, "ann", "a test", false, w.clock); err != nil {
		w.Fatal(err)
	}
}

// write puts a record into the topic as no tool of ours would.
func (w *deployment) write(key string, d *topics.RuleDeployment) {
	w.Helper()
	value, err := topics.Marshal(d)
	if err != nil {
		w.Fatal(err)
	}
	client := w.broker.Client(w.T, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := client.ProduceSync(w.Context(), &kgo.Record{Topic: topics.Rules, Key: []byte(key), Value: value}).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

func (w *deployment) rules(fourEyes bool) *deployedRules {
	w.Helper()
	role, err := New(Config{Kafka: w.kafka, Partitions: partitions, Deployed: true, FourEyes: fourEyes})
	if err != nil {
		w.Fatal(err)
	}
	return role.deployed
}

// follow runs what a process runs, until the test ends.
func (w *deployment) follow(d *deployedRules) {
	w.Helper()
	reader, err := d.start(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	go func() { d.follow(ctx, reader); close(done) }()
	w.Cleanup(func() { cancel(); <-done })
}

func (w *deployment) until(what string, holds func() bool) {
	w.Helper()
	deadline := time.After(2 * time.Minute)
	for !holds() {
		select {
		case <-deadline:
			w.Fatalf("not within two minutes: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestDeployedRulesChangeOver(t *testing.T) {
	w := newDeployment(t)
	d := w.rules(false)
	w.follow(d)
	if d.live.Set().Hash() != testSet(t).Hash() {
		t.Error("before anything is deployed the files' rules are not in force")
	}
	first, second := w.pack(1), w.pack(2)
	w.deploy(first, topics.RulesLive)
	w.until("the first set is live", func() bool { return d.live.Set().Hash() == first.Set.Hash() })
	w.deploy(second, topics.RulesCandidate)
	w.until("there is a candidate", func() bool { return d.candidate.Set() != nil })
	if d.candidate.Set().Hash() != second.Set.Hash() || d.live.Set().Hash() != first.Set.Hash() {
		t.Errorf("live %s, candidate %s", d.live.Set().Hash(), d.candidate.Set().Hash())
	}
	// A process that starts later has the same.
	later := w.rules(false)
	reader, err := later.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	if later.live.Set().Hash() != first.Set.Hash() || later.candidate.Set() == nil {
		t.Errorf("later: %s, want %s", later.live.Set().Hash(), first.Set.Hash())
	}
}

// TestABadDeploymentNeverReplacesAGoodOne: neither while a process runs nor when it starts, and it is told.
func TestABadDeploymentNeverReplacesAGoodOne(t *testing.T) {
	good := newDeployment(t).pack(1)
	for name, c := range map[string]struct {
		fourEyes bool
		change   func(*topics.RuleDeployment)
		says     string
	}{
		"no archive":                      {false, func(d *topics.RuleDeployment) { d.Archive = nil }, "archive of rules"},
		"cut off":                         {false, func(d *topics.RuleDeployment) { d.Archive = d.Archive[:len(d.Archive)/2] }, "archive of rules"},
		"nobody's":                        {true, func(d *topics.RuleDeployment) { d.Author, d.Approver = "", "" }, "no second person's approval"},
		"one person's":                    {true, func(d *topics.RuleDeployment) { d.Author, d.Approver = "ann", "ANN" }, "no second person's approval"},
		"one person's after two people's": {false, func(d *topics.RuleDeployment) { d.Approver = "" }, "no second person's approval"},
		"under another slot":              {true, func(d *topics.RuleDeployment) { d.Slot, d.Approver = topics.RulesCandidate, "" }, "no second person's approval"},
		"not compressed":                  {false, func(d *topics.RuleDeployment) { d.Archive = []byte(`{"files":[]}`) }, "archive of rules"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newDeployment(t)
			record := topics.RuleDeployment{Slot: topics.RulesLive, RuleSet: good.Set.Hash(), Rules: 1, At: w.clock, Author: "ann",
				Approver: "bob", Comment: "a test", Archive: good.Archive}
			w.write(topics.RuleSetKey(record.RuleSet), &record)
			w.write(topics.RuleHistoryKey(record.At), &record)
			w.write(topics.RulesLive, &record)
			d := w.rules(c.fourEyes)
			w.follow(d)
			if err := d.live.Status().Err; err != nil || d.live.Set().Hash() != good.Set.Hash() {
				t.Fatalf("%s, %v", d.live.Set().Hash(), err)
			}
			bad := record
			bad.At = bad.At.Add(time.Hour)
			c.change(&bad)
			w.write(topics.RulesLive, &bad)
			w.until("the bad deployment is told", func() bool { return d.live.Status().Err != nil })
			later := w.rules(c.fourEyes)
			reader, err := later.start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			reader.Close()
			for _, of := range []*deployedRules{d, later} {
				if err := of.live.Status().Err; err == nil || !strings.Contains(err.Error(), c.says) || of.live.Set().Hash() != good.Set.Hash() {
					t.Errorf("%s, %v; want %s and %q", of.live.Set().Hash(), err, good.Set.Hash(), c.says)
				}
				if broken := testutil.ToFloat64(of.live.metrics.broken.WithLabelValues(topics.RulesLive)); broken != 1 {
					t.Errorf("weir_rules_broken is %v", broken)
				}
			}
			w.deploy(good, topics.RulesCandidate)
			w.until("the next deployment is seen", func() bool { return d.candidate.Set() != nil })
		})
	}
}

// TestNoDeployedRulesCanBeUsed: the built-in example must not decide in place of what somebody deployed.
func TestNoDeployedRulesCanBeUsed(t *testing.T) {
	w := newDeployment(t)
	w.write(topics.RulesLive, &topics.RuleDeployment{Slot: topics.RulesLive, RuleSet: "abc", At: w.clock, Author: "ann", Comment: "a test", Archive: []byte("x")})
	if _, err := w.rules(false).start(t.Context()); err == nil || !strings.Contains(err.Error(), "no rule set of risk.rules.v1 can be used") {
		t.Errorf("error %v", err)
	}
}
