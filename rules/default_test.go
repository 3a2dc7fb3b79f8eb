package rules_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/rules"
	defaultrules "github.com/weirhq/weir/testdata"
)

func defaultSet(t testing.TB) *rules.Set {
	t.Helper()
	set, err := rules.LoadFS(defaultrules.FS, defaultrules.Dir)
	if err != nil {
		t.Fatalf("the default rule set:\n%s", err)
	}
	return set
}

func TestDefaultRules(t *testing.T) {
	set := defaultSet(t)
	tests, failures := set.Test()
	if len(failures) > 0 {
		t.Fatalf("%d of %d tests:\n%s", len(failures), tests, failures)
	}
	if len(set.Rules()) < 10 {
		t.Errorf("%d rules, want at least 10", len(set.Rules()))
	}
	for _, r := range set.Rules() {
		if len(r.Tests) < 2 {
			t.Errorf("rule %s has %d tests, want a hit and a miss", r.Name, len(r.Tests))
		}
	}
	onDisk, err := rules.Load("../testdata/rules")
	if err != nil {
		t.Fatal(err)
	}
	if onDisk.Hash() != set.Hash() {
		t.Errorf("embedded hash %s, on disk %s", set.Hash(), onDisk.Hash())
	}
}

// TestStarterRules: they pass their tests, alone and beside the built-in rules; each file says what it catches and whom it
// hurts.
func TestStarterRules(t *testing.T) {
	set, err := rules.LoadFS(defaultrules.FS, defaultrules.Starter)
	if err != nil {
		t.Fatal(err)
	}
	if tests, failures := set.Test(); len(failures) > 0 {
		t.Errorf("%d of %d tests:\n%s", len(failures), tests, failures)
	}
	for _, r := range set.Rules() {
		if len(r.Tests) < 2 {
			t.Errorf("rule %s has %d tests, want a hit and a miss", r.Name, len(r.Tests))
		}
	}
	if _, err := rules.Load("../testdata/rules", "../testdata/rules/starter"); err != nil {
		t.Errorf("beside the built-in rules: %v", err)
	}
	for _, name := range set.Files() {
		text, err := defaultrules.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\n# Catches: ") || !strings.Contains(string(text), "\n# Hurts: ") {
			t.Errorf("%s does not say what it catches, or whom it hurts", name)
		}
		if formatted := rules.Format(text); string(formatted) != string(text) {
			t.Errorf("%s: run weir rules fmt", name)
		}
	}
}

// The directory of the built-in rules is one to copy: it holds what rules are made of, and nothing that depends on where
// it stands.
func TestDefaultRulesCanBeCopied(t *testing.T) {
	const dir = "../testdata/rules"
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "bad" {
			return filepath.SkipDir // mistakes to learn from, which nobody loads with the rules
		}
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if ext := filepath.Ext(path); ext != ".yaml" && ext != ".csv" || strings.Contains(string(text), "../") {
			t.Errorf("%s is no rule file or list, or names a file elsewhere", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
