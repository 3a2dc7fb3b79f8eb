package risk

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirhq/weir/internal/filewatch"
	"github.com/weirhq/weir/rules"
	defaultrules "github.com/weirhq/weir/testdata"
	"github.com/weirhq/weir/topics"
)

// RuleSource holds the rule set in force and replaces it when its files change. A set with any mistake, or with a
// failing inline test, never comes into force: the last good one stays.
type RuleSource struct {
	name    string   // live or candidate, of metrics
	paths   []string // none: the default set
	log     *slog.Logger
	metrics *metrics
	current atomic.Pointer[rules.Set] // nil: there is no candidate

	mu     sync.Mutex
	status RuleStatus
	seen   filewatch.Stamps // of the files, when they were last read
	// taken is when the set in force was taken into force, in milliseconds since 1970; later than any before it in this
	// process, whatever the clock does.
	taken int64
}

// RuleStatus says what is in force.
type RuleStatus struct {
	Hash     string
	Rules    int
	Paths    []string // none: the default set
	LoadedAt time.Time
	// Err is why what is on disk, or what was deployed last, is not in force; nil where it is. Its text shows each mistake
	// with its line.
	Err error
}

// CheckRules says what New would say of the rule files at paths.
func CheckRules(paths []string) error {
	_, err := (&RuleSource{paths: paths}).first()
	return err
}

// openRules loads the rule set at paths, or the default set where there are none. An error is one of the files and
// stops the start.
func openRules(paths []string, log *slog.Logger, m *metrics) (*RuleSource, error) {
	s := &RuleSource{name: topics.RulesLive, paths: paths, log: log, metrics: m}
	set, err := s.first()
	if err != nil {
		return nil, err
	}
	s.take(set)
	return s, nil
}

// openCandidate loads the candidate at paths. It stops no start: a candidate that cannot be used is told, and waited for.
func openCandidate(paths []string, log *slog.Logger, m *metrics) *RuleSource {
	s := &RuleSource{name: topics.RulesCandidate, paths: paths, log: log, metrics: m}
	if len(paths) > 0 {
		_ = s.Reload() // logged, counted and kept in the status
	}
	return s
}

func (s *RuleSource) first() (set *rules.Set, err error) {
	if set, s.seen, err = s.read(); err != nil {
		return nil, fmt.Errorf("rules cannot be used:\n%w", err)
	}
	return set, nil
}

// Set is the rule set in force.
func (s *RuleSource) Set() *rules.Set { return s.current.Load() }

// version orders the rule sets of all processes for velocity: it is when this one took its set into force. When the files
// were written or the set was deployed says less: who goes back to an earlier set wants that one.
func (s *RuleSource) version() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Status says which set is in force and whether the files on disk are broken.
func (s *RuleSource) Status() RuleStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// read compiles the files and runs their tests. seen is how the files were before they were read, so that a change
// while they are read is noticed afterwards.
func (s *RuleSource) read() (set *rules.Set, seen filewatch.Stamps, err error) {
	began := time.Now()
	seen = s.look(s.Set())
	if len(s.paths) == 0 {
		set, err = rules.LoadFS(defaultrules.FS, defaultrules.Dir)
	} else {
		set, err = rules.Load(s.paths...)
	}
	if err != nil {
		return nil, seen, err
	}
	// A list that the files named for the first time was not looked at before. One that is new is left out: it counts
	// as changed and is read once more.
	seen.AddOlder(s.look(set), began)
	if _, failures := set.Test(); len(failures) > 0 {
		return nil, seen, failures
	}
	return set, seen, nil
}

func (s *RuleSource) take(set *rules.Set) {
	s.enforce(set)
	s.mu.Lock()
	s.status = RuleStatus{Hash: set.Hash(), Rules: len(set.Rules()), Paths: s.paths, LoadedAt: time.Now()}
	s.mu.Unlock()
	s.log.Info("rules in force", "set", s.name, "rule_set", set.Hash(), "rules", len(set.Rules()), "paths", s.paths)
}

// enforce puts a set into force, after its version: it never goes with that of one before it.
func (s *RuleSource) enforce(set *rules.Set) {
	s.mu.Lock()
	s.taken = max(s.taken+1, time.Now().UnixMilli())
	s.mu.Unlock()
	s.current.Store(set)
}

// Reload reads the files again and takes them into force if they are good; otherwise the error says why, and the set
// in force stays.
func (s *RuleSource) Reload() error {
	set, seen, err := s.read()
	s.mu.Lock()
	s.seen = seen
	s.mu.Unlock()
	return s.replace(set, err)
}

// replace takes a new set into force, or tells why there is none.
func (s *RuleSource) replace(set *rules.Set, err error) error {
	s.metrics.reloaded(s.name, err)
	s.mu.Lock()
	repaired, inForce := s.status.Err != nil && err == nil, s.status.Hash
	s.status.Err = err
	s.mu.Unlock()
	if err != nil {
		s.log.Error("new rules are broken; the last good set stays in force", "set", s.name, "rule_set", inForce, "error", err)
		return err
	}
	if s.Set() == nil || set.Hash() != s.Set().Hash() {
		s.take(set)
		return nil
	}
	s.enforce(set) // the same decisions; descriptions and tests may have changed
	if repaired {
		s.log.Info("rules are good again", "rule_set", set.Hash())
	}
	return nil
}

// deploy takes a set that was deployed into force, or tells why it cannot.
func (s *RuleSource) deploy(set *rules.Set, err error) {
	_ = s.replace(set, err) // logged, counted and kept in the status
}

// drop ends a candidate.
func (s *RuleSource) drop() {
	s.current.Store(nil)
	s.mu.Lock()
	s.status = RuleStatus{}
	s.mu.Unlock()
	s.log.Info("there is no set any more", "set", s.name)
}

// Watch reloads the rules when their files change, until the context ends.
func (s *RuleSource) Watch(ctx context.Context) error {
	if len(s.paths) == 0 {
		<-ctx.Done()
		return nil
	}
	filewatch.Watch{
		What: "rule files", Log: s.log, Directories: s.directories,
		Stale:  func() bool { return s.changed() || s.Status().Err != nil }, // what a broken file names may stand anywhere
		Reload: func() { _ = s.Reload() },                                   // logged, counted and kept in the status
	}.Run(ctx)
	return nil
}

func (s *RuleSource) directories() []string {
	directories := map[string]bool{}
	for _, p := range s.paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			directories[filepath.Clean(p)] = true
		} else {
			directories[filepath.Dir(p)] = true
		}
	}
	if set := s.Set(); set != nil {
		for _, f := range set.Files() {
			directories[filepath.Dir(filepath.FromSlash(f))] = true
		}
	}
	return slices.Collect(maps.Keys(directories))
}

// changed tells whether any file is not as it was when the rules were last read.
func (s *RuleSource) changed() bool {
	now := s.look(s.Set())
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Same(s.seen)
}

// look takes time and size of every file that the rules were or may be read from: those of the set, and everything
// in the directories.
func (s *RuleSource) look(set *rules.Set) filewatch.Stamps {
	stamps := filewatch.Stamps{}
	for _, p := range s.paths {
		stamps.Note(p)
		entries, err := os.ReadDir(p)
		if err != nil {
			continue
		}
		for _, e := range entries {
			stamps.Note(filepath.Join(p, e.Name()))
		}
	}
	if set != nil {
		for _, f := range set.Files() {
			stamps.Note(filepath.FromSlash(f))
		}
	}
	return stamps
}
