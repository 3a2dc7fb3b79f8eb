package bench

import (
	"testing"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/ledger/store"
)

const batches = 30 // more than one round of the customers of a partition, there and back

// TestWorkloads posts each kind of load: the books balance, and what goes there comes back.
func TestWorkloads(t *testing.T) {
	books := newBooks(databasetest.New(t))
	loads := []workload{{move: deposit}, {move: spread}, {move: guarded}, {move: unguarded}}
	for i := range loads {
		for range batches {
			if err := books.post(t.Context(), 1, &loads[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := int64(len(loads) * batches * batchEntries); books.posted() != want {
		t.Errorf("%d entries are posted, want %d", books.posted(), want)
	}
	lines, err := store.TrialBalance(t.Context(), books.db.Pool, tenant)
	if err != nil || len(lines) != 2 {
		t.Fatalf("%v, %v, want a receivable and wallets", lines, err)
	}
	const want = 1050 * batches * batchEntries
	if lines[0].Minor != -want || lines[1].Minor != want || lines[1].Accounts != 1 {
		t.Errorf("%+v, want %d", lines, want)
	}
}

// TestProbeWritesWhatTheStoreWrites: as many rows, and as many bytes in them.
func TestProbeWritesWhatTheStoreWrites(t *testing.T) {
	books, deposits := newBooks(databasetest.New(t)), workload{move: deposit}
	if books.db.Dialect != database.PostgreSQL {
		t.Skip("only PostgreSQL tells the bytes of a row")
	}
	raw := newProbe(databasetest.New(t), books.names[:])
	for partition := range int32(partitions) {
		for range 2 {
			if err := books.post(t.Context(), partition, &deposits); err != nil {
				t.Fatal(err)
			}
			if err := raw.post(t.Context(), partition); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, table := range []string{"entries", "accounts", "ledger_chain"} {
		var rows, bytes, rawRows, rawBytes int64
		count := "SELECT count(*), sum(pg_column_size(r.*)) FROM " + table + " r"
		if err := books.db.Pool.QueryRow(t.Context(), count).Scan(&rows, &bytes); err != nil {
			t.Fatal(err)
		}
		if err := raw.db.Pool.QueryRow(t.Context(), count).Scan(&rawRows, &rawBytes); err != nil {
			t.Fatal(err)
		}
		if rows != rawRows || bytes != rawBytes || rows == 0 {
			t.Errorf("%s: the store has written %d rows of %d bytes, the probe %d of %d", table, rows, bytes, rawRows, rawBytes)
		}
	}
	if err := raw.clear(t.Context()); err != nil {
		t.Fatal(err)
	}
}
