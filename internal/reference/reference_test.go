package reference

import (
	stdjson "encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const docs = "../../docs"

// TestDocumentsAreCurrent fails when a generated document is not what the code says: run make generate.
func TestDocumentsAreCurrent(t *testing.T) {
	files, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Error(err)
		} else if string(got) != string(want) {
			t.Errorf("%s differs from what the code says; run make generate and commit the result", filepath.Join("docs", name))
		}
	}
	committed, err := filepath.Glob(filepath.Join(docs, "schemas", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range committed {
		if _, ok := files[filepath.Join("schemas", filepath.Base(path))]; !ok {
			t.Errorf("%s is of no record; delete it", path)
		}
	}
}

// TestSchemasNameEveryField: every field of every record stands in its schema, under the name that the codec writes.
func TestSchemasNameEveryField(t *testing.T) {
	files, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range records() {
		record := reflect.TypeOf(value)
		var schema struct {
			Properties  map[string]struct{ Type, Ref string } `json:"properties"`
			Definitions map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"$defs"`
		}
		if err := stdjson.Unmarshal(files[record.Name()], &schema); err != nil {
			t.Fatal(err)
		}
		for i := range record.NumField() {
			if name := jsonName(record.Field(i)); name == "" || reflect.ValueOf(schema.Properties[name]).IsZero() && !strings.Contains(string(files[record.Name()]), `"`+name+`": {`) {
				t.Errorf("%s: field %s is not described", record.Name(), record.Field(i).Name)
			}
		}
		for name, definition := range schema.Definitions {
			if len(definition.Properties) == 0 {
				t.Errorf("%s: %s has no properties", record.Name(), name)
			}
		}
	}
}

// TestReferencesResolve: everything that the AsyncAPI document points to exists.
func TestReferencesResolve(t *testing.T) {
	files, err := All()
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := yaml.Unmarshal(files["asyncapi.yaml"], &document); err != nil {
		t.Fatal(err)
	}
	found := 0
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if target, ok := node["$ref"].(string); ok {
				found++
				if path, local := strings.CutPrefix(target, "#/"); local {
					var at any = document
					for part := range strings.SplitSeq(path, "/") {
						inner, _ := at.(map[string]any)
						at = inner[part]
					}
					if at == nil {
						t.Errorf("%s leads nowhere", target)
					}
				} else if _, ok := files[filepath.Clean(target)]; !ok {
					t.Errorf("%s is no document", target)
				}
			}
			for _, inner := range node {
				walk(inner)
			}
		case []any:
			for _, inner := range node {
				walk(inner)
			}
		}
	}
	walk(document)
	if found < 40 {
		t.Errorf("%d references; the document is too small", found)
	}
}
