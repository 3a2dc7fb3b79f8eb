package main

import (
	"os"
	"os/exec"
	"testing"
)

// TestManualHistories: the Python and the SQL of the manual write, of its table, a history that is measured as the one that it
// shows.
func TestManualHistories(t *testing.T) {
	manual, err := os.ReadFile("../../rules/README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, m := range fenced.FindAllStringSubmatch(string(manual), -1) {
		if m[2] == "" {
			continue
		}
		if err := os.WriteFile(m[2], []byte(m[3]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	measured := func() string {
		code, out, errOut := rulesOutput(t, "backtest", "--rules", "ideas.yaml", "--input", "history.ndjson", "--warmup", "0d", "--json")
		if code != exitOK {
			t.Fatalf("exit %d\n%s%s", code, out, errOut)
		}
		return out
	}
	want := measured()
	for _, c := range []struct{ packages, program string }{
		{"pandas", "exec(open('history.py').read())"},
		{"duckdb", "import duckdb; duckdb.sql(open('history.sql').read())"},
	} {
		t.Run(c.packages, func(t *testing.T) {
			if out, err := exec.CommandContext(t.Context(), "python3", "-c", "import "+c.packages).CombinedOutput(); err != nil {
				t.Skipf("LEFT OUT: this example needs python3 with %s\n%s", c.packages, out)
			}
			if err := os.Remove("history.ndjson"); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), "python3", "-c", c.program).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got := measured(); got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
		})
	}
}
