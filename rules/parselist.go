package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

func (s *source) lists(n ast.Node) []*listDraft {
	var drafts []*listDraft
	for _, p := range s.mapping(n, "lists") {
		l := &listDraft{List: List{Name: s.checkName(p.at, p.key, "the list"), Match: MatchExact}, source: s, at: p.at}
		sources, fourEyes := 0, place{}
		for _, q := range s.mapping(p.value, fmt.Sprintf("the list %q", p.key)) {
			at := placeOf(tokenOf(q.value))
			switch q.key {
			case "description":
				s.text(q.value, "description")
			case "match":
				l.Match = Match(s.text(q.value, "match"))
				if all := matches(); !slices.Contains(all, string(l.Match)) {
					s.fail(at, suggest(string(l.Match), all), "match cannot be %q", l.Match)
					l.Match = MatchExact
				}
			case "editable":
				l.Editable = s.boolean(q.value, "editable")
			case "four_eyes":
				l.FourEyes, fourEyes = s.boolean(q.value, "four_eyes"), at
			case "file":
				sources++
				l.file, l.fileAt = s.text(q.value, "file"), at
			case "entries":
				sources++
				for _, e := range s.sequence(q.value, "entries") {
					l.entryAt = append(l.entryAt, placeOf(tokenOf(e)))
					l.Entries = append(l.Entries, s.entry(e))
				}
			default:
				s.fail(q.at, suggest(q.key, listKeys), "unknown key %q in a list", q.key)
			}
		}
		if sources > 1 || sources == 0 && !l.Editable {
			s.fail(p.at, "write entries: [\"…\"], or file: name.csv", "the list %q must have either entries or a file", p.key)
		}
		if l.FourEyes && !l.Editable {
			s.fail(fourEyes, "add editable: true, or leave it out", "four_eyes is for lists that are edited while weir runs")
		}
		drafts = append(drafts, l)
	}
	return drafts
}

// entry reads a list entry: a value alone, or a mapping with value, expires and reason.
func (s *source) entry(n ast.Node) Entry {
	if _, ok := n.(*ast.MappingNode); !ok {
		return Entry{Value: s.value(n)}
	}
	var e Entry
	for _, p := range s.mapping(n, "an entry") {
		at := placeOf(tokenOf(p.value))
		switch p.key {
		case "value":
			e.Value = s.value(p.value)
		case "expires":
			text := s.text(p.value, "expires")
			var err error
			if e.Expires, err = ParseExpiry(text); err != nil && text != "" {
				s.fail(at, hintOf(err), "%s", err)
			}
		case "reason":
			e.Reason = s.text(p.value, "reason")
		default:
			s.fail(p.at, suggest(p.key, entryKeys), "unknown key %q in an entry", p.key)
		}
	}
	if e.Value == "" {
		s.fail(placeOf(tokenOf(n)), "", "the entry has no value")
	}
	return e
}

// value reads text, or a whole number as the digits that were written.
func (s *source) value(n ast.Node) string {
	if _, ok := n.(*ast.IntegerNode); ok {
		t := tokenOf(n)
		if t.Value != "0" && (strings.HasPrefix(t.Value, "0") || strings.Trim(t.Value, "0123456789") != "") {
			s.fail(placeOf(t), fmt.Sprintf("put it in quotes: %q", t.Value), "YAML may read %s as another number", t.Value)
			return ""
		}
		return t.Value
	}
	return s.text(n, "a value")
}

// ParseExpiry reads a date, which counts to its end in UTC, or a moment.
func ParseExpiry(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	return time.Time{}, &hinted{fmt.Sprintf("%q is neither a date nor a moment", text), "write a date as 2027-01-31, a moment as 2027-01-31T18:00:00Z"}
}
