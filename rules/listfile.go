package rules

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
)

// addEntry puts an entry into a list, or tells why it does not fit.
func addEntry(s *source, at place, list *List, e Entry) {
	if holdsCardNumber(e.Value) || holdsCardNumber(e.Reason) {
		s.fail(at, "use a BIN or a fingerprint", "a card number must not stand in a list")
		return
	}
	err := list.fits(e.Value)
	if err == nil {
		err = list.add(e)
	}
	if err != nil {
		s.fail(at, hintOf(err), "list %q: %s", list.Name, err)
	}
}

// listFile reads a list's CSV file: a heading with value and, where wanted, expires and reason; # begins a comment.
func (c *compiler) listFile(l *listDraft, list *List) {
	name := path.Join(path.Dir(l.source.name), l.file)
	if path.IsAbs(l.file) {
		name = l.file
	}
	text, err := c.readList(name)
	if err != nil {
		l.source.fail(l.fileAt, "the path is relative to the rule file", "list %q: %s", l.Name, err)
		return
	}
	c.set.files = append(c.set.files, name)
	text = bytes.TrimPrefix(text, byteOrderMark)
	newSource(name, string(text), c.problems).entries(list, len(text))
}

// heading reads the names of the columns; nil where they cannot be used.
func (s *source) heading(r *csv.Reader) []string {
	heading, err := r.Read()
	if err != nil {
		s.fail(place{1, 1}, "begin with: value,expires,reason", "the file has no heading")
		return nil
	}
	columns := slices.Clone(heading)
	line, _ := r.FieldPos(0)
	if !slices.Contains(columns, "value") {
		hint := "begin with: value,expires,reason"
		if strings.ContainsAny(columns[0], ";\t") {
			hint = "separate columns with commas"
		}
		s.fail(place{line, 1}, hint, "the heading %q has no column value", strings.Join(columns, ","))
		return nil
	}
	for i, column := range columns {
		if !slices.Contains(entryKeys, column) {
			_, at := r.FieldPos(i)
			s.fail(place{line, at}, suggest(column, entryKeys), "unknown column %q", column)
		}
	}
	return columns
}

// rows reads the entries.
func (s *source) rows(r *csv.Reader, columns []string, list *List) {
	reasons := map[string]string{} // each text once: many entries share theirs
	for rows := 0; ; rows++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			s.fail(place{syntax.Line, max(syntax.Column, 1)}, "", "not CSV: %s", syntax.Err)
			return
		}
		line, column := r.FieldPos(0)
		at := place{line, column}
		if rows == MaxListEntries {
			s.fail(at, "", "the list has more than %d entries", MaxListEntries)
			return
		}
		if len(record) > len(columns) {
			s.fail(at, "put values with commas in quotes", "the line has %d values for %d columns", len(record), len(columns))
			continue
		}
		if e, ok := s.row(at, columns, record, reasons); ok {
			addEntry(s, at, list, e)
		}
	}
}

// row reads one line of a list file.
func (s *source) row(at place, columns, record []string, reasons map[string]string) (Entry, bool) {
	var e Entry
	for i, v := range record {
		v = strings.TrimSpace(v)
		switch columns[i] {
		case "value":
			e.Value = strings.Clone(v) // the line it is a part of is let go
		case "reason":
			if _, ok := reasons[v]; !ok {
				reasons[strings.Clone(v)] = strings.Clone(v)
			}
			e.Reason = reasons[v]
		case "expires":
			if v == "" {
				continue
			}
			var err error
			if e.Expires, err = ParseExpiry(v); err != nil {
				s.fail(at, hintOf(err), "%s", err)
				return e, false
			}
		}
	}
	if e.Value == "" {
		s.fail(at, "", "the entry has no value")
		return e, false
	}
	return e, true
}

// ReadEntries reads entries from the text of a CSV file and checks them as those of the list's own file. A mistake is an
// error of type Problems.
func (l *List) ReadEntries(name string, text []byte) ([]Entry, error) {
	scratch := &List{Name: l.Name, Match: l.Match, fields: l.fields}
	scratch.prepare()
	var problems Problems
	newSource(name, string(bytes.TrimPrefix(text, byteOrderMark)), &problems).entries(scratch, len(text))
	return scratch.Entries, problems.orNil()
}

// entries reads the entries of a CSV file.
func (s *source) entries(list *List, size int) {
	if size > maxListBytes {
		s.fail(place{}, "split it", "the file has %d bytes; at most %d are read", size, maxListBytes)
		return
	}
	r := csv.NewReader(strings.NewReader(strings.Join(s.lines, "\n")))
	r.Comment, r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = '#', -1, true, true
	if columns := s.heading(r); columns != nil {
		s.rows(r, columns, list)
	}
}
