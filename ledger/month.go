package ledger

import (
	"fmt"
	"time"
)

// Month is an accounting period: a calendar month in UTC. The zero Month stands before all others.
type Month struct {
	Year  int
	Month time.Month
}

// MonthOf is the month in which a time lies.
func MonthOf(t time.Time) Month {
	year, month, _ := t.UTC().Date()
	return Month{year, month}
}

// ParseMonth reads "2026-10".
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return Month{}, fmt.Errorf("month %.32q: want year and month, such as \"2026-10\"", s)
	}
	return MonthOf(t), nil
}

// String is "2026-10".
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year, int(m.Month)) }

// Next is the month after m.
func (m Month) Next() Month { return MonthOf(m.End()) }

// Before says that m ends before n begins.
func (m Month) Before(n Month) bool {
	return m.Year < n.Year || m.Year == n.Year && m.Month < n.Month
}

// Start is the first moment of the month.
func (m Month) Start() time.Time { return time.Date(m.Year, m.Month, 1, 0, 0, 0, 0, time.UTC) }

// End is the first moment after the month.
func (m Month) End() time.Time { return time.Date(m.Year, m.Month+1, 1, 0, 0, 0, 0, time.UTC) }

// LatePeriod is the period that an entry counts in, where that is not the month in which it took place: the first open
// one after closed, up to which all months are closed for its tenant (the zero Month: none is). "" otherwise. A late item
// thus keeps its effective time and changes no figure that was reported.
func (e *Entry) LatePeriod(closed Month) string {
	if closed.Before(MonthOf(e.TookPlace())) {
		return ""
	}
	return closed.Next().String()
}

// TookPlace is when what is booked took place.
func (e *Entry) TookPlace() time.Time {
	if e.Effective.IsZero() {
		return e.At
	}
	return e.Effective
}
