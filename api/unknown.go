package api

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/internal/spelling"
)

// maxFieldPath bounds what is told of the path to a field: the names are the client's own words.
const maxFieldPath = 128

// misspelt names the field of a body that its type does not have, with the path to it, and says what would be right. The body has
// one, and no name twice; the decoder's error names the field alone.
func misspelt(body []byte, t reflect.Type) (field, right string) {
	path, known := unknownField(body, t)
	field, right = strings.Join(path, "."), "the document at /openapi.yaml lists the fields"
	name := path[len(path)-1]
	if best := spelling.Nearest(name, known, spelling.Few(name)); best != "" {
		path[len(path)-1] = best
		right = fmt.Sprintf("did you mean %q?", strings.Join(path, "."))
	}
	return shorten(field), right
}

// shorten cuts a text between two characters.
func shorten(text string) string {
	if len(text) > maxFieldPath {
		text = text[:maxFieldPath]
	}
	return strings.ToValidUTF8(text, "?")
}

// unknownField is the path to the first field, by name, of a JSON value that a type does not have, and the fields that it has
// there; nil where it has them all.
func unknownField(value []byte, t reflect.Type) (path, known []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reads := reflect.PointerTo(t); reads.Implements(reflect.TypeFor[json.Unmarshaler]()) || reads.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return nil, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return unknownMember(value, fieldTypes(t))
	case reflect.Slice:
		var elements []json.RawMessage
		if json.Unmarshal(value, &elements) != nil {
			return nil, nil // bytes, in base64
		}
		for i, element := range elements {
			if path, known = unknownField(element, t.Elem()); path != nil {
				return append([]string{strconv.Itoa(i)}, path...), known
			}
		}
	}
	return nil, nil
}

// unknownMember is unknownField of an object with these fields.
func unknownMember(object []byte, fields map[string]reflect.Type) (path, known []string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		t, ok := fields[name]
		if !ok {
			return []string{name}, slices.Collect(maps.Keys(fields))
		}
		if path, known = unknownField(members[name], t); path != nil {
			return append([]string{name}, path...), known
		}
	}
	return nil, nil
}

// fieldTypes are the fields of a struct by their names in JSON.
func fieldTypes(t reflect.Type) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			types[name] = t.Field(i).Type
		}
	}
	return types
}
