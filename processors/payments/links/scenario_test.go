package links_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/reference/schematest"
)

var update = flag.Bool("update", false, "rewrite what the scenarios expect")

const scenarioDir = "../../../testdata/scenarios/links"

// TestScenarios runs each scenario of testdata/scenarios/links, whose README describes the language.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scenarioDir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", scenarioDir, err)
	}
	schemas := schematest.Compile(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			w.schemas = schemas
			got := w.play(string(text))
			if *update && got != string(text) {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("%s differs from what happens:\n%s\nRun with -update to rewrite, then read the diff.", file, got)
			}
		})
	}
}

// play runs a scenario and returns it with what came out in the place of what it expects.
func (w *world) play(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") {
			continue // expected; written anew
		}
		out.WriteString(line)
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		for _, result := range w.do(line) {
			out.WriteString("  " + result + "\n")
		}
	}
	return out.String()
}
