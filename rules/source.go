package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// source is one file's text and the problems found in it.
type source struct {
	name     string
	lines    []string
	problems *Problems
}

func newSource(name, text string, problems *Problems) *source {
	return &source{name: name, lines: strings.Split(text, "\n"), problems: problems}
}

// place is a position in a source, both counted from 1; columns in characters.
type place struct{ line, column int }

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// fail records a problem. A card number that stands in the file by mistake is masked: problems are printed and logged.
func (s *source) fail(at place, hint, format string, args ...any) {
	p := Problem{File: s.name, Line: at.line, Column: at.column, Message: masked(fmt.Sprintf(format, args...)), Hint: masked(hint)}
	if at.line >= 1 && at.line <= len(s.lines) {
		p.Source = masked(strings.TrimRight(s.lines[at.line-1], " \t\r"))
		if r := []rune(p.Source); len(r) > maxSource && at.column < maxSource {
			p.Source = string(r[:maxSource]) + "…"
		} else if len(r) > maxSource {
			p.Source = ""
		}
	}
	*s.problems = append(*s.problems, p)
}

// pair is one key of a YAML mapping with its value.
type pair struct {
	key   string
	at    place // of the key
	value ast.Node
}

// mapping reads a YAML mapping; what says what it describes. A node of another kind is a problem.
func (s *source) mapping(n ast.Node, what string) []pair {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		s.fail(placeOf(tokenOf(n)), "", "%s must be a mapping of names to values, not %s", what, describe(n))
		return nil
	}
	pairs := make([]pair, 0, len(m.Values))
	for _, v := range m.Values {
		at := placeOf(v.Key.GetToken())
		if v.Key.IsMergeKey() {
			s.fail(at, "write the value out", "YAML merge keys are not supported")
			continue
		}
		if !s.plain(v.Value) {
			continue
		}
		pairs = append(pairs, pair{key: keyText(v.Key), at: at, value: v.Value})
	}
	return pairs
}

// sequence reads a YAML list.
func (s *source) sequence(n ast.Node, what string) []ast.Node {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		hint := ""
		switch n := n.(type) {
		case *ast.MappingNode:
			hint = "begin each entry with a dash and a space"
		case *ast.StringNode:
			if slices.Contains([]string{"amounts", "a limit", "commands", "events", "tags", "tenants", "regions"}, what) { // others have no texts
				hint = fmt.Sprintf("write [%q]", n.Value)
			}
		}
		s.fail(placeOf(tokenOf(n)), hint, "%s must be a list, not %s", what, describe(n))
		return nil
	}
	nodes := make([]ast.Node, 0, len(seq.Values))
	for _, v := range seq.Values {
		if s.plain(v) {
			nodes = append(nodes, v)
		}
	}
	return nodes
}

// plain refuses the parts of YAML that hide what a file says.
func (s *source) plain(n ast.Node) bool {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		s.fail(placeOf(tokenOf(n)), "write the value out", "YAML anchors and aliases are not supported")
		return false
	case *ast.TagNode:
		s.fail(placeOf(tokenOf(n)), "leave the tag out; put a condition that begins with ! into quotes", "YAML tags are not supported")
		return false
	}
	return true
}

// text reads a string. Numbers, booleans and null are refused, because YAML may have changed what was written.
func (s *source) text(n ast.Node, what string) string {
	switch v := n.(type) {
	case *ast.StringNode:
		return s.notEmpty(n, what, v.Value)
	case *ast.LiteralNode:
		return s.notEmpty(n, what, strings.TrimRight(v.Value.Value, "\n"))
	}
	at := placeOf(tokenOf(n))
	if t := tokenOf(n); t != nil {
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
			s.fail(at, fmt.Sprintf("put it in quotes: %q", t.Value), "%s must be text, not %s", what, describe(n))
			return ""
		}
	}
	s.fail(at, "", "%s must be text, not %s", what, describe(n))
	return ""
}

// mayBeEmpty are the texts that say nothing where they are empty, or are looked at where they are read.
var mayBeEmpty = []string{"description", "owner", "reason", "a value"}

// notEmpty refuses a text without anything in it: what it was to say would be left out unnoticed.
func (s *source) notEmpty(n ast.Node, what, text string) string {
	if strings.TrimSpace(text) == "" && !slices.Contains(mayBeEmpty, what) {
		s.fail(placeOf(tokenOf(n)), "write it, or leave the key out", "%s is empty", what)
		return ""
	}
	return text
}

// integer reads a whole number written in plain decimal digits.
func (s *source) integer(n ast.Node, what string) int64 {
	t := tokenOf(n)
	digits := strings.TrimPrefix(t.Value, "-")
	if _, ok := n.(*ast.IntegerNode); !ok {
		hint := "write digits alone, such as 10"
		if str, ok := n.(*ast.StringNode); ok && len(str.Value) > 0 && strings.Trim(str.Value, "0123456789") == "" {
			hint = fmt.Sprintf("leave the quotes out: %s: %s", what, str.Value)
		}
		s.fail(placeOf(t), hint, "%s must be a whole number, not %s", what, describe(n))
		return 0
	}
	if digits != "0" && strings.HasPrefix(digits, "0") {
		s.fail(placeOf(t), "leave the leading zero out", "%s: YAML reads %s as an octal or hexadecimal number", what, t.Value)
		return 0
	}
	var value int64
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' || value > (1<<62)/10 {
			s.fail(placeOf(t), "", "%s: %s is not a whole number in plain digits", what, t.Value)
			return 0
		}
		value = value*10 + int64(d-'0')
	}
	if strings.HasPrefix(t.Value, "-") {
		value = -value
	}
	return value
}

// duration reads a time with its unit; ok is false where it has a mistake.
func (s *source) duration(n ast.Node, what string) (d time.Duration, ok bool) {
	at := placeOf(tokenOf(n))
	if _, number := n.(*ast.IntegerNode); number {
		digits := tokenOf(n).Value
		s.fail(at, fmt.Sprintf("write %s: %ss for seconds, %sm for minutes, %sh for hours or %sd for days", what, digits, digits, digits, digits), "%s %s has no unit", what, digits)
		return 0, false
	}
	text := s.text(n, what)
	if text == "" {
		return 0, false
	}
	d, err := parseDuration(text)
	if err != nil {
		s.fail(at, hintOf(err), "%s", err)
		return 0, false
	}
	return d, true
}

// boolean reads true or false.
func (s *source) boolean(n ast.Node, what string) bool {
	if b, ok := n.(*ast.BoolNode); ok {
		return b.Value
	}
	hint := ""
	if str, ok := n.(*ast.StringNode); ok {
		switch strings.ToLower(str.Value) {
		case "yes", "on", "y", "true":
			hint = "write true"
		case "no", "off", "n", "false":
			hint = "write false"
		}
	}
	s.fail(placeOf(tokenOf(n)), hint, "%s must be true or false, not %s", what, describe(n))
	return false
}

func tokenOf(n ast.Node) *token.Token {
	if n == nil {
		return nil
	}
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		return m.Values[0].Key.GetToken()
	}
	return n.GetToken()
}

func keyText(k ast.MapKeyNode) string {
	if str, ok := k.(*ast.StringNode); ok {
		return str.Value
	}
	return k.GetToken().Value
}

func describe(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case *ast.IntegerNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.FloatNode:
		return "a number with a decimal point"
	case *ast.BoolNode:
		return "true or false"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode:
		return "a mapping"
	}
	return "this"
}

// textPlaces finds where each character of a YAML string stands in the file: the index is the character's place in the
// value, the last element is the place after its end. YAML folds lines, strips indentation and quotes; characters that
// are not white space keep their order, so they are matched one by one.
func (s *source) textPlaces(n ast.Node, value string) []place {
	at := placeOf(tokenOf(n))
	switch v := n.(type) {
	case *ast.LiteralNode:
		at = place{at.line + 1, 1}
	case *ast.StringNode:
		if t := v.GetToken().Type; t == token.SingleQuoteType || t == token.DoubleQuoteType {
			at.column++
		}
	}
	places := make([]place, 0, utf8.RuneCountInString(value)+1)
	for _, want := range value {
		if unicode.IsSpace(want) {
			places = append(places, at)
			if r, ok := s.at(at); ok && unicode.IsSpace(r) {
				at.column++
			}
			continue
		}
		at = s.seek(at, want)
		places = append(places, at)
		at.column++
	}
	return append(places, at)
}

// seek is the next place at or after at where a character stands; at itself where there is none.
func (s *source) seek(at place, want rune) place {
	for p := at; p.line <= len(s.lines); p = (place{p.line + 1, 1}) {
		for {
			r, ok := s.at(p)
			if !ok {
				break
			}
			if r == want {
				return p
			}
			p.column++
		}
	}
	return at
}

func (s *source) at(p place) (rune, bool) {
	if p.line < 1 || p.line > len(s.lines) {
		return 0, false
	}
	line := []rune(s.lines[p.line-1])
	if p.column < 1 || p.column > len(line) {
		return 0, false
	}
	return line[p.column-1], true
}
