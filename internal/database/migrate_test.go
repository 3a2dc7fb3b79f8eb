package database_test

import (
	"log/slog"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
)

// TestProcessesThatStartTogetherMigrateOnce runs several migrations of one empty database at once.
func TestProcessesThatStartTogetherMigrateOnce(t *testing.T) {
	const processes = 6
	migrated := databasetest.New(t)
	if _, err := migrated.Pool.Exec(t.Context(), "CREATE SCHEMA empty"); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(migrated.URL())
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", "empty")
	address.RawQuery = query.Encode()

	var group errgroup.Group
	for range processes {
		db, err := database.Open(t.Context(), address.String(), 2, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		group.Go(func() error { return db.Migrate(t.Context()) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	var twice int
	err = migrated.Pool.QueryRow(t.Context(), `
		SELECT count(*) FROM (SELECT version_id FROM empty.goose_db_version GROUP BY version_id HAVING count(*) > 1) AS v`).Scan(&twice)
	if err != nil {
		t.Fatal(err)
	}
	if twice != 0 {
		t.Errorf("%d migrations ran twice", twice)
	}
	var tables int
	err = migrated.Pool.QueryRow(t.Context(), "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'empty' AND table_name = 'payments'").Scan(&tables)
	if err != nil || tables != 1 {
		t.Errorf("%d tables of payments, %v", tables, err)
	}
}

// TestEntriesAreKeptByTheChain goes back to the schema before the chain and forth again.
func TestEntriesAreKeptByTheChain(t *testing.T) {
	db := databasetest.New(t)
	if db.Dialect == database.CockroachDB {
		t.Skip("its text of a row is another one")
	}
	adapter := stdlib.OpenDBFromPool(db.Pool)
	defer adapter.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, adapter, os.DirFS("migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	const columns = `partition, position, ordinal, booked_at, payment, template, accounts, amounts`
	if _, err := db.Pool.Exec(t.Context(), `INSERT INTO entries (`+columns+`) VALUES
(1, 7, 1, '2026-01-31T09:30:00.25Z', '018e0000-0000-7000-8000-000000000001', 'deposit_captured', ARRAY['0a0a0a0a-0000-0000-0000-000000000000', '0b0b0b0b-0000-0000-0000-000000000000']::uuid[], ARRAY[5, -5]),
(0, 8, 0, '2026-01-31T09:30:00.5Z', NULL, 'transfer', ARRAY['0a0a0a0a-0000-0000-0000-000000000000', '0b0b0b0b-0000-0000-0000-000000000000']::uuid[], ARRAY[-5, 5])`); err != nil {
		t.Fatal(err)
	}
	rows := func(columns string) (text string) {
		t.Helper()
		query := `SELECT string_agg(e::text, ' ') FROM (SELECT ` + columns + ` FROM entries ORDER BY partition, position) e`
		if err := db.Pool.QueryRow(t.Context(), query).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := rows(columns)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := rows(columns); after != before {
		t.Errorf("entries\n%s, there were\n%s", after, before)
	}
	if added := rows(`effective, reference, link`); added != "(,,) (,,)" {
		t.Errorf("effective time, reference and link are %s", added)
	}
	if _, err := provider.DownTo(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if again := rows(columns); again != before {
		t.Errorf("back again, entries\n%s, there were\n%s", again, before)
	}
}
