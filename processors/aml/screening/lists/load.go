package lists

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// format is a format in which lists are published.
type format struct {
	name string // of the list, where a file does not give its own
	mark string // what the beginning of a file of it holds
	read func(*source, *List) error
}

var formats = []format{
	{"ofac-sdn", "<sdnList", readSDN},
	{"un", "<CONSOLIDATED_LIST", readUN},
	{"eu", "http://eu.europa.ec/fpi/fsd/export", readEU},
	{"uk", "Unique ID,", readUKSanctions},
	{"uk-ofsi", "Name 6,Name 1", readConList},
	{"pep", "id,schema,name", readSimple},
}

const wanted = "OFAC's sdn.csv, add.csv and alt.csv, or sdn.xml; the consolidated XML of the UN or of the EU; " +
	"the UK's UK-Sanctions-List.csv or ConList.csv; OpenSanctions' targets.simple.csv"

// Load reads all lists of a directory: its *.csv and *.xml. A file that is of no known format is an error, anything else that may be a list, and so is one that
// cannot be read whole; all of them are told. The files of one list may be there in one format alone.
func Load(fsys fs.FS) ([]*List, error) {
	names, err := fs.Glob(fsys, "*.[cCxX][sSmM][vVlL]")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("there are no lists: want " + wanted)
	}
	var all []*List
	problems, err := unread(fsys, names)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	keep := func(l *List, err error) {
		if err == nil {
			err = l.stat(fsys)
		}
		if err != nil {
			problems = append(problems, err)
			return
		}
		all = append(all, l)
	}
	for _, files := range ofacCSVs {
		together := []string{files.entries, files.addresses, files.aliases}
		if slices.ContainsFunc(together, func(n string) bool { return slices.Contains(names, n) }) {
			keep(readOFACTables(fsys, files))
		}
		for _, n := range together {
			taken[n] = true
		}
	}
	for _, name := range names {
		if !taken[name] {
			keep(readFile(fsys, name))
		}
	}
	slices.SortFunc(all, func(a, b *List) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(all); i++ {
		if all[i].Name == all[i-1].Name {
			problems = append(problems, fmt.Errorf("the list %s is there twice, in %s and in %s: keep one", all[i].Name, all[i-1].Files[0], all[i].Files[0]))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return all, nil
}

// unread says what of a directory would be left out: a list that is still packed, was not wholly downloaded, or is further down.
func unread(fsys fs.FS, lists []string) (problems []error, err error) {
	all, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	for _, file := range all {
		name, ext := file.Name(), strings.ToLower(path.Ext(file.Name()))
		switch {
		case file.IsDir() && !strings.HasPrefix(name, "."):
			problems = append(problems, fmt.Errorf("%s: is a directory; want the lists themselves, and nothing below", name))
		case slices.Contains(lists, name) || strings.HasPrefix(name, ".") || ext == ".txt" || ext == ".md":
		default:
			problems = append(problems, fmt.Errorf("%s: is neither .csv nor .xml: unpack it, download it again or take it out; .txt, .md and what begins with a full stop may stay", name))
		}
	}
	return problems, nil
}

func readFile(fsys fs.FS, name string) (*List, error) {
	s, err := open(fsys, name)
	if err != nil {
		return nil, err
	}
	defer s.close()
	begins, _ := s.Peek(sniffBytes - 3)
	begins = bytes.ReplaceAll(begins, []byte(`"`), nil)
	for _, f := range formats {
		if !bytes.Contains(begins, []byte(f.mark)) {
			continue
		}
		l := &List{Name: f.name, Files: []string{name}}
		if stem := strings.TrimSuffix(path.Base(name), path.Ext(name)); f.name == "pep" && stem != "targets.simple" {
			l.Name = strings.ToLower(stem)
		}
		if err := f.read(s, l); err != nil {
			return nil, err
		}
		sum, err := s.sum()
		if err != nil {
			return nil, err
		}
		if len(l.Entries) == 0 {
			return nil, s.fail(0, "the list is empty")
		}
		l.seal(sum)
		return l, nil
	}
	return nil, s.fail(0, "is of no format that is known; want %s", wanted)
}

// add ends an entry and adds it.
func (l *List) add(ids unique, b *build) error {
	e, err := b.end()
	if err == nil {
		err = ids.add(&e)
	}
	if err == nil {
		l.Entries = append(l.Entries, e)
	}
	return err
}

// seal computes the version from the hashes of the files.
func (l *List) seal(sums ...string) {
	h := sha256.Sum256([]byte(strings.Join(sums, " ")))
	l.Version = hex.EncodeToString(h[:6])
	if !l.Published.IsZero() {
		l.Version = l.Published.Format(time.DateOnly) + "-" + l.Version
	}
	if more := l.warned - maxWarnings; more > 0 {
		l.Warnings = append(l.Warnings, fmt.Sprintf("%s: %d more of these", l.Files[0], more))
	}
}

// stat learns when the files were written: the earliest counts.
func (l *List) stat(fsys fs.FS) error {
	for _, name := range l.Files {
		info, err := fs.Stat(fsys, name)
		if err != nil {
			return err
		}
		if t := info.ModTime(); l.Stored.IsZero() || t.Before(l.Stored) {
			l.Stored = t
		}
	}
	return nil
}
