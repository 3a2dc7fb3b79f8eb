package risk

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// TestATrippedRuleIsInTheShadowUntilTheFilesAreSaved: and whoever looks sees it.
func TestATrippedRuleIsInTheShadowUntilTheFilesAreSaved(t *testing.T) {
	directory := ruleDirectory(t)
	rule := filepath.Join(directory, "deposits.yaml")
	guarded := strings.Replace(goodRules, "on_missing: hold", "on_missing: hold\n    breaker: { max_block_rate: 50%, interval: 10m, at_least: 10 }", 1)
	write(t, rule, guarded)
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	source, err := openRules([]string{directory}, slog.New(slog.NewTextHandler(&log, nil)), m)
	if err != nil {
		t.Fatal(err)
	}
	g := &guard{live: source.Set, edits: unedited, log: slog.New(slog.NewTextHandler(&log, nil)), metrics: m}
	evaluate := func(in rules.Input) topics.Decision { return g.evaluate(source.Set(), in) }
	in := rules.Input{Command: &topics.Command{Type: topics.CommandCreate, Context: &topics.Context{DeviceID: "dev_1"}}, Now: time.Unix(1_800_000_000, 0)}
	for i := range 12 {
		want := topics.OutcomeBlock
		if i >= 10 {
			want = topics.OutcomePass
		}
		if d := evaluate(in); d.Outcome != want {
			t.Fatalf("command %d: %s, want %s", i, d.Outcome, want)
		}
	}
	if n := testutil.ToFloat64(m.tripped.WithLabelValues("denied_device")); n != 1 {
		t.Errorf("weir_rules_tripped is %v", n)
	}
	if text := log.String(); strings.Count(text, "a breaker has tripped") != 1 || !strings.Contains(text, "rule=denied_device") {
		t.Errorf("log: %s", text)
	}
	if tripped := g.current().Tripped(); !slices.Equal(tripped, []string{"denied_device"}) {
		t.Errorf("tripped: %q", tripped)
	}
	write(t, rule, guarded+"# looked at\n")
	old := source.Set()
	if err := source.Reload(); err != nil {
		t.Fatal(err)
	}
	if d := evaluate(in); d.Outcome != topics.OutcomeBlock || len(g.current().Tripped()) > 0 || testutil.CollectAndCount(m.tripped) > 0 {
		t.Errorf("after the files were saved: %s, tripped %q", d.Outcome, g.current().Tripped())
	}
	for range 20 { // commands that have waited for velocity meanwhile
		if d := g.evaluate(old, in); d.Outcome != topics.OutcomeBlock {
			t.Errorf("by the set that was in force before: %s", d.Outcome)
		}
	}
	if tripped := g.current().Tripped(); len(tripped) > 0 {
		t.Errorf("they count for the new set: %q", tripped)
	}
}
