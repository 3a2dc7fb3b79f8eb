package database

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ReadInOrder calls f with a transaction that reads one snapshot and writes nothing, for statements that take a page of rows
// in the order of an index. Repeatable read, because a serializable reader would make the engine's own transactions fail.
func ReadInOrder(ctx context.Context, pool *pgxpool.Pool, f func(pgx.Tx) error) error {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing was written
	if tx.Conn().PgConn().ParameterStatus("crdb_version") == "" {
		// Without statistics yet, PostgreSQL would sort all that is left for each page.
		if _, err := tx.Exec(ctx, `SET LOCAL enable_sort = off`); err != nil {
			return fmt.Errorf("begin to read: %w", err)
		}
	}
	return f(tx)
}
