package topics

import (
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
