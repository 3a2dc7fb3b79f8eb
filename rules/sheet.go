package rules

import (
	"bytes"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Sheet is a YAML file of another kind than rule files, such as one of routes, read as those are: each mistake is a
// Problem with its line, a caret and what would be right, and reading goes on behind it.
type Sheet struct{ *source }

// Node is a value in a sheet.
type Node = ast.Node

// SheetEntry is one name of a mapping, with its value.
type SheetEntry struct {
	Key   string
	Value Node
	at    place
}

// NewSheet returns the sheet that a file is, and its entries, which are among keys. what says what kind of file it is, such as
// "a routing file". Problems gathers the mistakes.
func NewSheet(file File, what string, keys []string, problems *Problems) (*Sheet, []SheetEntry) {
	text := bytes.ReplaceAll(bytes.TrimPrefix(file.Text, byteOrderMark), []byte("\r\n"), []byte("\n"))
	s := &Sheet{newSource(file.Name, string(text), problems)}
	body, ok := s.body(text)
	if !ok {
		return s, nil
	}
	entries := s.Mapping(body, what, append([]string{"version", "description"}, keys...))
	versioned := false
	entries = slices.DeleteFunc(entries, func(e SheetEntry) bool {
		switch e.Key {
		case "version":
			versioned = true
			s.version(e.Value)
		case "description":
			s.text(e.Value, "description")
		default:
			return false
		}
		return true
	})
	if !versioned {
		s.unversioned()
	}
	return s, entries
}

// Mapping reads names and values; what says what they describe. A name that is not among keys is a problem and left out;
// nil keys: any name goes.
func (s *Sheet) Mapping(n Node, what string, keys []string) []SheetEntry {
	var entries []SheetEntry
	for _, p := range s.mapping(n, what) {
		if keys != nil && !slices.Contains(keys, p.key) {
			s.fail(p.at, suggest(p.key, keys), "unknown key %q in %s", p.key, what)
			continue
		}
		entries = append(entries, SheetEntry{p.key, p.value, p.at})
	}
	return entries
}

// Sequence reads a list.
func (s *Sheet) Sequence(n Node, what string) []Node { return s.sequence(n, what) }

// Text reads a text, "" where it is none; numbers are none.
func (s *Sheet) Text(n Node, what string) string { return s.text(n, what) }

// Number is a number that is not in quotes, as it is written; ok is false where there is something else.
func (s *Sheet) Number(n Node) (text string, ok bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return tokenOf(n).Value, true
	}
	return "", false
}

// Value reads a text or a whole number as it is written.
func (s *Sheet) Value(n Node) string { return s.value(n) }

// OneOf reads one of several words, "" where it is none.
func (s *Sheet) OneOf(n Node, what string, words ...string) string {
	text := s.text(n, what)
	if text == "" || slices.Contains(words, text) {
		return text
	}
	s.Fail(n, suggest(text, words), "%s cannot be %q", what, text)
	return ""
}

// Integer reads a whole number from low to high.
func (s *Sheet) Integer(n Node, what string, low, high int64) int64 {
	before := len(*s.problems)
	v := s.integer(n, what)
	if len(*s.problems) == before && (v < low || v > high) {
		s.Fail(n, "", "%s: %d is not between %d and %d", what, v, low, high)
	}
	return v
}

// Boolean reads true or false.
func (s *Sheet) Boolean(n Node, what string) bool { return s.boolean(n, what) }

// Percentage reads 1% to 99%; 0 where it is none.
func (s *Sheet) Percentage(n Node, what string) int {
	return s.percentage(n, what, "write "+what+": 20%")
}

// Duration reads a time such as 90s, 10m, 24h or 7d, from low to high; 0 where it is none.
func (s *Sheet) Duration(n Node, what string, low, high time.Duration) time.Duration {
	d, ok := s.duration(n, what)
	if !ok {
		return 0
	}
	if d < low || d > high {
		s.Fail(n, "", "%s: %s is not between %s and %s", what, shortDuration(d), shortDuration(low), shortDuration(high))
		return 0
	}
	return d
}

// Location reads a time zone, nil where it is none.
func (s *Sheet) Location(n Node) *time.Location {
	if z := s.timeZone(n); z != nil {
		return z.location
	}
	return nil
}

// Name reads a name of small letters, digits and _, "" where it is none.
func (s *Sheet) Name(n Node, what string) string {
	if name := s.text(n, what); name != "" && len(s.checkName(placeOf(tokenOf(n)), name, what)) > 0 {
		return name
	}
	return ""
}

// Fail records a mistake at a value; the hint says what would be right, "" where the message does.
func (s *Sheet) Fail(n Node, hint, format string, args ...any) {
	s.fail(placeOf(tokenOf(n)), hint, format, args...)
}

// FailKey records a mistake at a name.
func (s *Sheet) FailKey(e SheetEntry, hint, format string, args ...any) {
	s.fail(e.at, hint, format, args...)
}

// FailTest records in failures that a test of the file does not come out as it says.
func (s *Sheet) FailTest(n Node, failures *Problems, hint, format string, args ...any) {
	told := *s.source
	told.problems = failures
	told.fail(placeOf(tokenOf(n)), hint, format, args...)
}

// Line is where a value stands, counted from 1.
func (s *Sheet) Line(n Node) int { return placeOf(tokenOf(n)).line }

// Suggest is a hint that names the known name nearest to one that is not, or lists all where they are few.
func Suggest(name string, known []string) string { return suggest(name, known) }

// Hint is what an error of this package says would be right, "" where it does not.
func Hint(err error) string { return hintOf(err) }

// Sorted is the problems as an error in the order of the files, nil where there are none.
func (ps Problems) Sorted() error { return ps.orNil() }
