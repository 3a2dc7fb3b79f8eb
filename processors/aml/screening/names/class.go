package names

import (
	_ "embed"
	"strings"
	"sync"
)

// Class is what a word is in a name.
type Class uint8

// The classes of words.
const (
	Plain    Class = iota
	Legal          // the form of a company
	Title          // of a person
	Particle       // an article, a preposition, son of
	Initial        // one letter
	Generic        // what many companies are called
	Common         // what many people are called
)

func (c Class) String() string {
	return [...]string{"word", "legal form", "title", "particle", "initial", "generic", "common"}[c]
}

// light tells whether a word of a class is no reason to think that a name is another's.
func (c Class) light() bool { return c == Legal || c == Title || c == Particle }

// Heavy tells whether a word of a class is a reason by itself.
func (c Class) Heavy() bool { return !c.light() && c != Initial }

//go:embed common.txt
var commonText string

// maxForm is how many words a legal form may be written as.
const maxForm = 4

// vocabulary is common.txt, read.
type vocabulary struct {
	forms   map[string]string // how a legal form is written, its words together → its name
	classes map[string]Class
	sounds  map[string][]sound // sounds of common names, by their consonants
}

var common = sync.OnceValue(func() *vocabulary {
	v := &vocabulary{map[string]string{}, map[string]Class{}, map[string][]sound{}}
	for line := range strings.Lines(commonText) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		kind, words := words[0], words[1:]
		if kind == "form" {
			for _, w := range words {
				v.forms[w] = words[0]
			}
			continue
		}
		class := map[string]Class{"title": Title, "particle": Particle, "generic": Generic, "name": Common}[kind]
		for _, w := range words {
			if _, there := v.classes[w]; there {
				continue // the first line that has it counts
			}
			v.classes[w] = class
			if s := soundOf(w); class == Common && len(s.consonants) > 1 {
				v.sounds[s.consonants] = append(v.sounds[s.consonants], s)
			}
		}
	}
	return v
})

// classOf is what a word is. A name is common, too, where it sounds like one.
func classOf(w *Word) Class {
	v := common()
	if _, form := v.forms[w.Text]; form {
		return Legal
	}
	if class, ok := v.classes[w.Text]; ok {
		return class
	}
	if len(w.Text) == 1 && latin(w.Text) {
		return Initial
	}
	for _, s := range v.sounds[w.sound.consonants] {
		if s.same(w.sound) {
			return Common
		}
	}
	return Plain
}

// formAt tells of how many words the legal form is that words begin with; 0 where they begin with none. What is one word
// already is one of its own.
func formAt(words []Word) int {
	v := common()
	for n := min(maxForm, len(words)); n > 0; n-- {
		var b strings.Builder
		for _, w := range words[:n] {
			b.WriteString(w.Text)
		}
		if _, form := v.forms[b.String()]; !form {
			continue
		}
		if single := n > 1 && shortWords(words[:n]); n == 1 || single || b.Len() > 6 || b.String() == "sdnbhd" {
			return n
		}
	}
	return 0
}

// shortWords tells whether words are one letter each: S. A., and not "S Ao".
func shortWords(words []Word) bool {
	for _, w := range words {
		if len(w.Text) != 1 {
			return false
		}
	}
	return true
}

func formName(written string) string { return common().forms[written] }
