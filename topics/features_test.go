package topics

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Features are encoded as the map that they are.
func TestFeaturesAreEncodedAsAMap(t *testing.T) {
	type plain struct {
		Features map[string]Feature `json:"features,omitempty"`
	}
	type own struct {
		Features FeatureSet `json:"features,omitempty"`
	}
	rapid.Check(t, func(t *rapid.T) {
		features := rapid.MapOf(rapid.String(), rapid.Custom(func(t *rapid.T) Feature {
			f := Feature{Value: rapid.Int64().Draw(t, "value"), Approximate: rapid.Bool().Draw(t, "approximate"), Missing: rapid.Bool().Draw(t, "missing")}
			if rapid.Bool().Draw(t, "warming") {
				f.WarmingUntil = time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "until")).UTC()
			}
			return f
		})).Draw(t, "features")
		want, err := Marshal(plain{features})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Marshal(own{features})
		if err != nil || string(got) != string(want) {
			t.Fatalf("%s, %v, want %s", got, err, want)
		}
		var back own
		if err := Unmarshal(got, &back); err != nil || len(back.Features) != len(features) {
			t.Fatalf("%+v, %v", back, err)
		}
		for name, f := range features {
			if back.Features[name] != f {
				t.Fatalf("%q: %+v, want %+v", name, back.Features[name], f)
			}
		}
	})
}

// Features are decoded as the map that they are, however they are written; an error names the same field.
func TestFeaturesAreDecodedAsAMap(t *testing.T) {
	type plain struct {
		Features map[string]Feature `json:"features,omitempty"`
	}
	type own struct {
		Features FeatureSet `json:"features,omitempty"`
	}
	for _, text := range []string{
		`{}`, `null`, `[]`, `7`, `{"a":{"value":1}}`, `{ "a" : {"value" : 1 } }`, `{"a":{"value":01}}`, `{"a":{"value":-0}}`, `{"a":{"value":-}}`,
		`{"a":{"value":1.5}}`, `{"a":{"value":1e3}}`, `{"a":{"value":9223372036854775807}}`, `{"a":{"value":9223372036854775808}}`,
		`{"a":{"value":-999999999999999999,"approximate":true,"missing":true,"warming_until":"2026-03-01T12:00:00.123Z"}}`,
		`{"a":{"value":1,"missing":true,"approximate":true}}`, `{"a":{"missing":false}}`, `{"a":{"value":"1"}}`, `{"a":{"value":1,"other":{"x":[]}}}`,
		`{"a":{"value":1,"warming_until":"yesterday"}}`, `{"a":{"value":1,"warming_until":"2026-03-01T12:00:00+02:00"}}`, `{"a":{"value":1,"warming_until":7}}`,
		`{"a":{"value":1,"approximate":true},"a":{"value":2}}`, `{"\u0061":{"value":1}}`, `{"ä":{"value":1},"":{"value":0}}`, `{"a":{"value":1},}`, `{"a":1}`, `{"a":null}`, `{"a":{}}`,
		`{"a":{"value":null}}`, `{"a":{"value":1}`, `{"a":{"value":1}}}`, `{,"a":{"value":1}}`, `{"a":{"value":1}"b":{"value":2}}`,
	} {
		text = `{"features":` + text + `}`
		var want plain
		var got own
		wrong, err := Unmarshal([]byte(text), &want), Unmarshal([]byte(text), &got)
		if fmt.Sprint(err) != fmt.Sprint(wrong) {
			t.Errorf("%s: %v, want %v", text, err, wrong)
		}
		if err == nil && !reflect.DeepEqual(map[string]Feature(got.Features), want.Features) {
			t.Errorf("%s: %v, want %v", text, got.Features, want.Features)
		}
	}
}

func BenchmarkFeatures(b *testing.B) {
	features := FeatureSet{}
	for _, name := range []string{"card_attempts_10m", "card_declines_24h", "customer_cards_24h", "device_cards_24h", "device_declines_1h", "ip_cards_1h", "customer_deposits_24h",
		"customer_payments_7d", "customer_largest_7d", "new_card_seen", "new_card_recent", "new_card_sum", "customer_countries_2h", "device_customers_30d"} {
		features[name] = Feature{Value: 3, WarmingUntil: time.UnixMilli(1_790_000_000_000).UTC()}
	}
	for name, record := range map[string]any{"own": struct{ F FeatureSet }{features}, "map": struct{ F map[string]Feature }{features}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Marshal(record); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
