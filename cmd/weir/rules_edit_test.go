package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRulesInit(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "rules")
	code, out, errOut := rulesOutput(t, "init", directory)
	if code != exitOK || !strings.Contains(out, filepath.Join(directory, "lists", "blocked_bins.csv")) {
		t.Fatalf("%d, %s%s", code, out, errOut)
	}
	if code, out, errOut := rulesOutput(t, "test", directory); code != exitOK || strings.Contains(out, "has no tests") {
		t.Errorf("what it wrote: %d, %s%s", code, out, errOut)
	}
	if code, _, errOut := rulesOutput(t, "init", directory); code != exitProblem || !strings.Contains(errOut, "is not empty") {
		t.Errorf("a directory that is not empty: %d, %s", code, errOut)
	}
	if code, _, _ := rulesOutput(t, "init"); code != exitUsage {
		t.Errorf("without a directory: %d", code)
	}
}

func TestRulesDiff(t *testing.T) {
	before := writeFile(t, "rules.yaml", "version: 1\nrules:\n  - { name: a, when: tenant == \"x\", outcome: hold }\n  - { name: b, when: tenant == \"y\", outcome: hold }\n")
	after := writeFile(t, "rules.yaml", "version: 1\nrules:\n  - { name: a, when: tenant == \"x\", outcome: block }\n  - { name: c, when: tenant == \"z\", outcome: hold }\n")
	const want = "~ rule a, outcome: hold -> block\n- rule b: tenant == \"y\"\n+ rule c: tenant == \"z\"\n"
	if code, out, errOut := rulesOutput(t, "diff", before, after); code != exitOK || out != want {
		t.Errorf("%d, %s%s, want\n%s", code, out, errOut, want)
	}
	if code, out, _ := rulesOutput(t, "diff", before, before); code != exitOK || out != "both decide the same\n" {
		t.Errorf("the same: %d, %s", code, out)
	}
	if code, _, _ := rulesOutput(t, "diff", before); code != exitUsage {
		t.Errorf("one rule set: %d", code)
	}
}

func TestRulesFmt(t *testing.T) {
	const want = "version: 1\n\nrules:\n  - name: a # why\n    when: tenant == \"x\"\n    outcome: hold\n\n  # the second\n  - name: b\n    when: >\n      tenant\n\n      == \"y\"\n    outcome: hold\n"
	untidy := writeFile(t, "rules.yaml", strings.NewReplacer("1\n\n", "1  \n", "hold\n\n", "hold\n", "why\n", "why\n\n\n").Replace(want)+"\n\n")
	if code, out, errOut := rulesOutput(t, "fmt", "--check", untidy); code != exitProblem || !strings.Contains(out, untidy) {
		t.Errorf("--check: %d, %s%s", code, out, errOut)
	}
	if code, _, errOut := rulesOutput(t, "fmt", untidy); code != exitOK {
		t.Fatalf("%d, %s", code, errOut)
	}
	got, err := os.ReadFile(untidy)
	if err != nil {
		t.Fatal(err)
	}
	if expected := strings.Replace(want, "why\n", "why\n\n", 1); string(got) != expected {
		t.Errorf("got\n%s\nwant\n%s", got, expected)
	}
	if code, out, _ := rulesOutput(t, "fmt", "--check", untidy); code != exitOK || out != "" {
		t.Errorf("laid out already: %d, %s", code, out)
	}
}
