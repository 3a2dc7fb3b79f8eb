package topics

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSamePerson(t *testing.T) {
	for name, pair := range map[string][2]string{
		"case and spaces":          {"ana", "\tANA "},
		"spaces within":            {"Ana Bell", "ana  bell"},
		"punctuation":              {"ana.bell", "ana-bell"},
		"full-width":               {"ana", "\uff41\uff4e\uff41"},
		"a ligature":               {"fiona", "\ufb01ona"},
		"composed and not":         {"jos\u00e9", "jose\u0301"},
		"an accent":                {"jos\u00e9", "jose"},
		"a Cyrillic letter":        {"ana", "\u0430na"},
		"all Cyrillic":             {"cap", "\u0441\u0430\u0440"},
		"a Greek letter":           {"bob", "b\u03bfb"},
		"dotless":                  {"\u0131an", "Ian"},
		"a digit for a letter":     {"bo", "b0"},
		"1, l and capital i":       {"Ian", "1an"},
		"rn for m":                 {"carmen", "carrnen"},
		"zero-width space":         {"ana", "an\u200ba"},
		"soft hyphen":              {"ana", "a\u00adna"},
		"bidi mark":                {"ana", "\u202eana"},
		"sharp s":                  {"stra\u00dfe", "STRASSE"},
		"nobody":                   {"ana", ""},
		"no letters":               {"ana", "---"},
		"nothing that can be seen": {"\u200b", "ana"},
	} {
		if !SamePerson(pair[0], pair[1]) || !SamePerson(pair[1], pair[0]) {
			t.Errorf("%s: %q and %q are two people: %q, %q", name, pair[0], pair[1], skeleton(pair[0]), skeleton(pair[1]))
		}
	}
	for _, pair := range [][2]string{{"ana", "bo"}, {"ana", "anna"}, {"ann", "bob"}, {"requester-1", "requester-2"}, {"\u5f20\u4f1f", "\u738b\u82b3"},
		{"\u0418\u0432\u0430\u043d", "\u041e\u043b\u0435\u0433"}, {"\u0645\u062d\u0645\u062f", "\u0639\u0644\u064a"}} {
		if SamePerson(pair[0], pair[1]) {
			t.Errorf("%q and %q are one person", pair[0], pair[1])
		}
	}
}

// Whatever is done to a name that a reader does not see makes no second person.
func TestSamePersonProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		at := rapid.IntRange(0, len(name)).Draw(t, "at")
		for at < len(name) && name[at]&0xC0 == 0x80 {
			at++
		}
		unseen := rapid.SampledFrom([]string{" ", "\u200b", "\u2060", "\ufeff", "\u00ad", "."}).Draw(t, "unseen")
		for _, other := range []string{name, strings.ToUpper(name), strings.ToLower(strings.ToUpper(name)), name[:at] + unseen + name[at:]} {
			if !SamePerson(name, other) {
				t.Fatalf("%q and %q are two people: %q, %q", name, other, skeleton(name), skeleton(other))
			}
		}
	})
}

func TestMixedScripts(t *testing.T) {
	for name, mixed := range map[string]bool{
		"Ana": false, "Jos\u00e9 7": false, "\u0418\u0432\u0430\u043d": false, "\u0395\u03bb\u03ad\u03bd\u03b7": false, "\u5f20 Wei": false,
		"\u0430na": true, "An\u03b1": true, "\u0418\u0432\u0430n": true, "": false,
	} {
		if MixedScripts(name) != mixed {
			t.Errorf("%q: mixed %v", name, !mixed)
		}
	}
}
