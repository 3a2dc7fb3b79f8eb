package statement

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
)

const readAttempts = 5 // of one read that fails with a serialization error

// ErrNoAccount says that nothing was ever booked on an account.
var ErrNoAccount = errors.New("nothing was ever booked on this account")

// inSnapshot reads one moment of the database, again where the database asks for it: what first queues, together with
// BEGIN in one round trip, and then what rest reads. Repeatable read, because a serializable reader would make the engine's
// own transactions fail.
func inSnapshot(ctx context.Context, db *database.DB, first func(*pgx.Batch), rest func(querier) error) error {
	for attempt := 1; ; attempt++ {
		err := readOnce(ctx, db, first, rest)
		if err == nil || attempt == readAttempts || !database.IsRetryable(err) {
			return err
		}
	}
}

func readOnce(ctx context.Context, db *database.DB, first func(*pgx.Batch), rest func(querier) error) error {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // closes a connection that is left in a transaction
	var batch pgx.Batch
	batch.Queue("begin isolation level repeatable read read only")
	first(&batch)
	if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	if err := rest(conn); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "commit")
	return err
}

// Balance is what an account held.
type Balance struct {
	Account  ledger.Account
	Minor    int64    // debits positive
	Progress Progress // of the partitions that hold the account
	Complete bool     // false: the projection lags, and entries of that time may be missing
}

// standing finds the partitions that hold an account, what it holds there now, and how far the projection of them is.
const standing = `
SELECT m.partition, COALESCE(s.next, 0), m.next, COALESCE(s.published, 0), COALESCE(s.booked, $3), COALESCE(s.clearing, false), a.balance
FROM stream_positions m
CROSS JOIN LATERAL (SELECT balance FROM accounts WHERE partition = m.partition AND id = $2 LIMIT 1) AS a
LEFT JOIN statement_positions s ON s.partition = m.partition
WHERE m.role = $1 ORDER BY m.partition`

// ofAccount reads what an account holds now, and then, of the same moment, what rest reads. ErrNoAccount where nothing was
// ever booked on it.
func ofAccount(ctx context.Context, db *database.DB, account ledger.Account, rest func(querier, *Balance) error) (b Balance, err error) {
	stand := func(rows pgx.Rows) error {
		b = Balance{Account: account, Complete: true}
		var p Position
		var minor int64
		_, err := pgx.ForEachRow(rows, []any{&p.Partition, &p.Next, &p.Applied, &p.Published, &p.Booked, &p.Rebuilding, &minor}, func() (err error) {
			p.Booked = p.Booked.UTC()
			b.Progress = append(b.Progress, p)
			b.Minor, err = ledger.AddMinor(b.Minor, minor)
			return err
		})
		if err == nil && len(b.Progress) == 0 {
			err = ErrNoAccount
		}
		return err
	}
	err = inSnapshot(ctx, db, func(batch *pgx.Batch) {
		batch.Queue(standing, foldRole, [16]byte(account.ID()), begin).Query(stand)
	}, func(q querier) error { return rest(q, &b) })
	if err != nil {
		return Balance{}, fmt.Errorf("account %s of %s: %w", account.Code, account.Tenant, err)
	}
	return b, nil
}

// Now reads what an account holds, from the ledger itself: the projection has no part in it. ErrNoAccount where nothing
// was ever booked on it.
func Now(ctx context.Context, db *database.DB, account ledger.Account) (Balance, error) {
	return ofAccount(ctx, db, account, func(querier, *Balance) error { return nil })
}
