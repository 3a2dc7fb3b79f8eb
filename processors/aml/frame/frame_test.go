package frame

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		signed := rapid.Int64().Draw(t, "signed")
		natural := rapid.Int64Range(0, math.MaxInt64).Draw(t, "natural")
		text := rapid.StringN(-1, -1, 100).Draw(t, "text")
		written := AppendText(AppendUint(AppendInt([]byte{3}, signed), natural), text)
		r := Open("thing", 3, written)
		if got := r.Int("signed"); got != signed {
			t.Errorf("signed %d is read as %d", signed, got)
		}
		if got := r.Uint("natural", math.MaxInt64); got != uint64(natural) {
			t.Errorf("natural %d is read as %d", natural, got)
		}
		if got := r.Text("text", 100); got != text {
			t.Errorf("text %q is read as %q", text, got)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		cut := Open("thing", 3, written[:rapid.IntRange(0, len(written)-1).Draw(t, "cut")])
		cut.Int("signed")
		cut.Uint("natural", math.MaxInt64)
		cut.Text("text", 100)
		if cut.Close() == nil {
			t.Error("a frame that was cut off is read as whole")
		}
	})
}

func TestWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		read  func(*Reader)
		want  string
	}{
		{"old format", []byte{1}, func(*Reader) {}, "stored thing: byte 0: format: is 1, want 2"},
		{"empty", nil, func(*Reader) {}, "stored thing: byte 0: format: the frame ends; 1 bytes are missing"},
		{"too large", []byte{2, 9}, func(r *Reader) { r.Uint("n", 8) }, "stored thing: byte 1: n: is 9, want at most 8"},
		{"more than there is", []byte{2, 3, 0}, func(r *Reader) { r.Count("list") }, "stored thing: byte 1: list: is 3, want at most 2"},
		{"not at the end", []byte{2, 9}, func(*Reader) {}, "stored thing: byte 1: end: 1 bytes too many"},
	} {
		r := Open("thing", 2, c.frame)
		c.read(&r)
		if err := r.Close(); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	r := Open("thing", 2, []byte{3, 0})
	if !errors.Is(r.Close(), ErrFutureFormat) {
		t.Error("a newer format is read")
	}
}
