package screening

import (
	"slices"

	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// Brute compares subjects with every name of every entry, without looking anything up.
type Brute struct{ ix *Index }

// NewBrute reads the names of entries.
func NewBrute(entries []*lists.Entry, weights names.Weights) Brute {
	return Brute{NewIndex(entries, weights, DefaultThreshold)}
}

// Hits are those of one subject.
func (b Brute) Hits(s Subject) []Hit {
	s.words = names.Read(s.Name, b.ix.weights)
	best := map[*lists.Entry]Hit{}
	for i := range b.ix.names {
		n := &b.ix.names[i]
		points, words := score(&s, n.entry, &n.name, n.of.Strength)
		if other, there := best[n.entry]; points >= DefaultThreshold && (!there || points > other.Score) {
			best[n.entry] = Hit{Customer: s.ID, Subject: s.Name, Score: points, Entry: n.entry, Name: n.of, words: words}
		}
	}
	hits := explained(best, &s, b.ix.weights)
	slices.SortFunc(hits, order)
	return hits
}
