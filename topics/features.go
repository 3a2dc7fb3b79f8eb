package topics

import (
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
	const each = 64 // bytes of most
	b := append(make([]byte, 0, each*len(f)+2), '{')
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
