package topics

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimesAreReadBack: whatever time and offset a sender names, the command is refused or reads back as it was written.
func TestTimesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "offset")*60)
		at := time.Date(rapid.SampledFrom([]int{0, 1, 1969, 1970, 2026, 9998, 9999}).Draw(t, "year"),
			rapid.SampledFrom([]time.Month{1, 12}).Draw(t, "month"), rapid.SampledFrom([]int{1, 31}).Draw(t, "day"),
			rapid.IntRange(0, 23).Draw(t, "hour"), 59, 59, 0, zone)
		c := WalletCommand{CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: WalletHold, Tenant: "acme", CustomerID: "ana", Amount: 1, Currency: "EUR"}
		for name, field := range map[string]*time.Time{"expires_at": &c.ExpiresAt, "effective_at": &c.EffectiveAt, "issued_at": &c.IssuedAt} {
			*field = at
			refusal := c.Validate()
			if refusal != nil && !strings.HasPrefix(refusal.Detail, name+": is out of range") {
				t.Fatal(refusal)
			}
			if year := at.UTC().Year(); (refusal == nil) != (year >= 1970 && year <= 9998) {
				t.Fatalf("%s %s: %v", name, at, refusal)
			}
			data, err := Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			var back WalletCommand
			if err := Unmarshal(data, &back); refusal == nil && err != nil {
				t.Fatalf("%s does not read back: %v", data, err)
			}
			*field = time.Time{}
		}
	})
}

// A PSP's clock loses no fact: whatever it says, the report reads back, with a time that can be.
func TestOccurredAt(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, kept := range map[string]bool{
		"2026-03-01T11:59:59Z": true, "2026-03-02T12:00:00Z": true, "1970-01-01T00:00:00Z": true, "2026-03-01T23:00:00+11:00": true,
		"2026-03-02T12:00:01Z": false, "1969-12-31T23:59:59Z": false, "9999-12-31T23:59:59-23:59": false, "0001-01-01T00:00:00+23:59": false,
	} {
		given, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		r := PSPReport{OccurredAt: OccurredAt(given, now)}
		if r.OccurredAt.Equal(given) != kept || r.OccurredAt.IsZero() == kept {
			t.Errorf("%s became %s", text, r.OccurredAt)
		}
		data, err := Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		var back PSPReport
		if err := Unmarshal(data, &back); err != nil || !back.OccurredAt.Equal(r.OccurredAt) {
			t.Errorf("%s reads back as %s: %v", data, back.OccurredAt, err)
		}
	}
	if !OccurredAt(time.Time{}, now).IsZero() {
		t.Error("no time became one")
	}
}
