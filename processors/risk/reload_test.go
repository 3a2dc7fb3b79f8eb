package risk

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/rules"
)

const goodRules = `version: 1
lists:
  devices: { file: lists/devices.csv }
rules:
  - name: denied_device
    when: context.device_id in list("devices")
    outcome: block
    on_missing: hold
    tests:
      - { given: { context.device_id: dev_1 }, expect: hit }
`

// ruleDirectory is a directory with a good rule set.
func ruleDirectory(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	write(t, filepath.Join(directory, "deposits.yaml"), goodRules)
	write(t, filepath.Join(directory, "lists", "devices.csv"), "value,expires,reason\ndev_1,,stolen\n")
	return directory
}

// write replaces a file as editors do: by renaming.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatal("never: ", what)
		case <-tick.C:
		}
	}
}

// lockedBuffer is a log that a test reads while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func watched(t *testing.T, paths ...string) (*RuleSource, *lockedBuffer) {
	t.Helper()
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	s, err := openRules(paths, slog.New(slog.NewTextHandler(log, nil)), m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Watch(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, log
}

func TestWatchTakesEditsIntoForce(t *testing.T) {
	directory := ruleDirectory(t)
	s, _ := watched(t, directory)
	first := s.Set().Hash()

	write(t, filepath.Join(directory, "lists", "devices.csv"), "value,expires,reason\ndev_1,,stolen\ndev_2,,stolen\n")
	eventually(t, "an edited list is in force", func() bool { return s.Set().Hash() != first })
	second := s.Set().Hash()

	write(t, filepath.Join(directory, "more.yml"), "version: 1\nrules:\n  - { name: big, when: payment.amount > money(\"5.00 EUR\"), outcome: hold, on_missing: hold }\n")
	eventually(t, "a new file is in force", func() bool { return len(s.Set().Rules()) == 2 && s.Set().Hash() != second })
	if status := s.Status(); status.Err != nil || status.Hash != s.Set().Hash() || status.Rules != 2 {
		t.Errorf("status %+v", status)
	}

	if err := os.Remove(filepath.Join(directory, "more.yml")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a removed file is out of force", func() bool { return s.Set().Hash() == second })
}

func TestWatchKeepsTheLastGoodSet(t *testing.T) {
	for name, broken := range map[string]string{
		"misspelt field": strings.Replace(goodRules, "context.device_id in", "context.devise_id in", 1),
		"not YAML":       goodRules + "\n\t- x: [",
		"failing test":   strings.Replace(goodRules, "expect: hit", "expect: miss", 1),
		"missing list":   strings.Replace(goodRules, "devices.csv", "nowhere.csv", 1),
		"empty":          "",
	} {
		t.Run(name, func(t *testing.T) {
			directory := ruleDirectory(t)
			s, log := watched(t, directory)
			good := s.Set()
			write(t, filepath.Join(directory, "deposits.yaml"), broken)
			eventually(t, "the mistake is known", func() bool { return s.Status().Err != nil })
			if s.Set() != good || s.Status().Hash != good.Hash() {
				t.Error("the broken file is in force")
			}
			if err := s.Status().Err; !strings.Contains(err.Error(), "deposits.yaml") {
				t.Errorf("status %v", err)
			}
			eventually(t, "the log names the file", func() bool { return strings.Contains(log.String(), "deposits.yaml") })
			write(t, filepath.Join(directory, "deposits.yaml"), goodRules+"\n# repaired\n")
			eventually(t, "the repair is known", func() bool { return s.Status().Err == nil })
		})
	}
}

func TestWatchSurvivesThatTheDirectoryGoesAway(t *testing.T) {
	directory := ruleDirectory(t)
	s, _ := watched(t, directory)
	good := s.Set()
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the loss is known", func() bool { return s.Status().Err != nil })
	if s.Set() != good {
		t.Error("the set in force is lost")
	}
}

func TestABrokenRuleFileStopsTheStart(t *testing.T) {
	directory := ruleDirectory(t)
	write(t, filepath.Join(directory, "deposits.yaml"), strings.Replace(goodRules, "context.device_id in", "context.devise_id in", 1))
	_, err := New(Config{Partitions: 1, Rules: []string{directory}})
	var problems rules.Problems
	if !errors.As(err, &problems) || !strings.Contains(err.Error(), `deposits.yaml:6:11: unknown field "context.devise_id"`) ||
		!strings.Contains(err.Error(), `did you mean "context.device_id"?`) {
		t.Errorf("error %v", err)
	}
	if _, err := New(Config{Partitions: 1, Rules: []string{filepath.Join(directory, "absent")}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that the path does not exist", err)
	}
}

func TestReloadKeepsTheSetThatDecidesTheSame(t *testing.T) {
	directory := ruleDirectory(t)
	s, _ := watched(t, directory)
	hash := s.Set().Hash()
	write(t, filepath.Join(directory, "deposits.yaml"), "# a comment\n"+goodRules)
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if s.Set().Hash() != hash {
		t.Error("a comment changed the hash")
	}
}

// TestTheSetThatIsTakenLastHasTheHighestVersion: files put back as they were, with the time they had, are a later set for
// velocity, in this process and in one that starts later; broken ones change nothing.
func TestTheSetThatIsTakenLastHasTheHighestVersion(t *testing.T) {
	directory := ruleDirectory(t)
	file := filepath.Join(directory, "deposits.yaml")
	open := func() *RuleSource {
		metrics, err := newMetrics(nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := openRules([]string{directory}, slog.New(slog.DiscardHandler), metrics)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	s.taken += time.Hour.Milliseconds() // a clock that is set back
	hash, version := s.Set().Hash(), s.version()
	for _, c := range []struct {
		text  string
		taken bool
	}{{strings.Replace(goodRules, "outcome: block", "outcome: hold", 1), true}, {"version: [", false}, {goodRules, true}, {"# again\n" + goodRules, true}} {
		write(t, file, c.text)
		if err := os.Chtimes(file, time.Time{}, time.UnixMilli(1)); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(); (err == nil) != c.taken {
			t.Fatalf("%q: %v", c.text, err)
		}
		if now := s.version(); (now > version) != c.taken {
			t.Errorf("%q: version %d after %d", c.text, now, version)
		}
		version = s.version()
	}
	before := time.Now()
	if later := open(); later.Set().Hash() != hash || later.version() < before.UnixMilli() {
		t.Errorf("a later process: %s, version %d, want %s and at least %d", later.Set().Hash(), later.version(), hash, before.UnixMilli())
	}
}
