package rules

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/topics"
)

var binColumns = []string{"from", "to", "scheme", "brand", "type", "country", "issuer", "risk"}

const binHeading = "begin with: from,to,scheme,brand,type,country,issuer,risk"

// ParseBINTable reads a BIN table from CSV: a heading, then a range of BINs in each line. Columns may be left out, but
// for from, and stand in any order; # begins a comment. The error is of type Problems and holds every mistake found.
func ParseBINTable(name string, text []byte) (*BINTable, error) {
	var problems Problems
	text = bytes.TrimPrefix(text, byteOrderMark)
	if len(text) > maxTableBytes {
		newSource(name, "", &problems).fail(place{}, "", "the file has %d bytes; at most %d are read", len(text), maxTableBytes)
		return nil, problems
	}
	s := newSource(name, string(text), &problems)
	r := csv.NewReader(strings.NewReader(string(text)))
	r.Comment, r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = '#', -1, true, true
	p := binParser{source: s, texts: map[string]string{}}
	if p.heading(r); len(problems) == 0 {
		p.lines(r)
	}
	if len(problems) == 0 && len(p.table.ranges) == 0 {
		s.fail(place{}, "", "the table is empty")
	}
	if len(problems) == 0 {
		p.table.index(s)
	}
	if err := problems.orNil(); err != nil {
		return nil, err
	}
	return &p.table, nil
}

type binParser struct {
	*source
	columns []string
	table   BINTable
	texts   map[string]string // each text once: many ranges share theirs
}

func (p *binParser) heading(r *csv.Reader) {
	heading, err := r.Read()
	if err != nil {
		p.fail(place{1, 1}, binHeading, "the file has no heading")
		return
	}
	p.columns = slices.Clone(heading)
	line, _ := r.FieldPos(0)
	if !slices.Contains(p.columns, "from") {
		hint := binHeading
		if strings.ContainsAny(p.columns[0], ";\t") {
			hint = "separate columns with commas"
		}
		p.fail(place{line, 1}, hint, "the heading %q has no column from", strings.Join(p.columns, ","))
		return
	}
	for i, column := range p.columns {
		_, at := r.FieldPos(i)
		if !slices.Contains(binColumns, column) {
			p.fail(place{line, at}, suggest(column, binColumns), "unknown column %q", column)
		} else if slices.Contains(p.columns[:i], column) {
			p.fail(place{line, at}, "", "the column %q stands twice", column)
		}
	}
}

func (p *binParser) lines(r *csv.Reader) {
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			p.fail(place{syntax.Line, max(syntax.Column, 1)}, "", "not CSV: %s", syntax.Err)
			return
		}
		line, column := r.FieldPos(0)
		if len(p.table.ranges) == maxTableRanges {
			p.fail(place{line, column}, "", "the table has more than %d ranges", maxTableRanges)
			return
		}
		if len(record) != len(p.columns) {
			p.fail(place{line, column}, "put values with commas in quotes", "the line has %d values for %d columns", len(record), len(p.columns))
			continue
		}
		p.line(r, record, line)
	}
}

// line reads one range.
func (p *binParser) line(r *csv.Reader, record []string, line int) {
	row := binRange{line: line}
	var from, to string
	fromAt := place{line, 1}
	for i, v := range record {
		_, column := r.FieldPos(i)
		at, v := place{line, column}, strings.TrimSpace(v)
		switch name := p.columns[i]; name {
		case "from":
			from, fromAt = v, at
		case "to":
			to = v
		default:
			p.value(at, name, v, &row.bin)
		}
	}
	if to == "" {
		to = from
	}
	lo, okFrom := number(from)
	hi, okTo := number(to)
	switch {
	case !okFrom || !okTo || len(from) > tableDigits:
		p.fail(fromAt, "", "from %q and to %q must be the first digits of a card number, at most %d", masked(from), masked(to), tableDigits)
	case len(from) != len(to):
		p.fail(fromAt, "", "from %s and to %s must have the same number of digits", from, to)
	case lo > hi:
		p.fail(fromAt, "", "from %s is above to %s", from, to)
	default:
		row.lo, row.hi = padded(lo, hi, len(from))
		p.table.ranges = append(p.table.ranges, row)
	}
}

// value reads what a column says of the cards of a range.
func (p *binParser) value(at place, column, v string, bin *topics.BIN) {
	if v == "" {
		return
	}
	switch column {
	case "scheme":
		bin.Scheme = p.once(strings.ToLower(v))
	case "brand":
		bin.Brand = p.once(strings.ToLower(v))
	case "type":
		if bin.Type = p.once(strings.ToLower(v)); !slices.Contains(cardTypes, bin.Type) {
			p.fail(at, suggest(bin.Type, cardTypes), "type %q is not known", v)
		}
	case "country":
		if bin.Country = p.once(v); countryLiteral(v) != "" {
			p.fail(at, "", "country %q: %s", v, countryLiteral(v))
		}
	case "issuer":
		if bin.Issuer = p.once(v); holdsCardNumber(v) {
			p.fail(at, "", "a card number must not stand in a BIN table")
		}
	case "risk":
		n, err := strconv.ParseInt(v, 10, 64)
		if bin.Risk = n; err != nil || n < 1 || n > 100 {
			p.fail(at, "leave it empty where nothing is known", "risk %q must be a number from 1 to 100", v)
		}
	}
}

func (p *binParser) once(v string) string {
	have, ok := p.texts[v]
	if !ok {
		have = strings.Clone(v)
		p.texts[have] = have
	}
	return have
}
