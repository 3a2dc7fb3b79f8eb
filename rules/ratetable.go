package rules

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/ledger"
)

// Bounds of a table of rates.
const (
	maxRates       = 250_000
	maxRateAge     = 366 * 24 * time.Hour
	defaultRateAge = 7 * 24 * time.Hour // banks publish none at weekends and on holidays
)

const (
	rateHeading  = "begin with: date,from,to,rate"
	currencyHint = "write an ISO 4217 code of three capital letters, such as EUR"
)

var (
	ratesKeys   = []string{"description", "file", "entries", "base", "max_age"}
	rateColumns = []string{"date", "from", "to", "rate"}
)

// ratesDraft is a table of rates as parsed; those of a file are read later.
type ratesDraft struct {
	rates
	source *source
	at     place
	file   string // CSV, relative to the rule file
	fileAt place
	lines  []rateLine
}

// rateLine is one rate as written, with the places of its parts, both in the order of rateColumns.
type rateLine struct {
	texts [4]string
	at    [4]place
}

func (s *source) rates(n ast.Node, at place) *ratesDraft {
	d := &ratesDraft{source: s, at: at}
	d.maxAge = int32(defaultRateAge / (24 * time.Hour))
	sources := 0
	for _, p := range s.mapping(n, "rates") {
		at := placeOf(tokenOf(p.value))
		switch p.key {
		case "description":
			s.text(p.value, "description")
		case "file":
			sources++
			d.file, d.fileAt = s.text(p.value, "file"), at
		case "entries":
			sources++
			for _, e := range s.sequence(p.value, "entries") {
				before := len(*s.problems)
				if line := s.rate(e); len(*s.problems) == before {
					d.lines = append(d.lines, line)
				}
			}
		case "base":
			text := s.text(p.value, "base")
			if d.base = ledger.Currency(text); text != "" && currencyLiteral(text) != "" {
				s.fail(at, currencyHint, "base cannot be %q", text)
				d.base = ""
			}
		case "max_age":
			d.maxAge = s.days(p.value)
		default:
			s.fail(p.at, suggest(p.key, ratesKeys), "unknown key %q in rates", p.key)
		}
	}
	if sources != 1 {
		s.fail(d.at, "write file: rates.csv", "rates must have either entries or a file")
	}
	return d
}

// days reads for how long a rate holds.
func (s *source) days(n ast.Node) int32 {
	const day = 24 * time.Hour
	at, text := placeOf(tokenOf(n)), s.text(n, "max_age")
	if text == "" {
		return 0
	}
	age, err := parseDuration(text)
	switch {
	case err != nil:
		s.fail(at, hintOf(err), "%s", err)
	case age%day != 0 || age > maxRateAge:
		s.fail(at, "write whole days, such as 7d", "max_age %s is not between 0d and 366d", text)
	}
	return int32(age / day)
}

// rate reads an entry. Its number is taken as it is written, whatever YAML makes of it.
func (s *source) rate(n ast.Node) rateLine {
	var line rateLine
	for i := range line.at {
		line.at[i] = placeOf(tokenOf(n))
	}
	for _, p := range s.mapping(n, "a rate") {
		i := slices.Index(rateColumns, p.key)
		if i < 0 {
			s.fail(p.at, suggest(p.key, rateColumns), "unknown key %q in a rate", p.key)
			continue
		}
		line.at[i] = placeOf(tokenOf(p.value))
		switch p.value.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
			line.texts[i] = tokenOf(p.value).Value
		default:
			line.texts[i] = s.text(p.value, p.key)
		}
	}
	return line
}

// rates reads and indexes the table that a file of the set has.
func (c *compiler) rates() {
	var first *ratesDraft
	for _, doc := range c.docs {
		d := doc.rates
		switch {
		case d == nil:
		case first != nil:
			d.source.fail(d.at, "leave one of them out", "the rule set has rates already (%s:%d)", first.source.name, first.at.line)
		default:
			first = d
			t := rateTable{rates: &d.rates, source: d.source, seen: map[rateKey]place{}}
			if d.file != "" {
				c.rateFile(d, &t)
			}
			for i := range d.lines {
				t.add(&d.lines[i])
			}
			t.finish(d)
			c.doubtful(&t)
			c.set.rates = &d.rates
		}
	}
}

// rateTable collects the rates of a table.
type rateTable struct {
	*rates
	source *source // where they are written
	seen   map[rateKey]place
}

type rateKey struct {
	exchange
	day int32
}

// rateFile reads a table's CSV file: a heading with the columns in any order; # begins a comment.
func (c *compiler) rateFile(d *ratesDraft, t *rateTable) {
	name := path.Join(path.Dir(d.source.name), d.file)
	if path.IsAbs(d.file) {
		name = d.file
	}
	text, err := c.readList(name)
	if err != nil {
		d.source.fail(d.fileAt, "the path is relative to the rule file", "rates: %s", err)
		return
	}
	c.set.files = append(c.set.files, name)
	text = bytes.TrimPrefix(text, byteOrderMark)
	s := newSource(name, string(text), c.problems)
	if len(text) > maxListBytes {
		s.fail(place{}, "", "the file has %d bytes; at most %d are read", len(text), maxListBytes)
		return
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	r.Comment, r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = '#', -1, true, true
	t.source = s
	if columns := s.rateColumns(r); columns != nil {
		t.read(r, columns)
	}
}

// rateColumns reads the heading: for each column its place in rateColumns; nil where it cannot be used.
func (s *source) rateColumns(r *csv.Reader) []int {
	heading, err := r.Read()
	if err != nil {
		s.fail(place{1, 1}, rateHeading, "the file has no heading")
		return nil
	}
	line, _ := r.FieldPos(0)
	var columns []int
	for i, column := range heading {
		_, at := r.FieldPos(i)
		known := slices.Index(rateColumns, column)
		if known < 0 {
			hint := suggest(column, rateColumns)
			if strings.ContainsAny(column, ";\t") {
				hint = "separate columns with commas"
			}
			s.fail(place{line, at}, hint, "unknown column %q", column)
			return nil
		}
		columns = append(columns, known)
	}
	if sorted := slices.Sorted(slices.Values(columns)); !slices.Equal(sorted, []int{0, 1, 2, 3}) {
		s.fail(place{line, 1}, rateHeading, "the heading %q does not have each of date, from, to and rate once", strings.Join(heading, ","))
		return nil
	}
	return columns
}

// read reads the lines of a file.
func (t *rateTable) read(r *csv.Reader, columns []int) {
	for rows := 0; ; rows++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			t.source.fail(place{syntax.Line, max(syntax.Column, 1)}, "", "not CSV: %s", syntax.Err)
			return
		}
		row, column := r.FieldPos(0)
		switch {
		case rows == maxRates:
			t.source.fail(place{row, column}, "leave the oldest out", "the table has more than %d rates", maxRates)
			return
		case len(record) != len(columns):
			t.source.fail(place{row, column}, "write a rate with a point, not with a comma", "the line has %d values for %d columns", len(record), len(columns))
			continue
		}
		var line rateLine
		for i, text := range record {
			_, column := r.FieldPos(i)
			line.texts[columns[i]], line.at[columns[i]] = strings.TrimSpace(text), place{row, column}
		}
		t.add(&line)
	}
}

// add takes a rate in, or tells what is wrong with it.
func (t *rateTable) add(line *rateLine) {
	s, whole := t.source, true
	fail := func(column int, hint, format string, args ...any) {
		s.fail(line.at[column], hint, format, args...)
		whole = false
	}
	for i, text := range line.texts {
		if text == "" {
			fail(i, "write date, from, to and rate", "%s is missing", rateColumns[i])
			return
		}
	}
	day, err := time.Parse(time.DateOnly, line.texts[0])
	if err != nil {
		fail(0, "write it as 2026-11-20", "%q is not a date", line.texts[0])
	}
	of := exchange{ledger.Currency(line.texts[1]), ledger.Currency(line.texts[2])}
	for i, c := range []ledger.Currency{of.from, of.to} {
		if _, ok := c.Exponent(); !ok {
			fail(1+i, currencyHint, "%q is not a currency", string(c))
		}
	}
	if of.from == of.to && whole {
		fail(2, "leave the line out", "the rate is from %s to itself", of.from)
	}
	value, err := parseRate(line.texts[3])
	if err != nil {
		fail(3, hintOf(err), "%s", err)
	}
	if !whole {
		return
	}
	written := dated{dayOf(day.UnixNano()), value}
	key := rateKey{of, written.day}
	if first, twice := t.seen[key]; twice {
		fail(0, "leave one of them out", "the rate from %s to %s on %s stands twice (first at line %d)", of.from, of.to, line.texts[0], first.line)
		return
	}
	t.seen[key] = line.at[0]
	if t.pairs == nil {
		t.pairs = map[exchange][]dated{}
	}
	t.pairs[of] = append(t.pairs[of], written)
}

// finish puts the rates in order.
func (t *rateTable) finish(d *ratesDraft) {
	for _, list := range t.pairs {
		slices.SortFunc(list, func(a, b dated) int { return cmp.Compare(a.day, b.day) })
	}
	if t.base != "" && len(t.pairs) > 0 && !t.names(t.base) {
		d.source.fail(d.at, "name the currency that the table gives the others in", "the rates have none of their base, %s", t.base)
	}
}

// doubtful warns of what is probably a mistake: the first gap of each pair, and the first leap.
func (c *compiler) doubtful(t *rateTable) {
	pairs := slices.SortedFunc(maps.Keys(t.pairs), func(a, b exchange) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	for _, of := range pairs {
		list, gap, leap := t.pairs[of], false, false
		c.thereAndBack(t, of)
		for i, later := range list[min(1, len(list)):] {
			earlier := list[i]
			at := t.seen[rateKey{of, later.day}]
			if last := earlier.day + t.maxAge; !gap && later.day > last+1 {
				gap = true
				c.warn(t.source, at, "add the rates in between, or raise max_age", "there is no rate from %s to %s from %s to %s",
					of.from, of.to, dateOf(last+1), dateOf(later.day-1))
			}
			if !leap && (later.tenTimes(earlier.rate) || earlier.tenTimes(later.rate)) {
				leap = true
				c.warn(t.source, at, "look at the decimal point, and at which currency comes first",
					"the rate from %s to %s was %s on %s and is %s", of.from, of.to, earlier, dateOf(earlier.day), later)
			}
		}
	}
}

// thereAndBack warns of the first day on which a pair has rates both ways that contradict each other.
func (c *compiler) thereAndBack(t *rateTable, of exchange) {
	back := exchange{of.to, of.from}
	if of.from > of.to || len(t.pairs[back]) == 0 {
		return
	}
	onDay := map[int32]rate{}
	for _, r := range t.pairs[back] {
		onDay[r.day] = r.rate
	}
	for _, r := range t.pairs[of] {
		if other, ok := onDay[r.day]; ok && !r.undoes(other) {
			c.warn(t.source, t.seen[rateKey{back, r.day}], "leave one of them out: a rate serves both directions",
				"the rate from %s to %s on %s is %s, and %s from %s to %s: there and back is not 1", of.from, of.to, dateOf(r.day), r, other, of.to, of.from)
			return
		}
	}
}
