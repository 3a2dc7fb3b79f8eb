package payments_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// putCustomer asks for a record of a customer, in the place of the one with a version.
func putCustomer(n int, customer string, expected int64) *topics.CustomerCommand {
	pep := n%2 == 0
	return &topics.CustomerCommand{CommandID: id(n).String(), Type: topics.CustomerPut, Tenant: "acme", CustomerID: customer, ExpectedVersion: expected,
		Author: "ann", Reason: fmt.Sprintf("reason %d", n), TraceID: "trace",
		Data: &topics.CustomerData{Status: topics.CustomerActive, KYCLevel: topics.KYCBasic, Country: "DE", PEP: &pep,
			ExpectedTurnover: &topics.ExpectedTurnover{Amount: int64(n), Currency: "EUR"},
			Personal:         &topics.SealedPersonal{KeyID: keyID(customer).String(), Fields: map[string][]byte{"names": {byte(n), 1, 2}}}}}
}

// addCustomers writes and changes records of the customers of the mixed traffic, of right and of wrong versions, and erases some. Ids of
// commands begin at 960,000.
func addCustomers(rounds *[4][]any) {
	n := 960_000
	for k := range 8 {
		customer := fmt.Sprintf("customer-%d", k)
		for round := range rounds {
			for range 2 { // the second one is too late
				n++
				c := putCustomer(n, customer, int64(round))
				c.Data.Personal = nil
				rounds[round] = append(rounds[round], c)
			}
			if n++; round == 1 && k%3 == 0 {
				rounds[round] = append(rounds[round], eraseCustomer(n, customer))
			}
		}
	}
}

func eraseCustomer(n int, customer string) *topics.CustomerCommand {
	return &topics.CustomerCommand{CommandID: id(n).String(), Type: topics.CustomerErase, Tenant: "acme", CustomerID: customer, ExpectedVersion: topics.AnyVersion,
		Author: "bob", Reason: "asked for", TraceID: "trace"}
}

func keyID(customer string) uuid.UUID { return uuid.NewV5(uuid.Nil, customer) }

// keyOf makes a data key of a customer, as the API does before it puts a record.
func keyOf(t *testing.T, db *database.DB, customer string) {
	t.Helper()
	if _, err := db.Pool.Exec(t.Context(), `INSERT INTO customer_keys (partition, id, tenant, customer, key_id, master, wrapped, created_at)
VALUES (0, $1, 'acme', $2, $3, 'm', '\x00', now())`, view.CustomerID(view.Owner{Tenant: "acme", Customer: customer}), customer, keyID(customer)); err != nil {
		t.Fatal(err)
	}
}

// changes are what happened to customers' records, as type, version and refusal; each written record is the one of customers.v1.
func changes(t *testing.T, outputs []stream.Output) (lines []string) {
	t.Helper()
	records := outputsOf[topics.CustomerRecord](t, outputs, topics.Customers)
	for _, e := range outputsOf[topics.CustomerChange](t, outputs, topics.CustomerChanges) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", e.CustomerID, e.Type, e.Version, e.Refusal)))
		if e.Record == nil {
			continue
		}
		if len(records) == 0 || records[0].EventID != e.EventID || records[0].Version != e.Version {
			t.Fatalf("change %s has no record of its own in %+v", e.EventID, records)
		}
		records = records[1:]
	}
	if len(records) > 0 {
		t.Errorf("records without a change: %+v", records)
	}
	return lines
}

func wantChanges(t *testing.T, in *inbox, want ...string) {
	t.Helper()
	if got := changes(t, in.published); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("changes:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	in.published = nil
}

// TestARecordIsChangedByItsVersion: of two who change the same version the first does; a command that comes again changes nothing;
// all of that whether the record is in memory or not.
func TestARecordIsChangedByItsVersion(t *testing.T) {
	for _, batch := range []int{1, 100} {
		t.Run(fmt.Sprint(batch), func(t *testing.T) {
			db := databasetest.New(t)
			in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
			keyOf(t, db, "anna")
			for _, c := range []*topics.CustomerCommand{putCustomer(1, "anna", 0), putCustomer(2, "anna", 0), putCustomer(3, "anna", 1), putCustomer(4, "anna", 1),
				putCustomer(3, "anna", 1), putCustomer(5, "bert", 1), putCustomer(6, "anna", 2)} {
				in.put(topics.TypeCustomerCommand, c)
				if batch == 1 {
					in.fold(1)
					in.restart()
				}
			}
			reused := putCustomer(6, "anna", 3)
			in.put(topics.TypeCustomerCommand, reused)
			in.fold(batch)
			wantChanges(t, in, "anna written 1", "anna command_refused 1 version_conflict", "anna written 2", "anna command_refused 2 version_conflict",
				"bert command_refused 0 version_conflict", "anna written 3", "anna command_refused 0 duplicate_command")
			stored, err := view.GetCustomer(t.Context(), db.Pool, view.Owner{Tenant: "acme", Customer: "anna"})
			if err != nil || stored.Record.Version != 3 || stored.Record.Reason != "reason 6" || stored.Record.Data.ExpectedTurnover.Amount != 6 {
				t.Errorf("%+v, %v", stored.Record, err)
			}
			if n := count(t, db, "customers"); n != 1 {
				t.Errorf("%d records, want 1: a refused command makes none", n)
			}
			wantSound(t, in)
		})
	}
}

// TestErasingDeletesTheDataKey: in the transaction that erases the record, and no other customer's key. What was asked for before it
// is refused after it.
func TestErasingDeletesTheDataKey(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	for _, customer := range []string{"anna", "bert"} {
		keyOf(t, db, customer)
	}
	in.put(topics.TypeCustomerCommand, putCustomer(1, "anna", 0))
	in.put(topics.TypeCustomerCommand, putCustomer(2, "bert", 0))
	in.fold(10)
	in.put(topics.TypeCustomerCommand, eraseCustomer(3, "anna"))
	in.put(topics.TypeCustomerCommand, putCustomer(4, "anna", 1))
	in.fold(10)
	wantChanges(t, in, "anna written 1", "bert written 1", "anna erased 2", "anna command_refused 2 version_conflict")
	if n, others := count(t, db, "customer_keys WHERE customer = 'anna'"), count(t, db, "customer_keys"); n != 0 || others != 1 {
		t.Errorf("%d keys of anna of %d, want none of 1", n, others)
	}
	stored, err := view.GetCustomer(t.Context(), db.Pool, view.Owner{Tenant: "acme", Customer: "anna"})
	if err != nil || !stored.Record.Erased || stored.Record.Data != nil || stored.Record.Author != "bob" || stored.Key != nil {
		t.Errorf("%+v, %v", stored.Record, err)
	}
	in.restart()
	keyOf(t, db, "anna") // who comes back is known by a new key
	in.put(topics.TypeCustomerCommand, putCustomer(5, "anna", 2))
	in.fold(10)
	wantChanges(t, in, "anna written 3")
	if n := count(t, db, "customer_keys"); n != 2 {
		t.Errorf("%d keys, want 2", n)
	}
	wantSound(t, in)
}

// TestAKillWhileErasing leaves both the record and its data key, or neither: it is folded again.
func TestAKillWhileErasing(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	keyOf(t, db, "anna")
	in.put(topics.TypeCustomerCommand, putCustomer(1, "anna", 0))
	in.fold(1)
	in.put(topics.TypeCustomerCommand, eraseCustomer(2, "anna"))
	if err := in.state.Load(t.Context(), in.pending); err != nil {
		t.Fatal(err)
	}
	in.state.Apply(in.pending[0])
	killed := errors.New("killed before the commit")
	err := db.InTx(t.Context(), func(tx pgx.Tx) error {
		var batch pgx.Batch
		in.state.Write(&batch)
		return errors.Join(tx.SendBatch(t.Context(), &batch).Close(), killed)
	})
	if !errors.Is(err, killed) {
		t.Fatal(err)
	}
	owner := view.Owner{Tenant: "acme", Customer: "anna"}
	if left, err := view.GetCustomer(t.Context(), db.Pool, owner); err != nil || left.Record.Version != 1 || left.Record.Erased || left.Key == nil {
		t.Fatalf("the kill left %+v, key: %t, %v", left.Record, left.Key != nil, err)
	}
	in.restart()
	in.published = nil
	in.fold(1)
	wantChanges(t, in, "anna erased 2")
	if erased, err := view.GetCustomer(t.Context(), db.Pool, owner); err != nil || !erased.Record.Erased || erased.Key != nil {
		t.Errorf("%+v, key: %t, %v", erased.Record, erased.Key != nil, err)
	}
	wantSound(t, in)
}

// TestRecordsOfCustomersAreRestored: from what was published a database that lost everything has the same records, and a key that came
// back with it is deleted again where its customer was erased since.
func TestRecordsOfCustomersAreRestored(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.put(topics.TypeCustomerCommand, putCustomer(1, "anna", 0))
	in.put(topics.TypeCustomerCommand, putCustomer(2, "anna", 1))
	in.put(topics.TypeCustomerCommand, putCustomer(3, "bert", 0))
	in.put(topics.TypeCustomerCommand, putCustomer(4, "bert", 7))
	in.put(topics.TypeCustomerCommand, eraseCustomer(5, "bert"))
	in.fold(2)
	other := databasetest.New(t)
	keyOf(t, other, "anna")
	keyOf(t, other, "bert")
	again := newInbox(t, other, newProgram(t, other, 1, nil), 0)
	restorer := again.state.(stream.Restorer)
	records := restored(in)
	if err := restorer.LoadRestored(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := restorer.Restore(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, customer := range []string{"anna", "bert"} {
		owner := view.Owner{Tenant: "acme", Customer: customer}
		want, err := view.GetCustomer(t.Context(), db.Pool, owner)
		if err != nil {
			t.Fatal(err)
		}
		got, err := view.GetCustomer(t.Context(), other.Pool, owner)
		if err != nil {
			t.Fatal(err)
		}
		if text(t, got.Record) != text(t, want.Record) || (got.Key != nil) != (customer == "anna") {
			t.Errorf("%s: %s, key: %t; want %s", customer, text(t, got.Record), got.Key != nil, text(t, want.Record))
		}
	}
	if n, want := count(t, other, "applied_inputs"), count(t, db, "applied_inputs"); n != want {
		t.Errorf("%d inputs are remembered, want %d", n, want)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := topics.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestWhatIsNoCommandOnARecord: refused with the field, or put aside; no card number goes through.
func TestWhatIsNoCommandOnARecord(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	for i, c := range []struct {
		change func(*topics.CustomerCommand)
		want   string
	}{
		{func(c *topics.CustomerCommand) { c.Data.Status = "happy" }, "invalid data.status: is none of active, restricted, closed"},
		{func(c *topics.CustomerCommand) { c.Data.KYCLevel = "" }, "invalid data.kyc_level: is missing"},
		{func(c *topics.CustomerCommand) { c.Data.Country = "UK" }, "invalid data.country: is not a country; want an ISO 3166-1 code of two capitals, such as DE"},
		{func(c *topics.CustomerCommand) { c.Data.Nationality = "German" }, "invalid data.nationality: is not a country; want an ISO 3166-1 code of two capitals, such as DE"},
		{func(c *topics.CustomerCommand) { c.Data.ExpectedTurnover.Currency = "euro" }, "invalid data.expected_turnover.currency: is not an ISO 4217 currency; want a code such as EUR, in capitals"},
		{func(c *topics.CustomerCommand) { c.Data.ExpectedTurnover.Amount = -1 }, "invalid data.expected_turnover.amount: is negative; want a positive integer in minor units"},
		{func(c *topics.CustomerCommand) { c.Data.Personal.KeyID = "key" }, "invalid data.personal.key_id: is not a UUID; want the form 0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b, not all zeros"},
		{func(c *topics.CustomerCommand) { c.Data = nil }, "invalid data: is missing; want what is known of the customer"},
		{func(c *topics.CustomerCommand) { c.Type = topics.CustomerErase }, "invalid data: is set; a command of type erase takes none"},
		{func(c *topics.CustomerCommand) { c.ExpectedVersion = topics.AnyVersion }, "invalid expected_version: want the version that the record has now, 0 where there is none"},
		{func(c *topics.CustomerCommand) { c.Reason = "" }, "invalid reason: is missing"},
		{func(c *topics.CustomerCommand) { c.Reason = "a\x00b" }, "invalid reason: holds control characters or is not UTF-8; want printable text"},
		{func(c *topics.CustomerCommand) { c.Reason = "card 4111 1111 1111 1111" }, "card_number reason: holds a card number; nothing of a customer's record takes one"},
		{func(c *topics.CustomerCommand) { c.IssuedAt = start.Add(-40 * 24 * time.Hour) }, "too_old "},
		{func(c *topics.CustomerCommand) { c.IssuedAt = start.Add(40 * 24 * time.Hour) }, "invalid issued_at: "},
	} {
		command := putCustomer(i+1, "anna", 0)
		c.change(command)
		in.put(topics.TypeCustomerCommand, command)
		in.fold(1)
		told := outputsOf[topics.CustomerChange](t, in.published, topics.CustomerChanges)
		if got := fmt.Sprint(told[0].Refusal, " ", told[0].Detail); len(told) != 1 || !strings.HasPrefix(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
		for _, o := range in.published {
			if topics.FindCardNumber(o.Value) {
				t.Errorf("a card number is published: %s", o.Value)
			}
		}
		in.published = nil
	}
	in.putBytes(topics.TypeCustomerCommand, []byte(`{"command_id":7}`))
	in.fold(1)
	if len(in.letters) != 1 || in.letters[0].Reason != topics.RefusedUndecodable {
		t.Errorf("letters: %+v", in.letters)
	}
	if n := count(t, db, "customers"); n != 0 {
		t.Errorf("%d records", n)
	}
}
