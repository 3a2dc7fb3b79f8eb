package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/ledger/store"
)

var update = flag.Bool("update", false, "rewrite testdata/ledger.txt")

// bookAYear books what the transcript shows, in two partitions: deposits, refunds, a hold, an entry with an effective time.
func bookAYear(t *testing.T, db *database.DB) {
	t.Helper()
	ana := ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}
	bob := ledger.Customer{Tenant: "acme", ID: "bob", Currency: "EUR"}
	yen := ledger.Customer{Tenant: "acme", ID: "ana", Currency: "JPY"}
	at := func(month time.Month, day int) time.Time {
		return time.Date(2026, month, day, 9, 30, 0, 250e6, time.UTC)
	}
	none := ledger.Standing{}
	var entries [2][]ledger.Entry
	book := func(partition int, at time.Time, reference string, e ledger.Entry, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		e.ID = ledger.EntryID{Partition: int32(partition), Position: int64(10 * (len(entries[partition]) + 1))}
		e.At, e.Reference = at, reference
		entries[partition] = append(entries[partition], e)
	}
	deposited := func(c ledger.Customer, amount, fee int64) (ledger.Entry, error) {
		return ledger.DepositCaptured(c, amount, fee, none)
	}
	e, err := deposited(ana, 10000, 290)
	e.PaymentID = "pay_0000_019ac1b2f5a87c3e9d10aa5be2c17f44"
	book(0, at(1, 5), "", e, err)
	e, err = deposited(bob, 500, 0)
	book(1, at(1, 6), "", e, err)
	e, err = deposited(ana, 2500, 75)
	e.Effective = at(1, 1)
	book(0, at(2, 1), "", e, err)
	e, err = ledger.HoldPlaced(ana, 2000)
	book(0, at(2, 2), "019ac1b2-f5a8-7c3e-9d10-aa5be2c17f45", e, err)
	e, err = ledger.RefundRequested(ana, 1500)
	book(0, at(2, 1), "", e, err) // the clock of another broker, behind
	e, err = ledger.RefundSettled(ana, 1500)
	book(0, at(2, 4), "", e, err)
	e, err = deposited(yen, 1200, 0)
	book(0, at(3, 1), "", e, err)
	carl := ledger.Customer{Tenant: "books", ID: "carl", Currency: "EUR"}
	e, err = deposited(carl, 15000, 0)
	book(1, at(3, 2), "", e, err)
	e, err = ledger.WalletDebited(carl, ledger.Adjustments, 12001)
	e.Effective = at(2, 27) // of a month that was closed before it was booked
	book(1, at(3, 3), "case-7", e, err)
	for partition, entries := range entries {
		err := db.InTx(t.Context(), func(tx pgx.Tx) error {
			var batch pgx.Batch
			store.NewWriter(int32(partition)).Queue(&batch, entries)
			batch.Queue(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format)
VALUES ('payments', $1, $2, 0, '', '', 1)`, partition, entries[len(entries)-1].ID.Position+1)
			return tx.SendBatch(t.Context(), &batch).Close()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = db.Pool.Exec(t.Context(), `INSERT INTO closed_periods (partition, tenant, month, position) VALUES (1, 'books', '2026-02', 25)`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Pool.Exec(t.Context(), `
INSERT INTO holds (partition, id, hold, tenant, customer, region, currency, amount, captured, released, expires_at, version, positions)
VALUES (0, $1, $1, 'acme', 'ana', '', 'EUR', 2000, 0, 0, '2026-03-02T09:30:00Z', 30, '{30}')`, "019ac1b2-f5a8-7c3e-9d10-aa5be2c17f45")
	if err != nil {
		t.Fatal(err)
	}
}

// TestLedgerTranscript runs the commands of testdata/ledger.txt and compares what they print. "project" is what the role
// statements does.
func TestLedgerTranscript(t *testing.T) {
	golden, err := filepath.Abs(filepath.Join("testdata", "ledger.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	db := databasetest.New(t)
	bookAYear(t, db)
	var got strings.Builder
	for line := range strings.Lines(string(want)) {
		if strings.HasPrefix(line, "# ") {
			got.WriteString(line)
		}
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		got.WriteString(line)
		if strings.TrimSpace(command) == "project" {
			project(t, db)
			got.WriteString("\n")
			continue
		}
		args := append(strings.Fields(command)[1:], "--database-url", db.URL())
		code, out, errOut := weir(t, nil, args...)
		got.WriteString(out + errOut)
		if code != exitOK {
			fmt.Fprintf(&got, "exit code %d\n", code)
		}
		got.WriteString("\n")
	}
	if *update {
		err = os.WriteFile(golden, []byte(got.String()), 0o644)
	}
	if err != nil || got.String() != string(want) && !*update {
		t.Errorf("%v; go test -run %s -update, and look at the difference\n%s", err, t.Name(), got.String())
	}
}

func project(t *testing.T, db *database.DB) {
	t.Helper()
	for p := statement.NewProjector(db, 0); ; {
		round, err := p.Round(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !round.Behind {
			return
		}
	}
}
