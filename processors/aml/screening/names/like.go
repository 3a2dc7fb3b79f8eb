package names

import (
	"math/bits"
	"strings"
)

// How is why two words are taken for one.
type How uint8

// The reasons, in the order of what they are worth.
const (
	Different How = iota
	AnInitial
	Misspelt
	SameConsonants // one of them was written without vowels
	SameSound
	Joined // two words of one name are one of the other
	Same
)

func (h How) String() string {
	return [...]string{"different", "initial", "spelling", "consonants", "sound", "joined", "same"}[h]
}

const (
	likeSame       = 100
	LikeJoined     = 95
	likeSound      = 94
	likeConsonants = 90
	LikeInitial    = 70
	minBones       = 2  // consonants that must be left to compare what has no vowels
	lettersPerSlip = 4  // one slip of the pen for so many letters
	lessCommon     = 15 // that a common name is written otherwise may be another name: Hernandez, Fernandez
	maxSlips       = 3  // and no more than so many
	minDropped     = 3  // consonants of which one may be another
	maxAlphabet    = 2  // letters that one slip may add to, or take from, those in a word
)

// Likeness is how alike two words are, 0 to 100, and why. It is the same both ways.
func Likeness(a, b *Word) (percent int, how How) {
	if a.alphabet == b.alphabet && a.Text == b.Text { // the first spares looking at the texts of most pairs
		return likeSame, Same
	}
	if a.Class == Initial || b.Class == Initial {
		if a.Class != b.Class && a.Text[0] == b.Text[0] && latin(a.Text) && latin(b.Text) {
			return LikeInitial, AnInitial
		}
		return 0, Different
	}
	if a.Class.light() || b.Class.light() {
		return 0, Different // they are too short to be written in two ways
	}
	if a.abjad != b.abjad {
		if len(a.bones) >= minBones && a.bones == b.bones {
			return likeConsonants, SameConsonants
		}
		return 0, Different
	}
	if a.abjad {
		return 0, Different // words of Arabic and Hebrew are spelt in one way
	}
	if soundsLike(a, b) {
		return likeSound, SameSound
	}
	if a.Class == Common && b.Class == Common {
		return 0, Different // Maria and Mario are two names
	}
	return slips(a, b)
}

func soundsLike(a, b *Word) bool {
	return a.sound.same(b.sound) || a.other.same(b.sound) || a.sound.same(b.other) || a.other.same(b.other)
}

// slips compares two words that are not spelt the same. Their consonants differ by one at most: that is what Index looks for.
func slips(a, b *Word) (percent int, how How) {
	longer := max(len(a.Text), len(b.Text))
	allowed := min(longer/lettersPerSlip, maxSlips)
	if allowed == 0 || longer-min(len(a.Text), len(b.Text)) > allowed || bits.OnesCount32(a.alphabet^b.alphabet) > maxAlphabet*allowed {
		return 0, Different
	}
	if !oneApart(a.sound.consonants, b.sound.consonants) {
		return 0, Different
	}
	d := distance(a.Text, b.Text)
	if d > allowed {
		return 0, Different
	}
	percent = 100 - 100*d/longer
	if a.Class == Common || b.Class == Common {
		percent -= lessCommon
	}
	return percent, Misspelt
}

// oneApart tells whether two runs of consonants are the same, or the same once one is taken out of each or of either. Runs
// of fewer than three must be the same.
func oneApart(a, b string) bool {
	switch {
	case a == "" || b == "":
		return false
	case a == b:
		return true
	case len(a) < minDropped || len(b) < minDropped:
		return false
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	if len(a) < len(b) {
		return strings.HasSuffix(b, a)
	}
	for len(a) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	// One letter for another, or one that moved.
	return len(a) == 1 || a[1:] == b[:len(b)-1] || a[:len(a)-1] == b[1:]
}

// distance is how many letters must be put in, taken out, replaced or swapped with the next to make one word of another
// (optimal string alignment). Words have at most maxWordBytes.
func distance(a, b string) int {
	const size = maxWordBytes + 1
	var rows [3][size]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
