package scenario

import (
	"strings"
	"testing"
)

func TestPlay(t *testing.T) {
	const story = "# a story\n\npay 7\n  what it was\n\tand more\nrefund\n  nothing\n"
	got := Play(story, func(line string) []string {
		if line == "refund" {
			return nil
		}
		return strings.Fields(line)
	})
	if want := "# a story\n\npay 7\n  pay\n  7\nrefund\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDifference(t *testing.T) {
	for _, c := range []struct{ want, got, line string }{
		{"a\nb\n", "a\nc\n", "line 2\nwant \"b\"\ngot  \"c\""},
		{"a\n", "a\nb\n", "line 2\nwant \"\"\ngot  \"b\""},
		{"a\nb", "a", "line 2\nwant \"b\"\ngot  \"\""},
	} {
		if got := difference(c.want, c.got); got != c.line {
			t.Errorf("%q and %q: got %q, want %q", c.want, c.got, got, c.line)
		}
	}
}
