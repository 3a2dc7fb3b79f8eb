package topics

import (
	stdjson "encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestUnmarshalRefuses(t *testing.T) {
	const record = "record: got "
	const object = ", want one JSON object in UTF-8"
	const integer = "want an integer of 64 bits without fraction or exponent"
	for _, test := range []struct{ name, in, want string }{
		{"nothing", ``, record + "no value" + object},
		{"spaces", " \n", record + "no value" + object},
		{"null", `null`, record + "null" + object},
		{"array", `[]`, record + "an array" + object},
		{"string", `"x"`, record + "a string" + object},
		{"text", `hello`, record + "bytes that are not JSON" + object},
		{"text that begins like null", `nonsense`, record + "bytes that are not JSON" + object},
		{"text that begins like a boolean", `true or false`, record + "bytes that are not JSON" + object},
		{"text that begins like a number", `2026-01-31`, record + "bytes that are not JSON" + object},
		{"another encoding", "\x00\x00\x01{}", record + "bytes that are not JSON" + object},
		{"number", ` 10.5 `, record + "a number with a fraction or an exponent" + object},
		{"cut off", `{"amount":1`, record + "malformed JSON near byte 11" + object},
		{"trailing comma", `{"amount":1,}`, record + "malformed JSON near byte 13" + object},
		{"two values", `{"amount":1}{}`, record + "something after it at byte 12" + object},
		{"trailing text", `{"amount":1} x`, record + "something after it at byte 13" + object},
		{"leading zero", `{"amount":01}`, record + "malformed JSON near byte 11" + object},
		{"plus sign", `{"amount":+1}`, record + "malformed JSON near byte 10" + object},
		{"raw control character", "{\"description\":\"a\nb\"}", record + "malformed JSON near byte 15" + object},
		{"invalid UTF-8", "{\"description\":\"a\xffb\"}", record + "invalid UTF-8 at byte 17" + object},
		{"fraction", `{"amount":10.50}`, `field "amount": got a number with a fraction or an exponent, ` + integer},
		{"whole fraction", `{"amount":10.0}`, `field "amount": got a number with a fraction or an exponent, ` + integer},
		{"exponent", `{"amount":1e3}`, `field "amount": got a number with a fraction or an exponent, ` + integer},
		{"string amount", `{"amount":"10"}`, `field "amount": got a string, ` + integer},
		{"overflow by one", `{"amount":9223372036854775808}`, `field "amount": got a number beyond 64 bits, ` + integer},
		{"overflow that wraps round to a positive number", `{"amount":22000000000000000000}`, `field "amount": got a number beyond 64 bits, ` + integer},
		{"overflow of many digits", `{"amount":` + strings.Repeat("1", 400) + `}`, `field "amount": got a number beyond 64 bits, ` + integer},
		{"underflow", `{"amount":-9223372036854775809}`, `field "amount": got a number beyond 64 bits, ` + integer},
		{"overflow with a fraction", `{"amount":22000000000000000000.5}`, `field "amount": got a number beyond 64 bits, ` + integer},
		{"number for a string", `{"tenant":5}`, `field "tenant": got a number, want a string`},
		{"object for a string", `{"tenant":{}}`, `field "tenant": got an object, want a string`},
		{"string for a boolean", `{"authorize":"true"}`, `field "authorize": got a string, want true or false`},
		{"string for an object", `{"card":"tok"}`, `field "card": got a string, want an object with token, fingerprint, bin, last4, scheme, type, country`},
		{"nested", `{"card":{"bin":411111}}`, `field "card.bin": got a number, want a string`},
		{"map value", `{"metadata":{"a":true}}`, `field "metadata.a": got a boolean, want a string`},
		{"number for a time", `{"issued_at":5}`, `field "issued_at": got a number, want a string with an RFC 3339 time, such as "2026-01-31T09:30:00Z"`},
		{"date for a time", `{"issued_at":"2026-01-31"}`, `field "issued_at": got a string, want a string with an RFC 3339 time, such as "2026-01-31T09:30:00Z"`},
		{"thirteenth month", `{"issued_at":"2026-13-01T00:00:00Z"}`, `field "issued_at": got a string, want a string with an RFC 3339 time, such as "2026-01-31T09:30:00Z"`},
		{"deep nesting", `{"x":` + strings.Repeat("[", 100_000) + `}`, record + "nesting deeper than 64 at byte 68" + object},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c Command
			err := Unmarshal([]byte(test.in), &c)
			var decode *DecodeError
			if !errors.As(err, &decode) {
				t.Fatalf("got %v (%T), want a *DecodeError", err, err)
			}
			if err.Error() != test.want {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

func TestUnmarshalAccepts(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     Command
	}{
		{"unknown fields of every kind", ` {"a":1.5e300,"b":[{"c":null}],"d":22000000000000000000,"tenant":"acme","e":true} `, Command{Tenant: "acme"}},
		{"a name in another case is unknown", `{"Tenant":5,"tenant":"acme"}`, Command{Tenant: "acme"}},
		{"null is absent", `{"tenant":null,"amount":null,"card":null,"issued_at":null}`, Command{}},
		{"the largest amount", `{"amount":9223372036854775807}`, Command{Amount: 9223372036854775807}},
		{"the smallest amount", `{"amount":-9223372036854775808}`, Command{Amount: -9223372036854775808}},
		{"long digits in a string", `{"description":"22000000000000000000 \"1"}`, Command{Description: `22000000000000000000 "1`}},
		{"nanoseconds and an offset", `{"issued_at":"2026-01-31T09:30:00.123456789+02:00"}`,
			Command{IssuedAt: time.Date(2026, 1, 31, 7, 30, 0, 123456789, time.UTC)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := []byte(test.in)
			var got Command
			if err := Unmarshal(in, &got); err != nil {
				t.Fatal(err)
			}
			got.IssuedAt = got.IssuedAt.UTC()
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if string(in) != test.in {
				t.Errorf("input was changed to %s", in)
			}
		})
	}
}

func TestDecodeErrorQuotesNoValue(t *testing.T) {
	for _, in := range []string{`{"amount":"4111111111111111"}`, `{"tenant":4111111111111111}`, `{"tenant":"4111111111111111`, `4111111111111111`, `{"a" 4111111111111111}`,
		`{"metadata":{"4111111111111111":true}}`, `{"metadata":{"` + strings.Repeat("x", 10_000) + `":true}}`} {
		var c Command
		if err := Unmarshal([]byte(in), &c); err == nil || strings.Contains(err.Error(), "41111") || len(err.Error()) > 300 {
			t.Errorf("%s: got %v", in, err)
		}
	}
}

// TestMarshalAgrees compares with encoding/json, which knows omitzero: the same values, and no bytes that differ by run.
func TestMarshalAgrees(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "a", `"due":"0001-01-01T00:00:00Z",`, `,"issued_at":"0001-01-01T00:00:00Z"`, "0001-01-01T00:00:00Z", "<&>\u2028é\x00"})
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).UTC()
	})
	metadata := rapid.MapOf(rapid.SampledFrom([]string{"issued_at", "due", "occurred_at", "k"}), text)
	command := rapid.Custom(func(t *rapid.T) Command {
		return Command{CommandID: text.Draw(t, "id"), Tenant: text.Draw(t, "tenant"), Region: text.Draw(t, "region"),
			Amount: rapid.Int64().Draw(t, "amount"), IssuedAt: instant.Draw(t, "issued"), Metadata: metadata.Draw(t, "metadata"),
			Description: text.Draw(t, "description")}
	})
	event := rapid.Custom(func(t *rapid.T) PaymentEvent {
		e := PaymentEvent{EventID: text.Draw(t, "id"), At: instant.Draw(t, "at"), Detail: text.Draw(t, "detail"),
			Created: &CreatedData{Metadata: metadata.Draw(t, "metadata")}, Totals: &Totals{Captured: 3}, ExpiresAt: instant.Draw(t, "expires")}
		if rapid.Bool().Draw(t, "timer") {
			e.Timer = &TimerChange{Kind: TimerKind(text.Draw(t, "kind")), Due: instant.Draw(t, "due"), Generation: 7}
		}
		return e
	})
	report := rapid.Custom(func(t *rapid.T) PSPReport {
		return PSPReport{ReportID: text.Draw(t, "id"), Detail: text.Draw(t, "detail"), OccurredAt: instant.Draw(t, "at")}
	})
	rapid.Check(t, func(t *rapid.T) {
		c := command.Draw(t, "command")
		agrees(t, c)
		agrees(t, &c)
		agrees(t, AssessedCommand{Command: c, Decision: Decision{Outcome: OutcomePass}})
		e := event.Draw(t, "event")
		agrees(t, e)
		agrees(t, &e)
		r := report.Draw(t, "report")
		agrees(t, r)
		agrees(t, nested{List: []PSPReport{r, r}, ByName: map[string]*Command{"due": &c}, TimerChange: TimerChange{Due: instant.Draw(t, "due")}})
	})
}

// nested is a type outside the catalogue with times in a list, a map and an embedded struct, each of them last.
type nested struct {
	List   []PSPReport         `json:"list"`
	ByName map[string]*Command `json:"by_name"`
	Any    map[string]string   `json:"any"`
	TimerChange
	A time.Time `json:"a,omitzero"`
	B time.Time `json:"b,omitzero"`
}

func agrees(t *rapid.T, v any) {
	got, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want, err := stdjson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := stdjson.Unmarshal(got, &a); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := stdjson.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	back := reflect.New(reflect.Indirect(reflect.ValueOf(v)).Type())
	if err := Unmarshal(got, back.Interface()); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	again, err := Marshal(back.Interface())
	if err != nil || string(again) != string(got) {
		t.Fatalf("not stable: %s then %s (%v)", got, again, err)
	}
}

// FuzzUnmarshal: whatever the bytes, decoding ends in a record that encodes and decodes to itself or in a
// *DecodeError, and it accepts nothing that encoding/json refuses.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{`{"command_id":"x","amount":22000000000000000000}`, `{"card":{"bin":"411111"},"metadata":{"a":"b"}}`, `{"issued_at":"2026-01-31T09:30:00Z","x":[1,{"y":-0.5e-3}]}`, `{"amount":-1}`, "{\"a\":\"\\u00e9\\ud800\"}", `{"amount":1.}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Command
		if err := Unmarshal(data, &c); err != nil {
			var decode *DecodeError
			if !errors.As(err, &decode) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if !stdjson.Valid(data) {
			t.Fatalf("accepted malformed JSON %q", data)
		}
		var std struct {
			Amount int64 `json:"amount"`
		}
		if err := stdjson.Unmarshal(data, &std); err == nil && !strings.Contains(strings.ToLower(string(data)), `\u`) &&
			strings.Count(strings.ToLower(string(data)), `"amount"`) == 1 && strings.Contains(string(data), `"amount"`) &&
			std.Amount != c.Amount && c.Amount != 0 {
			t.Fatalf("amount %d, encoding/json has %d", c.Amount, std.Amount)
		}
		encoded, err := Marshal(&c)
		if err != nil {
			if c.IssuedAt.Year() > 9999 || c.IssuedAt.Year() < 0 {
				return
			}
			t.Fatal(err)
		}
		var again Command
		if err := Unmarshal(encoded, &again); err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		repeat, err := Marshal(&again)
		if err != nil || string(repeat) != string(encoded) {
			t.Fatalf("not stable: %s then %s (%v)", encoded, repeat, err)
		}
	})
}

func BenchmarkUnmarshalCommand(b *testing.B) {
	data, err := Marshal(exampleCommand())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var c Command
		if err := Unmarshal(data, &c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalCommand(b *testing.B) {
	c := exampleCommand()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Marshal(c); err != nil {
			b.Fatal(err)
		}
	}
}

func exampleCommand() *Command {
	return &Command{
		CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: CommandCreate, Tenant: "acme", CustomerID: "cust_42",
		Amount: 1050, Currency: "EUR", IssuedAt: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Authorize: true, CaptureMethod: CaptureManual,
		Card:     &Card{Token: "tok_visa", BIN: "411111", Last4: "1111", Scheme: "visa", Type: "credit", Country: "DE"},
		Context:  &Context{IP: "192.0.2.7", DeviceID: "dev_1", Email: "ada@example.com", Country: "DE", TimeZone: "Europe/Berlin"},
		Metadata: map[string]string{"order": "A-1001"},
	}
}
