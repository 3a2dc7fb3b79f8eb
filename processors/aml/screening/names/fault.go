package names

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fault says why a name may not be what a reader sees, and so would be compared with the wrong ones; "" where there is nothing. Parse
// takes it all the same.
func Fault(text string) string {
	if !utf8.ValidString(text) {
		return "is not UTF-8; save it as UTF-8"
	}
	for _, r := range norm.NFKD.String(text) {
		if unseen(r) {
			return fmt.Sprintf("has %U, which is not seen, or not as a letter; write the name without it", r)
		}
	}
	return ""
}

// unseen tells whether a character is blank without being a space, stands over others, turns the direction of reading round or is a picture of
// a letter.
func unseen(r rune) bool {
	switch {
	case r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r):
		return true
	case unicode.In(r, unicode.Me, unicode.Co):
		return true
	case r == '\u115f' || r == '\u1160' || r == '\u2800' || r == '\u17b4' || r == '\u17b5': // fillers, and Braille without a dot
		return true
	case r == '\u202d' || r == '\u202e': // overrides
		return true
	}
	return r >= 0x1f150 && r <= 0x1f1ff // letters in black squares and circles, and those of flags
}
