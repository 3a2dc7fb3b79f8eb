package lists

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// mostLost is the part of a list in force that its next version may have lost: one in so many entries, and in so many names, dates of birth and countries.
const mostLost = 5

// Check holds a list against the one that it comes in the place of; nil: there was none. The error says what would be odd.
func Check(old, next *List) error {
	if old == nil {
		return nil
	}
	if !next.Published.IsZero() && next.Published.Before(old.Published) {
		return fmt.Errorf("list %s: the new version was published %s, before the one in force, %s", next.Name, next.Version, old.Version)
	}
	there := make(map[string]bool, len(next.Entries))
	for i := range next.Entries {
		there[next.Entries[i].ID] = true
	}
	lost := 0
	for i := range old.Entries {
		if !there[old.Entries[i].ID] {
			lost++
		}
	}
	if lost*mostLost > len(old.Entries) {
		return fmt.Errorf("list %s: version %s has lost %d of the %d entries of version %s; the download may be incomplete", next.Name, next.Version, lost, len(old.Entries), old.Version)
	}
	was, is := counts(old), counts(next)
	for i, what := range partsHeld {
		if (was[i]-is[i])*mostLost > was[i] {
			return fmt.Errorf("list %s: version %s has %d %s, and version %s had %d; the download may be incomplete", next.Name, next.Version, is[i], what, old.Version, was[i])
		}
	}
	return nil
}

// partsHeld are what entries have that a list may lose without losing any entry: OFAC keeps names and addresses in files of their own.
var partsHeld = [...]string{"names", "dates of birth", "countries"}

func counts(l *List) (n [len(partsHeld)]int) {
	for i := range l.Entries {
		e := &l.Entries[i]
		n[0], n[1], n[2] = n[0]+len(e.Names), n[1]+len(e.Births), n[2]+len(e.Countries)
	}
	return n
}

// CheckAll does so for all lists of a directory. A list in force that is missing now is an error, too. shrunk names lists of which
// anything is taken.
func CheckAll(old, next []*List, shrunk []string) error {
	var problems []error
	for _, o := range old {
		if slices.Contains(shrunk, o.Name) {
			continue
		}
		i := slices.IndexFunc(next, func(l *List) bool { return l.Name == o.Name })
		if i < 0 {
			problems = append(problems, fmt.Errorf("list %s: is in force, and missing among the new ones", o.Name))
			continue
		}
		if err := Check(o, next[i]); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// Book is the lists in force. They are read while they are changed.
type Book struct{ current atomic.Pointer[[]*List] }

// Lists are those in force.
func (b *Book) Lists() []*List {
	if l := b.current.Load(); l != nil {
		return *l
	}
	return nil
}

// Swap puts lists into force, all in one step, where they pass CheckAll; otherwise those in force stay.
func (b *Book) Swap(next []*List, shrunk ...string) error {
	for {
		old := b.current.Load()
		var before []*List
		if old != nil {
			before = *old
		}
		if err := CheckAll(before, next, shrunk); err != nil {
			return err
		}
		if b.current.CompareAndSwap(old, &next) {
			return nil
		}
	}
}

// String names the lists, one to a line.
func (b *Book) String() string {
	var lines []string
	for _, l := range b.Lists() {
		lines = append(lines, l.String())
	}
	return strings.Join(lines, "\n")
}
