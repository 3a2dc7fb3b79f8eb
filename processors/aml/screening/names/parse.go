package names

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxBytes is how much of a name is looked at: the rest of a longer one is left out.
	MaxBytes = 1024
	// MaxWords is how many words of a name are compared: those that come first, particles and legal forms not counted as long
	// as others come.
	MaxWords = 16
	// maxWordBytes is how much of a word is compared.
	maxWordBytes = 40
	// minAfterArticle is how many letters follow an article that is written with its word.
	minAfterArticle = 5
)

// Word is one word of a name, normalised.
type Word struct {
	Text  string
	Class Class

	abjad    bool   // it was written without its vowels
	sound    sound  // how it sounds; the consonants are "" for an initial or a number
	other    sound  // how it sounds where j is written for y and ch for kh; the same as sound otherwise
	bones    string // its firm consonants alone, to compare with what is written without vowels
	alphabet uint32 // which letters are in it, one bit each
}

// Parse takes a name apart. Words come in the order in which they stand; "Volkonsky, Sergei" and "Sergei Volkonsky" have the
// same ones.
func Parse(text string) []Word {
	var words []Word
	for _, raw := range split(cut(text, MaxBytes)) {
		for _, part := range spread(raw) {
			words = append(words, newWord(part))
		}
	}
	for { // what is left out may bring together what is one form
		n := len(words)
		if words = shorten(joinForms(words)); len(words) == n {
			return fathers(words)
		}
	}
}

// fathers makes common words of Russian patronymics: in a name of three words or more, what ends in -ovich or -evna.
func fathers(words []Word) []Word {
	heavy := 0
	for i := range words {
		if words[i].Class.Heavy() {
			heavy++
		}
	}
	for i := range words {
		if heavy >= 3 && words[i].Class == Plain && patronymic(words[i].Text) {
			words[i].Class = Common
		}
	}
	return words
}

func patronymic(text string) bool {
	for _, end := range []string{"ovich", "evich", "ovych", "evych", "ovitch", "evitch", "ovna", "evna", "ivna"} {
		if stem, ok := strings.CutSuffix(text, end); ok && len(stem) > 2 {
			return true
		}
	}
	return false
}

// String writes words as Parse reads them again.
func String(words []Word) string {
	texts := make([]string, len(words))
	for i := range words {
		texts[i] = words[i].Text
	}
	return strings.Join(texts, " ")
}

// cut shortens a text to so many bytes, between two letters.
func cut(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	for bytes > 0 && !utf8.RuneStart(text[bytes]) {
		bytes--
	}
	return text[:bytes]
}

// rawWord is a word whose letters are Latin already.
type rawWord struct {
	text  string
	abjad bool
}

// split romanises a text and parts it where no letter or digit is. An apostrophe and a full stop stand within words.
func split(text string) []rawWord {
	var words []rawWord
	var word []rune
	flush := func() {
		if raw := romanise(asSeen(word)); raw.text != "" {
			words = append(words, raw)
		}
		word = word[:0]
	}
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(text, " ")) {
		switch {
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r) || isApostrophe(r):
		case unicode.IsLetter(r) || unicode.IsDigit(r) || romanised[r] != "":
			word = append(word, r)
		default:
			flush()
		}
	}
	flush()
	return words
}

// romanise writes the letters of a word in Latin ones.
func romanise(word []rune) rawWord {
	var b strings.Builder
	abjad := false
	for _, r := range word {
		r = unicode.ToLower(r)
		if latin, known := romanised[r]; known {
			b.WriteString(latin)
			abjad = abjad || unvowelled(r)
		} else {
			b.WriteRune(r)
		}
	}
	return rawWord{spelt(cut(b.String(), maxWordBytes)), abjad}
}

func isApostrophe(r rune) bool { return strings.ContainsRune("'`´’‘ʼʻʾʿ′", r) }

// spread parts a word that several are written as: Abdulrahman is abd al rahman, and the article of an Arabic word is one
// of its own, as al, however it is written.
func spread(w rawWord) []rawWord {
	article := rawWord{text: "al"}
	if w.abjad {
		if w.text == "bd" {
			return []rawWord{{text: "abd"}}
		}
		if rest, ok := strings.CutPrefix(w.text, "bdal"); ok && len(rest) > 2 {
			return append([]rawWord{{text: "abd"}, article}, spread(rawWord{rest, true})...)
		}
		if rest, ok := strings.CutPrefix(w.text, "al"); ok && len(rest) > 2 {
			return append([]rawWord{article}, spread(rawWord{rest, true})...)
		}
	}
	if rest := w.text[min(2, len(w.text)):]; !w.abjad && len(rest) >= minAfterArticle && strings.IndexByte("aeiou", rest[0]) < 0 &&
		(w.text[:2] == "al" || w.text[:2] == "el") && common().classes[w.text] == Plain { // Altamimi
		return append([]rawWord{article}, spread(rawWord{text: rest})...)
	}
	rest, ok := strings.CutPrefix(w.text, "abd")
	name := strings.TrimLeft(rest, "aeiou")
	if !ok || name == "" || len(name) == len(rest) {
		return []rawWord{w} // Abdi, Abdrakhman
	}
	switch {
	case name == "l": // Abdul Rahman
		return []rawWord{{text: "abd"}, article}
	case name[0] == 'l': // Abdulrahman, Abdullatif; but not Abdullah, which is one name to everyone
		if lah := strings.TrimLeft(name, "l"); strings.HasPrefix(lah, "ah") || lah == "a" {
			return []rawWord{w}
		}
		name = name[1:]
	case len(name) > 1 && name[0] == name[1]: // Abdurrahman, Abdessalam
		name = name[1:]
	}
	if len(name) < 4 {
		return []rawWord{w}
	}
	return append([]rawWord{{text: "abd"}, article}, spread(rawWord{name, w.abjad})...)
}

func newWord(raw rawWord) Word {
	text := raw.text
	w := Word{Text: text, abjad: raw.abjad}
	w.sound, w.other = sounds(text)
	w.bones = bones(text)
	for i := range len(text) {
		if c := text[i]; c >= 'a' && c <= 'z' {
			w.alphabet |= 1 << (c - 'a')
		}
	}
	w.Class = classOf(&w)
	return w
}

// joinForms makes one word of a legal form that is written with full stops or as several words: S.A., sdn bhd. Initials of a
// person stay apart.
func joinForms(words []Word) []Word {
	var out []Word
	for i := 0; i < len(words); {
		n := formAt(words[i:])
		if n == 0 {
			out = append(out, words[i])
			i++
			continue
		}
		var b strings.Builder
		for _, w := range words[i : i+n] {
			b.WriteString(w.Text)
		}
		out = append(out, newWord(rawWord{text: formName(b.String())}))
		i += n
	}
	return out
}

// shorten leaves out the words that say least, where there are more than are compared.
func shorten(words []Word) []Word {
	for _, class := range []Class{Particle, Title, Legal} {
		for i := len(words) - 1; i >= 0 && len(words) > MaxWords; i-- {
			if words[i].Class == class {
				words = append(words[:i:i], words[i+1:]...)
			}
		}
	}
	return words[:min(len(words), MaxWords)]
}
