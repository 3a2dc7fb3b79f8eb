package rules

import (
	"fmt"
	"sort"
	"strings"

	"github.com/weirhq/weir/internal/spelling"
)

// What a problem shows of its line, in characters, and how many problems are shown.
const (
	maxSource = 400
	maxShown  = 100
)

// Problem is one mistake in a rule file, a list or an inline test. Line and Column count from 1, columns in characters;
// Line 0 is the file as a whole.
type Problem struct {
	File    string
	Line    int
	Column  int
	Message string // what is wrong
	Hint    string // what would be right, "" where the message says it
	Source  string // the line of the file, without its line break
}

// String is the problem as a person reads it: position and message, then the line with a caret, then the hint.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	b.WriteString(p.Message)
	if p.Line > 0 && p.Source != "" {
		fmt.Fprintf(&b, "\n%5d | %s\n      | %s^", p.Line, p.Source, caretIndent(p.Source, p.Column))
	}
	if p.Hint != "" {
		b.WriteString("\n      = ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// caretIndent is as wide as the part of a line before a column; tabs stay tabs, so that the caret stands right.
func caretIndent(line string, column int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= column-1 {
			break
		}
		if r == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Problems are all mistakes of a rule set, by file, line and column. As an error they read one after the other, the
// first hundred in full.
type Problems []Problem

func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if i == maxShown {
			fmt.Fprintf(&b, "and %d more", len(ps)-i)
			break
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// orNil is the problems as an error, nil where there are none, sorted and without repeats.
func (ps Problems) orNil() error {
	if len(ps) == 0 {
		return nil
	}
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	unique := ps[:1]
	for _, p := range ps[1:] {
		if p != unique[len(unique)-1] {
			unique = append(unique, p)
		}
	}
	return unique
}

// suggest is a hint that names the candidate nearest to a misspelt name, or lists all where none is near and the list
// is short.
func suggest(name string, candidates []string) string {
	if best := spelling.Nearest(name, candidates, spelling.Few(name)); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if n := len(candidates); n > 0 && n <= 24 {
		sorted := append([]string(nil), candidates...)
		sort.Strings(sorted)
		return "known: " + strings.Join(sorted, ", ")
	}
	return ""
}
