package routing

import (
	"bytes"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// An editor finds nothing wrong with a file that compiles, and something with a key that is none.
func TestSchema(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if current, err := os.ReadFile("../../docs/schemas/routes.schema.json"); err != nil || !bytes.Equal(current, data) {
		t.Errorf("docs/schemas/routes.schema.json is not what the code generates (%v); run make generate", err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("routes.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("routes.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	shop, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		fits bool
	}{
		{string(shop), true}, {Fifty("bandit\nhalf_life: 24h"), true},
		{"version: 1\nroutes: []\nrouts: []\n", false}, {"version: 1\nroutes: [{ name: a }]\n", false},
		{"version: 1\nstrategy: cheapest\nroutes: []\n", false},
	} {
		var v any
		if err := yaml.Unmarshal([]byte(c.text), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); (err == nil) != c.fits {
			t.Errorf("%.60q: %v", c.text, err)
		}
	}
}
