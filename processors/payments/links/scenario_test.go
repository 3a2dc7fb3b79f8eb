package links_test

import (
	"flag"
	"testing"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/internal/scenario"
)

var update = flag.Bool("update", false, "rewrite what the scenarios expect")

// TestScenarios runs each scenario of testdata/scenarios/links, whose README describes the language.
func TestScenarios(t *testing.T) {
	schemas := schematest.Compile(t)
	scenario.Run(t, "../../../testdata/scenarios/links", *update, func(t *testing.T) func(string) []string {
		w := newWorld(t)
		w.schemas = schemas
		return w.do
	})
}
