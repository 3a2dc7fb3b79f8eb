package database

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/cockroach-go/v2/crdb"
	"github.com/cockroachdb/cockroach-go/v2/crdb/crdbpgxv5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Limits of the retry of one transaction.
const (
	txAttempts    = 12
	txFirstDelay  = time.Millisecond
	txMaxDelay    = 100 * time.Millisecond
	rollbackLimit = 5 * time.Second // for the ROLLBACK of a transaction whose context may be over
)

// InTx runs fn in a SERIALIZABLE transaction and commits it. When the transaction fails with class 40, at a statement or
// at COMMIT, the whole of it runs again, up to txAttempts times: fn must have no effect besides the transaction, and must
// return the errors of its statements. Any other error rolls back and is returned.
//
// A nil error means committed. An error means not committed, except one that wraps ErrOutcomeUnknown: the connection was
// lost after COMMIT was sent. Whoever needs to know reads the database; InTx never guesses and never sends it twice.
func (db *DB) InTx(ctx context.Context, fn func(pgx.Tx) error) error {
	if db.Dialect == CockroachDB {
		return db.inCockroachTx(ctx, fn)
	}
	return db.again(ctx, func() error { return db.attemptTx(ctx, fn) })
}

// InBatch is InTx for statements that are all known beforehand: BEGIN, they and COMMIT travel in one round trip. Whatever must
// keep them from being committed has to make one of them fail, in SQL: when results are read, it is too late. queue adds the
// statements to a batch; read takes their results and returns their errors. Both may be called several times. Where the
// connection is lost once they are sent, the outcome is unknown, however far they came.
func (db *DB) InBatch(ctx context.Context, queue func(*pgx.Batch), read func(pgx.BatchResults) error) error {
	return db.again(ctx, func() error { return db.attemptBatch(ctx, queue, read) })
}

// again repeats an attempt that fails with class 40.
func (db *DB) again(ctx context.Context, attempt func() error) error {
	delay := txFirstDelay
	for n := 1; ; n++ {
		err := attempt()
		if err == nil || !IsRetryable(err) || errors.Is(err, ErrOutcomeUnknown) {
			return err
		}
		if n == txAttempts {
			return fmt.Errorf("transaction gave up after %d attempts: %w", n, err)
		}
		db.log.Debug("transaction runs again", "attempt", n, "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("transaction: %w: %w", ctx.Err(), err)
		case <-time.After(delay/2 + rand.N(delay)):
		}
		delay = min(2*delay, txMaxDelay)
	}
}

// attemptTx runs the transaction once.
func (db *DB) attemptTx(ctx context.Context, fn func(pgx.Tx) error) error {
	tx, err := db.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	// Runs after an error and after a panic in fn; after COMMIT it does nothing. A crash here leaves an open transaction,
	// which the server rolls back when the connection goes.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
		defer cancel()
		_ = tx.Rollback(ctx) // the error that brought us here says more
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if err := sendable(ctx, tx.Conn()); err != nil {
		return err
	}
	return commitError(tx.Commit(ctx))
}

// attemptBatch runs the batch's transaction once. A connection that is given back inside a transaction is closed by the
// pool, which rolls back.
func (db *DB) attemptBatch(ctx context.Context, queue func(*pgx.Batch), read func(pgx.BatchResults) error) error {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer conn.Release()
	defer rollBack(ctx, conn.Conn())
	var batch pgx.Batch
	batch.Queue("begin isolation level serializable")
	queue(&batch)
	batch.Queue("commit").Exec(func(tag pgconn.CommandTag) error { // called by Close, whatever read has left unread
		if tag.String() == "ROLLBACK" {
			return fmt.Errorf("commit: %w", pgx.ErrTxCommitRollback)
		}
		return nil
	})
	if err := sendable(ctx, conn.Conn()); err != nil {
		return err
	}
	// The server skips what follows a statement that fails, COMMIT included. A crash while they are under way leaves all or
	// nothing.
	results := conn.SendBatch(ctx, &batch)
	if _, err = results.Exec(); err == nil {
		err = read(results)
	}
	said := results.Close() // the first error, that of COMMIT included, in the server's own words
	if err == nil {
		err = said
	}
	var unsent pgx.ErrPreprocessingBatch // a statement could not be prepared, or an argument not be encoded
	if err != nil && !OutcomeKnown(said) && !errors.As(said, &unsent) {
		return fmt.Errorf("transaction: %w: %w", ErrOutcomeUnknown, err)
	}
	return err
}

// rollBack ends a transaction that is still open.
func rollBack(ctx context.Context, conn *pgx.Conn) {
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackLimit)
	defer cancel()
	_, _ = conn.Exec(ctx, "rollback") // the error that brought us here says more
}

// sendable returns why COMMIT cannot even be sent, which makes the outcome certain.
func sendable(ctx context.Context, conn *pgx.Conn) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("not committed: %w", err)
	}
	if conn.IsClosed() {
		return fmt.Errorf("not committed: %w", pgconn.ErrConnClosed)
	}
	return nil
}

// inCockroachTx leaves the retry to CockroachDB's own protocol: RELEASE SAVEPOINT is the commit there, and its error is
// the one that counts.
func (db *DB) inCockroachTx(ctx context.Context, fn func(pgx.Tx) error) error {
	ctx = crdb.WithMaxRetries(ctx, txAttempts-1)
	err := crdbpgx.ExecuteTx(ctx, db.Pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return sendable(ctx, tx.Conn())
	})
	var ambiguous *crdb.AmbiguousCommitError
	if errors.As(err, &ambiguous) {
		return commitError(err)
	}
	return err
}

// commitError adds to the error of a COMMIT whether it may have happened.
func commitError(err error) error {
	if err == nil {
		return nil
	}
	if !OutcomeKnown(err) {
		return fmt.Errorf("commit: %w: %w", ErrOutcomeUnknown, err)
	}
	return fmt.Errorf("commit: %w", err)
}
