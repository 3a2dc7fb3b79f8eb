package routing

import (
	"encoding/json"
	"fmt"

	"github.com/invopop/jsonschema"

	"github.com/weirhq/weir/rules"
)

// Schema is the JSON Schema of a routing file, for editors that complete and check YAML while it is written. It says less
// than Compile checks: conditions are text to it.
func Schema() ([]byte, error) {
	s := object("A routing file of weir. docs/routing.md is the manual.",
		key{"version", &jsonschema.Schema{Type: "integer", Const: rules.Version, Description: "The format of the file."}},
		key{"description", text("What the file is for.")},
		key{"strategy", words("How the routes that take a payment are put in order.", Priority, LeastCost, VolumeSplit, Bandit)},
		key{"stable_by", words("volume_split: whether a customer's payments go the same way, or each is drawn by itself.", byCustomer, byPayment)},
		key{"half_life", span("bandit: after which time what was learnt counts half.")},
		key{"time_zone", text("Whose days daily counts, such as Europe/Malta; UTC where it is left out.")},
		key{"cascade", object("Whether another PSP is asked where the first provably did not charge.",
			key{"attempts", number("How many are asked, all PSPs together.", maxAttempts)}, key{"within", span("In which another one may be asked.")})},
		key{"defer", span("How long a payment waits where no PSP can be asked.")},
		key{"health", healthSchema()},
		key{"lists", named("Lists that conditions look fields up in, as in rule files.", &jsonschema.Schema{Type: "object"})},
		key{"limits", named("Amounts by name that conditions compare with: one for each currency.", amounts(""))},
		key{"routes", list("In their order.", routeSchema())},
		key{"tests", list("Payments, and the routes that they must come to.", testSchema())},
	)
	s.Required = []string{"version", "routes"}
	s.Version, s.ID, s.Title = jsonschema.Version, "routes.schema.json", "Routing file"
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema of routing files: %w", err)
	}
	return append(data, '\n'), nil
}

func healthSchema() *jsonschema.Schema {
	return object("When a PSP is unhealthy, by what became of requests.",
		key{"window", span("Over which results are counted, 10s to 1h.")},
		key{"at_least", number("Results in the window, before anything is said.", 1_000_000)},
		key{"error_rate", percentage("Requests that failed.")},
		key{"timeout_rate", percentage("Requests that were not answered.")},
		key{"p95", span("In which 95 of 100 requests are answered.")},
		key{"open_for", span("How long nobody goes there; 30s where it is left out.")},
		key{"probes", number("Payments that try it then; 5 where it is left out.", 1_000)})
}

func routeSchema() *jsonschema.Schema {
	cost := list("What the PSP takes; the first whose condition is true counts.", object("",
		key{"when", text("A condition; without it for every payment.")},
		key{"fixed", amounts("For each payment, in its own currency.")},
		key{"percent", &jsonschema.Schema{Type: "string", Pattern: percentForm.String(), Description: "Of the amount.", Examples: []any{"1.4%"}}}))
	daily := object("What the route takes on a day at most.", key{"count", number("Payments.", 1<<40)}, key{"amount", amounts("Of all of them, for each currency.")})
	s := object("",
		key{"name", &jsonschema.Schema{Type: "string", Pattern: "^[a-z][a-z0-9_]*$"}},
		key{"description", text("What it is for.")},
		key{"psp", &jsonschema.Schema{Type: "string", Pattern: pspForm.String(), Description: "As it stands below psp in the configuration."}},
		key{"when", text("A condition; without it the route takes every payment.")},
		key{"weight", &jsonschema.Schema{Type: "integer", Minimum: "0", Maximum: json.Number(fmt.Sprint(maxWeight)), Description: "Its share in a volume split; 1 where it is left out."}},
		key{"cost", cost}, key{"daily", daily},
		key{"enabled", &jsonschema.Schema{Type: "boolean", Description: "false leaves the route out of plans."}})
	s.Required = []string{"name", "psp"}
	return s
}

func testSchema() *jsonschema.Schema {
	names := func(doc string) *jsonschema.Schema { return list(doc, &jsonschema.Schema{Type: "string"}) }
	s := object("",
		key{"name", text("")},
		key{"given", &jsonschema.Schema{Type: "object", Description: "Fields of the payment; one that is not given is missing."}},
		key{"now", text("The moment, such as 2027-01-31T18:00:00Z.")},
		key{"unhealthy", names("PSPs.")}, key{"disabled", names("PSPs that are switched off.")}, key{"full", names("Routes whose day is full.")},
		key{"expect", names("Routes, in the order in which they are asked.")},
		key{"left_out", &jsonschema.Schema{Type: "object", Description: "Why PSPs are left out, by PSP.", AdditionalProperties: words("", toldReasons...)}})
	s.Required = []string{"expect"}
	return s
}

// key is one of an object.
type key struct {
	name   string
	schema *jsonschema.Schema
}

// object is a mapping with these keys and no others.
func object(doc string, keys ...key) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Description: doc, Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for _, k := range keys {
		s.Properties.Set(k.name, k.schema)
	}
	return s
}

func named(doc string, value *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Description: doc, AdditionalProperties: value}
}

func list(doc string, items *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", Description: doc, Items: items}
}

func text(doc string) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Description: doc} }

func words[W ~string](doc string, all ...W) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", Description: doc}
	for _, w := range all {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}

func span(doc string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Description: doc, Pattern: `^[1-9][0-9]*[smhd]$`, Examples: []any{"30s", "10m", "24h"}}
}

func number(doc string, most int64) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "integer", Description: doc, Minimum: "1", Maximum: json.Number(fmt.Sprint(most))}
}

func percentage(doc string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Description: doc, Pattern: `^[1-9][0-9]?%$`, Examples: []any{"20%"}}
}

func amounts(doc string) *jsonschema.Schema {
	return list(doc, &jsonschema.Schema{Type: "string", Pattern: `^[0-9]+(\.[0-9]+)? [A-Z]{3}$`, Examples: []any{"250.00 EUR"}})
}
