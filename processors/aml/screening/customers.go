package screening

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// NewSubject checks what is known of somebody. A name must have a letter or digit, and nothing that is not seen; birth and countries may be empty.
func NewSubject(id, name, kind, birth, countries string, others ...string) (s Subject, err error) {
	s = Subject{ID: strings.TrimSpace(id), Kind: lists.Kind(strings.TrimSpace(kind))}
	if s.Name, err = readName(name); err != nil {
		return s, fmt.Errorf("name: %w", err)
	}
	for _, text := range others {
		other, err := readName(text)
		if err != nil {
			return s, fmt.Errorf("other_names: %w", err)
		}
		s.Others = append(s.Others, other)
	}
	if !slices.Contains([]lists.Kind{"", lists.Person, lists.Entity}, s.Kind) {
		return s, fmt.Errorf("kind: %q is neither %s nor %s", s.Kind, lists.Person, lists.Entity)
	}
	for text := range split(birth) {
		b, err := lists.ParseBirth(text)
		if err != nil {
			return s, fmt.Errorf("birth_date: %w", err)
		}
		s.Births = append(s.Births, b)
	}
	for text := range split(countries) {
		code, ok := lists.Country(text)
		if !ok {
			return s, fmt.Errorf("countries: %q is no country; want a code of ISO 3166-1, such as DE, or an English name", text)
		}
		if !slices.Contains(s.Countries, code) {
			s.Countries = append(s.Countries, code)
		}
	}
	return s, nil
}

func readName(text string) (string, error) {
	if fault := names.Fault(text); fault != "" {
		return "", errors.New(fault)
	}
	name := strings.Join(strings.Fields(text), " ")
	if len(name) > names.MaxBytes {
		return "", fmt.Errorf("%d bytes; want at most %d", len(name), names.MaxBytes)
	}
	if len(names.Parse(name)) == 0 {
		return "", fmt.Errorf("%q has no letter", name)
	}
	return name, nil
}

// split parts what may hold several values.
func split(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for part := range strings.SplitSeq(text, ";") {
			if part = strings.TrimSpace(part); part != "" && !yield(part) {
				return
			}
		}
	}
}

// Customers reads a CSV file of customers, with a header: id and name, and other_names, birth_date, countries and kind where they are known.
type Customers struct {
	rows    *csv.Reader
	columns map[string]int
	line    int
}

var customerColumns = []string{"id", "name", "other_names", "birth_date", "countries", "kind"}

// NewCustomers reads the header.
func NewCustomers(r io.Reader) (*Customers, error) {
	c := &Customers{rows: csv.NewReader(withoutMark(r)), columns: map[string]int{}}
	c.rows.ReuseRecord = true
	header, err := c.rows.Read()
	if err != nil {
		return nil, fmt.Errorf("line 1: want a header with the columns %s", strings.Join(customerColumns, ","))
	}
	for i, name := range header {
		name = strings.TrimSpace(name)
		if !slices.Contains(customerColumns, name) {
			return nil, fmt.Errorf("line 1: column %q is not known; want %s", name, strings.Join(customerColumns, ","))
		}
		c.columns[name] = i
	}
	for _, name := range customerColumns[:2] {
		if _, ok := c.columns[name]; !ok {
			return nil, fmt.Errorf("line 1: the column %s is missing", name)
		}
	}
	return c, nil
}

// withoutMark passes over the mark that spreadsheets write before UTF-8.
func withoutMark(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	if first, _ := b.Peek(3); string(first) == "\ufeff" {
		_, _ = b.Discard(3) // they were read already
	}
	return b
}

// RowError is what is wrong with one customer; the next one can be read.
type RowError struct {
	Line int
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *RowError) Unwrap() error { return e.Err }

// Next is the next customer; io.EOF after the last, a RowError for one that cannot be screened as it stands.
func (c *Customers) Next() (Subject, error) {
	row, err := c.rows.Read()
	if errors.Is(err, io.EOF) {
		return Subject{}, io.EOF
	}
	if errors.Is(err, csv.ErrFieldCount) {
		return Subject{}, &RowError{c.rowLine(err), err.(*csv.ParseError).Err}
	}
	if err != nil {
		return Subject{}, err
	}
	c.line, _ = c.rows.FieldPos(0)
	if slices.ContainsFunc(row, func(text string) bool { return strings.ContainsAny(text, "\r\n") }) {
		return Subject{}, &RowError{c.line, errors.New("a line break within quotation marks: is one not closed? It would take the next customers with it")}
	}
	get := func(column string) string {
		if i, ok := c.columns[column]; ok {
			return row[i]
		}
		return ""
	}
	s, err := NewSubject(strings.Clone(get("id")), strings.Clone(get("name")), get("kind"), get("birth_date"), get("countries"),
		slices.Collect(split(strings.Clone(get("other_names"))))...)
	if err == nil && s.ID == "" {
		err = errors.New("id: is empty")
	}
	if err != nil {
		return Subject{}, &RowError{c.line, err}
	}
	return s, nil
}

func (c *Customers) rowLine(err error) int {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.StartLine
	}
	return c.line
}
