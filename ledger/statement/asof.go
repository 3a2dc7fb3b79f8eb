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

// balancesAt reads the balance of an account at a place in each of its partitions: one look into the index for each.
const balancesAt = `
SELECT l.balance FROM unnest($2::int4[], $3::timestamptz[], $4::int8[], $5::int2[]) AS at(partition, booked, position, ordinal),
LATERAL (SELECT balance FROM statement_lines
	WHERE partition = at.partition AND account = $1 AND (booked, position, ordinal) <= (at.booked, at.position, at.ordinal)
	ORDER BY partition DESC, account DESC, booked DESC, position DESC, ordinal DESC LIMIT 1) AS l`

// queueBalances adds up the balances at places, into sum.
func queueBalances(batch *pgx.Batch, account ledger.Account, at places, sum *int64) {
	batch.Queue(balancesAt, [16]byte(account.ID()), at.partitions, at.booked, at.positions, at.ordinals).Query(func(rows pgx.Rows) error {
		*sum = 0
		var minor int64
		_, err := pgx.ForEachRow(rows, []any{&minor}, func() (err error) {
			*sum, err = ledger.AddMinor(*sum, minor)
			return err
		})
		return err
	})
}

// places are a place in each partition, column by column.
type places struct {
	partitions []int32
	booked     []time.Time
	positions  []int64
	ordinals   []int16
}

// placesIn takes a place in each partition. One that is being rebuilt is left out: it has no lines to be read.
func (p Progress) placesIn(place func(partition int32) Place) (at places) {
	for _, position := range p {
		if position.Rebuilding {
			continue
		}
		place := place(position.Partition)
		at.partitions = append(at.partitions, position.Partition)
		at.booked = append(at.booked, place.Booked)
		at.positions = append(at.positions, place.Position)
		at.ordinals = append(at.ordinals, place.Ordinal)
	}
	return at
}

// placesAt are the places in front of a time.
func (p Progress) placesAt(t time.Time) places {
	return p.placesIn(func(int32) Place { return atTime(t) })
}

// AsOf reads what an account held when every line with a time before the given one had been booked.
func AsOf(ctx context.Context, db *database.DB, account ledger.Account, before time.Time) (Balance, error) {
	b, err := ofAccount(ctx, db, account, func(q querier, b *Balance) error {
		b.Complete = b.Progress.Complete(before)
		var batch pgx.Batch
		queueBalances(&batch, account, b.Progress.placesAt(before), &b.Minor)
		return q.SendBatch(ctx, &batch).Close()
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
	err = inSnapshot(ctx, db, func(*pgx.Batch) {}, func(q querier) error {
		if trial.Progress, err = readProgress(ctx, q); err != nil {
			return err
		}
		trial.Complete = trial.Progress.Complete(before)
		partitions := []int32{}
		for _, position := range trial.Progress {
			if !position.Rebuilding {
				partitions = append(partitions, position.Partition)
			}
		}
		rows, _ := q.Query(ctx, trialAsOf, tenant, before, partitions)
		trial.Lines, err = pgx.CollectRows(rows, pgx.RowToStructByPos[store.TrialLine])
		return err
	})
	if err != nil {
		return Trial{}, fmt.Errorf("trial balance as of a time: %w", err)
	}
	return trial, nil
}
