package topics

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Two people act where one asks and another approves. Names are all that tells them apart, and a name is typed: so names
// that a reader takes for one another are one person's.

// SamePerson says whether two names may be of one person. Only letters and digits count, whatever their case, width and
// accents, and those that look alike are one (Unicode TS 39 calls it a skeleton): "Ana", " ana", "\uff41na" and "\u0430na",
// whose first letter is Cyrillic, are one person. A name without any is nobody's, and so is no second person's.
func SamePerson(a, b string) bool {
	first, second := skeleton(a), skeleton(b)
	return first == second || first == "" || second == ""
}

// MixedScripts says whether a name has letters of several scripts that look alike, as no person's name has: Latin, Greek,
// Cyrillic, Armenian, Cherokee.
func MixedScripts(name string) bool {
	var found *unicode.RangeTable
	for _, r := range norm.NFKC.String(name) {
		for _, script := range [...]*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Cherokee} {
			if !unicode.Is(script, r) {
				continue
			}
			if found != nil && found != script {
				return true
			}
			found = script
		}
	}
	return false
}

func skeleton(name string) string {
	var b strings.Builder
	// Folding swaps the cases of some scripts (Cherokee): the way up and down again settles on one.
	folded := strings.ToLower(strings.ToUpper(cases.Fold().String(norm.NFKC.String(name))))
	for _, r := range norm.NFKD.String(folded) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		if like, ok := lookalikes[r]; ok {
			b.WriteString(like)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// lookalikes are letters and digits, in small letters, by what a reader takes them for. Never changed.
var lookalikes = func() map[rune]string {
	table := map[rune]string{'m': "rn", 'w': "vv"}
	for to, from := range map[string]string{
		"a": "\u0430\u03b1\u0251", "b": "\u0432\u03b2\u0184\u042c\u044c", "c": "\u0441\u03f2\u1d04", "d": "\u0501\u0111",
		"e": "\u0435\u03b5\u0454\u04bd", "h": "\u04bb\u043d\u03b7\u0570", "j": "\u0458\u03f3", "k": "\u043a\u03ba",
		"l": "1i|\u0131\u0456\u03b9\u04cf\u0142\u026a\u01c0", "n": "\u0578\u043f", "o": "0\u043e\u03bf\u00f8\u0585\u03c3",
		"p": "\u0440\u03c1", "q": "\u051b\u0566", "rn": "\u043c\u03bc", "s": "\u0455\ua731", "t": "\u0442\u03c4", "u": "\u03c5\u057d\u028b",
		"v": "\u03bd\u0475", "vv": "\u051d\u0461\u03c9", "x": "\u0445\u03c7", "y": "\u0443\u04af\u03b3\u028f", "r": "\u0433", "z": "\u1d22\u03b6",
	} {
		for _, r := range from {
			table[r] = to
		}
	}
	return table
}()
