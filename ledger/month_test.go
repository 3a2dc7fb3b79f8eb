package ledger

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMonthRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Month{rapid.IntRange(1, 9999).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month"))}
		if got, err := ParseMonth(m.String()); err != nil || got != m {
			t.Fatalf("ParseMonth(%q) = %v, %v", m.String(), got, err)
		}
		if MonthOf(m.Start()) != m || MonthOf(m.End().Add(-1)) != m || MonthOf(m.End()) != m.Next() {
			t.Fatalf("%v begins %v and ends %v", m, m.Start(), m.End())
		}
		if !m.Before(m.Next()) || m.Next().Before(m) || m.Before(m) {
			t.Fatalf("%v and %v are not in order", m, m.Next())
		}
	})
	for _, s := range []string{"", "2026", "2026-13", "2026-00", "2026-1", "10-2026", "2026-10-01", "2026-10 "} {
		if m, err := ParseMonth(s); err == nil {
			t.Errorf("ParseMonth(%q) = %v, want an error", s, m)
		}
	}
}

func TestLatePeriod(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	september, december := Month{2026, time.September}, Month{2026, time.December}
	for name, c := range map[string]struct {
		booked, effective string
		closed            Month
		want              string
	}{
		"nothing closed":             {"2026-11-03", "", Month{}, ""},
		"back-dated, open":           {"2026-11-03", "2026-10-31", september, ""},
		"back-dated, closed":         {"2026-11-03", "2026-09-30", september, "2026-10"},
		"long ago":                   {"2026-11-03", "2024-02-01", september, "2026-10"},
		"the year's end is closed":   {"2027-01-01", "2026-12-31", december, "2027-01"},
		"booked when it took place":  {"2026-10-01", "", september, ""},
		"the last moment of a month": {"2026-10-01", "2026-09-30", Month{2026, time.August}, ""},
	} {
		e := Entry{At: day(c.booked)}
		if c.effective != "" {
			e.Effective = day(c.effective)
		}
		if got := e.LatePeriod(c.closed); got != c.want {
			t.Errorf("%s: period %q, want %q", name, got, c.want)
		}
	}
}
