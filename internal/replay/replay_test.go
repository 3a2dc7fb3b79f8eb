package replay

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// world is an inbox and a decision log as risk and payments write them.
type world struct {
	*testing.T
	kafka  []kgo.Opt
	client *kgo.Client
	set    *rules.Set
	clock  time.Time
	edits  *rules.Edits // of lists
}

func newWorld(t *testing.T) *world {
	b := brokertest.New(t, 2)
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(`
version: 1
lists:
  denied: { entries: [{ value: dev_1, expires: "2026-03-01T12:00:30Z" }] }
rules:
  - { name: denied, when: context.device_id in list("denied"), outcome: block, on_missing: hold }
  - { name: abroad, when: ip.country != card.country && bin.risk > 50, outcome: step_up, on_missing: pass, score: 5 }
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, b.Config.Options(slog.New(slog.DiscardHandler)), b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())), set,
		time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), nil}
}

// assessed writes a command to the inbox as it is assessed a second later than the one before, and returns its decision as
// payments publishes it.
func (w *world) assessed(i int, device string, tripped ...string) topics.Decision {
	w.Helper()
	in := topics.AssessedCommand{
		Command: topics.Command{CommandID: fmt.Sprintf("0190a3c4-5b6d-7e8f-9a0b-%012x", i), Type: topics.CommandCreate, Tenant: "acme",
			CustomerID: "cus_1", Amount: 100, Currency: "EUR", Card: &topics.Card{Country: "DE"}, Context: &topics.Context{DeviceID: device}},
		Enrichment: &topics.Enrichment{IPCountry: "US", BIN: &topics.BIN{Risk: 90}}, AssessedAt: w.clock,
	}
	in.Decision = w.set.Evaluate(rules.Input{Command: &in.Command, Enrichment: in.Enrichment, Now: in.AssessedAt, Tripped: tripped, Edits: w.edits})
	w.clock = w.clock.Add(time.Second)
	d := in.Decision
	d.Tenant, d.CustomerID, d.PaymentID, d.Enrichment = "acme", "cus_1", "pay", in.Enrichment
	d.At = w.produce(topics.Inbox, topics.TypeAssessedCommand, &in)
	d.Candidate = &topics.CandidateDecision{RuleSet: "another", Outcome: topics.OutcomeBlock}
	return d
}

// produce writes a record and returns its time, which on a cluster is the broker's.
func (w *world) produce(topic, kind string, value any) time.Time {
	w.Helper()
	data, err := topics.Marshal(value)
	if err != nil {
		w.Fatal(err)
	}
	r := &kgo.Record{Topic: topic, Partition: 1, Value: data, Timestamp: w.clock, Headers: []kgo.RecordHeader{{Key: topics.HeaderType, Value: []byte(kind)}}}
	if err := w.client.ProduceSync(w.Context(), r).FirstErr(); err != nil {
		w.Fatal(err)
	}
	reader, err := broker.OpenPartition(w.kafka, topic, r.Partition, r.Offset, r.Offset+1)
	if err != nil {
		w.Fatal(err)
	}
	defer reader.Close()
	stored, err := reader.Next(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return stored.Timestamp
}

func (w *world) publish(d topics.Decision) { w.produce(topics.Decisions, topics.TypeDecision, &d) }

func (w *world) replay(since time.Time) (Summary, []*Difference) {
	w.Helper()
	var differences []*Difference
	s, err := Run(w.Context(), Config{Kafka: w.kafka, Since: since, Edits: w.edits,
		Set: func(hash string) *rules.Set {
			if hash == w.set.Hash() {
				return w.set
			}
			return nil
		},
		Differs: func(d *Difference) error { differences = append(differences, d); return nil }})
	if err != nil {
		w.Fatal(err)
	}
	return s, differences
}

func TestReplayReproduces(t *testing.T) {
	w := newWorld(t)
	outcomes := map[topics.Outcome]int{}
	var last topics.Decision
	for i := range 60 { // dev_1 is denied for the first half minute
		last = w.assessed(i, "dev_1")
		outcomes[last.Outcome]++
		if i%2 == 0 {
			w.clock = w.clock.Add(5 * time.Second) // of another process: later than the commands that stand behind it
			w.produce(topics.Inbox, topics.TypeTimerDue, &topics.TimerDue{})
			w.clock = w.clock.Add(-5 * time.Second)
		}
		w.publish(last)
	}
	if outcomes[topics.OutcomeBlock] != 30 || outcomes[topics.OutcomeStepUp] != 30 {
		t.Fatalf("outcomes %v", outcomes)
	}
	w.publish(w.assessed(60, "dev_2", "abroad")) // a breaker had put the rule in the shadow
	if s, differences := w.replay(time.Time{}); s.Same != 61 || s.Different+s.Gone+len(s.Unknown) != 0 {
		t.Errorf("%+v, %+v", s, differences)
	}
	if s, _ := w.replay(last.At); s.Same != 2 {
		t.Errorf("since the last two: %+v", s)
	}
}

// TestReplayTells: what was changed in the log is found, whatever it is.
func TestReplayTells(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*topics.Decision)
		want   string
	}{
		"outcome":      {func(d *topics.Decision) { d.Outcome = topics.OutcomePass }, "different"},
		"score":        {func(d *topics.Decision) { d.Score++ }, "different"},
		"a value read": {func(d *topics.Decision) { d.Rules[1].Read["ip.country"] = "DE" }, "different"},
		"a rule less":  {func(d *topics.Decision) { d.Rules = d.Rules[:1] }, "different"},
		"rule set":     {func(d *topics.Decision) { d.RuleSet = "another" }, "unknown"},
		"command":      {func(d *topics.Decision) { d.CommandID = "0190a3c4-0000-7e8f-9a0b-000000000000" }, "gone"},
		"candidate":    {func(d *topics.Decision) { d.Candidate = nil }, "same"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.publish(w.assessed(1, "dev_1"))
			d := w.assessed(2, "dev_1")
			c.change(&d)
			w.publish(d)
			w.publish(w.assessed(3, "dev_1"))
			s, differences := w.replay(time.Time{})
			got := map[string]int{"different": s.Different, "unknown": s.Unknown["another"], "gone": s.Gone, "same": s.Same - 2}
			for what, n := range got {
				if want := map[bool]int{true: 1}[what == c.want]; n != want {
					t.Errorf("%s: %d, want %d (%+v)", what, n, want, s)
				}
			}
			if len(differences) != s.Different {
				t.Errorf("%d differences are told", len(differences))
			}
		})
	}
}
