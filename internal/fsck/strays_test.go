package fsck

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestNoTableHidesStrays: every table whose rows belong to a partition is looked through.
func TestNoTableHidesStrays(t *testing.T) {
	f := newFixture(t)
	rows, err := f.db.Pool.Query(t.Context(), `SELECT table_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND column_name = 'partition' ORDER BY table_name`)
	f.must(err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	f.must(err)
	if len(tables) == 0 {
		t.Fatal("no table has a partition")
	}
	looked := slices.Sorted(slices.Values(byPartition))
	if !slices.Equal(tables, looked) {
		t.Errorf("tables with a partition: %q; byPartition in strays.go has %q", tables, looked)
	}
}
