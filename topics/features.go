package topics

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/encoding/json"
)

// FeatureSet is answers of velocity by name.
type FeatureSet map[string]Feature

// JSONSchemaAlias is what the schema describes in its place.
func (FeatureSet) JSONSchemaAlias() any { return map[string]Feature{} }

// MarshalJSON encodes them as any map is encoded, names sorted, but without looking at types: they are the largest part of an
// assessed command, and stand in several records of each payment.
func (f FeatureSet) MarshalJSON() ([]byte, error) {
	if f == nil {
		return []byte("null"), nil
	}
	b := append(make([]byte, 0, featureBytes*len(f)+2), '{')
	names := make([]string, 0, 32)
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(json.AppendEscape(b, name, 0), ':')
		b = appendFeature(b, f[name])
	}
	return append(b, '}'), nil
}

// featureBytes are those of most answers with their names.
const featureBytes = 96

func appendFeature(b []byte, f Feature) []byte {
	b = strconv.AppendInt(append(b, `{"value":`...), f.Value, 10)
	if f.Approximate {
		b = append(b, `,"approximate":true`...)
	}
	if f.Missing {
		b = append(b, `,"missing":true`...)
	}
	if !f.WarmingUntil.IsZero() {
		b = append(f.WarmingUntil.AppendFormat(append(b, `,"warming_until":"`...), time.RFC3339Nano), '"')
	}
	return append(b, '}')
}

// UnmarshalJSON decodes them as any map is decoded, but those that are written as MarshalJSON writes them without looking at
// types.
func (f *FeatureSet) UnmarshalJSON(data []byte) error {
	if set, ok := readFeatures(data); ok {
		*f = set
		return nil
	}
	var set map[string]Feature
	_, err := json.Parse(data, &set, json.DontMatchCaseInsensitiveStructFields)
	*f = set
	return err
}

// featureReader reads what MarshalJSON writes.
type featureReader struct {
	data []byte
	ok   bool
}

// readFeatures is false where answers are written otherwise, or one has two answers.
func readFeatures(data []byte) (FeatureSet, bool) {
	type named struct {
		end int // of its name among all
		Feature
	}
	all, names := make([]named, 0, 32), make([]byte, 0, 1024)
	r := featureReader{data: data, ok: true}
	r.expect("{")
	for r.ok && !r.take("}") {
		if len(all) > 0 {
			r.expect(",")
		}
		names = append(names, r.text()...)
		r.expect(":")
		all = append(all, named{len(names), r.feature()})
	}
	if !r.ok || len(r.data) > 0 {
		return nil, false
	}
	set, text, from := make(FeatureSet, len(all)), string(names), 0
	for i := range all {
		set[text[from:all[i].end]] = all[i].Feature
		from = all[i].end
	}
	return set, len(set) == len(all)
}

func (r *featureReader) feature() (f Feature) {
	r.expect(`{"value":`)
	f.Value = r.number()
	f.Approximate = r.take(`,"approximate":true`)
	f.Missing = r.take(`,"missing":true`)
	if r.take(`,"warming_until":`) {
		r.ok = f.WarmingUntil.UnmarshalText(r.text()) == nil && r.ok
	}
	r.expect("}")
	return f
}

// take takes a text where it comes next.
func (r *featureReader) take(text string) bool {
	if len(r.data) < len(text) || string(r.data[:len(text)]) != text {
		return false
	}
	r.data = r.data[len(text):]
	return true
}

func (r *featureReader) expect(text string) { r.ok = r.take(text) && r.ok }

// text is what stands in quotes, without escapes.
func (r *featureReader) text() []byte {
	r.expect(`"`)
	end := bytes.IndexByte(r.data, '"')
	if !r.ok || end < 0 {
		r.ok = false
		return nil
	}
	text := r.data[:end]
	for _, c := range text {
		r.ok = r.ok && c != '\\' && c >= ' '
	}
	r.data = r.data[end+1:]
	return text
}

// number reads a whole number of fewer digits than int64 has.
func (r *featureReader) number() (n int64) {
	negative := r.take("-")
	digits := 0
	for digits < len(r.data) && '0' <= r.data[digits] && r.data[digits] <= '9' {
		if digits == 18 {
			r.ok = false
			return 0
		}
		n = 10*n + int64(r.data[digits]-'0')
		digits++
	}
	r.ok = r.ok && (digits == 1 || digits > 1 && r.data[0] != '0')
	r.data = r.data[digits:]
	if negative {
		return -n
	}
	return n
}
