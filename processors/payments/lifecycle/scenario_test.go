package lifecycle_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/reference/schematest"
)

var update = flag.Bool("update", false, "rewrite what the scenarios expect")

const scenarioDir = "../../../testdata/scenarios"

// TestScenarios runs each scenario of testdata/scenarios, whose README describes the language.
func TestScenarios(t *testing.T) { runScenarios(t, scenarioDir) }

func runScenarios(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", dir, err)
	}
	schemas := schematest.Compile(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := play(t, string(text), schemas)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if *update {
				if !bytes.Equal(text, []byte(got)) {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				return
			}
			if diff := firstDifference(string(text), got); diff != "" {
				t.Fatalf("%s: %s\n\nRun with -update to rewrite, then read the diff.", file, diff)
			}
		})
	}
}

// play runs a scenario and returns it with what came out in the place of what it expects. Every record on the way is
// held to its schema.
func play(t *testing.T, text string, schemas schematest.Schemas) (string, error) {
	w := newWorld(t)
	w.schemas = schemas
	var out strings.Builder
	for number, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
			continue // expected; written anew
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
			continue
		}
		out.WriteString(line + "\n")
		results, err := w.do(line)
		if err != nil {
			return "", fmt.Errorf("line %d: %q: %w", number+1, line, err)
		}
		for _, result := range results {
			out.WriteString("  " + result + "\n")
		}
	}
	return out.String(), nil
}

func firstDifference(want, got string) string {
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(wants), len(gots)) {
		w, g := "", ""
		if i < len(wants) {
			w = wants[i]
		}
		if i < len(gots) {
			g = gots[i]
		}
		if w != g {
			return fmt.Sprintf("line %d\nwant %q\ngot  %q", i+1, w, g)
		}
	}
	return ""
}

// shortDuration writes 1m30s, 15m or 168h without zero parts.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
