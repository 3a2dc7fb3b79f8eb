// Package compatible compares a JSON Schema with the one that was released before, for the tests that hold records to
// what was promised: docs/schemas/README.md says what may change within a version.
package compatible

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// Use says whose records a schema describes, and so which changes break somebody.
type Use int

const (
	// Read: records that weir reads and others wrote, or weir itself before an update. Whatever fitted the released schema
	// must fit the new one.
	Read Use = iota
	// Written: records that weir writes for others. What is written from now on must fit the released schema, for readers
	// who know only that one, and what was written before must fit the new one: topics are kept.
	Written
)

// Problem is a change that breaks somebody.
type Problem struct {
	Path string // of what has changed: "postings[].amount"; "" for the record itself
	Rule string
}

func (p Problem) String() string {
	if p.Path == "" {
		return p.Rule
	}
	return p.Path + ": " + p.Rule
}

// Compare lists what in the new schema breaks somebody who relies on the released one.
func Compare(released, now []byte, use Use) ([]Problem, error) {
	c := comparison{use: use, seen: map[[2]string]bool{}}
	for _, side := range []struct {
		name string
		data []byte
		into *map[string]any
	}{{"released", released, &c.released}, {"new", now, &c.now}} {
		decoder := json.NewDecoder(bytes.NewReader(side.data))
		decoder.UseNumber()
		if err := decoder.Decode(side.into); err != nil {
			return nil, fmt.Errorf("%s schema: %w", side.name, err)
		}
	}
	c.schema("", c.released, c.now)
	return c.problems, nil
}

type comparison struct {
	use           Use
	released, now map[string]any     // whole documents, for references into them
	seen          map[[2]string]bool // pairs of references that were compared
	problems      []Problem
}

func (c *comparison) problem(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{path, fmt.Sprintf(format, args...)})
}

// annotations are keywords that demand nothing, or that were followed.
var annotations = []string{"$id", "$schema", "$defs", "$ref", "$comment", "title", "description", "default", "examples", "deprecated"}

func (c *comparison) schema(path string, released, now any) {
	from, to, again := c.resolve(released, now)
	if again {
		return
	}
	keywords := maps.Clone(from)
	maps.Copy(keywords, to)
	for _, keyword := range slices.Sorted(maps.Keys(keywords)) {
		c.keyword(path, from, to, keyword)
	}
}

func (c *comparison) keyword(path string, released, now map[string]any, keyword string) {
	switch keyword {
	case "properties", "patternProperties":
		c.properties(path, released, now, keyword)
	case "required":
		c.required(path, released, now, keyword)
	case "items", "additionalProperties", "propertyNames":
		c.inner(path, released, now, keyword)
	case "enum", "x-extensible-enum":
		c.values(path, released, now, keyword)
	case "type", "contentEncoding":
		c.kind(path, released, now, keyword)
	case "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties",
		"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties":
		c.bound(path, released, now, keyword)
	default:
		if !slices.Contains(annotations, keyword) {
			c.demand(path, released, now, keyword)
		}
	}
}

// resolve follows references, and says whether this pair was compared before.
func (c *comparison) resolve(released, now any) (from, to map[string]any, again bool) {
	from, fromName := follow(c.released, released)
	to, toName := follow(c.now, now)
	if pair := [2]string{fromName, toName}; fromName != "" || toName != "" {
		again = c.seen[pair]
		c.seen[pair] = true
	}
	return from, to, again
}

// follow gives the schema behind a reference and the reference. A schema may be true, which demands nothing, or false.
func follow(document map[string]any, schema any) (map[string]any, string) {
	switch schema := schema.(type) {
	case map[string]any:
		name, ok := schema["$ref"].(string)
		if !ok {
			return schema, ""
		}
		definitions, _ := document["$defs"].(map[string]any)
		definition, _ := definitions[strings.TrimPrefix(name, "#/$defs/")].(map[string]any)
		return definition, name
	case bool:
		if !schema {
			return map[string]any{"not": map[string]any{}}, ""
		}
	}
	return map[string]any{}, ""
}

func (c *comparison) properties(path string, released, now map[string]any, keyword string) {
	from, _ := released[keyword].(map[string]any)
	to, _ := now[keyword].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(from)) {
		inner := strings.TrimPrefix(path+"."+name, ".")
		if to[name] == nil {
			c.problem(inner, "the field is gone: fields are never removed or renamed")
			continue
		}
		c.schema(inner, from[name], to[name])
	}
}

func (c *comparison) required(path string, released, now map[string]any, keyword string) {
	from, to := list(released[keyword]), list(now[keyword])
	for _, name := range to {
		if !contains(from, name) {
			c.problem(strings.TrimPrefix(path+"."+fmt.Sprint(name), "."), "the field is newly required: records that were written before lack it")
		}
	}
	known, _ := now["properties"].(map[string]any)
	for _, name := range from {
		if text := fmt.Sprint(name); c.use == Written && !contains(to, name) && known[text] != nil {
			c.problem(strings.TrimPrefix(path+"."+text, "."), "the field was required and is optional now: readers rely on it")
		}
	}
}

// inner compares what stands inside arrays and maps.
func (c *comparison) inner(path string, released, now map[string]any, keyword string) {
	sign := map[string]string{"items": "[]", "additionalProperties": "{}", "propertyNames": "{key}"}[keyword]
	from, to := released[keyword], now[keyword]
	if from == nil {
		from = true
	}
	if to == nil {
		to = true
	}
	c.schema(path+sign, from, to)
}

// values: enumerations only grow. One that weir reads may also be dropped, and none may be added where there was none.
func (c *comparison) values(path string, released, now map[string]any, keyword string) {
	from, to := list(released[keyword]), list(now[keyword])
	switch {
	case from == nil && keyword == "enum":
		c.problem(path, "enum is new: values that were fine are refused")
		return
	case to == nil && from != nil && (keyword != "enum" || c.use == Written):
		c.problem(path, "%s is gone: readers rely on it", keyword)
		return
	case to == nil:
		return
	}
	for _, value := range from {
		if !contains(to, value) {
			c.problem(path, "%s has lost %q: enumerations only grow", keyword, value)
		}
	}
	for _, value := range to {
		if keyword == "enum" && c.use == Written && !contains(from, value) {
			c.problem(path, "enum has got %q: only what is declared with x-extensible-enum may grow for readers", value)
		}
	}
}

// kind: a field never changes what it is.
func (c *comparison) kind(path string, released, now map[string]any, keyword string) {
	if !reflect.DeepEqual(released[keyword], now[keyword]) {
		c.problem(path, "%s was %s, is %s: a field keeps its kind", keyword, text(released[keyword]), text(now[keyword]))
	}
}

// bound: a limit of what is read may be loosened; one of what is written stays as it is.
func (c *comparison) bound(path string, released, now map[string]any, keyword string) {
	from, limited := number(released[keyword])
	to, limits := number(now[keyword])
	switch {
	case limited == limits && (!limits || from.Cmp(to) == 0):
		return
	case c.use == Written:
		c.problem(path, "%s was %s, is %s: limits of what is written stay", keyword, text(released[keyword]), text(now[keyword]))
	case !limits:
	case !limited || strings.Contains(strings.ToLower(keyword), "max") == (to.Cmp(from) < 0):
		c.problem(path, "%s was %s, is %s: limits of what is read are only loosened", keyword, text(released[keyword]), text(now[keyword]))
	}
}

// demand holds any other keyword to staying as it is; what is read may also demand less.
func (c *comparison) demand(path string, released, now map[string]any, keyword string) {
	if reflect.DeepEqual(bare(released[keyword]), bare(now[keyword])) || c.use == Read && now[keyword] == nil {
		return
	}
	c.problem(path, "%s was %s, is %s", keyword, text(released[keyword]), text(now[keyword]))
}

// bare is a value without the descriptions in it.
func bare(value any) any {
	switch value := value.(type) {
	case map[string]any:
		left := map[string]any{}
		for key, inner := range value {
			if _, isText := inner.(string); key != "description" || !isText {
				left[key] = bare(inner)
			}
		}
		return left
	case []any:
		left := make([]any, len(value))
		for i := range value {
			left[i] = bare(value[i])
		}
		return left
	}
	return value
}

func list(value any) []any {
	all, _ := value.([]any)
	return all
}

func contains(all []any, value any) bool {
	return slices.ContainsFunc(all, func(one any) bool { return reflect.DeepEqual(one, value) })
}

func number(value any) (*big.Rat, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(n.String())
}

func text(value any) string {
	if value == nil {
		return "absent"
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(data)
}
