package names

// Words that are alike (Likeness, JoinedAlike) have a key in common, so that an index of keys finds all of them. Words that have
// one need not be alike.

const (
	keyText   = 't'
	keySound  = 's' // consonants, and consonants less one
	keyLatin  = 'l' // bones of what is written with vowels
	keyScript = 'a' // bones of what is written without
)

// Keys are what a word is found by.
func (w *Word) Keys(f func(key uint64)) { w.keys(f, w.abjad) }

// Sought are the keys under which words that are like w are found.
func (w *Word) Sought(f func(key uint64)) { w.keys(f, !w.abjad) }

func (w *Word) keys(f func(key uint64), script bool) {
	f(hash(keyText, w.Text, -1))
	if c := w.sound.consonants; c != "" {
		f(hash(keySound, c, -1))
		if o := w.other.consonants; o != "" && o != c {
			f(hash(keySound, o, -1))
		}
		for i := range c {
			if len(c) >= minDropped && (i == 0 || c[i] != c[i-1]) {
				f(hash(keySound, c, i))
			}
		}
	}
	if len(w.bones) >= minBones {
		if script {
			f(hash(keyScript, w.bones, -1))
		} else {
			f(hash(keyLatin, w.bones, -1))
		}
	}
}

// hash is FNV-1a of a text less one letter, after what kind it is of.
func hash(kind byte, text string, without int) uint64 {
	const prime = 1099511628211
	h := (uint64(14695981039346656037) ^ uint64(kind)) * prime
	for i := range len(text) {
		if i != without {
			h = (h ^ uint64(text[i])) * prime
		}
	}
	return h
}
