package risk

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func compile(t *testing.T, text string) *rules.Set {
	t.Helper()
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte("version: 1\n" + text)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

const blocksAll = "rules: [{ name: all, when: payment.currency == \"EUR\", outcome: block, score: 9, overridable: false }]\n"

// TestACandidateChangesNothing: what is decided is the same with a candidate that blocks all, one that panics, and none;
// what it said is recorded and counted.
func TestACandidateChangesNothing(t *testing.T) {
	live := compile(t, "rules: [{ name: large, when: payment.amount > money(\"10.00 EUR\"), outcome: step_up, on_missing: hold, score: 1 }]\n")
	strict := compile(t, blocksAll)
	decisions := map[string]topics.Decision{}
	for name, set := range map[string]*rules.Set{"none": nil, "strict": strict, "broken": {}} {
		a, err := assessorOf(live)
		if err != nil {
			t.Fatal(err)
		}
		a.candidate = &candidate{set: func() *rules.Set { return set }, edits: unedited}
		m, in, _ := assess(t, a, create())
		said := in.Decision.Candidate
		in.Decision.Candidate = nil
		decisions[name] = in.Decision
		var want *topics.CandidateDecision
		label := ""
		switch name {
		case "strict":
			want, label = &topics.CandidateDecision{RuleSet: strict.Hash(), Outcome: topics.OutcomeBlock, Reasons: []string{"all"}, Score: 9}, "block"
		case "broken":
			want, label = &topics.CandidateDecision{}, "failed"
		}
		if !reflect.DeepEqual(said, want) {
			t.Errorf("%s: the candidate said %+v, want %+v", name, said, want)
		}
		if label != "" && testutil.ToFloat64(a.metrics.candidates.WithLabelValues("step_up", label)) != 1 {
			t.Errorf("%s: it is not counted", name)
		}
		if len(m.Value) == 0 || !in.AssessedAt.Equal(time.Unix(1_800_000_000, 0)) {
			t.Errorf("%s: assessed at %s", name, in.AssessedAt)
		}
	}
	for name, d := range decisions {
		if !reflect.DeepEqual(d, decisions["none"]) || d.Outcome != topics.OutcomeStepUp {
			t.Errorf("%s: %+v, without a candidate %+v", name, d, decisions["none"])
		}
	}
}

// TestACandidateOfFiles: one that is broken stops no start, is told, and is taken up once it is mended.
func TestACandidateOfFiles(t *testing.T) {
	w := newDeployment(t)
	name := filepath.Join(t.TempDir(), "candidate.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte("version: 1\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rules: [{ name: all, whn: true }]\n")
	role, err := New(Config{Kafka: w.kafka, Partitions: partitions, Candidate: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	if err := role.RulesBroken(); err == nil || !strings.Contains(err.Error(), "the candidate is not used") || role.candidate.Set() != nil {
		t.Errorf("a broken candidate: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- role.candidate.Watch(ctx) }()
	write(blocksAll)
	w.until("the mended candidate is used", func() bool { return role.candidate.Set() != nil })
	cancel()
	if err := <-done; err != nil || role.RulesBroken() != nil {
		t.Errorf("%v, %v", err, role.RulesBroken())
	}
}

// TestACandidateHasTheAnswersThatMeanTheSame: an answer to another question of the same name is missing for it.
func TestACandidateHasTheAnswersThatMeanTheSame(t *testing.T) {
	text := func(window string) string {
		return "velocity: [{ name: tries, aggregate: count, events: [attempt], by: card.fingerprint, window: " + window + " }]\n" +
			"rules: [{ name: many, when: velocity.tries > 3, outcome: block, on_missing: hold }]\n"
	}
	live := compile(t, text("1h"))
	in := rules.Input{Command: &topics.Command{Type: topics.CommandCreate, Tenant: "acme"}, Features: map[string]topics.Feature{"tries": {Value: 5}}}
	for window, want := range map[string]topics.Outcome{"1h": topics.OutcomeBlock, "24h": topics.OutcomeHold} {
		set := compile(t, text(window))
		c := &candidate{set: func() *rules.Set { return set }, edits: unedited}
		if said := c.decide(live, in); said.Outcome != want {
			t.Errorf("window %s: %+v, want %s", window, said, want)
		}
		if in.Features["tries"].Value != 5 {
			t.Error("the answers of the live set were changed")
		}
	}
}
