package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/kyc"
)

const uncertain = 5 // times that a change may be asked for again, of 20 seconds each

// customers runs weir customers with the world's broker and database and with master keys: the one in use, the one of before.
func (w *deadLetterWorld) customers(t *testing.T, masters []string, want int, args ...string) string {
	t.Helper()
	var environ []string
	for i, key := range masters {
		environ = append(environ, []string{"WEIR_CUSTOMERS__MASTER_KEY=", "WEIR_CUSTOMERS__FORMER_MASTER_KEY="}[i]+key)
	}
	line := append(append([]string{"customers"}, args...), "--database-url", w.db.URL(), "--brokers", strings.Join(w.broker.Config.Brokers, ","))
	code, out, errOut := weir(t, environ, line...)
	for range uncertain { // as the manual says: where the answer was not heard in time
		if !strings.Contains(errOut, kyc.ErrUncertain.Error()) {
			break
		}
		code, out, errOut = weir(t, environ, line...)
	}
	if code != want {
		t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, want, out, errOut)
	}
	return out + errOut
}

func wantTexts(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

const erika = `{"status": "active", "kyc_level": "verified", "country": "DE", "nationality": "DE", "pep": false, "expected_turnover": {"amount": 200000, "currency": "EUR"},
"personal": {"names": ["Erika Mustermann", "Erika Gabler"], "birth_date": "1984-08-12", "address": "Heidestr. 17, 51147 Köln", "occupation": "engineer", "source_of_funds": "salary"}}`

// TestCustomersByCommand is docs/customers.md on the command line: records are written, read and changed, the master key is changed,
// and who was erased stays so when a backup of the database from before is restored.
func TestCustomersByCommand(t *testing.T) {
	w := newDeadLetterWorld(t)
	var masters []string
	for _, id := range []string{"2027-01", "2026-01"} {
		key, err := customerkeys.NewMaster(id)
		if err != nil {
			t.Fatal(err)
		}
		masters = append(masters, key)
	}
	now, before := masters[:1], masters[1:]
	anna, bert := customers()[0], customers()[1] // one of each partition
	ofAnna, ofBert := []string{anna, "--tenant", "acme"}, []string{bert, "--tenant", "acme"}
	by := []string{"--author", "ann", "--reason", "onboarding"}
	file := writeFile(t, "erika.json", erika)
	put := slices.Concat([]string{"put"}, ofAnna, by, []string{"--file", file})

	t.Run("before", func(t *testing.T) {
		w.start(t)
		wantTexts(t, w.customers(t, nil, exitProblem, put...), "records of customers need a master key: set customers.master_key, which weir customers keygen makes")
		wantTexts(t, w.customers(t, nil, exitProblem, append([]string{"show"}, ofAnna...)...), "there is no record of this customer")
		wantTexts(t, w.customers(t, nil, exitProblem, append([]string{"history"}, ofAnna...)...), "there is no record of this customer")
		wantTexts(t, w.customers(t, before, exitProblem, append(put, "--version", "1")...), "there is no record of the customer; want its first version to be put")
		first := w.customers(t, before, exitOK, put...)
		wantTexts(t, first, "version      1\n", "turnover     2000.00 EUR a month\n", "encrypted    names, birth_date, address, occupation, source_of_funds\n", "by           ann\n")
		if again := w.customers(t, before, exitOK, put...); again != first {
			t.Errorf("put again:\n%s\nat first:\n%s", again, first)
		}
		if shown := w.customers(t, nil, exitOK, append([]string{"show"}, ofAnna...)...); shown != first {
			t.Errorf("shown:\n%s\nput:\n%s", shown, first)
		}
		w.refusePut(t, before, slices.Concat([]string{"put"}, ofAnna, by))

		changed := slices.Concat([]string{"put"}, ofAnna, by, []string{"--file", writeFile(t, "next.json", strings.Replace(erika, "verified", "enhanced", 1))})
		wantTexts(t, w.customers(t, before, exitProblem, changed...), "the customer's record has version 1; read it, and decide again")
		wantTexts(t, w.customers(t, before, exitOK, append(changed, "--version", "1")...), "version      2\n", "kyc level    enhanced\n")
		history := w.customers(t, nil, exitOK, append([]string{"history"}, ofAnna...)...)
		wantTexts(t, history, "  1        written  active  verified  ann  onboarding\n", "  2        written  active  enhanced  ann  onboarding\n")
		if lines := strings.Count(history, "\n"); lines != 3 {
			t.Errorf("%d lines, want a heading and two changes:\n%s", lines, history)
		}
		w.rotate(t, masters, ofAnna)
		w.backUp(t)
		w.eraseAndPut(t, now, ofAnna, slices.Concat([]string{"put"}, ofBert, by, []string{"--file", file}))
	})

	w.restore(t)
	show := append([]string{"show", "--personal"}, ofAnna...)
	wantTexts(t, w.customers(t, now, exitOK, show...), "Erika Mustermann") // the backup has the data key
	if got := w.recover(t, exitProblem, "show"); strings.Count(got, "stopped (database_behind)") != deadLetterPartitions {
		t.Errorf("restored:\n%s", got)
	}
	wantTexts(t, w.recover(t, exitOK, "import --all"), "2 of 2 partitions repaired\n")
	wantTexts(t, w.customers(t, now, exitOK, show...), "version      3\n", "status       erased\n")
	var keys int
	if err := w.db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM customer_keys`).Scan(&keys); err != nil || keys != 0 {
		t.Errorf("%d data keys are there after the import, %v: want none", keys, err)
	}
	// A data key that was made after the backup is in none: what it encrypts is named, and put again.
	wantTexts(t, w.fsckCustomers(t, now, exitProblem), "customer "+bert+" of acme", "which is not there: they cannot be read any more; put them again", "fsck: 1 problem\n")
	wantTexts(t, w.customers(t, now, exitProblem, append([]string{"show", "--personal"}, ofBert...)...), "is gone, and with it the personal fields; weir fsck tells more")
	w.start(t)
	w.customers(t, now, exitOK, slices.Concat([]string{"put"}, ofBert, by, []string{"--file", file, "--version", "1"})...)
	wantTexts(t, w.customers(t, now, exitOK, append([]string{"show", "--personal"}, ofBert...)...), "version      2\n", "Erika Mustermann")
	wantTexts(t, w.fsckCustomers(t, now, exitOK), "fsck: 0 problems\n")
}

// refusePut puts what is wrong: the field is named and what would be right, the value is not, and nothing is changed.
func (w *deadLetterWorld) refusePut(t *testing.T, masters, put []string) {
	t.Helper()
	for _, c := range []struct {
		old, new string
		code     int
		want     string
	}{
		{`"status"`, `"nickname": "secret", "status"`, exitUsage, `a field is not known; want status, kyc_level, country`},
		{`"names"`, `"nam": ["secret"], "names"`, exitUsage, `a field is not known; want status, kyc_level, country`},
		{`false`, `"secret"`, exitUsage, `field "pep": got a string, want`},
		{`"1984-08-12"`, `"secret`, exitUsage, "want one JSON object"},
		{`"active"`, `"secret"`, exitProblem, "data.status: is none of active, restricted, closed"},
		{`"verified"`, `"secret"`, exitProblem, "data.kyc_level: is none of none, basic, verified, enhanced"},
		{`"country": "DE"`, `"country": "UK"`, exitProblem, "data.country: is not a country; want an ISO 3166-1 code of two capitals, such as DE"},
		{`"nationality": "DE"`, `"nationality": "secret"`, exitProblem, "data.nationality: is not a country; want an ISO 3166-1 code of two capitals, such as DE"},
		{`1984-08-12`, `2999-01-01`, exitProblem, "personal.birth_date: lies in the future; want the day of birth, such as 1990-01-31"},
		{`1984-08-12`, `12.8.1984`, exitProblem, "personal.birth_date: is not a date; want one such as 1990-01-31"},
		{`Erika Gabler`, `secret\u0007`, exitProblem, "personal.names[1]: holds control characters or is not UTF-8; want printable text in one line"},
		{`Erika Gabler`, strings.Repeat("secret", 34), exitProblem, "personal.names[1]: is too long; want at most 200 characters"},
		{`engineer`, `card 4111 1111 1111 1111`, exitProblem, "personal.occupation: holds a card number"},
		{`"currency": "EUR"`, `"currency": "secret"`, exitProblem, "data.expected_turnover.currency: is not an ISO 4217 currency; want a code such as EUR, in capitals"},
	} {
		bad := writeFile(t, "bad.json", strings.Replace(erika, c.old, c.new, 1))
		got := w.customers(t, masters, c.code, append(put, "--file", bad, "--version", "1")...)
		if !strings.Contains(got, c.want) || strings.Contains(got, "secret") || strings.Contains(got, "4111") {
			t.Errorf("%s: %s, want %q", c.new, got, c.want)
		}
	}
	wantTexts(t, w.customers(t, nil, exitOK, "list", "--tenant", "acme"), put[1]+"     1        active  verified  DE       no")
}

// rotate changes the master key, and shows what it is changed for.
func (w *deadLetterWorld) rotate(t *testing.T, masters, of []string) {
	t.Helper()
	show := append([]string{"show", "--personal"}, of...)
	now, before := masters[:1], masters[1:]
	wantTexts(t, w.customers(t, nil, exitProblem, "rotate"), "set customers.master_key")
	wantTexts(t, w.customers(t, now, exitProblem, "rotate"), "0 data keys are encrypted by 2027-01 now; 1 data keys could not be opened",
		`the master key is not configured here: "2026-01"`)
	wantTexts(t, w.customers(t, masters, exitOK, "rotate"), "1 data keys are encrypted by 2027-01 now\n")
	wantTexts(t, w.customers(t, masters, exitOK, "rotate"), "0 data keys are encrypted by 2027-01 now\n")
	wantTexts(t, w.customers(t, now, exitOK, show...), "names        Erika Mustermann; Erika Gabler\n", "born         1984-08-12\n", "address      Heidestr. 17, 51147 Köln\n")
	wantTexts(t, w.customers(t, before, exitProblem, show...), `the master key is not configured here: "2027-01"`)
	wantTexts(t, w.customers(t, nil, exitProblem, show...), "set customers.master_key")
}

// eraseAndPut erases a customer and puts another one.
func (w *deadLetterWorld) eraseAndPut(t *testing.T, masters, of, put []string) {
	t.Helper()
	erase := slices.Concat([]string{"erase"}, of, []string{"--author", "bob", "--reason", "asked for by the customer"})
	erased := w.customers(t, nil, exitOK, erase...) // it takes no master key
	wantTexts(t, erased, "version      3\n", "status       erased\n", "by           bob\n", "reason       asked for by the customer\n")
	if again := w.customers(t, nil, exitOK, erase...); again != erased {
		t.Errorf("erased again:\n%s\nat first:\n%s", again, erased)
	}
	nobody := slices.Concat([]string{"erase", "cus_nobody"}, erase[2:])
	wantTexts(t, w.customers(t, nil, exitProblem, nobody...), "there is no record of this customer")
	w.customers(t, masters, exitOK, put...)
	list := w.customers(t, nil, exitOK, "list", "--tenant", "acme")
	wantTexts(t, list, "CUSTOMER", of[0]+"     3        erased ", put[1]+"     1        active ")
	if last := w.customers(t, nil, exitOK, "list", "--tenant", "acme", "--after", min(of[0], put[1]), "--limit", "1"); strings.Count(last, "\n") != 2 ||
		!strings.Contains(last, max(of[0], put[1])) {
		t.Errorf("the last one:\n%s", last)
	}
}

func (w *deadLetterWorld) fsckCustomers(t *testing.T, masters []string, want int) string {
	t.Helper()
	code, out, errOut := weir(t, []string{"WEIR_CUSTOMERS__MASTER_KEY=" + masters[0]}, "fsck", "--database-url", w.db.URL(),
		"--brokers", strings.Join(w.broker.Config.Brokers, ","))
	if code != want {
		t.Errorf("fsck: exit code %d, want %d\n%s%s", code, want, out, errOut)
	}
	return out
}

// backUp copies every table, as of one moment: the engine goes on.
func (w *deadLetterWorld) backUp(t *testing.T) {
	t.Helper()
	w.copyTables(t, func(table, _ string) string {
		return "CREATE TABLE backup." + table + " AS SELECT * FROM public." + table
	}, "CREATE SCHEMA backup")
}

// restore makes every table what it was. No engine runs.
func (w *deadLetterWorld) restore(t *testing.T) {
	t.Helper()
	w.copyTables(t, func(table, columns string) string {
		return fmt.Sprintf("TRUNCATE public.%[1]s; INSERT INTO public.%[1]s (%[2]s) SELECT %[2]s FROM backup.%[1]s", table, columns)
	})
}

// copyTables runs a statement for each table, with its columns that the database does not compute, in one transaction.
func (w *deadLetterWorld) copyTables(t *testing.T, statement func(table, columns string) string, first ...string) {
	t.Helper()
	err := pgx.BeginTxFunc(t.Context(), w.db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		rows, _ := tx.Query(t.Context(), `SELECT table_name, string_agg(column_name, ', ') FROM information_schema.columns
WHERE table_schema = 'public' AND is_generated = 'NEVER' GROUP BY table_name`)
		tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Columns string }])
		if err != nil {
			return err
		}
		statements := first
		for _, table := range tables {
			statements = append(statements, statement(table.Name, table.Columns))
		}
		_, err = tx.Exec(t.Context(), strings.Join(statements, "; "), pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
