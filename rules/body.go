package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// body reads the one YAML document that a file holds; ok is false where it cannot be read.
func (s *source) body(text []byte) (body ast.Node, ok bool) {
	if len(text) > maxFileBytes {
		s.fail(place{}, "split it", "the file has %d bytes; at most %d are read", len(text), maxFileBytes)
		return nil, false
	}
	for i, line := range s.lines {
		if len(line) > maxLineBytes {
			s.fail(place{i + 1, 1}, "", "the line has %d bytes; at most %d are read", len(line), maxLineBytes)
			return nil, false
		}
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		s.syntaxProblem(err)
		return nil, false
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		s.fail(place{}, "begin with: version: 1", "the file is empty")
		return nil, false
	}
	if len(bodies) > 1 {
		s.fail(placeOf(tokenOf(bodies[1])), "leave out the line ---", "the file holds %d YAML documents; it must hold one", len(bodies))
		return nil, false
	}
	return bodies[0], true
}

// version checks the format that a file is written in.
func (s *source) version(n ast.Node) {
	if v := s.integer(n, "version"); v != Version {
		s.fail(placeOf(tokenOf(n)), fmt.Sprintf("write version: %d", Version), "version %d is not known; this program reads version %d", v, Version)
	}
}

func (s *source) unversioned() {
	s.fail(place{1, 1}, "begin with: version: 1", "the file does not say its version")
}

// syntaxProblem turns the YAML parser's error into a problem.
func (s *source) syntaxProblem(err error) {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		message := definedTwice.ReplaceAllString(y.GetMessage(), "stands at line $1 already")
		at := placeOf(y.GetToken())
		if strings.Contains(message, "\t") || strings.Contains(message, "tab character") {
			s.fail(at, "indent with spaces", "not YAML: a tab in the indentation")
			return
		}
		s.fail(at, s.layoutHint(at, message), "not YAML: %s", message)
		return
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	s.fail(place{}, "", "not YAML: %s", first)
}
