package screening

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// Pair is a customer and an entry of which somebody has said whether they are to be a hit.
type Pair struct {
	Line  int
	Group string
	Match bool // it must be a hit
	Score int
	Why   []Reason
	Text  string // both names
}

// Measured is how well a threshold parts the pairs of a group.
type Measured struct {
	Group                          string
	Right, Missed, Wrong, Rejected int // hits that must be; none where one must be; hits that must not be; none, rightly
}

// Pairs is how many were measured.
func (m *Measured) Pairs() int { return m.Right + m.Missed + m.Wrong + m.Rejected }

// Precision is the part of hits that are right, in thousandths; 1000 where there are none.
func (m *Measured) Precision() int { return thousandths(m.Right, m.Right+m.Wrong) }

// Recall is the part of what must be hit that is, in thousandths; 1000 where there is nothing.
func (m *Measured) Recall() int { return thousandths(m.Right, m.Right+m.Missed) }

func thousandths(part, all int) int {
	if all == 0 {
		return 1000
	}
	return part * 1000 / all
}

var pairColumns = []string{"group", "match", "name", "birth_date", "countries", "kind", "listed", "listed_birth", "listed_countries"}

// Evaluate scores the pairs of a CSV file with a header: group, match (yes or no), name, birth_date, countries and kind of the customer,
// and names ("|" between them), date of birth and countries of the entry. What words weigh is what is known of names everywhere.
func Evaluate(r io.Reader, threshold int) (all Measured, groups []Measured, wrong []Pair, err error) {
	rows := csv.NewReader(r)
	rows.Comment = '#'
	header, err := rows.Read()
	if err != nil || !slices.Equal(header, pairColumns) {
		return all, nil, nil, fmt.Errorf("line 1: want the columns %s", strings.Join(pairColumns, ","))
	}
	all.Group = "all"
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return all, groups, wrong, nil
		}
		if err != nil {
			return all, nil, nil, err
		}
		line, _ := rows.FieldPos(0)
		pair, err := evaluate(row)
		if err != nil {
			return all, nil, nil, fmt.Errorf("line %d: %w", line, err)
		}
		pair.Line = line
		i := slices.IndexFunc(groups, func(m Measured) bool { return m.Group == pair.Group })
		if i < 0 {
			i = len(groups)
			groups = append(groups, Measured{Group: pair.Group})
		}
		for _, m := range []*Measured{&all, &groups[i]} {
			m.count(pair.Match, pair.Score >= threshold)
		}
		if pair.Match != (pair.Score >= threshold) {
			wrong = append(wrong, pair)
		}
	}
}

func (m *Measured) count(match, hit bool) {
	switch {
	case match && hit:
		m.Right++
	case match:
		m.Missed++
	case hit:
		m.Wrong++
	default:
		m.Rejected++
	}
}

func evaluate(row []string) (Pair, error) {
	p := Pair{Group: row[0], Text: row[2] + " / " + row[6]}
	switch row[1] {
	case "yes":
		p.Match = true
	case "no":
	default:
		return p, fmt.Errorf("match: %q is neither yes nor no", row[1])
	}
	s, err := NewSubject("", row[2], row[5], row[3], row[4])
	if err != nil {
		return p, err
	}
	e, err := NewSubject("", strings.ReplaceAll(row[6], "|", " "), row[5], row[7], row[8])
	if err != nil {
		return p, fmt.Errorf("listed: %w", err)
	}
	kind := lists.Person
	if s.Kind != "" {
		kind = s.Kind
	}
	s.words = names.Read(s.Name, names.Weights{})
	entry := lists.Entry{ID: "1", Kind: kind, Births: e.Births, Countries: e.Countries}
	for i, text := range strings.Split(row[6], "|") {
		name := names.Read(text, names.Weights{})
		points, c := score(&s, &entry, &name, lists.Alias)
		if i == 0 || points > p.Score {
			p.Score, p.Why = points, explain(&s, &entry, &name, lists.Alias, &c, points)
		}
	}
	p.Score = clamp(p.Score)
	return p, nil
}
