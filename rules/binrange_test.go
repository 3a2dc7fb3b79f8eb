package rules

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBINRanges(t *testing.T) {
	for _, c := range []struct{ entry, want string }{
		{"400000 to 400199", "4000 4001"},
		{"40000000 to 40000099", "400000"},
		{"40000099 to 40000101", "40000099 40000100 40000101"},
		{"400000 to 400000", "400000"},
		{"0400 to 0402", "0400 0401 0402"},
		{"411111", "411111"},
		{"400000 to 40009999", `error: the range "400000 to 40009999" has ends of 6 and 8 digits`},
		{"400199 to 400000", `error: the range "400199 to 400000" ends before it begins`},
		{"400 to 499", `error: "400" is not 4 to 8 digits`},
		{"400000 to ", `error: "" is not 4 to 8 digits`},
		{"400000 to 400100 to 400200", `error: "400100 to 400200" is not 4 to 8 digits`},
	} {
		all, err := binRanged(Entry{Value: c.entry})
		got := ""
		for _, e := range all {
			got = strings.TrimSpace(got + " " + e.Value)
		}
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.entry, got, c.want)
		}
	}
}

// A BIN of eight digits is in a range or is not; a shorter one is where all that begin with it are, and cannot be told where
// some are.
func TestBINRangesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.SampledFrom([]int{6, 8}).Draw(t, "digits")
		size := map[int]int{6: 1_000_000, 8: 100_000_000}[digits]
		low := rapid.IntRange(0, size-1).Draw(t, "low")
		high := min(size-1, low+rapid.SampledFrom([]int{0, 1, 9, 99, 100, 1000, 12345}).Draw(t, "width"))
		l := &List{Name: "l", Match: MatchBINPrefix}
		l.prepare()
		if err := l.add(Entry{Value: fmt.Sprintf("%0*d to %0*d", digits, low, digits, high)}); err != nil {
			t.Fatal(err)
		}
		scale := 100_000_000 / size
		first, last := low*scale, (high+1)*scale-1 // of eight digits
		for _, near := range []int{first - 1, first, last, last + 1, rapid.IntRange(max(0, first-200), min(99_999_999, last+200)).Draw(t, "near")} {
			if near < 0 || near > 99_999_999 {
				continue
			}
			bin := fmt.Sprintf("%08d", near)
			if got, want := l.lookUp(bin, 0), truthOf(first <= near && near <= last); got != want {
				t.Fatalf("%s: %v, want %v", bin, got, want)
			}
			begin, end := near/100*100, near/100*100+99
			want := absent
			switch {
			case first <= begin && end <= last:
				want = yes
			case end < first || last < begin:
				want = no
			}
			if got := l.lookUp(bin[:6], 0); got != want {
				t.Fatalf("%s of %d to %d: %v, want %v", bin[:6], first, last, got, want)
			}
		}
	})
}
