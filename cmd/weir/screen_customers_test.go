package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/processors/aml/screening"
	"github.com/weirhq/weir/processors/aml/screening/fiction"
	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// recordBook writes records of customers as the fold leaves them, encrypted as those who put them do.
type recordBook struct {
	*testing.T
	db      *database.DB
	text    string // of the master key
	masters *customerkeys.Masters
	rows    pgx.Batch
}

func newRecordBook(t *testing.T) *recordBook {
	t.Helper()
	b := &recordBook{T: t, db: databasetest.New(t), text: newMaster(t, "one")}
	var err error
	if b.masters, err = customerkeys.NewMasters(b.text, ""); err != nil {
		t.Fatal(err)
	}
	return b
}

func newMaster(t *testing.T, id string) string {
	t.Helper()
	text, err := customerkeys.NewMaster(id)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// put queues a record of a customer of acme; nil: erased.
func (b *recordBook) put(customer, nationality, country string, p *kyc.Personal) {
	b.Helper()
	record := topics.CustomerRecord{Tenant: "acme", CustomerID: customer, Version: 1, Erased: p == nil}
	owner := view.Owner{Tenant: "acme", Customer: customer}
	if p != nil {
		wrapped, err := b.masters.New("acme", customer)
		if err != nil {
			b.Fatal(err)
		}
		key, err := b.masters.Open(wrapped, "acme", customer)
		if err != nil {
			b.Fatal(err)
		}
		record.Data = &topics.CustomerData{Status: topics.CustomerActive, KYCLevel: topics.KYCBasic, Nationality: nationality, Country: country}
		fields := map[string][]byte{"occupation": key.Seal("occupation", "engineer")}
		if p.Names != nil {
			names, err := json.Marshal(p.Names)
			if err != nil {
				b.Fatal(err)
			}
			fields["names"] = key.Seal("names", string(names))
		}
		if p.BirthDate != "" {
			fields["birth_date"] = key.Seal("birth_date", p.BirthDate)
		}
		record.Data.Personal = &topics.SealedPersonal{KeyID: wrapped.KeyID.String(), Fields: fields}
		b.rows.Queue(`INSERT INTO customer_keys (partition, id, tenant, customer, key_id, master, wrapped, created_at) VALUES (0, $1, 'acme', $2, $3, $4, $5, now())`,
			view.CustomerID(owner), customer, wrapped.KeyID, wrapped.Master, wrapped.Wrapped)
	}
	state, err := topics.Marshal(&record)
	if err != nil {
		b.Fatal(err)
	}
	b.rows.Queue(`INSERT INTO customers (partition, id, tenant, customer, version, positions, state) VALUES (0, $1, 'acme', $2, 1, '{1}', $3)`,
		view.CustomerID(owner), customer, string(state))
}

// exec queues a statement and carries out all of them.
func (b *recordBook) exec(sql string, args ...any) {
	b.Helper()
	if sql != "" {
		b.rows.Queue(sql, args...)
	}
	if err := b.db.Pool.SendBatch(b.Context(), &b.rows).Close(); err != nil {
		b.Fatal(err)
	}
	b.rows = pgx.Batch{}
}

// screen runs weir screen with the records' database and master key.
func (b *recordBook) screen(code int, args ...string) (out, errOut string) {
	b.Helper()
	return b.screenWith(code, b.text, args...)
}

func (b *recordBook) screenWith(code int, master string, args ...string) (out, errOut string) {
	b.Helper()
	args = append([]string{"screen", "--database-url", b.db.URL()}, args...)
	got, out, errOut := weir(b.T, []string{"WEIR_CUSTOMERS__MASTER_KEY=" + master}, args...)
	if got != code {
		b.Fatalf("weir %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errOut)
	}
	return out, errOut
}

// TestScreenRecords: who cannot be opened is told and counted, and nothing that is encrypted is printed unless it was asked for.
func TestScreenRecords(t *testing.T) {
	data, err := filepath.Abs(screeningData + "lists")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // no weir.yaml
	b := newRecordBook(t)
	args := []string{"--lists", data, "--customers", "--tenant", "acme"}
	_, errOut := b.screen(exitProblem, args...)
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
	says(errOut, "there is no record of a customer of tenant acme")

	b.put("c-1", "RU", "RU", &kyc.Personal{Names: []string{"Ada Lind", "Sergey Volkonskij"}, BirthDate: "1961-04-02"})
	b.put("c-2", "", "SE", &kyc.Personal{Names: []string{"Ada Lindqvist"}, BirthDate: "1980-05-06"})
	b.put("c-3", "", "", nil)
	b.exec("")
	out, errOut := b.screen(exitProblem, args...)
	says(out, "c-1 is like \"VOLKONSKY, Sergey\", ofac-sdn 90001 (person, alias), sdn.csv:1, hash ")
	says(errOut, "2 screened: 1 hit at 85 or more; 1 customer erased, nobody to screen")
	if strings.Count(out, "\n") != 1 {
		t.Errorf("more than the hit:\n%s", out)
	}
	masked, _ := b.screen(exitProblem, append(args, "--json")...)
	says(masked, `{"customer":"c-1","score":`, `"entry":{"list":"ofac-sdn","id":"90001"`)
	for _, secret := range []string{"olkonskij", "Ada", "reasons", "same date"} {
		if strings.Contains(out+masked+errOut, secret) {
			t.Errorf("%q is in\n%s%s%s", secret, out, masked, errOut)
		}
	}
	openly := append(args, "--personal")
	out, _ = b.screen(exitProblem, openly...)
	says(out, `c-1 "Sergey Volkonskij" is like "VOLKONSKY, Sergey"`, "volkonskij ~ volkonsky", "+10  the same date of birth, 1961-04-02", "+4  the same country, RU")

	// A hit that was looked at, by its entry's hash, and one whose entry has changed since.
	_, rest, _ := strings.Cut(masked, `"hash":"`)
	hash, _, _ := strings.Cut(rest, `"`)
	for of, want := range map[string]string{hash: "put aside: another man", "0": "was put aside by ann (another man), but the entry or the customer has changed since"} {
		allowed := writeFile(t, "allowed.csv", "customer,list,entry,hash,reason,author,expires\nc-1,ofac-sdn,90001,"+of+",another man,ann,2999-12-31\n")
		code := exitProblem
		if of == hash {
			code = exitOK // whoever was erased is no problem
		}
		out, _ = b.screen(code, append(args, "--allowed", allowed)...)
		says(out, want)
	}

	// Those who cannot be screened.
	b.put("c-4", "", "SE", &kyc.Personal{})
	b.put("c-5", "", "SE", &kyc.Personal{Names: []string{"Ada Lind", "--"}})
	b.put("c-6", "", "SE", &kyc.Personal{Names: []string{"Ingrid Tangvald"}})
	b.put("c-7", "", "SE", &kyc.Personal{Names: []string{"Ingrid Tangvald"}})
	b.put("c-8", "", "SE", &kyc.Personal{Names: []string{"Ingrid Tangvald"}})
	b.exec(`DELETE FROM customer_keys WHERE customer = 'c-6'`)
	b.exec(`UPDATE customer_keys SET master = 'another' WHERE customer = 'c-7'`)
	b.exec(`UPDATE customer_keys SET wrapped = '\x00' WHERE customer = 'c-8'`)
	_, errOut = b.screen(exitProblem, args...)
	says(errOut, "c-4: the record has no name", "c-5: the names or the birth date cannot be screened as they stand", "of customer c-6 is gone", `c-7: the master key is not configured here: "another"`,
		"c-8: data key ", "2 screened: 1 hit at 85 or more; 5 customers not screened; 1 customer erased")
	for _, secret := range []string{"Ada", "Tangvald", "--\""} {
		if strings.Contains(errOut, secret) {
			t.Errorf("%q is in\n%s", secret, errOut)
		}
	}
	_, errOut = b.screenWith(exitProblem, newMaster(t, "two"), args...)
	says(errOut, "0 screened: 0 hits at 85 or more; 7 customers not screened; 1 customer erased")
	_, errOut = b.screenWith(exitProblem, "", args...)
	says(errOut, "set customers.master_key")
	_, errOut = b.screen(exitProblem, "--lists", data, "--customers", "--tenant", "other")
	says(errOut, "there is no record of a customer of tenant other")

	for text, want := range map[string]string{
		"--lists x --customers":                   "whose customers? Say --tenant",
		"--lists x --customers --name a":          "whom? Say one of",
		"--lists x --name a --personal":           "--tenant and --personal go with --customers",
		"--lists x --file a --tenant acme":        "--tenant and --personal go with --customers",
		"--lists x --customers --file a --tenant": "flag needs an argument",
	} {
		_, errOut := b.screen(exitUsage, strings.Fields(text)...)
		says(errOut, want)
	}
}

// TestEveryCountryOfARecordIsScreened: what a record may hold does not keep a customer from being screened.
func TestEveryCountryOfARecordIsScreened(t *testing.T) {
	found := 0
	for a := 'A'; a <= 'Z'; a++ {
		for z := 'A'; z <= 'Z'; z++ {
			data := &topics.CustomerData{Status: topics.CustomerActive, KYCLevel: topics.KYCNone, Country: string([]rune{a, z})}
			c := topics.CustomerCommand{CommandID: "018f0000-0000-7000-8000-000000000001", Type: topics.CustomerPut, Tenant: "acme", CustomerID: "c-1", Data: data, Author: "ann", Reason: "r"}
			if c.Validate() != nil {
				continue
			}
			found++
			s, err := recordSubject(&topics.CustomerRecord{CustomerID: "c-1", Data: data}, kyc.Personal{Names: []string{"Ada Lind"}})
			if err != nil || !slices.Equal(s.Countries, []string{data.Country}) {
				t.Errorf("%s: %v, %v", data.Country, s.Countries, err)
			}
		}
	}
	if found < 249 {
		t.Errorf("%d countries; ISO 3166-1 has 249", found)
	}
}

// TestRecordsAreScreenedAsAFileIs: the same customers have the same hits, wherever they stand, all lists or what differs.
func TestRecordsAreScreenedAsAFileIs(t *testing.T) {
	t.Chdir(t.TempDir()) // no weir.yaml
	f := fiction.New(7)
	header, rows, _ := strings.Cut(f.List("peps", 400), "\n")
	listed := strings.SplitAfter(rows, "\n")
	for dir, rows := range map[string][]string{"old": listed[:350], "new": listed[50:]} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "peps.csv"), []byte(header+"\n"+strings.Join(rows, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := lists.Load(os.DirFS("new"))
	if err != nil {
		t.Fatal(err)
	}
	b := newRecordBook(t)
	var file strings.Builder
	table := csv.NewWriter(&file)
	write := func(row ...string) {
		if err := table.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	write("id", "name", "other_names", "birth_date", "countries")
	people := f.Customers(1101, screening.Entries(all), 4) // three pages of records
	for i, s := range people {
		id := fmt.Sprintf("c-%d", i)
		names := []string{s.Name}
		for _, other := range people[i:min(i+i%3, len(people))] {
			names = append(names, f.Misspell(other.Name))
		}
		born := ""
		if len(s.Births) > 0 && s.Births[0].Exact() {
			born = s.Births[0].String()
		}
		countries := append(slices.Clone(s.Countries), "DE", "FR") // of the passport, and of residence
		b.put(id, countries[0], countries[1], &kyc.Personal{Names: names, BirthDate: born})
		write(id, names[0], strings.Join(names[1:], ";"), born, countries[0]+";"+countries[1])
	}
	b.exec("")
	table.Flush()
	path := writeFile(t, "customers.csv", file.String())
	hits := func(args ...string) []string {
		t.Helper()
		out, errOut := b.screen(exitProblem, append(args, "--json")...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) < 20 || !strings.Contains(errOut, "1101 screened: ") || strings.Contains(errOut, "not screened") {
			t.Fatalf("%d hits; the test looks at nothing\n%s", len(lines), errOut)
		}
		slices.Sort(lines)
		return lines
	}
	for _, which := range [][]string{{"--lists", "new"}, {"--lists", "new", "--previous", "old"}} {
		want := hits(append(which, "--file", path)...)
		got := hits(append(which, "--customers", "--tenant", "acme", "--personal")...)
		if !slices.Equal(got, want) {
			first := 0
			for first < min(len(got), len(want)) && got[first] == want[first] {
				first++
			}
			t.Errorf("%s: %d hits, want %d; the first that differ:\n%s\nwant\n%s", which, len(got), len(want), got[first:min(first+1, len(got))], want[first:min(first+1, len(want))])
		}
	}
}
