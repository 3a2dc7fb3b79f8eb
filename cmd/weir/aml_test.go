package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/aml/graph"
)

func TestAMLEvaluate(t *testing.T) {
	evaluate := func(args ...string) (code int, out, errOut string) {
		var o, e bytes.Buffer
		code = run(t.Context(), &app{out: &o, errOut: &e}, append([]string{"aml", "evaluate", "--customers", "110", "--days", "75", "--plants", "1"}, args...))
		return code, o.String(), e.String()
	}
	dir := filepath.Join(t.TempDir(), "pictures")
	code, out, errOut := evaluate("--pictures", dir)
	if code != exitOK || !regexp.MustCompile(`(?s)^\d+ events, 18 cases planted\n.*\n +cycle +1 +1 +100 % .*\n +all that is looked for +8 +8 +100 % .*events/s`).MatchString(out) {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "cycle-*.html"))
	if err != nil || len(pages) != 1 {
		t.Fatalf("pages of cycles: %v, %v", pages, err)
	}
	text, err := os.ReadFile(strings.TrimSuffix(pages[0], ".html") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var data graph.Subgraph
	if err := json.Unmarshal(text, &data); err != nil || data.Pattern != graph.Cycle || len(data.Flows) < 3 {
		t.Errorf("data of %s: %+v, %v", pages[0], data, err)
	}
	code, out, _ = evaluate("--json", "--seed", "7")
	var report struct{ Typologies []struct{ Planted int } }
	if err := json.Unmarshal([]byte(out), &report); code != exitOK || err != nil || len(report.Typologies) != 18 || report.Typologies[0].Planted != 1 {
		t.Errorf("exit %d, %v\n%s", code, err, out)
	}
	if code, _, errOut := evaluate("--days", "5"); code != exitUsage || errOut != "weir: days is 5, want 75 to 365\n" {
		t.Errorf("exit %d: %s", code, errOut)
	}
}
