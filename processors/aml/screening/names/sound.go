package names

import "strings"

// sound is how a word sounds, in what romanisations of one name have in common.
type sound struct {
	consonants string // one letter for each consonant; capitals stand for what two letters write: S is sh, C ch, J zh or dzh
	vowels     string // the vowels before each consonant and at the end: '-' none, 'a', 'u' (o, u), 'i' (i, y), 'e' any vowel
}

// double is how two or more letters sound that write one consonant, longest first.
var double = []struct{ letters, sound string }{
	{"dsch", "J"}, {"shch", "S"}, {"tsch", "C"}, {"sch", "S"}, {"tch", "C"}, {"dzh", "J"}, {"sh", "S"}, {"ch", "C"}, {"cz", "C"}, {"sz", "S"}, {"zh", "J"},
	{"dj", "J"}, {"kh", "h"}, {"gh", "g"}, {"ph", "f"}, {"th", "t"}, {"dh", "d"}, {"ck", "k"}, {"tz", "ts"},
}

// german writes y for j, and kh for ch.
var german = strings.NewReplacer("dj", "dj", "j", "y", "sch", "sch", "tch", "tch", "ch", "kh")

// sounds is how a word sounds, and how it does where j is written for y and ch for kh, as in German and Polish. A word of other letters than Latin ones sounds like
// nothing else.
func sounds(text string) (usual, other sound) {
	usual = soundOf(text)
	if other = usual; strings.Contains(text, "j") || strings.Contains(text, "ch") {
		other = soundOf(german.Replace(text))
	}
	return usual, other
}

func soundOf(text string) sound {
	if len(text) < 2 || !latin(text) {
		return sound{}
	}
	// Petroff is Petrov, and Milosevic is Milosevich.
	for _, f := range []string{"off", "eff", "of"} {
		if stem, ok := strings.CutSuffix(text, f); ok && len(stem) > 2 {
			text = stem + f[:1] + "v"
			break
		}
	}
	if stem, ok := strings.CutSuffix(text, "ic"); ok && len(stem) > 2 {
		text = stem + "ich"
	}
	var consonants, vowels strings.Builder
	run := "" // vowels since the last consonant
	last := byte(0)
	add := func(c byte) {
		if c == last && run == "" {
			return // doubled
		}
		vowels.WriteByte(vowel(run))
		consonants.WriteByte(c)
		run, last = "", c
	}
	for i := 0; i < len(text); {
		if strings.IndexByte("aeiouy", text[i]) >= 0 {
			run += text[i : i+1]
			i++
			continue
		}
		if letters, s := doubleAt(text[i:]); letters > 0 {
			for j := range len(s) {
				add(s[j])
			}
			i += letters
			continue
		}
		next := byte(0)
		if i+1 < len(text) {
			next = text[i+1]
		}
		switch c := text[i]; {
		case c == 'h' && run != "" && (next == 0 || next == 'n' && run == "o"): // Fatimah, John
		case c == 'q', c == 'c' && next != 'e' && next != 'i' && next != 'y':
			add('k')
		case c == 'c':
			add('s')
		case c == 'j':
			add('J')
		case c == 'w':
			add('v')
		case c == 'x':
			add('k')
			add('s')
		case c == 'z' && i > 0: // Gonzalez, Ramzan
			add('s')
		default:
			add(c)
		}
		i++
	}
	vowels.WriteByte(vowel(run))
	return sound{consonants.String(), vowels.String()}
}

func latin(text string) bool {
	for i := range len(text) {
		if text[i] < 'a' || text[i] > 'z' {
			return false
		}
	}
	return true
}

func doubleAt(text string) (letters int, s string) {
	for _, d := range double {
		if strings.HasPrefix(text, d.letters) {
			return len(d.letters), d.sound
		}
	}
	return 0, ""
}

// vowel is what a run of vowels sounds like.
func vowel(run string) byte {
	switch {
	case run == "":
		return '-'
	case run == "e":
		return 'e'
	case run == "ue": // ü
		return 'u'
	case run == "ae", run == "oe": // ä, ö
		return 'e'
	}
	if len(run) > 1 {
		if run[0] == 'y' || run[0] == 'i' { // ya, iu: the vowel after it tells
			if v := vowel(run[1:]); v != 'i' {
				return v
			}
		}
		switch run[len(run)-1] {
		case 'y', 'i':
			return 'i' // ay, ei
		}
	}
	for i := range len(run) {
		switch run[i] {
		case 'o', 'u':
			return 'u'
		}
	}
	if strings.Contains(run, "a") {
		return 'a'
	}
	return 'i' // ee, i, y
}

// same tells whether two sounds are one: the same consonants, and vowels that one word may be written with. Where there is
// one consonant, they must be the same: Ali is not Eli.
func (s sound) same(t sound) bool {
	if s.consonants == "" || s.consonants != t.consonants {
		return false
	}
	for i := range len(s.vowels) {
		v, w := s.vowels[i], t.vowels[i]
		if v != w && (v != 'e' && w != 'e' || len(s.consonants) == 1) {
			return false
		}
	}
	return true
}

// bones are the consonants of a word that are written in every script and romanisation.
func bones(text string) string {
	if !latin(text) {
		return ""
	}
	text = strings.TrimRight(text, "aeiouyh")
	var b strings.Builder
	last := byte(0)
	for i := range len(text) {
		c := text[i]
		switch c {
		case 'a', 'e', 'i', 'o', 'u', 'y', 'w', 'v':
			continue
		case 'q', 'c':
			c = 'k'
		case 'z':
			c = 's'
		case 'p':
			c = 'b' // one letter of Arabic, and f is Hebrew's p
		case 'j':
			c = 'g'
		case 'h': // of kh, sh, th, gh: the letter before it tells
			if i > 0 && strings.IndexByte("kstgdczp", text[i-1]) >= 0 {
				continue
			}
		}
		if c != last {
			b.WriteByte(c)
			last = c
		}
	}
	return b.String()
}
