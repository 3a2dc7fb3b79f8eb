package lifecycle_test

import (
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/internal/scenario"
)

var update = flag.Bool("update", false, "rewrite what the scenarios expect")

const scenarioDir = "../../../testdata/scenarios"

// TestScenarios runs each scenario of testdata/scenarios, whose README describes the language.
func TestScenarios(t *testing.T) { runScenarios(t, scenarioDir) }

func runScenarios(t *testing.T, dir string) {
	schemas := schematest.Compile(t)
	scenario.Run(t, dir, *update, func(t *testing.T) func(string) []string { return begin(t, schemas) })
}

// begin makes the world of a scenario. Every record on the way is held to its schema.
func begin(t *testing.T, schemas schematest.Schemas) func(line string) []string {
	w := newWorld(t)
	w.schemas = schemas
	return func(line string) []string {
		results, err := w.do(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return results
	}
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
