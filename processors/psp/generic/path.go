package generic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// path leads to a value in JSON: names and numbers of places, such as data.items.0.id.
type path []string

func parsePath(text string) (path, error) {
	parts := strings.Split(text, ".")
	for _, part := range parts {
		if part == "" || strings.ContainsAny(part, " ${}[]*") {
			return nil, fmt.Errorf("%q is not a path; want names with points between them, such as data.id", text)
		}
	}
	return parts, nil
}

// decode reads one JSON value. Numbers stay as they are written.
func decode(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// text is the scalar at the path as it is written. ok is false where there is none; null is none.
func (p path) text(v any) (text string, ok bool) {
	if p == nil {
		return "", false
	}
	for _, part := range p {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) {
				return "", false
			}
			v = at[i]
		default:
			return "", false
		}
	}
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// short is text for a place of bounded size: a reference or a code. A longer one is none.
func (p path) short(v any) string {
	text, _ := p.text(v)
	if len(text) > maxShort {
		return ""
	}
	return text
}

// maxShort is the longest reference or code that is kept, in bytes.
const maxShort = 128
