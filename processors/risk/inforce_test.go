package risk

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

// TestInForceFollowsWhatDecides: in a process that assesses nothing, from files and from what is deployed; where rules cannot
// be used the process runs, and says so.
func TestInForceFollowsWhatDecides(t *testing.T) {
	w := newDeployment(t)
	log := slog.New(slog.DiscardHandler)
	follow := func(c Config) *InForce {
		t.Helper()
		c.Kafka, c.Log = w.kafka, log
		f, err := NewInForce(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return f
	}
	path := editableRules(t)
	if f := follow(Config{Rules: []string{path}}); f.Set() == nil || f.Err() != nil {
		t.Errorf("rules of files: %v", f.Err())
	}
	if f := follow(Config{Rules: []string{path + ".not"}}); f.Set() != nil || f.Err() == nil {
		t.Error("rules that are not there are in force")
	}
	deployed := follow(Config{Rules: []string{path}, Deployed: true})
	w.until("the files are in force until something is deployed", func() bool { return deployed.Err() == nil })
	first := w.pack(1)
	w.deploy(first, topics.RulesLive)
	w.until("the deployed set is in force", func() bool { return deployed.Set().Hash() == first.Set.Hash() })
}

// TestInForceWithoutUsableRules: what nobody can use stops no process that only looks at it.
func TestInForceWithoutUsableRules(t *testing.T) {
	w := newDeployment(t)
	w.write(topics.RulesLive, &topics.RuleDeployment{Slot: topics.RulesLive, RuleSet: "abc", At: w.clock, Author: "ann", Comment: "a test", Archive: []byte("x")})
	said := make(logLines, 100)
	f, err := NewInForce(Config{Kafka: w.kafka, Deployed: true, Log: slog.New(slog.NewTextHandler(said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	for !strings.Contains(<-said, "cannot show or edit lists") {
	}
	cancel()
	if err := <-done; err != nil || f.Set() != nil || f.Err() == nil {
		t.Errorf("%v, %v", err, f.Err())
	}
}

// logLines is what was logged, a line each.
type logLines chan string

func (l logLines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}
