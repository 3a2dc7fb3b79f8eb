package fsck

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/topics"
)

// know writes records of two customers of partition 0: anna's twice, and bob's, which is then erased.
func (f *fixture) know() (anna, bob string) {
	f.t.Helper()
	anna, bob = customers(f.t)[0][0], customers(f.t)[0][1]
	text, err := customerkeys.NewMaster("1")
	f.must(err)
	f.masters, err = customerkeys.NewMasters(text, "")
	f.must(err)
	n := 0
	for _, customer := range []string{anna, bob} {
		w, err := f.masters.New("acme", customer)
		f.must(err)
		f.must(customerkeys.Put(f.t.Context(), f.db.Pool, 0, wallets.Key("acme", customer), "acme", customer, w))
		key, err := f.masters.Open(w, "acme", customer)
		f.must(err)
		for version := range int64(2) {
			n++
			c := &topics.CustomerCommand{CommandID: commandID(n), Type: topics.CustomerPut, Tenant: "acme", CustomerID: customer, ExpectedVersion: version, Author: "ann", Reason: "test",
				Data: &topics.CustomerData{Status: topics.CustomerActive, KYCLevel: topics.KYCBasic, Personal: &topics.SealedPersonal{KeyID: w.KeyID.String(),
					Fields: map[string][]byte{"birth_date": key.Seal("birth_date", "1984-08-12")}}}}
			if customer == bob && version == 1 {
				c.Type, c.Data = topics.CustomerErase, nil
			}
			f.feed(0, customer, topics.TypeCustomerCommand, c)
		}
	}
	return anna, bob
}

// withoutRecord leaves a version of a customer's record out of what is to be published, as compaction does.
func (f *fixture) withoutRecord(customer string, version int64) {
	f.t.Helper()
	before := len(f.pending[0])
	f.pending[0] = slices.DeleteFunc(f.pending[0], func(r *kgo.Record) bool {
		var record topics.CustomerRecord
		return r.Topic == topics.Customers && topics.Unmarshal(r.Value, &record) == nil && record.CustomerID == customer && record.Version == version
	})
	if len(f.pending[0]) != before-1 {
		f.t.Fatalf("version %d of %s is not there once", version, customer)
	}
}

// TestCustomersHold, whether or not compaction has taken what a later version replaces.
func TestCustomersHold(t *testing.T) {
	for name, compacted := range map[string]bool{"whole": false, "compacted": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			anna, bob := f.know()
			if compacted {
				f.withoutRecord(anna, 1)
				f.withoutRecord(bob, 1)
			}
			f.publishAll()
			f.wantNone()
			if _, _, counts := f.check(); counts.Customers.Load() != 2 {
				t.Errorf("%d customers were checked, want 2", counts.Customers.Load())
			}
		})
	}
}

// TestTheLatestRecordIsMissed: compaction never takes it.
func TestTheLatestRecordIsMissed(t *testing.T) {
	f := newFixture(t)
	anna, bob := f.know()
	f.withoutRecord(anna, 2)
	f.withoutRecord(bob, 2)
	f.publishAll()
	problems, _, _ := f.check()
	for _, customer := range []string{anna, bob} {
		if !slices.ContainsFunc(problems, func(p string) bool {
			return strings.Contains(p, `neither it nor a later record with the key "acme/`+customer+`" is in the topic`)
		}) {
			t.Errorf("the record of %s is not missed in\n%s", customer, strings.Join(problems, "\n"))
		}
	}
}

func TestCorruptionOfCustomersIsFound(t *testing.T) {
	f := newFixture(t)
	anna, bob := f.know()
	f.publishAll()
	f.save()
	ofAnna, ofBob := "customer: partition 0: customer "+anna+" of acme", "customer: partition 0: customer "+bob+" of acme"
	isAnna, isBob := ` WHERE customer = '`+anna+`'`, ` WHERE customer = '`+bob+`'`
	for _, c := range []corruption{
		{"a record is changed", sql(`UPDATE customers SET state = replace(state, 'basic', 'verified')` + isAnna), []string{ofAnna, "the row differs from the fold of its changes"}},
		{"a record is gone", sql(`DELETE FROM customers` + isAnna), []string{ofAnna, "there is no such row"}},
		{"a change is forgotten", sql(`UPDATE customers SET positions = positions[1:1], version = positions[1]` + isAnna), []string{ofAnna, "its positions do not name it"}},
		{"a record changes hands", sql(`UPDATE customers SET customer = 'eve'` + isAnna), []string{"customer: partition 0: customer eve of acme", "it stands under the key"}},
		{"a data key is gone", sql(`DELETE FROM customer_keys` + isAnna), []string{ofAnna, "which is not there: they cannot be read any more"}},
		{"a data key is another one", sql(`UPDATE customer_keys SET key_id = '0190a3c4-0000-7000-8000-000000000000'` + isAnna), []string{ofAnna, "which is not there: they cannot be read any more"}},
		{"a data key does not open", sql(`UPDATE customer_keys SET wrapped = substr(wrapped, 2)` + isAnna), []string{ofAnna, "does not open with master key 1"}},
		{"its master key is not known", sql(`UPDATE customer_keys SET master = '2'` + isAnna), []string{ofAnna, `the master key is not configured here: "2"`}},
		{"a data key comes back", func(f *fixture) {
			f.exec(`INSERT INTO customer_keys SELECT partition, id, tenant, customer, '0190a3c4-0000-7000-8000-000000000000', '1', '\x00', '2020-01-01' FROM customers` + isBob)
		}, []string{ofBob, "C2: it was erased, but a data key from before is there"}},
		{"a data key is of an erased customer", func(f *fixture) {
			f.exec(`INSERT INTO customer_keys SELECT partition, id, tenant, customer, '0190a3c4-0000-7000-8000-000000000000', '1', '\x00', '2026-01-31 10:30:00Z' FROM customers` + isBob)
		}, []string{ofBob, "it was erased, and there is a data key from after and no record"}},
		{"a data key is of nobody", func(f *fixture) {
			f.exec(`INSERT INTO customer_keys SELECT partition, '0190a3c4-0000-7000-8000-000000000009', tenant, 'eve', '0190a3c4-0000-7000-8000-000000000000', '1', '\x00', '2020-01-01' FROM customers` + isBob)
		}, []string{"customer eve of acme", "there is a data key and no record"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.on(t)
			c.spoil(f)
			problems, _, _ := f.check()
			if !slices.ContainsFunc(problems, func(p string) bool {
				return !slices.ContainsFunc(c.want, func(part string) bool { return !strings.Contains(p, part) })
			}) {
				t.Errorf("want one problem with %q, got\n%s", c.want, strings.Join(problems, "\n"))
			}
		})
	}
}
