// Package schematest holds records to their published JSON Schemas, for the tests of whoever writes records.
package schematest

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/weirhq/weir/internal/reference"
	"github.com/weirhq/weir/topics"
)

// Schemas are those of all records of the catalogue, made stricter: they bear neither a field that they do not
// describe nor a value of an enumeration that they do not list. Readers must bear both, for what comes later; what is
// written today is described today.
type Schemas map[string]*jsonschema.Schema // by name of the record

// Compile compiles the schemas as they are, and then the stricter ones.
func Compile(t testing.TB) Schemas {
	t.Helper()
	files, err := reference.Topics()
	if err != nil {
		t.Fatal(err)
	}
	all := Schemas{}
	for path, data := range files {
		name, ok := strings.CutSuffix(filepath.Base(path), ".schema.json")
		if !ok {
			continue
		}
		for _, strict := range []bool{false, true} {
			if all[name], err = compile(data, strict); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("there are no schemas")
	}
	return all
}

func compile(data []byte, strict bool) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if strict {
		tighten(document)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiler.AssertContent()
	const address = "schema.json"
	if err := compiler.AddResource(address, document); err != nil {
		return nil, err
	}
	return compiler.Compile(address)
}

func tighten(node any) {
	switch node := node.(type) {
	case map[string]any:
		if _, structure := node["properties"]; structure && node["type"] == "object" {
			node["additionalProperties"] = false
		}
		if values, ok := node["x-extensible-enum"].([]any); ok {
			node["enum"] = append(values, "") // a text that is not set
		}
		for _, inner := range node {
			tighten(inner)
		}
	case []any:
		for _, inner := range node {
			tighten(inner)
		}
	}
}

// Check holds the encoded form of a record, or of a pointer to one, to the schema of its type.
func (s Schemas) Check(record any) error {
	data, err := topics.Marshal(record)
	if err != nil {
		return err
	}
	t := reflect.TypeOf(record)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return s.check(t.Name(), data)
}

// CheckRecord holds the value of a record of a topic to the schema of what its ce_type names. It returns the schema's
// name, "" where the topic holds values that have none.
func (s Schemas) CheckRecord(topic, kind string, value []byte) (string, error) {
	entry, ok := topics.Lookup(topic)
	if !ok {
		return "", fmt.Errorf("%s: is not in the catalogue", topic)
	}
	values := entry.Values
	if entry.Value != nil {
		values = []any{entry.Value}
	}
	if len(values) == 0 {
		return "", nil
	}
	for i, v := range values {
		if entry.Types[i] == kind {
			name := reflect.TypeOf(v).Name()
			return name, s.check(name, value)
		}
	}
	return "", fmt.Errorf("%s: ce_type %q: want one of %s", topic, kind, strings.Join(entry.Types, ", "))
}

func (s Schemas) check(name string, data []byte) error {
	schema := s[name]
	if schema == nil {
		return fmt.Errorf("%s: has no schema", name)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, data)
	}
	return nil
}
