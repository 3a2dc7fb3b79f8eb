package names

import (
	"strings"
	"unicode"
)

// looks are letters of other scripts that look like a Latin one, as they are written: the capitals first.
var looks = func() map[rune]byte {
	m := map[rune]byte{}
	for _, s := range [][2]string{
		{"АВЕЅІЈКМНОРСТУХԚԜ", "abesijkmhopctyxqw"}, {"аеѕіјоргсухһԁԛԝкмтвн", "aesijoprcyxhdqwkmtbh"}, // Cyrillic
		{"ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"}, {"αικνορτυχγ", "aikvoptuxy"}, // Greek
	} {
		latin := s[1]
		for i, r := range []rune(s[0]) {
			m[r] = latin[i]
		}
	}
	return m
}()

// likeCyrillic are Latin letters that look like the Cyrillic ones in the same places of cyrillicLikes, as capitals or as small letters.
const likeCyrillic, cyrillicLikes = "abcehkmoptxy", "авсенкмортху"

// asSeen are the letters of a word. Where Latin ones stand among others, those that look alike are read as the others: as Latin ones, or as Cyrillic ones
// where these are more. Who writes a name in two
// alphabets wants it to be seen as one and read as another.
func asSeen(word []rune) []rune {
	latin, cyrillic, greek := 0, 0, 0
	for _, r := range word {
		switch {
		case unicode.Is(unicode.Latin, r):
			latin++
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic++
		case unicode.Is(unicode.Greek, r):
			greek++
		}
	}
	if latin == 0 || cyrillic+greek == 0 {
		return word
	}
	for i, r := range word {
		if latin < cyrillic {
			if at := strings.IndexRune(likeCyrillic, unicode.ToLower(r)); at >= 0 {
				word[i] = []rune(cyrillicLikes)[at]
			}
		} else if c, ok := looks[r]; ok {
			word[i] = rune(c)
		}
	}
	return word
}

// digitLooks are digits that look like letters.
const digitLooks = "ol_easg_b_"

// spelt is a word where digits stand for letters, with these: V0lkonsky. There must be a letter after the last, and three times as many letters, four at least.
func spelt(word string) string {
	digits := 0
	for i := range len(word) {
		if c := word[i]; c >= '0' && c <= '9' {
			if digits++; digitLooks[c-'0'] == '_' || i == len(word)-1 {
				return word
			}
		} else if c < 'a' || c > 'z' {
			return word
		}
	}
	if letters := len(word) - digits; digits == 0 || letters < 4 || letters < 3*digits {
		return word
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return rune(digitLooks[r-'0'])
		}
		return r
	}, word)
}
