package main

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
)

// deposit books 100.00 EUR less a fee of 2.90 for ana, in partition 0.
func deposit(t *testing.T, db *database.DB) {
	t.Helper()
	entry, err := ledger.DepositCaptured(ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}, 10000, 290, ledger.Standing{})
	if err == nil {
		entry.ID.Position = 5
		entry.At = time.Date(2026, 1, 31, 9, 30, 0, 250e6, time.UTC)
		err = db.InTx(t.Context(), func(tx pgx.Tx) error {
			var batch pgx.Batch
			store.NewWriter(0).Queue(&batch, []ledger.Entry{entry})
			return tx.SendBatch(t.Context(), &batch).Close()
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFsckOfACluster(t *testing.T) {
	t.Chdir(t.TempDir())
	db, b := databasetest.New(t), brokertest.New(t, 2)
	args := []string{"fsck", "--settle", "100ms", "--database-url", db.URL(), "--brokers", strings.Join(b.Config.Brokers, ",")}
	code, out, errOut := weir(t, nil, args...)
	if code != exitOK || !strings.HasSuffix(out, "\nfsck: 0 problems\n") || errOut != "" {
		t.Fatalf("of nothing: exit code %d\n%s%s", code, out, errOut)
	}
	deposit(t, db)
	code, out, errOut = weir(t, nil, args...)
	want := []string{"its owner belongs to partition 1", "position: partition 0: entries at position 5: applied only up to 0",
		"wallet: partition 0: wallet of acme ana: open in none", "\nchecked: 2 partitions, ", "\nfsck: 3 problems\n"}
	for _, part := range want {
		if code != exitProblem || !strings.Contains("\n"+out, part) || errOut != "" {
			t.Errorf("exit code %d, want 1 and %q in\n%s%s", code, part, out, errOut)
		}
	}
}

// TestFsckOfADataDirectory looks at embedded parts, once while they run and once after they were stopped.
func TestFsckOfADataDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	code, _, errOut := weir(t, nil, "fsck")
	if code != exitProblem || !strings.Contains(errOut, "nothing to look at: pass --database-url") {
		t.Fatalf("without data: exit code %d, %s", code, errOut)
	}
	log := slog.New(slog.DiscardHandler)
	server, err := database.StartEmbedded(t.Context(), filepath.Join("data", "database"), 0, log, database.WithoutFsync())
	if err != nil {
		t.Fatal(err)
	}
	if server.Product == "CockroachDB" {
		t.Skip("a running embedded CockroachDB is not found by its data directory") // of the rest
	}
	kafka, err := broker.StartEmbedded(filepath.Join("data", "broker"), 0, log)
	if err != nil {
		t.Fatal(err)
	}
	prepare(t, server.URL, kafka.Brokers)
	_, port, _ := strings.Cut(kafka.Brokers[0], ":")
	want := func(what string) {
		t.Helper()
		code, out, errOut := weir(t, nil, "fsck", "--settle", "100ms", "--log-level", "error", "--set", "kafka.embedded_port="+port)
		if code != exitOK || !strings.HasPrefix(out, "checked: 3 partitions") || !strings.HasSuffix(out, "\nfsck: 0 problems\n") {
			t.Errorf("%s: exit code %d\n%s%s", what, code, out, errOut)
		}
	}
	want("running")
	if err := kafka.Close(); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	want("stopped")
}

func prepare(t *testing.T, address string, brokers []string) {
	t.Helper()
	db, err := database.Open(t.Context(), address, 2, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := brokertest.Broker{Config: broker.Config{Brokers: brokers}}
	if err := broker.ApplyTopics(t.Context(), b.Admin(t), 3, 1); err != nil {
		t.Fatal(err)
	}
}

func TestLedgerCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	db := databasetest.New(t)
	check := func(want int, out string, args ...string) {
		t.Helper()
		code, got, errOut := weir(t, nil, append(args, "--database-url", db.URL())...)
		if code != want || got+errOut != out {
			t.Errorf("%v: exit code %d, want %d\n got %q\nwant %q", args, code, want, got+errOut, out)
		}
	}
	check(exitOK, "no accounts\n", "ledger", "trial-balance")
	deposit(t, db)
	const balanced = `acme EUR
account                rows                debit               credit
customer_wallet           1                                    100.00
psp_fees                  1                 2.90
psp_receivable            1                97.10
sum                                       100.00               100.00
balanced

`
	check(exitOK, balanced, "ledger", "trial-balance")
	check(exitOK, balanced, "ledger", "trial-balance", "--tenant", "acme")
	check(exitOK, "no accounts\n", "ledger", "trial-balance", "--tenant", "other")
	check(exitOK, `entry 0-5-0  deposit_captured
booked 2026-01-31T09:30:00.25Z
payment none
tenant acme
account          owner  debit      credit
psp_receivable          97.10 EUR  
psp_fees                2.90 EUR   
customer_wallet  ana               100.00 EUR
`, "ledger", "entry", "0-5-0")
	check(exitProblem, "weir: entry 0-6-0: there is none\n", "ledger", "entry", "0-6-0")
	check(exitUsage, "weir: event id \"x\": want partition-position-index\n", "ledger", "entry", "x")
	if _, err := db.Pool.Exec(t.Context(), `UPDATE accounts SET balance = balance + 1 WHERE code = 'psp_fees'`); err != nil {
		t.Fatal(err)
	}
	code, out, _ := weir(t, nil, "ledger", "trial-balance", "--database-url", db.URL())
	if code != exitProblem || !strings.Contains(out, "NOT BALANCED: run weir fsck\n") {
		t.Errorf("exit code %d, want 1\n%s", code, out)
	}
}
