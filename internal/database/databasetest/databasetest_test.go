package databasetest

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestEachTestHasItsOwnMigratedDatabase(t *testing.T) {
	a, b := New(t), New(t)
	const insert = "INSERT INTO applied_inputs (partition, id, position) VALUES (1, '00000000-0000-4000-8000-000000000001', 1)"
	if _, err := a.Pool.Exec(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := b.Pool.QueryRow(t.Context(), "SELECT count(*) FROM applied_inputs").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != 0 {
		t.Fatalf("a fresh database holds %d rows of another test", rows)
	}
	var isolation string
	err := b.InTx(t.Context(), func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), "SHOW transaction_isolation").Scan(&isolation)
	})
	if err != nil {
		t.Fatal(err)
	}
	if isolation != "serializable" {
		t.Fatalf("transactions are %s, want serializable", isolation)
	}
}
