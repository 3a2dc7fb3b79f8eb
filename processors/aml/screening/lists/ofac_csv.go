package lists

import (
	"errors"
	"io"
	"io/fs"
	"strings"
)

// ofacTables are the files of one of OFAC's lists as CSV: entries, addresses and other names, which belong together. They
// have no header.
type ofacTables struct{ name, entries, addresses, aliases string }

var ofacCSVs = []ofacTables{
	{"ofac-sdn", "sdn.csv", "add.csv", "alt.csv"},
	{"ofac-consolidated", "cons_prim.csv", "cons_add.csv", "cons_alt.csv"},
}

const (
	ofacNull         = "-0-"
	ofacEntryWidth   = 12
	ofacAddressWidth = 6
	ofacAliasWidth   = 5
)

func readOFACTables(fsys fs.FS, files ofacTables) (*List, error) {
	l := &List{Name: files.name, Files: []string{files.entries, files.addresses, files.aliases}}
	var order []*build
	byID := map[string]*build{}
	var sums []string
	sum, err := ofacRows(fsys, files.entries, ofacEntryWidth, func(t *table) error {
		b := begin(l, t.name, t.line, ofac(t, 0), ofacKind(ofac(t, 2)))
		if other, twice := byID[b.entry.ID]; twice {
			return t.fail(t.line, "entry %s is there twice; first at %s", b.entry.ID, other.entry.Source)
		}
		b.record(t.row...)
		b.name(ofac(t, 1), Primary)
		for p := range strings.SplitSeq(ofac(t, 3), "] [") {
			b.program(strings.Trim(p, "[] "))
		}
		b.country(ofac(t, 9)) // a vessel's flag
		ofacRemarks(b, ofac(t, 11))
		byID[b.entry.ID] = b
		order = append(order, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	sums = append(sums, sum)
	of := func(t *table) (*build, error) {
		if b, ok := byID[ofac(t, 0)]; ok {
			b.record(t.row...)
			return b, nil
		}
		return nil, t.fail(t.line, "entry %s is not in %s: the files are of different days, or one is cut off", ofac(t, 0), files.entries)
	}
	sum, err = ofacRows(fsys, files.addresses, ofacAddressWidth, func(t *table) error {
		b, err := of(t)
		if err == nil {
			b.country(ofac(t, 4))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sums = append(sums, sum)
	sum, err = ofacRows(fsys, files.aliases, ofacAliasWidth, func(t *table) error {
		b, err := of(t)
		if err == nil {
			b.name(ofac(t, 3), Alias)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, b := range order {
		entry, err := b.end()
		if err != nil {
			return nil, err
		}
		l.Entries = append(l.Entries, entry)
	}
	l.seal(append(sums, sum)...)
	return l, nil
}

// ofacRows calls f for each row of a file, and hashes the file.
func ofacRows(fsys fs.FS, name string, width int, f func(*table) error) (sum string, err error) {
	s, err := open(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &Error{name, 0, "is missing: OFAC's list is three files, of entries, addresses and other names"}
	}
	if err != nil {
		return "", err
	}
	defer s.close()
	t := newTable(s, width)
	for {
		if err = t.read(); errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = f(t)
		}
		if err != nil {
			return "", err
		}
	}
	if s.last != '\n' && s.last != '\r' && s.last != 0x1a {
		return "", s.fail(t.line, "the last line does not end: the file is cut off")
	}
	return s.sum()
}

// ofac is a column; "" where it is OFAC's null.
func ofac(t *table, column int) string {
	if text := strings.TrimSpace(t.row[column]); text != ofacNull {
		return text
	}
	return ""
}

func ofacKind(text string) Kind {
	switch strings.ToLower(text) {
	case "individual":
		return Person
	case "vessel":
		return Vessel
	case "aircraft":
		return Aircraft
	}
	return Entity
}

// ofacRemarks reads what OFAC keeps in the remarks of an entry: "DOB 10 Dec 1948; alt. DOB 1950; nationality Iran; a.k.a. 'BNC'."
func ofacRemarks(b *build, remarks string) {
	for part := range strings.SplitSeq(strings.TrimSuffix(remarks, "."), ";") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "alt. ")
		word, rest, _ := strings.Cut(part, " ")
		switch word {
		case "DOB":
			birth, ok := englishBirth(rest)
			b.born(birth, ok, rest)
		case "nationality", "citizen":
			b.country(rest)
		case "a.k.a.", "f.k.a.", "n.k.a.":
			b.name(strings.Trim(rest, "'\" "), Weak)
		}
	}
}
