package lists

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Birth is when somebody was born, as precisely as it is known: a day, or all days from one to another.
type Birth struct {
	From, To time.Time // the first and the last day that it may be, at midnight UTC
	Circa    bool      // it may as well be about then
}

// Exact tells whether it is one day.
func (b Birth) Exact() bool { return b.From.Equal(b.To) && !b.Circa }

// String is a day, a month, a year or a range.
func (b Birth) String() string {
	text := b.From.Format(time.DateOnly) + " to " + b.To.Format(time.DateOnly)
	switch {
	case b.From.Equal(b.To):
		text = b.From.Format(time.DateOnly)
	case b == inYears(b.From.Year(), b.To.Year(), b.Circa):
		text = strconv.Itoa(b.From.Year())
		if b.To.Year() != b.From.Year() {
			text += " to " + strconv.Itoa(b.To.Year())
		}
	case b == inMonth(b.From.Year(), b.From.Month(), b.Circa):
		text = b.From.Format("2006-01")
	}
	if b.Circa {
		return "circa " + text
	}
	return text
}

// MarshalText is String.
func (b Birth) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

func inYears(from, to int, circa bool) Birth {
	return Birth{day(from, 1, 1), day(to, 12, 31), circa}
}

func inMonth(year int, month time.Month, circa bool) Birth {
	first := day(year, month, 1)
	return Birth{first, first.AddDate(0, 1, -1), circa}
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

const (
	firstYear = 1850 // nobody on a list was born before
	lastYear  = 2100
)

func plausible(year int) bool { return year >= firstYear && year <= lastYear }

// ParseBirth reads a date of birth as ISO 8601 writes it: a day, a month or a year.
func ParseBirth(text string) (Birth, error) {
	for layout, span := range map[string]func(time.Time) Birth{
		time.DateOnly: func(t time.Time) Birth { return Birth{From: t, To: t} },
		"2006-01":     func(t time.Time) Birth { return inMonth(t.Year(), t.Month(), false) },
		"2006":        func(t time.Time) Birth { return inYears(t.Year(), t.Year(), false) },
	} {
		if t, err := time.Parse(layout, text); err == nil && plausible(t.Year()) {
			return span(t), nil
		}
	}
	return Birth{}, fmt.Errorf("%q is no date of birth; want a day such as 1961-04-02, a month such as 1961-04 or a year", text)
}

// englishBirth reads what OFAC writes: 10 Dec 1948, Dec 1948, 1948, circa 1948, 1948 to 1950.
func englishBirth(text string) (Birth, bool) {
	rest, circa := strings.CutPrefix(strings.TrimSpace(text), "circa ")
	if from, to, ok := strings.Cut(rest, " to "); ok {
		a, fine := englishBirth(from)
		b, too := englishBirth(to)
		if !fine || !too || b.To.Before(a.From) {
			return Birth{}, false
		}
		return Birth{a.From, b.To, circa || a.Circa || b.Circa}, true
	}
	if from, to, ok := strings.Cut(rest, "-"); ok && len(from) == 4 && len(to) == 4 {
		return yearsBirth(from, to, circa)
	}
	for _, layout := range []string{"2 Jan 2006", "Jan 2006", "2006"} {
		t, err := time.Parse(layout, rest)
		switch {
		case err != nil || !plausible(t.Year()):
		case layout == "2 Jan 2006":
			return Birth{t, t, circa}, true
		case layout == "Jan 2006":
			return inMonth(t.Year(), t.Month(), circa), true
		default:
			return inYears(t.Year(), t.Year(), circa), true
		}
	}
	return Birth{}, false
}

// yearsBirth is from one year to another; either may be missing.
func yearsBirth(from, to string, circa bool) (Birth, bool) {
	if from == "" {
		from = to
	}
	if to == "" {
		to = from
	}
	a, errA := strconv.Atoi(from)
	b, errB := strconv.Atoi(to)
	if errA != nil || errB != nil || !plausible(a) || !plausible(b) || b < a {
		return Birth{}, false
	}
	return inYears(a, b, circa), true
}

// partsBirth reads day, month and year, each of which but the year may be missing or a placeholder (00, dd, mm).
func partsBirth(d, m, y string, circa bool) (Birth, bool) {
	year, err := strconv.Atoi(strings.TrimSpace(y))
	if err != nil || !plausible(year) {
		return Birth{}, false
	}
	month, _ := strconv.Atoi(strings.TrimSpace(m)) // 0 where it is a placeholder
	of, _ := strconv.Atoi(strings.TrimSpace(d))
	switch {
	case month == 0:
		return inYears(year, year, circa), true
	case month < 1 || month > 12 || of < 0 || of > 31:
		return Birth{}, false
	case of == 0:
		return inMonth(year, time.Month(month), circa), true
	}
	t := day(year, time.Month(month), of)
	if t.Day() != of {
		return Birth{}, false
	}
	return Birth{t, t, circa}, true
}

// slashedBirth reads what the United Kingdom writes: 02/04/1961, dd/04/1961, dd/mm/1961, 1961.
func slashedBirth(text string) (Birth, bool) {
	parts := strings.Split(strings.TrimSpace(strings.TrimPrefix(text, "'")), "/")
	switch len(parts) {
	case 1:
		return partsBirth("", "", parts[0], false)
	case 3:
		return partsBirth(parts[0], parts[1], parts[2], false)
	}
	return Birth{}, false
}
