package screening

import (
	"time"

	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// Change is what a new version of lists changes.
type Change struct {
	Added, Changed, Removed, Again int
	old, next                      []*lists.Entry // entries that are not in both, as they stand, and in next those to look at again
}

type entryKey struct{ list, entry string }

// Compare says which entries differ between two versions of lists. Those that do not are looked at again where an allowance is over:
// its hit would be neither put aside nor new.
func Compare(old, next []*lists.List, allowed *Allowed, now time.Time) *Change {
	before, over := map[entryKey]*lists.Entry{}, allowed.over(now)
	for _, e := range Entries(old) {
		before[entryKey{e.List, e.ID}] = e
	}
	c := &Change{}
	for _, e := range Entries(next) {
		key := entryKey{e.List, e.ID}
		was, there := before[key]
		delete(before, key)
		switch {
		case !there:
			c.Added++
		case was.Hash != e.Hash:
			c.Changed++
			c.old = append(c.old, was)
		case over[key]:
			c.Again++
		default:
			continue
		}
		c.next = append(c.next, e)
	}
	c.Removed = len(before)
	for _, e := range Entries(old) {
		if before[entryKey{e.List, e.ID}] == e {
			c.old = append(c.old, e)
		}
	}
	return c
}

// Indexes are of the entries as they were and as they are, without those that did not change and are not to be looked at again. Hits in the second are new, hits
// in the first are over; a hit of an entry that has changed and is still one is in both, since what was looked at is another entry now.
func (c *Change) Indexes(weights names.Weights, threshold int) (old, next *Index) {
	return NewIndex(c.old, weights, threshold), NewIndex(c.next, weights, threshold)
}
