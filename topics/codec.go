package topics

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"
)

// MaxDepth is how deep objects and arrays of a record may nest. The records themselves need five levels.
const MaxDepth = 64

// DecodeError says why bytes are not a record. It names the field and the kinds of value, never the value itself, so
// that it may be logged and stored.
type DecodeError struct {
	Field string // dotted path such as "card.bin"; "" where the record as a whole is wrong
	Got   string
	Want  string
	Twice bool // the field is given twice; Got and Want are empty
}

func (e *DecodeError) Error() string {
	switch {
	case e.Twice:
		return fmt.Sprintf("field %q: is given twice", e.Field)
	case e.Field == "":
		return "record: got " + e.Got + ", want " + e.Want
	}
	return fmt.Sprintf("field %q: got %s, want %s", e.Field, e.Got, e.Want)
}

const wantRecord = "one JSON object in UTF-8"

// Marshal encodes a record. Equal records give equal bytes: struct fields in order of declaration, map keys sorted.
func Marshal(v any) ([]byte, error) {
	data, err := json.Append(make([]byte, 0, room(v)), v, json.SortMapKeys)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, err)
	}
	return withoutZeroTimes(data, v), nil
}

// room is about how many bytes a record takes.
func room(v any) int {
	const most = 512
	switch v := v.(type) {
	case *AssessedCommand:
		return 3*most + featureBytes*len(v.Features)
	case *Decision:
		return most + featureBytes*len(v.Features)
	}
	return most
}

// Unmarshal decodes a record into v, a pointer to a struct. Any failure is a *DecodeError, and v is then unusable.
//
// Unknown fields are ignored, names are compared with their case, null is the same as absent. Refused are values of
// another kind, integers with a fraction, an exponent or more than 64 bits, invalid UTF-8, nesting beyond MaxDepth,
// and anything after the object.
func Unmarshal(data []byte, v any) error { return unmarshal(data, v, 0) }

// UnmarshalInPlace is Unmarshal without copies: strings in v are parts of data, which must not change while v is used.
func UnmarshalInPlace(data []byte, v any) error { return unmarshal(data, v, json.DontCopyString) }

func unmarshal(data []byte, v any, flags json.ParseFlags) error {
	start := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(start) == 0:
		return &DecodeError{Got: "no value", Want: wantRecord}
	case start[0] != '{':
		return &DecodeError{Got: kindOfOther(start), Want: wantRecord}
	case !utf8.Valid(data):
		return &DecodeError{Got: fmt.Sprintf("invalid UTF-8 at byte %d", invalidUTF8(data)), Want: wantRecord}
	}
	data, err := checkShape(data)
	if err != nil {
		return err
	}
	rest, err := json.Parse(data, v, json.DontMatchCaseInsensitiveStructFields|flags)
	switch {
	case err != nil:
		return decodeError(err, len(data)-len(rest))
	case len(rest) != 0:
		return &DecodeError{Got: fmt.Sprintf("something after it at byte %d", len(data)-len(rest)), Want: wantRecord}
	}
	return nil
}

// kindOfOther is the kind of a value that is no object. The whole of it tells a word or a number from bytes that only
// begin like one; a string or an array is not read to its end.
func kindOfOther(value []byte) string {
	if value[0] == '"' || value[0] == '[' || json.Valid(value) {
		return kindOf(value)
	}
	return "bytes that are not JSON"
}

func invalidUTF8(data []byte) int {
	at := 0
	for at < len(data) {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// oversize stands for an integer beyond 64 bits: the decoder's own overflow check misses some of them
// (22000000000000000000 wraps round to a positive number), but it never takes a fraction for an integer.
const oversize = "-0e-0"

// checkShape walks the tokens once. It refuses nesting beyond MaxDepth and replaces numbers that do not fit 64 bits,
// in a copy, by oversize.
func checkShape(data []byte) ([]byte, error) {
	depth, copied := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			i = endOfString(data, i)
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return nil, &DecodeError{Got: fmt.Sprintf("nesting deeper than %d at byte %d", MaxDepth, i), Want: wantRecord}
			}
		case c == '}' || c == ']':
			depth--
		case '0' <= c && c <= '9':
			end := i + 1
			for end < len(data) && '0' <= data[end] && data[end] <= '9' {
				end++
			}
			start := i
			if start > 0 && data[start-1] == '-' {
				start--
			}
			if end-i >= 19 && !fitsInt64(data[start:end]) {
				if !copied {
					data, copied = bytes.Clone(data), true
				}
				end = endOfNumber(data, end)
				blank(data[start:end])
			}
			i = end - 1
		}
	}
	return data, nil
}

// endOfString is the index of the quote that closes the string opened at i, or the last index of data.
func endOfString(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

func endOfNumber(data []byte, i int) int {
	for i < len(data) && bytes.IndexByte([]byte("0123456789.eE+-"), data[i]) >= 0 {
		i++
	}
	return i
}

func fitsInt64(digits []byte) bool {
	_, err := strconv.ParseInt(string(digits), 10, 64)
	return err == nil
}

func blank(number []byte) {
	for i := copy(number, oversize); i < len(number); i++ {
		number[i] = ' '
	}
}

// decodeError puts the decoder's error, which quotes its input, into words that do not.
func decodeError(err error, at int) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return &DecodeError{Got: fmt.Sprintf("malformed JSON near byte %d", at), Want: wantRecord}
	}
	got := kindOf([]byte(wrong.Value))
	if value, err := strconv.Unquote(wrong.Value); err == nil {
		got = kindOf([]byte(value))
	}
	return &DecodeError{Field: fieldName(wrong.Field), Got: got, Want: wanted(wrong.Type)}
}

// fieldName bounds a path, which may hold keys that the producer chose: of a map, or of deep nesting.
func fieldName(path string) string {
	const longest = 128
	masked, _ := MaskCardNumbers([]byte(path))
	if len(masked) > longest {
		masked = append(bytes.ToValidUTF8(masked[:longest:longest], nil), "…"...)
	}
	return string(masked)
}

func kindOf(value []byte) string {
	switch {
	case len(value) == 0:
		return "nothing"
	case bytes.HasPrefix(value, []byte(oversize)), bytes.HasPrefix(value, []byte("number ")):
		return "a number beyond 64 bits"
	}
	switch c := value[0]; {
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == 't', c == 'f':
		return "a boolean"
	case c == 'n':
		return "null"
	case c == '-', '0' <= c && c <= '9':
		number := value[:endOfNumber(value, 0)]
		if bytes.ContainsAny(number, ".eE") {
			return "a number with a fraction or an exponent"
		}
		return "a number"
	}
	return "malformed JSON"
}

func wanted(t reflect.Type) string {
	if t == reflect.TypeFor[time.Time]() {
		return `a string with an RFC 3339 time, such as "2026-01-31T09:30:00Z"`
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("an integer of %d bits without fraction or exponent", t.Bits())
	}
	return "an object" + withFields(t)
}

// withFields names the fields of an object, "" where it has none of its own.
func withFields(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return ""
	}
	var names []string
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return " with " + strings.Join(names, ", ")
}
