package rules_test

import (
	"encoding/json"
	"testing"

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
