package gaming

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// DayOf is the date of a moment in UTC.
func DayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// DayIn is the day that a command counts in: that of its record in the brand's time zone, which comes with it, else the one of
// now in UTC. Time zones differ from UTC by less than a day; of a day further away the clock was wrong, or the command has
// waited, and it would be counted where no limit looks.
func DayIn(terms *topics.GamingTerms, now time.Time) string {
	if terms == nil || terms.Day < DayOf(now.AddDate(0, 0, -1)) || terms.Day > DayOf(now.AddDate(0, 0, 1)) {
		return DayOf(now)
	}
	return terms.Day
}

// span is the first and the last date of the period that holds a day. A day that is none is its own period.
func span(p topics.GamingPeriod, day string) (first, last string) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil || p == topics.GamingDay {
		return day, day
	}
	if p == topics.GamingWeek {
		t = t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
		return t.Format(time.DateOnly), t.AddDate(0, 0, 6).Format(time.DateOnly)
	}
	t = t.AddDate(0, 0, 1-t.Day())
	return t.Format(time.DateOnly), t.AddDate(0, 1, -1).Format(time.DateOnly)
}

// keptDays is how far back days are kept: no period is longer.
const keptDays = 31

// oldest is the first day that is kept beside a later one and those that follow it.
func oldest(latest string) string {
	t, err := time.Parse(time.DateOnly, latest)
	if err != nil {
		return latest
	}
	return t.AddDate(0, 0, -keptDays).Format(time.DateOnly)
}
