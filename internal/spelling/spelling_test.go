package spelling

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	known := []string{"token", "fingerprint", "bin", "last4", "last3"}
	for _, c := range []struct {
		name string
		most int
		want string
	}{
		{"tokn", 1, "token"},   // one letter too few
		{"tokeen", 1, "token"}, // one too many
		{"tokan", 1, "token"},  // another one
		{"otken", 1, "token"},  // two that changed places
		{"TOKEN", 0, "token"},  // another case
		{"last5", 1, "last3"},  // two are as near
		{"tkn", 1, ""},         // two changes away
		{"merchant", 3, ""},    // none is near
		{"", 3, "bin"},         // a short one takes few letters
		{"fingreprnit", 1, ""}, // swapped twice
		{"fingreprnit", 2, "fingerprint"},
	} {
		if got := Nearest(c.name, known, c.most); got != c.want {
			t.Errorf("%q within %d: got %q, want %q", c.name, c.most, got, c.want)
		}
	}
	if got := Nearest("token", nil, 3); got != "" {
		t.Errorf("of none: %q", got)
	}
	for name, want := range map[string]int{"": 1, "bin": 1, "token": 1, "last_4": 2, "äöüäöü": 2, "a_rather_long_name": 3} {
		if got := Few(name); got != want {
			t.Errorf("few of %q: %d, want %d", name, got, want)
		}
	}
}

// The number of changes is the same there and back, none from a name to itself, and no more than the longer one has letters.
func TestChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[abc]{0,8}`)
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		n := changes(a, b)
		if n != changes(b, a) || (n == 0) != (a == b) || n > max(len(a), len(b)) || n < max(len(a)-len(b), len(b)-len(a)) {
			t.Errorf("%q and %q: %d there, %d back", a, b, n, changes(b, a))
		}
	})
}
