package statement

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
)

func TestCursorsAreRead(t *testing.T) {
	place := rapid.Custom(func(r *rapid.T) Place {
		return Place{
			time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(r, "booked")).UTC(),
			rapid.Int64Range(-1, 1<<62).Draw(r, "position"), rapid.Int16Range(-1, 1<<14).Draw(r, "ordinal"),
		}
	})
	rapid.Check(t, func(r *rapid.T) {
		c := Cursor(rapid.MapOfN(rapid.Int32Range(0, 32766), place, 1, 64).Draw(r, "cursor"))
		got, err := ParseCursor(c.String())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c) {
			r.Errorf("%v, %v, want %v", got, err, c)
		}
		if text := rapid.String().Draw(r, "text"); text != c.String() {
			if _, err := ParseCursor(text); err != nil && !errors.Is(err, ErrCursor) {
				r.Errorf("%q: %v", text, err)
			}
		}
	})
	for _, text := range []string{"", "x", "AA", "////", Cursor{1: {end.AddDate(1, 0, 0), 0, 0}}.String(), Cursor{1: {begin, -2, 0}}.String()} {
		if c, err := ParseCursor(text); !errors.Is(err, ErrCursor) {
			t.Errorf("%q is %v, %v, want ErrCursor", text, c, err)
		}
	}
}

func TestTimesAreRead(t *testing.T) {
	for _, test := range []struct{ text, from, before string }{
		{"2026-01-31", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"},
		{"2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000001Z"},
		{"2026-01-31T09:30:00.123456789+02:00", "2026-01-31T07:30:00.123456789Z", "2026-01-31T07:30:00.123457Z"},
		{"2026-02-30", "", ""}, {"1969-12-31", "", ""}, {"9999-01-01", "", ""}, {"yesterday", "", ""}, {"", "", ""},
	} {
		from, err1 := ParseTime(test.text)
		before, err2 := ParseAsOf(test.text)
		if (err1 == nil) != (test.from != "") || (err2 == nil) != (test.before != "") {
			t.Errorf("%q: %v, %v", test.text, err1, err2)
		}
		if test.from != "" && (from.Format(time.RFC3339Nano) != test.from || before.Format(time.RFC3339Nano) != test.before) {
			t.Errorf("%q is from %s, as of before %s", test.text, from, before)
		}
	}
}

// TestFold: time never steps back, and the postings of one account in one entry are one line.
func TestFold(t *testing.T) {
	a, b := ledger.AccountID{1}, ledger.AccountID{2}
	e := posted{Position: 7, Ordinal: 1, BookedAt: epoch, Accounts: [][16]byte{a, b, a}, Amounts: []int64{5, -6, 1}}
	balance := func(ledger.AccountID) int64 { return 100 }
	for _, booked := range []time.Time{epoch.Add(-time.Second), epoch.Add(time.Second)} {
		want := epoch
		if booked.After(want) {
			want = booked
		}
		lines, err := fold(nil, &e, booked, balance)
		if place := (Place{want, 7, 1}); err != nil || fmt.Sprint(lines) != fmt.Sprint([]line{{place, a, 6, 106}, {place, b, -6, 94}}) {
			t.Errorf("behind %s: %v, %v", booked, lines, err)
		}
	}
	e.Amounts = []int64{1<<63 - 1, 0, 1}
	if _, err := fold(nil, &e, epoch, balance); !errors.Is(err, ledger.ErrOverflow) {
		t.Errorf("%v, want ErrOverflow", err)
	}
	e.Amounts = e.Amounts[:2]
	if _, err := fold(nil, &e, epoch, balance); err == nil {
		t.Error("accounts without amounts are taken")
	}
}
