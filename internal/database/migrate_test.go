package database_test

import (
	"log/slog"
	"net/url"
	"testing"

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
