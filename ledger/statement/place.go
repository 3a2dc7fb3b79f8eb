package statement

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Place is a place among the lines of an account in one partition: behind the line with this key, whether there is one
// or not.
type Place struct {
	Booked   time.Time // in microseconds, as the database keeps it
	Position int64
	Ordinal  int16
}

// before is the place in front of a line.
func (p Place) before() Place { return Place{p.Booked, p.Position, p.Ordinal - 1} }

// atTime is the place in front of every line whose time is t or later.
func atTime(t time.Time) Place { return Place{t.UTC().Truncate(time.Microsecond), -1, -1} }

// Where a statement begins and where it ends at the latest.
var (
	begin = time.Unix(0, 0).UTC()
	end   = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

func (p Place) compare(other Place) int {
	return cmp.Or(p.Booked.Compare(other.Booked), cmp.Compare(p.Position, other.Position), cmp.Compare(p.Ordinal, other.Ordinal))
}

// Cursor is a place in each partition that holds the account, by partition. A statement of several partitions is in
// order of time, and a partition that lags may add lines that are earlier than those already shown: with a place in each,
// no line is passed over or shown twice.
type Cursor map[int32]Place

// ErrCursor says that a text is not a cursor.
var ErrCursor = errors.New("not a cursor of a statement")

// String encodes the cursor; ParseCursor reads it.
func (c Cursor) String() string {
	b := make([]byte, 0, 16*len(c))
	for _, partition := range slices.Sorted(maps.Keys(c)) {
		place := c[partition]
		b = binary.AppendUvarint(b, uint64(partition))
		b = binary.AppendVarint(b, place.Booked.UnixMicro())
		b = binary.AppendVarint(b, place.Position)
		b = binary.AppendVarint(b, int64(place.Ordinal))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads what String wrote. Any other text is ErrCursor.
func ParseCursor(text string) (Cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil, ErrCursor
	}
	c := Cursor{}
	for len(b) > 0 {
		var fields [3]int64
		partition, n := binary.Uvarint(b)
		if n <= 0 || partition >= math.MaxInt16 {
			return nil, ErrCursor
		}
		b = b[n:]
		for i := range fields {
			if fields[i], n = binary.Varint(b); n <= 0 {
				return nil, ErrCursor
			}
			b = b[n:]
		}
		booked := time.UnixMicro(fields[0]).UTC()
		if _, twice := c[int32(partition)]; twice || booked.Before(begin) || booked.After(end) || fields[1] < -1 || fields[2] < -1 || fields[2] > math.MaxInt16 {
			return nil, ErrCursor
		}
		c[int32(partition)] = Place{booked, fields[1], int16(fields[2])}
	}
	return c, nil
}

// ParseTime reads a time (RFC 3339) or a date, which is its beginning in UTC.
func ParseTime(text string) (time.Time, error) {
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		return inRange(date, text)
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %.40q: want a date such as 2026-01-31 or a time such as 2026-01-31T09:30:00Z", text)
	}
	return inRange(t.UTC(), text)
}

// ParseAsOf reads what a balance is asked as of, and returns the time before which lines count: a date means its end, a
// time includes itself.
func ParseAsOf(text string) (before time.Time, err error) {
	t, err := ParseTime(text)
	if err != nil {
		return t, err
	}
	if len(text) == len(time.DateOnly) {
		return t.AddDate(0, 0, 1), nil
	}
	return t.Truncate(time.Microsecond).Add(time.Microsecond), nil
}

func inRange(t time.Time, text string) (time.Time, error) {
	if t.Before(begin) || !t.Before(end.AddDate(0, 0, -1)) {
		return time.Time{}, fmt.Errorf("time %.40q: want one between 1970 and 9998", text)
	}
	return t, nil
}
