package screening

import (
	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// Brute compares a subject with every name of every entry, without an index.
func Brute(entries []*lists.Entry, weights names.Weights, s Subject) []Hit {
	s.words = names.Read(s.Name, weights)
	best := map[*lists.Entry]Hit{}
	for _, e := range entries {
		for _, of := range e.Names {
			name := names.Read(of.Text, weights)
			points, words := score(&s, e, &name, of.Strength)
			if other, there := best[e]; points >= DefaultThreshold && (!there || points > other.Score) {
				best[e] = Hit{Customer: s.ID, Subject: s.Name, Score: points, Entry: e, Name: of, words: words}
			}
		}
	}
	return ranked(best, &s, weights)
}
