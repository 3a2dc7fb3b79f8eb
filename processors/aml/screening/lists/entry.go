package lists

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Kind is what an entry names.
type Kind string

// The kinds of entries.
const (
	Person   Kind = "person"
	Entity   Kind = "entity"
	Vessel   Kind = "vessel"
	Aircraft Kind = "aircraft"
)

// Strength is how sure a list is of a name.
type Strength string

// The strengths of names.
const (
	Primary Strength = "primary"
	Alias   Strength = "alias"
	Weak    Strength = "weak" // nicknames, acronyms, what many others are called, too
)

// Name is one name of an entry, as the list writes it.
type Name struct {
	Text     string   `json:"text"`
	Strength Strength `json:"strength"`
}

// Entry is one person, organisation or vessel of a list.
type Entry struct {
	List      string   `json:"list"`
	ID        string   `json:"id"` // the list's own
	Kind      Kind     `json:"kind"`
	Names     []Name   `json:"names"` // the primary one first
	Births    []Birth  `json:"births,omitempty"`
	Countries []string `json:"countries,omitempty"` // ISO 3166-1: nationalities and addresses
	Programs  []string `json:"programs,omitempty"`
	Source    string   `json:"source"` // file:line
	Hash      string   `json:"hash"`   // of all that the list says of it, read or not, wherever it stands
}

// seal computes the hash; raw is that of the records as the list writes them. Fields are written with their lengths, so that none can pass for another.
func (e *Entry) seal(raw string) {
	h := sha256.New()
	put := func(texts ...string) {
		fmt.Fprintf(h, "%d;", len(texts))
		for _, t := range texts {
			fmt.Fprintf(h, "%d:%s", len(t), t)
		}
	}
	put(e.List, e.ID, string(e.Kind))
	for _, n := range e.Names {
		put(n.Text, string(n.Strength))
	}
	for _, b := range e.Births {
		put(b.String())
	}
	put(e.Countries...)
	put(e.Programs...)
	put(raw)
	e.Hash = hex.EncodeToString(h.Sum(nil)[:8])
}

// List is one list as it was read.
type List struct {
	Name      string    // such as ofac-sdn
	Files     []string  // that it was read from
	Published time.Time // by what it says itself; zero where its format says nothing
	Stored    time.Time // when its files were written
	Version   string    // publication date, where there is one, and the hash of its files
	Entries   []Entry
	Warnings  []string // what could not be understood and was left out, with its place
	warned    int
}

// maxWarnings is how many are kept in words; the rest are counted.
const maxWarnings = 20

func (l *List) warn(place, text string) {
	if l.warned++; l.warned <= maxWarnings {
		l.Warnings = append(l.Warnings, place+": "+text)
	}
}

// AsOf is when the list was made, as well as that is known.
func (l *List) AsOf() time.Time {
	if l.Published.IsZero() {
		return l.Stored
	}
	return l.Published
}

// Age is how long ago that was.
func (l *List) Age(now time.Time) time.Duration { return now.Sub(l.AsOf()) }

// String is the list in one line, with its age.
func (l *List) String() string {
	age := "stored"
	if !l.Published.IsZero() {
		age = "published"
	}
	return fmt.Sprintf("%s: %d entries, %s %s, version %s, from %s", l.Name, len(l.Entries), age, l.AsOf().UTC().Format(time.DateOnly), l.Version, strings.Join(l.Files, ", "))
}
