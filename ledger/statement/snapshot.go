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

// inSnapshot runs fn on one moment of the database, again where the database asks for it. Repeatable read, because a
// serializable reader would make the engine's own transactions fail.
func inSnapshot(ctx context.Context, db *database.DB, fn func(pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := pgx.BeginTxFunc(ctx, db.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
		if err == nil || attempt == readAttempts || !database.IsRetryable(err) {
			return err
		}
	}
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

func stand(ctx context.Context, tx pgx.Tx, account ledger.Account) (Balance, error) {
	b := Balance{Account: account, Complete: true}
	rows, _ := tx.Query(ctx, standing, foldRole, [16]byte(account.ID()), begin)
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
	if err != nil {
		return Balance{}, fmt.Errorf("account %s of %s: %w", account.Code, account.Tenant, err)
	}
	return b, nil
}

// Now reads what an account holds, from the ledger itself: the projection has no part in it. ErrNoAccount where nothing
// was ever booked on it.
func Now(ctx context.Context, db *database.DB, account ledger.Account) (b Balance, err error) {
	err = inSnapshot(ctx, db, func(tx pgx.Tx) error {
		b, err = stand(ctx, tx, account)
		return err
	})
	return b, err
}
