package database

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Limits of a migration that meets another process doing the same.
const (
	migrateAttempts   = 10
	migrateFirstDelay = 20 * time.Millisecond
	migrateMaxDelay   = time.Second
)

// Migrate brings the schema to the version of this binary. Processes that start together may all call it: they take turns
// on the row of migration_lock, which is held by an open transaction, so that a process that dies lets go of it.
//
// Each migration commits together with its version. A crash between two of them leaves the lower version, and the next
// start goes on from there.
func (db *DB) Migrate(ctx context.Context) error {
	policy := retrypolicy.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool { return raced(err) }).
		WithMaxAttempts(migrateAttempts).
		WithBackoff(migrateFirstDelay, migrateMaxDelay).
		ReturnLastFailure().
		Build()
	err := failsafe.With(policy).WithContext(ctx).Run(func() error { return db.migrateLocked(ctx) })
	if err != nil {
		return fmt.Errorf("migrate %s: %w", Mask(db.url), err)
	}
	return nil
}

// raced reports whether err is what one of two processes meets that create the same object at once.
func raced(err error) bool {
	switch SQLState(err) {
	case "23505", // unique violation in the catalogue, or in the version table
		"42P07", // table exists
		"42710": // object exists
		return true
	}
	return IsRetryable(err)
}

func (db *DB) migrateLocked(ctx context.Context) (err error) {
	conn, err := pgx.ConnectConfig(ctx, db.Pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	for _, statement := range []string{
		"CREATE TABLE IF NOT EXISTS migration_lock (id int4 PRIMARY KEY)",
		"INSERT INTO migration_lock (id) VALUES (1) ON CONFLICT (id) DO NOTHING",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it changed nothing: this only lets go of the row
	if _, err := tx.Exec(ctx, "SELECT id FROM migration_lock WHERE id = 1 FOR UPDATE"); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return db.applyMigrations(ctx)
}

func (db *DB) applyMigrations(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	pool := stdlib.OpenDBFromPool(db.Pool)
	defer pool.Close() // the adapter only: the pool stays open
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	results, err := provider.Up(ctx)
	for _, result := range results {
		db.log.Info("migrated", "file", result.Source.Path, "duration", result.Duration)
	}
	return err
}
