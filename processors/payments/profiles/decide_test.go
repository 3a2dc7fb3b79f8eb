package profiles_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/payments/profiles"
	"github.com/weirhq/weir/topics"
)

const horizon = 30 * 24 * time.Hour

// TestVersions compares with a dumb model: a number, and whether there is data. Every command names a version, right or wrong; what
// is refused changes nothing, and what is not is one version on.
func TestVersions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		var record *topics.CustomerRecord
		version, known := int64(0), false
		for position := range rapid.Int64Range(1, 20).Draw(t, "commands") {
			now = now.Add(time.Second)
			c := &topics.CustomerCommand{CommandID: uuid.Must(uuid.NewV4()).String(), Tenant: "acme", CustomerID: "anna", Region: rapid.SampledFrom([]string{"eu", "eu", "eu", "us"}).Draw(t, "region"),
				Author: "ann", Reason: "test", ExpectedVersion: rapid.Int64Range(max(version-1, 0), version+1).Draw(t, "expected"), Type: topics.CustomerPut,
				Data: &topics.CustomerData{Status: topics.CustomerActive, KYCLevel: topics.KYCNone}}
			if rapid.Bool().Draw(t, "erase") {
				c.Type, c.Data = topics.CustomerErase, nil
				if rapid.Bool().Draw(t, "any") {
					c.ExpectedVersion = topics.AnyVersion
				}
			}
			before := fmt.Sprintf("%+v", record)
			id := topics.EventID{Partition: 3, Position: position}
			e := profiles.Decide(record, c, id, now, horizon, "eu")
			if again := profiles.Decide(record, c, id, now, horizon, "eu"); !reflect.DeepEqual(e, again) {
				t.Fatalf("decided twice: %+v, %+v", e, again)
			}
			want := topics.RefusalCode("")
			switch {
			case record != nil && c.Region != record.Region:
				want = topics.RefusedRegionMismatch
			case c.ExpectedVersion != topics.AnyVersion && c.ExpectedVersion != version:
				want = topics.RefusedVersionConflict
			}
			if e.Refusal != want || (e.Record == nil) != (want != "") {
				t.Fatalf("refusal %q of %+v, want %q", e.Refusal, c, want)
			}
			if want != "" {
				if e.Version != version || fmt.Sprintf("%+v", record) != before {
					t.Fatalf("a refused command changed something: %+v", e)
				}
				continue
			}
			next, err := profiles.Evolve(record, &e)
			if err != nil {
				t.Fatal(err)
			}
			if record != nil && !next.CreatedAt.Equal(record.CreatedAt) {
				t.Fatalf("it was created at %s, now at %s", record.CreatedAt, next.CreatedAt)
			}
			if _, err := profiles.Evolve(next, &e); err == nil {
				t.Fatal("the same change fits twice")
			}
			version, known, record = version+1, c.Type == topics.CustomerPut, next
			if record.Version != version || (record.Data != nil) != known || record.Erased == known || !record.UpdatedAt.Equal(now) || record.EventID != id.String() {
				t.Fatalf("%+v, want version %d, known: %t", record, version, known)
			}
		}
	})
}

// TestChangesThatDoNotFit are refused by Evolve, whoever made them.
func TestChangesThatDoNotFit(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	put := &topics.CustomerCommand{CommandID: uuid.Must(uuid.NewV4()).String(), Type: topics.CustomerPut, Tenant: "acme", CustomerID: "anna", Author: "ann", Reason: "test",
		Data: &topics.CustomerData{Status: topics.CustomerActive, KYCLevel: topics.KYCNone}}
	for name, spoil := range map[string]func(*topics.CustomerChange){
		"no record":             func(e *topics.CustomerChange) { e.Record = nil },
		"another customer's":    func(e *topics.CustomerChange) { e.Record.CustomerID = "eve" },
		"another tenant's":      func(e *topics.CustomerChange) { e.Record.Tenant = "bell" },
		"a version left out":    func(e *topics.CustomerChange) { e.Record.Version, e.Version = 2, 2 },
		"two versions":          func(e *topics.CustomerChange) { e.Version = 2 },
		"erased, and with data": func(e *topics.CustomerChange) { e.Record.Erased = true },
		"erased, but not":       func(e *topics.CustomerChange) { e.Type = topics.CustomerErased },
		"no data":               func(e *topics.CustomerChange) { e.Record.Data = nil },
	} {
		e := profiles.Decide(nil, put, topics.EventID{}, now, horizon, "")
		spoil(&e)
		if _, err := profiles.Evolve(nil, &e); err == nil {
			t.Errorf("%s: it fits", name)
		}
	}
}
