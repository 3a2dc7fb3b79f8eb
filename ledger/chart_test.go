package ledger

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated documents")

func TestChartHolds(t *testing.T) {
	seen := map[AccountCode]bool{}
	for _, line := range Chart() {
		if seen[line.Code] {
			t.Errorf("%s stands twice in the chart", line.Code)
		}
		seen[line.Code] = true
		if line.Guarded && line.Class.Normal() != Credit {
			t.Errorf("%s is guarded and debit-normal: the floor of the database is for credit-normal accounts", line.Code)
		}
		if got, ok := line.Code.Line(); !ok || got != line {
			t.Errorf("Line() of %s = %v, %v", line.Code, got, ok)
		}
		if line.Purpose == "" {
			t.Errorf("%s has no purpose", line.Code)
		}
	}
	if _, ok := AccountCode("petty_cash").Line(); ok {
		t.Error("petty_cash is in the chart")
	}
}

// TestChartDocument compares docs/chart-of-accounts.md with the chart; -update rewrites it.
func TestChartDocument(t *testing.T) {
	const path = "../docs/chart-of-accounts.md"
	want := ChartDocument()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s differs from the chart in ledger/chart.go; go test ./ledger -run TestChartDocument -update rewrites it", path)
	}
}
