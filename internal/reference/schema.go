package reference

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/weirhq/weir/topics"
)

// evolution is said in every schema: what may change within a version, and what readers must bear.
const evolution = "Within a version of a topic, fields and values of enumerations are only ever added, never removed, renamed or given " +
	"another meaning: ignore fields that you do not know, and treat a value that you do not know as such."

// schemas are the JSON Schemas of the catalogue's records, by name of the record.
func schemas() (map[string][]byte, error) {
	docs, err := readComments()
	if err != nil {
		return nil, err
	}
	result := map[string][]byte{}
	for _, value := range records() {
		t := reflect.TypeOf(value)
		data, err := render(docs, t)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", t.Name(), err)
		}
		result[t.Name()] = data
	}
	return result, nil
}

// records are the values of the catalogue's topics, each type once.
func records() []any {
	var values []any
	seen := map[reflect.Type]bool{}
	for _, topic := range topics.Catalogue() {
		for _, value := range append([]any{topic.Value}, topic.Values...) {
			if t := reflect.TypeOf(value); value != nil && !seen[t] {
				seen[t] = true
				values = append(values, value)
			}
		}
	}
	return values
}

func render(docs *comments, t reflect.Type) ([]byte, error) {
	read := isCommand(t)
	reflector := jsonschema.Reflector{
		Anonymous:                 true,
		AllowAdditionalProperties: true,
		ExpandedStruct:            true,
		LookupComment:             docs.lookup,
		Mapper:                    func(t reflect.Type) *jsonschema.Schema { return mapped(docs, t, read) },
	}
	schema := reflector.ReflectFromType(t)
	schema.ID = jsonschema.ID(schemaFile(t.Name()))
	schema.Title = t.Name()
	schema.Comments = evolution
	constrainer{docs, schema.Definitions, map[reflect.Type]bool{}, read}.object(schema, t)
	data, err := stdjson.Marshal(schema)
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := stdjson.Indent(&indented, data, "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// isCommand says that producers write such records.
func isCommand(t reflect.Type) bool {
	return t == reflect.TypeFor[topics.Command]() || t == reflect.TypeFor[topics.WalletCommand]() || t == reflect.TypeFor[topics.PayoutCommand]() || t == reflect.TypeFor[topics.LinkCommand]() ||
		t == reflect.TypeFor[topics.DisputeCommand]() || t == reflect.TypeFor[topics.CustomerEvent]()
}

func schemaFile(name string) string { return name + ".schema.json" }

// mapped is the schema of a text with known values. What we read from producers is held to them; of what we write, there
// may be more in time.
func mapped(docs *comments, t reflect.Type, read bool) *jsonschema.Schema {
	switch {
	case t == reflect.TypeFor[[]byte]():
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}
	case t.Kind() == reflect.Int64:
		return &jsonschema.Schema{Type: "integer", Format: "int64"}
	case t.Kind() != reflect.String || len(docs.values[t.Name()]) == 0:
		return nil
	}
	schema := &jsonschema.Schema{Type: "string"}
	enumerate(schema, docs.values[t.Name()], read)
	return schema
}

func enumerate(schema *jsonschema.Schema, texts []string, read bool) {
	values := make([]any, len(texts))
	for i, text := range texts {
		values[i] = text
	}
	if read {
		schema.Enum = values
	} else {
		schema.Extras = map[string]any{"x-extensible-enum": values}
	}
}

// constrainer carries the validation tags of structs over to their schemas, and says what the values of texts mean.
type constrainer struct {
	docs        *comments
	definitions jsonschema.Definitions
	seen        map[reflect.Type]bool
	read        bool // from producers
}

func (c constrainer) object(schema *jsonschema.Schema, t reflect.Type) {
	if c.seen[t] || schema == nil || schema.Properties == nil {
		return
	}
	c.seen[t] = true
	// The inbox holds a refused command with what is wrong with it.
	refusable := isCommand(t) && !c.read
	for i := range t.NumField() {
		field := t.Field(i)
		if property, ok := schema.Properties.Get(jsonName(field)); ok {
			if !refusable {
				c.field(schema, property, field)
			}
			if values := c.docs.valuesDoc(field.Type); values != "" {
				property.Description = strings.TrimSpace(property.Description + values)
			}
		}
		inner := field.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			c.object(c.definitions[inner.Name()], inner)
		}
	}
}

func (c constrainer) field(parent, property *jsonschema.Schema, field reflect.StructField) {
	rules := strings.Split(field.Tag.Get("validate"), ",")
	for i, rule := range rules {
		name, param, _ := strings.Cut(rule, "=")
		switch name {
		case "dive":
			if field.Type.Kind() == reflect.Map {
				constrainMap(property, rules[i+1:])
			}
			return
		case "max", "min", "len":
			limit(property, field.Type, name, param)
		case "gte":
			property.Minimum = stdjson.Number(param)
		case "lte":
			property.Maximum = stdjson.Number(param)
		case "oneof":
			enumerate(property, strings.Split(param, " "), c.read)
		case "command_id":
			property.Format = "uuid"
		case "name":
			property.Pattern = "^[!#-&(-.0-\\[\\]-_a-~]+$"
		case "event_type":
			property.Pattern = "^[a-z][a-z0-9_]*$"
		case "currency":
			property.Pattern = "^[A-Z]{3}$"
		case "iso3166_1_alpha2":
			property.Pattern = "^[A-Z]{2}$"
		case "number":
			property.Pattern = "^[0-9]+$"
		case "url":
			property.Format = "uri"
		case "ip":
			property.AnyOf = []*jsonschema.Schema{{Format: "ipv4"}, {Format: "ipv6"}}
		case "required_unless":
			requireUnless(parent, jsonName(field), param)
		}
	}
}

func limit(property *jsonschema.Schema, t reflect.Type, rule, param string) {
	n, err := strconv.ParseUint(param, 10, 64)
	if err != nil {
		return
	}
	if t.Kind() == reflect.Map {
		property.MaxProperties = &n
		return
	}
	if rule != "min" {
		property.MaxLength = &n
	}
	if rule != "max" {
		property.MinLength = &n
	}
}

// constrainMap reads "keys,max=40,endkeys,max=500".
func constrainMap(property *jsonschema.Schema, rules []string) {
	keys := false
	for _, rule := range rules {
		name, param, _ := strings.Cut(rule, "=")
		n, _ := strconv.ParseUint(param, 10, 64)
		switch {
		case name == "keys" || name == "endkeys":
			keys = name == "keys"
		case name == "max" && keys:
			property.PropertyNames = &jsonschema.Schema{MaxLength: &n}
		case name == "max" && property.AdditionalProperties != nil:
			property.AdditionalProperties = &jsonschema.Schema{Type: "string", MaxLength: &n}
		}
	}
}

// requireUnless says "required, unless a field (by its Go name) has a value" of a schema.
func requireUnless(parent *jsonschema.Schema, name, param string) {
	field, value, _ := strings.Cut(param, " ")
	properties := jsonschema.NewProperties()
	properties.Set(strings.ToLower(field), &jsonschema.Schema{Const: value})
	parent.If = &jsonschema.Schema{Properties: properties}
	parent.Else = &jsonschema.Schema{Required: []string{name}}
}
