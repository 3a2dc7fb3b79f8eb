package rules

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/weirhq/weir/topics"
)

// Schema is the JSON Schema of a rule file, for editors that complete and check YAML while it is written. It says less
// than Compile checks: conditions are text to it.
func Schema() ([]byte, error) {
	s := object("A rule file of weir. rules/README.md is the manual.",
		property("version", &jsonschema.Schema{Type: "integer", Const: Version, Description: "The format of the file."}),
		property("description", text("What the file is for.")),
		property("stage", stageSchema()),
		property("tenants", array("The brands that the rules are for; all where it is left out.", &jsonschema.Schema{Type: "string"})),
		property("regions", array("The regions that the rules are for; all where it is left out.", &jsonschema.Schema{Type: "string"})),
		property("time_zone", text("The zone whose days, weeks and months gaming_limits count, such as Europe/Malta; UTC where it is left out.")),
		property("gaming_limits", array("What customers may deposit, lose and play.", gamingSchema())),
		property("limits", named("Amounts by name: one for each currency.", array("One amount for each currency.",
			&jsonschema.Schema{Type: "string", Pattern: `^-?[0-9]+(\.[0-9]+)? [A-Z]{3}$`, Examples: []any{"250.00 EUR"}}))),
		property("lists", named("Lists that conditions look fields up in, by name.", listSchema())),
		property("rates", ratesSchema()),
		property("velocity", array("What is counted of the past; rules read velocity.NAME.", definitionSchema())),
		property("breaker", breakerSchema("Puts the whole rule set in the shadow, but for rules with overridable: false, where it blocks too much.")),
		property("rules", array("Evaluated in this order; the strongest outcome decides.", ruleSchema())),
		property("cool_offs", array("What new instruments may do.", coolOffSchema())),
		property("scorecards", array("Points for signs that mean little alone; bands say what their sum asks for.", cardSchema())),
		property("tests", array("Tests of the whole rule set.", testSchema(fileOutcomes, true))),
	)
	s.Required = []string{"version"}
	s.Version, s.ID, s.Title = jsonschema.Version, "rules.schema.json", "Rule file"
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema of rule files: %w", err)
	}
	return append(data, '\n'), nil
}

func stageSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", Default: string(topics.StageBeforeAuthorization), Description: "When the rules are evaluated."}
	for _, stage := range Stages() {
		s.Enum = append(s.Enum, string(stage))
	}
	return s
}

func ruleSchema() *jsonschema.Schema {
	outcomes := func(doc string, of ...topics.Outcome) *jsonschema.Schema {
		s := &jsonschema.Schema{Type: "string", Description: doc}
		for _, o := range of {
			s.Enum = append(s.Enum, string(o))
		}
		return s
	}
	var fields strings.Builder
	for _, f := range Fields() {
		fields.WriteString("\n" + f.Name + ": " + f.Doc)
	}
	s := object("One rule.",
		property("name", nameSchema("Its name, used in decisions. It stands once in the rule set.")),
		property("description", text("What it is for.")),
		property("owner", text("Who answers for it.")),
		property("commands", &jsonschema.Schema{Type: "array", UniqueItems: true, MinItems: ptr(1), Default: []string{"create"},
			Description: "The commands that it is evaluated for.",
			Items:       &jsonschema.Schema{Type: "string", Enum: []any{string(topics.CommandCreate), string(topics.CommandAuthorize), string(topics.CommandIncrement)}}}),
		property("when", text("The condition, in CEL. The fields:"+fields.String())),
		property("outcome", outcomes("What it asks for where the condition is true.", topics.OutcomeBlock, topics.OutcomeHold,
			topics.OutcomeStepUp, topics.OutcomePass, topics.OutcomeAllow)),
		property("overridable", &jsonschema.Schema{Type: "boolean", Default: true, Description: "false: a block that no allow can lift."}),
		property("reason", nameSchema("The code that the decision carries; by default the rule's name.")),
		property("score", &jsonschema.Schema{Type: "integer", Minimum: json.Number(fmt.Sprint(-maxScore)), Maximum: json.Number(fmt.Sprint(maxScore)),
			Description: "Added to the decision's score on a hit."}),
		property("on_missing", outcomes("What it asks for where a field that it reads is missing. A rule that blocks or holds must hold or block.",
			topics.OutcomeBlock, topics.OutcomeHold, topics.OutcomeStepUp, topics.OutcomePass)),
		property("on_error", outcomes("What it asks for where evaluating fails, such as a division by zero; by default hold, and block where on_missing is block.",
			topics.OutcomeBlock, topics.OutcomeHold, topics.OutcomeStepUp, topics.OutcomePass)),
		property("enabled", &jsonschema.Schema{Type: "boolean", Default: true}),
		property("shadow", &jsonschema.Schema{Type: "boolean", Default: false, Description: "true: evaluated and recorded, without effect."}),
		property("rollout", &jsonschema.Schema{Type: "string", Pattern: "^[1-9][0-9]?%$", Examples: []any{"10%"},
			Description: "The part of the customers that it is in force for."}),
		property("valid_from", text("It is in force from this date or moment.")),
		property("valid_until", text("It is in force to the end of this date, or to this moment.")),
		property("breaker", breakerSchema("Puts the rule in the shadow where it blocks too much.")),
		property("tags", array("", nameSchema(""))),
		property("tests", array("Tests of this rule alone.", testSchema(ruleResults, false))),
	)
	s.Required = []string{"name"}
	s.AnyOf = []*jsonschema.Schema{{Required: []string{"when", "outcome"}},
		{Required: []string{"enabled"}, Properties: jsonschema.NewProperties()}}
	s.AnyOf[1].Properties.Set("enabled", &jsonschema.Schema{Const: false})
	return s
}

func coolOffSchema() *jsonschema.Schema {
	rule := ruleSchema()
	s := object("One cool-off.",
		property("instrument", text("The field whose values are the instruments, such as card.fingerprint.")),
		property("for", &jsonschema.Schema{Type: "string", Pattern: `^[1-9][0-9]*[smhd]$`, Description: "How long an instrument is new."}),
		property("amount", text("How much may be paid with it in that time; nothing where it is left out.")),
	)
	for _, key := range coolOffKeys {
		if p, ok := rule.Properties.Get(key); ok {
			s.Properties.Set(key, p)
		}
	}
	s.Required = []string{"name", "instrument", "for", "outcome"}
	return s
}

func gamingSchema() *jsonschema.Schema {
	one := func(doc string, of []string) *jsonschema.Schema {
		s := &jsonschema.Schema{Type: "string", Description: doc}
		for _, value := range of {
			s.Enum = append(s.Enum, value)
		}
		return s
	}
	const times = `^[1-9][0-9]*[smhd]$`
	s := object("One limit. It is for every customer, and customers may set stricter ones of their own.",
		property("kind", one("What it limits.", gamingKinds)),
		property("period", one("Of the calendar; a week begins on Monday.", gamingPeriods)),
		property("amounts", array("Of deposit and loss: the largest sum of the period, one for each currency.",
			&jsonschema.Schema{Type: "string", Pattern: `^[0-9]+(\.[0-9]+)? [A-Z]{3}$`, Examples: []any{"1000.00 EUR"}})),
		property("time", &jsonschema.Schema{Type: "string", Pattern: times, Description: "Of session: how long a customer may play in the period."}),
		property("raise_after", &jsonschema.Schema{Type: "string", Pattern: times, Default: "24h", Description: "How long a customer waits for a limit of their own to be raised or removed."}),
		property("outcome", one("What a deposit above the amounts asks for; by default block.", []string{string(topics.OutcomeBlock), string(topics.OutcomeHold)})),
		property("description", text("What it is for.")),
		property("owner", text("Who answers for it.")),
		property("enabled", &jsonschema.Schema{Type: "boolean", Default: true, Description: "false: takes the limit of a more general file away."}),
	)
	s.Required = []string{"kind", "period"}
	return s
}

func cardSchema() *jsonschema.Schema {
	points := func(doc string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "integer", Minimum: json.Number(fmt.Sprint(-maxScore)), Maximum: json.Number(fmt.Sprint(maxScore)), Description: doc}
	}
	item := object("",
		property("name", nameSchema("")),
		property("when", text("The condition, in CEL.")),
		property("points", points("What it counts where the condition is true.")),
		property("missing", points("What it counts where a field is missing.")),
	)
	item.Required = []string{"name", "when", "points"}
	outcome := &jsonschema.Schema{Type: "string"}
	for _, o := range fileOutcomes[:4] {
		outcome.Enum = append(outcome.Enum, o)
	}
	band := object("", property("from", points("The sum at which the band begins.")), property("outcome", outcome))
	band.Required = bandKeys
	rule := ruleSchema()
	s := object("One score card.")
	for _, key := range cardKeys {
		if p, ok := rule.Properties.Get(key); ok {
			s.Properties.Set(key, p)
		}
	}
	s.Properties.Set("items", array("", item))
	s.Properties.Set("bands", array("In ascending order.", band))
	s.Properties.Set("tests", array("Tests of this card alone.", testSchema(fileOutcomes[:4], false)))
	s.Required = []string{"name", "items", "bands"}
	return s
}

func breakerSchema(doc string) *jsonschema.Schema {
	s := object(doc,
		property("max_block_rate", &jsonschema.Schema{Type: "string", Pattern: "^[1-9][0-9]?%$", Examples: []any{"20%"},
			Description: "The largest part of the commands in an interval that may be blocked."}),
		property("interval", text("In which they are counted: 1m to 24h.")),
		property("at_least", &jsonschema.Schema{Type: "integer", Minimum: json.Number(fmt.Sprint(minBoundCommands)), Maximum: json.Number(fmt.Sprint(maxBoundCommands)),
			Description: "How many commands an interval must have."}),
		property("trip_to", &jsonschema.Schema{Type: "string", Enum: []any{string(topics.OutcomeHold), tripToShadow}, Default: tripToShadow,
			Description: "What is asked for, once it has tripped, where a block would be: hold, or nothing (shadow)."}),
	)
	s.Required = boundKeys[:3]
	return s
}

func definitionSchema() *jsonschema.Schema {
	var all []any
	for _, a := range aggregates {
		all = append(all, a)
	}
	s := object("",
		property("name", nameSchema("Rules read velocity.NAME.")),
		property("description", text("What it is for.")),
		property("aggregate", &jsonschema.Schema{Type: "string", Enum: all, Description: "What is computed over the events in the window."}),
		property("events", array("Which events count: "+strings.Join(eventKinds, ", ")+".", &jsonschema.Schema{Type: "string"})),
		property("by", text("The field whose values are counted apart.")),
		property("of", text("The field whose different values distinct counts.")),
		property("window", &jsonschema.Schema{Type: "string", Pattern: `^[1-9][0-9]*[smhd]$`, Examples: []any{"10m", "24h", "7d"},
			Description: "How far back it looks, 1m to 90d."}),
		property("currency", &jsonschema.Schema{Type: "string", Pattern: "^[A-Z]{3}$", Description: "Of sum and max; amounts in others are converted."}),
		property("reserve", &jsonschema.Schema{Type: "boolean", Default: false, Description: "Counts an attempt as approved until its outcome is known."}),
	)
	s.Required = []string{"name", "aggregate", "events", "by", "window"}
	return s
}

func listSchema() *jsonschema.Schema {
	value := &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "integer", Minimum: "0"}}}
	entry := object("",
		property("value", value),
		property("expires", text("A date, which counts to its end in UTC, or a moment such as 2027-01-31T18:00:00Z.")),
		property("reason", text("Why it is in the list.")),
	)
	entry.Required = []string{"value"}
	match := &jsonschema.Schema{Type: "string", Default: string(MatchExact)}
	for _, m := range matches() {
		match.Enum = append(match.Enum, m)
	}
	s := object("",
		property("description", text("What the list is for.")),
		property("match", match),
		property("editable", &jsonschema.Schema{Type: "boolean", Description: "Entries may be added and removed while weir runs, by weir lists and over HTTP."}),
		property("four_eyes", &jsonschema.Schema{Type: "boolean", Description: "Of an editable list: an edit that is made from then on counts once another person has approved it."}),
		property("file", text("A CSV file with the heading value,expires,reason; its path is relative to this file.")),
		property("entries", array("", &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "integer", Minimum: "0"}, entry}})),
	)
	return s
}

func ratesSchema() *jsonschema.Schema {
	currency := func(doc string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Pattern: "^[A-Z]{3}$", Description: doc}
	}
	entry := object("How much of one currency a unit of another is.",
		property("date", text("The day from which it holds, in UTC, such as 2026-11-20.")),
		property("from", currency("")),
		property("to", currency("")),
		property("rate", &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}}, Examples: []any{"1.0842"}}),
	)
	entry.Required = rateColumns
	s := object("Rates of exchange by day.",
		property("description", text("Where they are from.")),
		property("file", text("A CSV file with the heading date,from,to,rate; its path is relative to this file.")),
		property("entries", array("", entry)),
		property("base", currency("The currency by way of which others are converted.")),
		property("max_age", &jsonschema.Schema{Type: "string", Pattern: `^(0|[1-9][0-9]*)[smhd]$`, Default: "7d", Description: "For how many days a rate holds, 0d to 366d."}),
	)
	s.OneOf = []*jsonschema.Schema{{Required: []string{"file"}}, {Required: []string{"entries"}}}
	return s
}

func testSchema(expected []string, ofFile bool) *jsonschema.Schema {
	given := object("Values by field; a field that is not given is missing.")
	given.AdditionalProperties = nil
	for _, f := range Fields() {
		value := &jsonschema.Schema{Description: f.Doc, Examples: []any{f.Example}}
		if f.Type == TypeTexts {
			if given.PatternProperties == nil {
				given.PatternProperties = map[string]*jsonschema.Schema{}
			}
			given.PatternProperties["^"+strings.ReplaceAll(f.Name, ".", `\.`)+`\.`] = value
			continue
		}
		given.Properties.Set(f.Name, value)
	}
	if given.PatternProperties == nil {
		given.PatternProperties = map[string]*jsonschema.Schema{}
	}
	given.PatternProperties[`^velocity\.`] = &jsonschema.Schema{Description: "A velocity answer: a number, an amount or a time."}
	given.AdditionalProperties = jsonschema.FalseSchema
	expect := &jsonschema.Schema{Type: "string"}
	for _, e := range expected {
		expect.Enum = append(expect.Enum, e)
	}
	s := object("",
		property("name", text("")),
		property("given", given),
		property("now", text("When it is, for entries that expire: a date or a moment. By default nothing has expired.")),
		property("expect", expect),
	)
	if ofFile {
		s.Properties.Set("rules", array("The rules that hit, in order.", &jsonschema.Schema{Type: "string"}))
	}
	s.Required = []string{"expect"}
	return s
}

// namedProperty is one property of an object.
type namedProperty struct {
	name   string
	schema *jsonschema.Schema
}

func property(name string, s *jsonschema.Schema) namedProperty { return namedProperty{name, s} }

// object is a mapping with these keys and no others.
func object(doc string, properties ...namedProperty) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Description: doc, Properties: jsonschema.NewProperties(),
		AdditionalProperties: jsonschema.FalseSchema}
	for _, p := range properties {
		s.Properties.Set(p.name, p.schema)
	}
	return s
}

// named is a mapping of names to values of one kind.
func named(doc string, value *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Description: doc, PropertyNames: nameSchema(""), AdditionalProperties: value}
}

func array(doc string, items *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", Description: doc, Items: items}
}

func text(doc string) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Description: doc} }

func nameSchema(doc string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Description: doc, Pattern: nameForm.String(), MaxLength: ptr(maxNameLength)}
}

func ptr(n uint64) *uint64 { return &n }
