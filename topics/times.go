package topics

import "time"

// The years, in UTC, in which the times of commands lie. RFC 3339 has four digits for a year: what a sender's offset leaves
// beyond them could be written and not be read again.
const (
	firstYear = 1970
	lastYear  = 9998
)

// ValidTime says whether a command may name a time. The zero time stands for none and is valid.
func ValidTime(t time.Time) bool {
	year := t.UTC().Year()
	return t.IsZero() || (year >= firstYear && year <= lastYear)
}

const outOfTime = ": is out of range; want a time in the years 1970 to 9998 of UTC"

// clockAhead is how far the clock of whoever issues commands may be ahead of the broker's.
const clockAhead = 24 * time.Hour

// IssuedAhead says whether a command claims to be issued later than its record's time allows. It would never grow too old.
func IssuedAhead(issued, now time.Time) bool { return issued.After(now.Add(clockAhead)) }

// OccurredAt is the time that a PSP gave, or none where it is out of range or lies further in the future than its record's
// time allows. The fact counts all the same: what a PSP's clock says moves no money and loses none.
func OccurredAt(given, now time.Time) time.Time {
	if !ValidTime(given) || IssuedAhead(given, now) {
		return time.Time{}
	}
	return given
}
