package names

import "math/bits"

// What a word weighs in a name: 1 to 100, the more the rarer.
const (
	weightRare     = 100
	weightHalving  = 6 // less for each time that twice as many entries have it
	weightLeast    = 10
	weightCommon   = 35
	weightGeneric  = 20
	weightInitial  = 15
	weightTitle    = 6
	weightParticle = 4
	weightLegal    = 4
)

// Weights is how rare words are: by what is known of names everywhere (common.txt), and by how many entries of the lists have
// them. Once made it does not change with the lists, so that an entry is not hit by another customer only because of others
// that came to the list; it is made anew with a full screening.
type Weights struct {
	entries map[string]int32 // how many entries have a word that is not common everywhere
}

// Counter counts in how many entries words are.
type Counter struct {
	entries map[string]int32
	seen    map[string]bool
}

// NewCounter begins to count.
func NewCounter() *Counter { return &Counter{map[string]int32{}, map[string]bool{}} }

// Add counts the words of one entry's names.
func (c *Counter) Add(all ...[]Word) {
	clear(c.seen)
	for _, words := range all {
		for i := range words {
			if w := &words[i]; w.Class == Plain && !c.seen[w.Text] {
				c.seen[w.Text] = true
				c.entries[w.Text]++
			}
		}
	}
}

// Weights is what was counted. What is in one entry is left out: it weighs as much as what is in none.
func (c *Counter) Weights() Weights {
	w := Weights{map[string]int32{}}
	for text, n := range c.entries {
		if n > 1 {
			w.entries[text] = n
		}
	}
	return w
}

// Of is what a word weighs.
func (w Weights) Of(word *Word) int {
	switch word.Class {
	case Legal:
		return weightLegal
	case Title:
		return weightTitle
	case Particle:
		return weightParticle
	case Initial:
		return weightInitial
	case Generic:
		return weightGeneric
	case Common:
		return weightCommon
	}
	n := max(w.entries[word.Text], 1)
	return max(weightRare-weightHalving*(bits.Len32(uint32(n))-1), weightLeast)
}
