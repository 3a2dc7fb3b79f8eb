package compatible

import (
	"strings"
	"testing"
)

// record is a schema that each case changes in one place.
const record = `{
	"$defs": {"Line": {"type": "object", "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}}, "required": ["amount"]}},
	"type": "object",
	"properties": {
		"id": {"type": "string", "description": "old words"},
		"kind": {"type": "string", "x-extensible-enum": ["one", "two"]},
		"mode": {"type": "string", "enum": ["fast", "slow"]},
		"name": {"type": "string", "minLength": 2, "maxLength": 64, "pattern": "^[a-z]+$"},
		"age": {"type": "integer", "minimum": 1, "maximum": 10},
		"bytes": {"type": "string", "contentEncoding": "base64"},
		"tags": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 9}, "propertyNames": {"maxLength": 5}},
		"given": {"type": "object", "patternProperties": {"^a": {"type": "string"}}, "additionalProperties": false},
		"lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}}
	},
	"required": ["id", "kind"],
	"if": {"properties": {"kind": {"const": "one"}}}, "else": {"required": ["name"], "description": "old words"}
}`

// TestCompare changes the record in each way that there is. The two texts are how the problems must begin, of a record that
// is read and of one that is written; "" where nobody is broken.
func TestCompare(t *testing.T) {
	for name, c := range map[string]struct{ from, to, read, written string }{
		"nothing":                   {``, ``, "", ""},
		"other words":               {`old words`, `new words`, "", ""},
		"an optional field more":    {`"age": {`, `"colour": {"type": "string"}, "age": {`, "", ""},
		"an optional object more":   {`"age": {`, `"o": {"type": "object", "properties": {"x": {}}, "required": ["x"]}, "age": {`, "", ""},
		"fields by pattern more":    {`{"^a": {`, `{"^b": {"type": "string"}, "^a": {`, "", ""},
		"fields by pattern less":    {`{"^a": {"type": "string"}}`, `{}`, "given.^a: the field is gone", "given.^a: the field is gone"},
		"an optional field inside":  {`"note": {`, `"colour": {"type": "string"}, "note": {`, "", ""},
		"a required field more":     {`"required": ["id", "kind"]`, `"required": ["id", "kind", "age"]`, "age: the field is newly required", "age: the field is newly required"},
		"one inside":                {`"required": ["amount"]`, `"required": ["amount", "note"]`, "lines[].note: the field is newly required", "lines[].note: the field is newly required"},
		"a field less":              {`"age": {"type": "integer", "minimum": 1, "maximum": 10},`, ``, "age: the field is gone", "age: the field is gone"},
		"one less inside":           {`, "note": {"type": "string"}`, ``, "lines[].note: the field is gone", "lines[].note: the field is gone"},
		"a required field less":     {`"id": {"type": "string", "description": "old words"},`, ``, "id: the field is gone", "id: the field is gone"},
		"another name":              {`"age": {`, `"years": {`, "age: the field is gone", "age: the field is gone"},
		"another kind":              {`"id": {"type": "string"`, `"id": {"type": "integer"`, `id: type was "string", is "integer"`, `id: type was "string", is "integer"`},
		"another kind inside":       {`"amount": {"type": "integer"}`, `"amount": {"type": "string"}`, `lines[].amount: type was "integer", is "string"`, `lines[].amount: type was "integer", is "string"`},
		"a wider kind":              {`"id": {"type": "string"`, `"id": {"type": ["string", "null"]`, `id: type was`, `id: type was`},
		"another encoding":          {`, "contentEncoding": "base64"`, ``, `bytes: contentEncoding was "base64", is absent`, `bytes: contentEncoding was "base64", is absent`},
		"required to optional":      {`"required": ["id", "kind"]`, `"required": ["id"]`, "", "kind: the field was required and is optional now"},
		"an open value more":        {`["one", "two"]`, `["one", "two", "three"]`, "", ""},
		"an open value less":        {`["one", "two"]`, `["one"]`, `kind: x-extensible-enum has lost "two"`, `kind: x-extensible-enum has lost "two"`},
		"open values no more":       {`, "x-extensible-enum": ["one", "two"]`, ``, "kind: x-extensible-enum is gone", "kind: x-extensible-enum is gone"},
		"a closed value more":       {`["fast", "slow"]`, `["fast", "slow", "late"]`, "", `mode: enum has got "late"`},
		"a closed value less":       {`["fast", "slow"]`, `["fast"]`, `mode: enum has lost "slow"`, `mode: enum has lost "slow"`},
		"closed values no more":     {`, "enum": ["fast", "slow"]`, ``, "", "mode: enum is gone"},
		"closed values where none":  {`"id": {"type": "string"`, `"id": {"type": "string", "enum": ["a"]`, "id: enum is new", "id: enum is new"},
		"open values where none":    {`"id": {"type": "string"`, `"id": {"type": "string", "x-extensible-enum": ["a"]`, "", ""},
		"open values, closed":       {`"x-extensible-enum"`, `"enum"`, "kind: enum is new; kind: x-extensible-enum is gone", "kind: enum is new; kind: x-extensible-enum is gone"},
		"a higher maximum":          {`"maximum": 10`, `"maximum": 11`, "", "age: maximum was 10, is 11"},
		"a lower maximum":           {`"maximum": 10`, `"maximum": 9`, "age: maximum was 10, is 9", "age: maximum was 10, is 9"},
		"a higher minimum":          {`"minimum": 1`, `"minimum": 2`, "age: minimum was 1, is 2", "age: minimum was 1, is 2"},
		"a lower minimum":           {`"minimum": 1`, `"minimum": 0`, "", "age: minimum was 1, is 0"},
		"no limit":                  {`"maxLength": 64, `, ``, "", "name: maxLength was 64, is absent"},
		"a limit where none":        {`"id": {"type": "string"`, `"id": {"type": "string", "maxLength": 8`, "id: maxLength was absent, is 8", "id: maxLength was absent, is 8"},
		"a limit inside a map":      {`"maxLength": 9`, `"maxLength": 8`, "tags{}: maxLength was 9, is 8", "tags{}: maxLength was 9, is 8"},
		"a limit of keys":           {`"maxLength": 5`, `"maxLength": 4`, "tags{key}: maxLength was 5, is 4", "tags{key}: maxLength was 5, is 4"},
		"another pattern":           {`^[a-z]+$`, `^[a-y]+$`, "name: pattern was", "name: pattern was"},
		"no pattern":                {`, "pattern": "^[a-z]+$"`, ``, "", "name: pattern was"},
		"a format where none":       {`"id": {"type": "string"`, `"id": {"type": "string", "format": "uuid"`, `id: format was absent, is "uuid"`, `id: format was absent, is "uuid"`},
		"another condition":         {`{"const": "one"}`, `{"const": "two"}`, "if was", "if was"},
		"no unknown fields":         {`"required": ["id", "kind"]`, `"required": ["id", "kind"], "additionalProperties": false`, "{}: not was absent", "{}: not was absent"},
		"no unknown fields, inside": {`"required": ["amount"]`, `"required": ["amount"], "additionalProperties": false`, "lines[]{}: not was absent", "lines[]{}: not was absent"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.from != "" && strings.Count(record, c.from) == 0 {
				t.Fatalf("the record has no %s", c.from)
			}
			changed := strings.Replace(record, c.from, c.to, 1)
			for use, want := range map[Use]string{Read: c.read, Written: c.written} {
				problems, err := Compare([]byte(record), []byte(changed), use)
				if err != nil {
					t.Fatal(err)
				}
				var wanted []string
				if want != "" {
					wanted = strings.Split(want, "; ")
				}
				fits := len(problems) == len(wanted)
				for i := 0; fits && i < len(wanted); i++ {
					fits = strings.HasPrefix(problems[i].String(), wanted[i])
				}
				if !fits {
					t.Errorf("%v: %q, want %q", use, problems, wanted)
				}
			}
		})
	}
}

func TestCompareRefusesWhatIsNoSchema(t *testing.T) {
	for _, pair := range [][2]string{{"{", record}, {record, "["}, {record, `"text"`}} {
		if _, err := Compare([]byte(pair[0]), []byte(pair[1]), Read); err == nil || !strings.Contains(err.Error(), "schema") {
			t.Errorf("%.10s, %.10s: %v", pair[0], pair[1], err)
		}
	}
}

// TestRecursion: a schema that contains itself comes to an end.
func TestRecursion(t *testing.T) {
	const tree = `{"$defs": {"Node": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Node"}, "value": {"type": "integer"}}}}, "$ref": "#/$defs/Node"}`
	problems, err := Compare([]byte(tree), []byte(strings.Replace(tree, "integer", "string", 1)), Read)
	if err != nil || len(problems) != 1 || problems[0].Path != "value" {
		t.Errorf("%v, %v, want one problem of value", problems, err)
	}
}
