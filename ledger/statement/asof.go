package statement

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
)

// balanceAt reads the balance of an account in one partition at a place.
const balanceAt = `
SELECT balance FROM statement_lines
WHERE partition = $1 AND account = $2 AND (booked, position, ordinal) <= ($3, $4, $5)
ORDER BY partition DESC, account DESC, booked DESC, position DESC, ordinal DESC LIMIT 1`

// queueBalances adds up the balances at a place in each partition, into sum. A partition that is being rebuilt has none.
func queueBalances(batch *pgx.Batch, account ledger.Account, progress Progress, place func(Position) Place, sum *int64) {
	for _, position := range progress {
		if position.Rebuilding {
			continue
		}
		at := place(position)
		batch.Queue(balanceAt, position.Partition, [16]byte(account.ID()), at.Booked, at.Position, at.Ordinal).Query(func(rows pgx.Rows) error {
			var minor int64
			_, err := pgx.ForEachRow(rows, []any{&minor}, func() (err error) {
				*sum, err = ledger.AddMinor(*sum, minor)
				return err
			})
			return err
		})
	}
}

// AsOf reads what an account held when every line with a time before the given one had been booked.
func AsOf(ctx context.Context, db *database.DB, account ledger.Account, before time.Time) (b Balance, err error) {
	err = inSnapshot(ctx, db, func(tx pgx.Tx) error {
		if b, err = stand(ctx, tx, account); err != nil {
			return err
		}
		b.Minor, b.Complete = 0, b.Progress.Complete(before)
		var batch pgx.Batch
		queueBalances(&batch, account, b.Progress, func(Position) Place { return atTime(before) }, &b.Minor)
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return Balance{}, fmt.Errorf("balance as of a time: %w", err)
	}
	return b, nil
}

// trialAsOf looks at the last line of each account before a time: one look into the index for each.
const trialAsOf = `
SELECT a.tenant, a.currency, a.code, count(*), sum(l.balance)::int8
FROM accounts a CROSS JOIN LATERAL (SELECT balance FROM statement_lines
	WHERE partition = a.partition AND account = a.id AND booked < $2
	ORDER BY partition DESC, account DESC, booked DESC, position DESC, ordinal DESC LIMIT 1) AS l
WHERE ($1 = '' OR a.tenant = $1) AND a.partition = ANY($3::int4[])
GROUP BY a.tenant, a.currency, a.code ORDER BY a.tenant, a.currency, a.code`

// Trial is a trial balance of a time.
type Trial struct {
	Lines    []store.TrialLine // by tenant, currency and code
	Progress Progress          // of all partitions
	Complete bool              // false: the projection lags, and entries of that time may be missing
}

// TrialAsOf sums the balances of all accounts, of one tenant or "" for all, when every line with a time before the given
// one had been booked. It reads each account once. Each entry is in it with all its lines or with none, so the lines of one
// tenant and currency sum to zero.
func TrialAsOf(ctx context.Context, db *database.DB, tenant string, before time.Time) (trial Trial, err error) {
	err = inSnapshot(ctx, db, func(tx pgx.Tx) error {
		if trial.Progress, err = readProgress(ctx, tx); err != nil {
			return err
		}
		trial.Complete = trial.Progress.Complete(before)
		partitions := []int32{}
		for _, position := range trial.Progress {
			if !position.Rebuilding {
				partitions = append(partitions, position.Partition)
			}
		}
		rows, _ := tx.Query(ctx, trialAsOf, tenant, before, partitions)
		trial.Lines, err = pgx.CollectRows(rows, pgx.RowToStructByPos[store.TrialLine])
		return err
	})
	if err != nil {
		return Trial{}, fmt.Errorf("trial balance as of a time: %w", err)
	}
	return trial, nil
}
