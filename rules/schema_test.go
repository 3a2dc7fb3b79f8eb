package rules_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/weirhq/weir/rules"
)

// TestSchemaIsCurrent: the editors' schema is what the code generates.
func TestSchemaIsCurrent(t *testing.T) {
	data, err := rules.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(data) {
		t.Fatal("the schema is not JSON")
	}
	golden(t, "../docs/schemas/rules.schema.json", string(data))
}

// TestSchemaFitsTheBuiltInRules: an editor finds nothing wrong with them, and something with a key that is none.
func TestSchemaFitsTheBuiltInRules(t *testing.T) {
	data, err := rules.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("rules.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("rules.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../testdata/rules/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := holds(schema, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if err := holds(schema, append(text, "\nrulez: []\n"...)); err == nil {
			t.Errorf("%s: passes with a key that is none", file)
		}
	}
}

func holds(schema *jsonschema.Schema, text []byte) error {
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}
