package rules_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/rules"
)

var update = flag.Bool("update", false, "rewrite the expected texts in testdata")

// golden compares a text with the file that holds what is expected.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: run the test with -update and look at the difference; got:\n%s", name, got)
	}
}

// TestErrors: every mistake is told at once, with its place and what would be right.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := rules.Load(file)
			var problems rules.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v, want problems of the file", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", strings.ReplaceAll(err.Error(), "testdata/errors/", "")+"\n")
		})
	}
}

// TestOneMistake: each file of testdata/rules/bad has one mistake; its message says what, where, and what to write instead.
func TestOneMistake(t *testing.T) {
	files, err := filepath.Glob("../testdata/rules/bad/*.yaml")
	if err != nil || len(files) < 60 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := rules.Load(file)
			var problems rules.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v, want problems of the file", err)
			}
			if len(problems) != 1 || problems[0].Line < 1 || problems[0].Column < 1 {
				t.Errorf("want one problem with its place, not\n%s", problems)
			}
			if problems[0].Hint == "" {
				t.Errorf("no word of what to write instead:\n%s", problems)
			}
			text := strings.ReplaceAll(err.Error(), "../testdata/rules/bad/", "") + "\n"
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", text)
		})
	}
}

func TestFailingTestsNameTheirLine(t *testing.T) {
	set, err := rules.Load("testdata/failing.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests, failures := set.Test()
	if tests != 6 {
		t.Errorf("%d tests, want 6", tests)
	}
	golden(t, "testdata/failing.txt", strings.ReplaceAll(failures.Error(), "testdata/", "")+"\n")
}

func TestProblemsAreBounded(t *testing.T) {
	for name, text := range map[string]string{
		"many rules":       "version: 1\nrules:\n" + strings.Repeat("  - { name: a, when: tenant == \"x\", outcome: pass }\n", 2_400),
		"a long line":      "version: 1\nrules: " + strings.Repeat("[", 1<<19),
		"a large file":     "version: 1\n" + strings.Repeat("# comment\n", 1<<18),
		"a long condition": "version: 1\nrules:\n  - when: " + strings.Repeat("(", 4000),
	} {
		_, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(text)}}, nil)
		var problems rules.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("%s: error %v", name, err)
		}
		if size := len(err.Error()); size > 100_000 {
			t.Errorf("%s: the error has %d bytes", name, size)
		}
	}
}
