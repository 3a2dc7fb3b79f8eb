package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Finding is a pattern that was found. One of the same ID may be told again, with more in it; that is one finding.
type Finding struct {
	// ID derives from the pattern, from who stands in the middle of it (key) and from the period, which is as long as the
	// pattern's window. What goes on for longer is another finding in each period.
	ID      string  `json:"id"`
	Pattern Pattern `json:"pattern"`
	// New says that the finding was not told before.
	New     bool     `json:"new"`
	Members []Member `json:"members"`
	// Transfers are the first MaxListed in order of time; Amount is their sum, in minor units, First and Last their times. A
	// shared instrument has none: its links are in the group of any of the members.
	Transfers []Transfer `json:"transfers,omitempty"`
	Amount    int64      `json:"amount"`
	First     int64      `json:"first"` // milliseconds since 1970
	Last      int64      `json:"last"`
	// CutShort says that there may be more to it: it has more transfers than are listed, or a search ran out of steps.
	CutShort bool `json:"cut_short,omitempty"`
}

// MaxListed is how many transfers or customers are listed with a finding.
const MaxListed = 256

// Role is what a member does in a finding.
type Role string

// The roles.
const (
	Source      Role = "source"      // only pays
	Middle      Role = "middle"      // is paid and pays
	Destination Role = "destination" // only is paid
	Shared      Role = "shared"      // the instrument
	Sharer      Role = "sharer"      // a customer who uses it
)

// Member is a party of a finding.
type Member struct {
	Party
	Role Role `json:"role"`
}

// finding is a Finding as it is held. It names its parties itself, as it may outlast what it is made of.
type finding struct {
	id        findingID
	pattern   Pattern
	period    int64
	key       []Party
	transfers []Transfer // in their order
	sharers   []Party    // in their order
	cut       bool
	fresh     bool // made by the event that is folded
}

type findingID [16]byte

func identify(p Pattern, period int64, key []Party) (id findingID) {
	text := binary.AppendVarint([]byte{byte(p)}, period)
	for _, party := range key {
		text = append(text, byte(party.Kind))
		text = append(binary.AppendUvarint(text, uint64(len(party.ID))), party.ID...)
	}
	sum := sha256.Sum256(text)
	copy(id[:], sum[:])
	return id
}

// book is what was found, for as long as it can be found again.
type book struct {
	span span // by the ends of periods
	list pages[finding]
	byID map[findingID]uint32
}

func newBook(limits *Limits) book {
	return book{span: newSpan(limits, limits.MaxFindings), byID: map[findingID]uint32{}}
}

// sweep forgets findings whose period ended before what is held: no event can belong to them.
func (b *book) sweep(since int64) {
	b.span.raise(since)
	b.span.take(deadPerEvent, func(i uint32) {
		delete(b.byID, b.list.at(i).id)
		b.list.remove(i)
	})
}

// at finds or makes a finding. It returns nil where there are too many later ones.
func (b *book) at(pattern Pattern, window, time int64, key []Party) (f *finding, i uint32) {
	period := time / window
	end := (period+1)*window - 1
	if !b.span.holds(end) {
		return nil, 0
	}
	id := identify(pattern, period, key)
	if i, ok := b.byID[id]; ok {
		return b.list.at(i), i
	}
	i = b.list.add(finding{id: id, pattern: pattern, period: period, key: slices.Clone(key), fresh: true})
	b.byID[id] = i
	b.span.add(end, i)
	return b.list.at(i), i
}

// tell adds transfers to the finding of a pattern at a time. The last transfer of what was found has that time.
func (g *Graph) tell(pattern Pattern, time int64, key []Party, transfers []uint32, cut bool) {
	f, i := g.book.at(pattern, g.windowOf(pattern), time, key)
	if f == nil {
		return
	}
	changed := f.fresh || cut && !f.cut
	f.cut = f.cut || cut
	for _, t := range transfers {
		if f.full() && g.transfers.at(t).time > f.transfers[MaxListed-1].Time {
			continue // what goes on at a hub
		}
		changed = f.addTransfer(g.transferOf(t)) || changed
	}
	g.note(i, changed)
}

// note remembers that a finding changed.
func (g *Graph) note(i uint32, changed bool) {
	if changed && !slices.Contains(g.found, i) {
		g.found = append(g.found, i)
	}
}

// full tells whether there are more transfers than are listed.
func (f *finding) full() bool { return f.cut && len(f.transfers) == MaxListed }

// addTransfer keeps the first MaxListed, whatever the order in which they come.
func (f *finding) addTransfer(t Transfer) (changed bool) {
	at, known := slices.BinarySearchFunc(f.transfers, &t, func(u Transfer, t *Transfer) int { return u.compare(t) })
	return !known && list(f, &f.transfers, at, t)
}

// addSharer keeps the first MaxListed in the order of parties.
func (f *finding) addSharer(p Party) (changed bool) {
	at, known := slices.BinarySearchFunc(f.sharers, p, Party.Compare)
	return !known && list(f, &f.sharers, at, p)
}

// list puts one more in its place among the first MaxListed. changed is also that the finding is cut only now.
func list[T any](f *finding, of *[]T, at int, one T) (changed bool) {
	if at == MaxListed {
		changed, f.cut = !f.cut, true
		return changed
	}
	if len(*of) == MaxListed {
		*of, f.cut = (*of)[:MaxListed-1], true
	}
	*of = slices.Insert(*of, at, one)
	return true
}

// told is what came of the event that was folded.
func (g *Graph) told() []Finding {
	if len(g.found) == 0 {
		return nil
	}
	all := make([]Finding, 0, len(g.found))
	for _, i := range g.found {
		f := g.book.list.at(i)
		all = append(all, f.tell())
		f.fresh = false
	}
	return all
}

// Findings lists what was found and may be found again, in the order of ids.
func (g *Graph) Findings() []Finding {
	var all []Finding
	for _, i := range g.book.byID {
		if f := g.book.list.at(i); g.book.span.holds(g.endOf(f)) {
			all = append(all, f.tell())
		}
	}
	slices.SortFunc(all, func(a, b Finding) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

// windowOf is how long the periods of a pattern are, in milliseconds.
func (g *Graph) windowOf(p Pattern) int64 { return g.limits.Patterns[p].Window.Milliseconds() }

func (g *Graph) endOf(f *finding) int64 { return (f.period+1)*g.windowOf(f.pattern) - 1 }

func (f *finding) tell() Finding {
	told := Finding{ID: hex.EncodeToString(f.id[:]), Pattern: f.pattern, New: f.fresh, Members: f.members(), Transfers: slices.Clone(f.transfers), CutShort: f.cut}
	for i := range f.transfers {
		told.Amount = addSaturated(told.Amount, f.transfers[i].Amount)
	}
	if n := len(f.transfers); n > 0 {
		told.First, told.Last = f.transfers[0].Time, f.transfers[n-1].Time
	}
	return told
}

// members lists who takes part, in the order of parties.
func (f *finding) members() []Member {
	if f.pattern == SharedInstrument {
		all := []Member{{f.key[0], Shared}}
		for _, p := range f.sharers {
			all = append(all, Member{p, Sharer})
		}
		return all
	}
	roles := map[Party]Role{}
	for i := range f.transfers {
		t := &f.transfers[i]
		roles[t.From] = join(roles[t.From], Source)
		roles[t.To] = join(roles[t.To], Destination)
	}
	all := make([]Member, 0, len(roles))
	for p, role := range roles {
		all = append(all, Member{p, role})
	}
	slices.SortFunc(all, func(a, b Member) int { return a.Compare(b.Party) })
	return all
}

func join(had, has Role) Role {
	if had == "" || had == has {
		return has
	}
	return Middle
}
