package screening

import (
	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// Change is what a new version of lists changes.
type Change struct {
	Added, Changed, Removed int
	old, next               []*lists.Entry // entries that are not in both, as they stand
}

// Compare says which entries differ between two versions of lists.
func Compare(old, next []*lists.List) *Change {
	type id struct{ list, entry string }
	before := map[id]*lists.Entry{}
	for _, e := range Entries(old) {
		before[id{e.List, e.ID}] = e
	}
	c := &Change{}
	for _, e := range Entries(next) {
		key := id{e.List, e.ID}
		was, there := before[key]
		delete(before, key)
		switch {
		case !there:
			c.Added++
		case was.Hash != e.Hash:
			c.Changed++
			c.old = append(c.old, was)
		default:
			continue
		}
		c.next = append(c.next, e)
	}
	c.Removed = len(before)
	for _, e := range Entries(old) {
		if before[id{e.List, e.ID}] == e {
			c.old = append(c.old, e)
		}
	}
	return c
}

// Indexes are of the entries as they were and as they are, without those that did not change. Hits in the second are new, hits
// in the first are over; a hit of an entry that has changed and is still one is in both, since what was looked at is another entry now.
func (c *Change) Indexes(weights names.Weights, threshold int) (old, next *Index) {
	return NewIndex(c.old, weights, threshold), NewIndex(c.next, weights, threshold)
}
