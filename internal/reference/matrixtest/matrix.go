// Package matrixtest writes what a state machine makes of every input in every state as tables of docs/state-matrix.md, for
// the tests of the machines.
package matrixtest

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Document is what the tables stand in, seen from a package below processors/payments.
const Document = "../../../docs/state-matrix.md"

// Matrix is what came of inputs.
type Matrix struct {
	Rows    []string // the order of tables, operations' states and statuses
	Columns []string
	cells   map[Place]map[string]bool
}

// Place is where an input stands: the state that it meets is a row, of the operation that it speaks of, if any, and the status.
type Place struct {
	Table, Operation, Status, Column string
}

// Said is what came of one input.
type Said struct {
	Event   string // the first one, "" where there is none
	To      string // the status it led to, "" for the same one
	Refused string // the code of the refusal
	Case    string // the code of the first case that was opened
	Ignored string // what it is where nothing came of it
}

func (s *Said) String() string {
	var parts []string
	switch {
	case s.Refused != "":
		parts = append(parts, "refused: `"+s.Refused+"`")
	case s.To != "":
		parts = append(parts, "→ **"+s.To+"**")
	case s.Event != "":
		parts = append(parts, "`"+s.Event+"`")
	}
	if s.Case != "" {
		parts = append(parts, "case `"+s.Case+"`")
	}
	return cmp.Or(strings.Join(parts, ", "), s.Ignored)
}

// Add notes what came of an input. Where different things come of it, by what the status does not tell, a cell has them all.
func (m *Matrix) Add(at Place, said Said) {
	if m.cells == nil {
		m.cells = map[Place]map[string]bool{}
	}
	if m.cells[at] == nil {
		m.cells[at] = map[string]bool{}
	}
	m.cells[at][said.String()] = true
}

// Markdown is all tables. A state that an input cannot meet has a dash.
func (m *Matrix) Markdown() string {
	var b strings.Builder
	for _, table := range m.names(m.Rows, func(p Place) (string, bool) { return p.Table, true }) {
		fmt.Fprintf(&b, "### %s\n\n", table)
		in := func(p Place) bool { return p.Table == table }
		columns := m.names(m.Columns, func(p Place) (string, bool) { return p.Column, in(p) })
		operations := m.names(m.Rows, func(p Place) (string, bool) { return p.Operation, in(p) })
		first := []string{"it is"}
		if operations[0] != "" {
			first = []string{"request is", "it is"}
		}
		row(&b, append(first, columns...))
		b.WriteString(strings.Repeat("|---", len(first)+len(columns)) + "|\n")
		for _, line := range m.lines(table, operations, columns) {
			row(&b, line)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// lines are the rows of a table. Of one operation, statuses in which the same comes of everything share a row.
func (m *Matrix) lines(table string, operations, columns []string) (all [][]string) {
	for _, operation := range operations {
		byCells := map[string]int{}
		for _, status := range m.names(m.Rows, func(p Place) (string, bool) { return p.Status, p.Table == table && p.Operation == operation }) {
			var cells []string
			for _, column := range columns {
				found := slices.Sorted(maps.Keys(m.cells[Place{table, operation, status, column}]))
				cells = append(cells, cmp.Or(strings.Join(found, "<br>"), "–"))
			}
			same := strings.Join(cells, "|")
			at := 0
			if operation != "" {
				at = 1
			}
			if i, ok := byCells[same]; ok {
				all[i][at] += ", " + status
				continue
			}
			byCells[same] = len(all)
			all = append(all, append([]string{operation, status}[1-at:], cells...))
		}
	}
	return all
}

func row(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// names are different ones of places, in order.
func (m *Matrix) names(order []string, of func(Place) (string, bool)) []string {
	all := map[string]bool{}
	for p := range m.cells {
		if name, ok := of(p); ok {
			all[name] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(index(order, a), index(order, b)), strings.Compare(a, b))
	})
}

// index puts what the order does not name at the end.
func index(order []string, name string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

// Compare holds a part of the document to the tables, or writes it. Where it differs, how names the test that writes it.
func (m *Matrix) Compare(t *testing.T, part string, update bool, how string) {
	t.Helper()
	text, err := os.ReadFile(Document)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- generated: "+part+" -->\n", "<!-- end: "+part+" -->"
	i, j := strings.Index(string(text), begin), strings.Index(string(text), end)
	if i < 0 || j < i {
		t.Fatalf("%s: no %q … %q", Document, begin, end)
	}
	document := string(text[:i+len(begin)]) + "\n" + m.Markdown() + string(text[j:])
	switch {
	case document == string(text):
	case !update:
		t.Fatalf("%s differs from what Decide does: run go test %s -update, and read the diff", Document, how)
	default:
		if err := os.WriteFile(Document, []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
