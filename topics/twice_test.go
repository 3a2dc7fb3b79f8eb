package topics

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestUnmarshalOnce(t *testing.T) {
	many := &strings.Builder{}
	for i := range 3 * fewNames {
		fmt.Fprintf(many, `"k%d":%d,`, i, i)
	}
	for name, c := range map[string]struct{ in, field string }{
		"once":                       {`{"tenant":"acme","amount":5,"metadata":{"a":"amount","b":"amount"}}`, ""},
		"the same name elsewhere":    {`{"a":{"x":1,"y":{"x":1}},"x":1,"b":[{"x":1},{"x":2}]}`, ""},
		"the same text as a value":   {`{"a":"x","b":["x","x"],"x":"a"}`, ""},
		"in another case":            {`{"amount":5,"Amount":6}`, ""},
		"many":                       {`{` + many.String() + `"x":{` + many.String() + `"x":1}}`, ""},
		"at the top":                 {`{"amount":5,"amount":50000}`, "amount"},
		"the same value":             {`{"amount":5,"amount":5}`, "amount"},
		"after others":               {`{"amount":5,"card":{"token":"x"},"metadata":{}, "amount" : 50000}`, "amount"},
		"null the second time":       {`{"amount":5,"amount":null}`, "amount"},
		"an unknown field":           {`{"zzz":5,"zzz":6}`, "zzz"},
		"within":                     {`{"card":{"token":"x","bin":"4","token":"y"}}`, "card.token"},
		"the object itself":          {`{"card":{"token":"x"},"card":{"token":"y"}}`, "card"},
		"in a map":                   {`{"metadata":{"a":"1","a":"2"}}`, "metadata.a"},
		"in a list of lists":         {`{"x":[1,[{"a":1},{"b":1,"b":2}]]}`, "x.1.1.b"},
		"with an escape":             {`{"amount":5,"am\u006funt":50000}`, "amount"},
		"with a quote in it":         {`{"a\"b":5,"c":{},"a\"b":1}`, `a"b`},
		"the last of many":           {`{` + many.String() + `"k3":1}`, "k3"},
		"within the second of many":  {`{` + many.String() + `"x":{` + many.String() + `"k90":1}}`, "x.k90"},
		"the one after the few":      {`{` + many.String() + fmt.Sprintf(`"k%d":1}`, fewNames), fmt.Sprintf("k%d", fewNames)},
		"a name too long to be told": {`{"` + strings.Repeat("x", 500) + `":1,"` + strings.Repeat("x", 500) + `":1}`, strings.Repeat("x", 128) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			err := UnmarshalOnce([]byte(c.in), new(Command))
			if c.field == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			var wrong *DecodeError
			if want := fmt.Sprintf("field %q: is given twice", c.field); !errors.As(err, &wrong) || wrong.Field != c.field || wrong.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// Whatever an object holds, it is refused where, and only where, one of its objects has a name twice.
func TestGivenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, twice := drawObject(t, 2)
		if !stdjson.Valid([]byte(text)) {
			t.Fatalf("not JSON: %s", text)
		}
		if path, got := givenTwice([]byte(text)); got != twice {
			t.Fatalf("got %v (%q), twice is %v: %s", got, path, twice, text)
		}
	})
}

func drawObject(t *rapid.T, depth int) (text string, twice bool) {
	seen := map[string]bool{}
	var members []string
	for range rapid.IntRange(0, 2*fewNames).Draw(t, "members") {
		name := rapid.StringMatching(`[ab"\\:,{}\[\]é]{0,6}`).Draw(t, "name")
		twice = twice || seen[name]
		seen[name] = true
		value, err := stdjson.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		quoted := string(value)
		if depth > 0 && rapid.IntRange(0, 19).Draw(t, "nested") == 0 {
			inner, innerTwice := drawObject(t, depth-1)
			value, twice = []byte("[1, "+inner+"]"), twice || innerTwice
		}
		members = append(members, quoted+" :"+string(value))
	}
	return "{" + strings.Join(members, " ,") + "}", twice
}

// What a producer's command costs more than a record that weir wrote: no allocation.
func TestGivenTwiceAllocates(t *testing.T) {
	command := []byte(`{"command_id":"a","tenant":"acme","amount":5,"card":{"token":"x","bin":"424242"},"metadata":{"order":"7"}}`)
	if n := testing.AllocsPerRun(10, func() { givenTwice(command) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGivenTwice(b *testing.B) {
	command := []byte(`{"type":"payment.create","command_id":"01920000-0000-7000-8000-000000000001","tenant":"acme","region":"eu","customer_id":"cus_1","amount":1000,"currency":"EUR","card":{"token":"tok_visa","fingerprint":"fp_1","bin":"424242","last4":"4242","scheme":"visa","type":"credit","country":"DE"},"device_id":"dev_1","ip":"192.0.2.1","merchant_reference":"order-1","metadata":{"a":"b"},"issued_at":"2026-01-31T09:30:00Z"}`)
	b.Run("unmarshal", func(b *testing.B) {
		for b.Loop() {
			if err := Unmarshal(command, new(Command)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			givenTwice(command)
		}
	})
}
