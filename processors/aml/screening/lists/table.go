package lists

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// table is a CSV file, row by row.
type table struct {
	*source
	reader  *csv.Reader
	columns map[string]int // by their names in the header, in lower case
	width   int
	row     []string
	line    int
}

// maxPreamble is how many lines a file may have above its header.
const maxPreamble = 5

// newTable reads a CSV file whose rows have so many columns, without a header.
func newTable(s *source, width int) *table {
	t := &table{source: s, reader: csv.NewReader(s), width: width}
	t.reader.FieldsPerRecord = -1
	t.reader.ReuseRecord = true
	return t
}

// header reads on to the line that has all the columns; what is above it is returned, one string for each line.
func (t *table) header(columns ...string) (above []string, err error) {
	for range maxPreamble {
		if err := t.record(); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, err
		}
		found := map[string]int{}
		for i, name := range t.row {
			name = strings.ToLower(strings.TrimSpace(name))
			if _, twice := found[name]; !twice {
				found[name] = i
			}
		}
		missing := ""
		for _, c := range columns {
			if _, ok := found[c]; !ok && missing == "" {
				missing = c
			}
		}
		if missing == "" {
			t.columns, t.width = found, len(t.row)
			return above, nil
		}
		above = append(above, strings.Join(t.row, ","))
	}
	return nil, t.fail(1, "no line with the columns %s among the first %d", strings.Join(columns, ", "), maxPreamble)
}

// record reads one line of any width.
func (t *table) record() error {
	t.next()
	row, err := t.reader.Read()
	if err == nil {
		t.row = row
		t.line, _ = t.reader.FieldPos(0)
		return nil
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	line := t.line + 1
	text := err.Error()
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		line, text = parse.StartLine, parse.Err.Error()
		if errors.Is(parse.Err, csv.ErrQuote) {
			text = "a quotation mark that is not closed, or one that is not doubled: the file may be cut off"
		}
	}
	return t.fail(line, "%s", text)
}

// read reads the next row; io.EOF after the last. A row of another width is an error: the file may be cut off in it.
func (t *table) read() error {
	if err := t.record(); err != nil {
		return err
	}
	if len(t.row) == 1 && t.row[0] == "\x1a" { // how DOS ends a file, and OFAC still does
		if err := t.record(); !errors.Is(err, io.EOF) {
			return t.fail(t.line, "there is more after the end mark (1A hexadecimal)")
		}
		return io.EOF
	}
	if len(t.row) != t.width {
		return t.fail(t.line, "%d columns; want %d: the file may be cut off", len(t.row), t.width)
	}
	return nil
}

// get is a column of the row; "" where the file has no such column.
func (t *table) get(column string) string {
	i, ok := t.columns[column]
	if !ok {
		return ""
	}
	return strings.TrimSpace(t.row[i])
}

// several are the parts of a column that may hold more than one value.
func (t *table) several(column, separators string) []string {
	return strings.FieldsFunc(t.get(column), func(r rune) bool { return strings.ContainsRune(separators, r) })
}

// unique remembers ids, to refuse a list that has one twice.
type unique map[string]string

func (u unique) add(e *Entry) error {
	if first, twice := u[e.ID]; twice {
		file, line := e.Source, 0
		return &Error{file, line, fmt.Sprintf("entry %s is there twice; first at %s", e.ID, first)}
	}
	u[e.ID] = e.Source
	return nil
}
