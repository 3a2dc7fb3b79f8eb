package names

import "math/bits"

// Words that are alike (Likeness, JoinedAlike) have a key in common, so that an index of keys finds all of them. Words that have
// one need not be alike.

const (
	keyText    = 't'
	keySound   = 's' // consonants
	keyDropped = 'd' // consonants less one
	keyLatin   = 'l' // bones of what is written with vowels
	keyScript  = 'a' // bones of what is written without
	forJoined  = 'A' - 'a'
)

// Key is what a word may be found by.
type Key struct {
	Hash uint64
	// Slip tells that words that have it in common are alike only if they are spelt alike (MaySlip).
	Slip bool
}

// Keys are what a word is found by; joined, one that two were joined to.
func (w *Word) Keys(joined bool, f func(hash uint64)) {
	if joined {
		w.whole(forJoined, f)
		return
	}
	w.whole(0, f)
	w.less(func(without int) { f(hash(keyDropped, w.sound.consonants, without)) })
	if kind := byte(keyLatin); len(w.bones) >= minBones {
		if w.abjad {
			kind = keyScript
		}
		f(hash(kind, w.bones, -1))
	}
}

// Sought are the keys under which words that are like w are found; joined, where two words were joined to w.
func (w *Word) Sought(joined bool, f func(Key)) {
	w.whole(0, func(h uint64) { f(Key{h, false}) })
	if joined {
		return
	}
	w.whole(forJoined, func(h uint64) { f(Key{h, false}) })
	if c := w.sound.consonants; c != "" {
		f(Key{hash(keyDropped, c, -1), true})
		w.less(func(without int) {
			f(Key{hash(keySound, c, without), true})
			f(Key{hash(keyDropped, c, without), true})
		})
	}
	if kind := byte(keyScript); len(w.bones) >= minBones {
		if w.abjad {
			kind = keyLatin
		}
		f(Key{hash(kind, w.bones, -1), false})
	}
}

// whole are the keys of a text, and of how it sounds.
func (w *Word) whole(to int, f func(hash uint64)) {
	f(hash(byte(keyText+to), w.Text, -1))
	if c := w.sound.consonants; c != "" {
		f(hash(byte(keySound+to), c, -1))
		if o := w.other.consonants; o != c {
			f(hash(byte(keySound+to), o, -1))
		}
	}
}

// less calls f for each consonant that may be another, or too many.
func (w *Word) less(f func(without int)) {
	c := w.sound.consonants
	for i := range c {
		if len(c) >= minDropped && (i == 0 || c[i] != c[i-1]) {
			f(i)
		}
	}
}

// Gist is which letters are in a word, one bit each, and above them how many.
func (w *Word) Gist() uint32 { return w.alphabet | uint32(len(w.Text))<<lettersOfLatin }

const lettersOfLatin = 26 // a word has at most maxWordBytes, which fits above them

// MaySlip tells whether a word of such a gist may be one that w is misspelt for.
func (w *Word) MaySlip(gist uint32) bool {
	length, other := len(w.Text), int(gist>>lettersOfLatin)
	allowed := min(max(length, other)/lettersPerSlip, maxSlips)
	return length-other <= allowed && other-length <= allowed && bits.OnesCount32((w.alphabet^gist)<<(32-lettersOfLatin)) <= maxAlphabet*allowed
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
