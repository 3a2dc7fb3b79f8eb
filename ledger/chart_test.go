package ledger

import "testing"

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
		if line.Guarded && line.Partitioned {
			t.Errorf("%s is guarded and partitioned: no row knows what the others hold", line.Code)
		}
		if line.Holder == HeldBySystem && !line.Partitioned {
			t.Errorf("%s is the system's and not partitioned: it would be a hot row", line.Code)
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
