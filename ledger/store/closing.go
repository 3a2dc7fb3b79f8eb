package store

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/ledger"
)

// CodeIn is all accounts of one code in one currency, of one tenant.
type CodeIn struct {
	Code     ledger.AccountCode
	Currency ledger.Currency
}

// clockSlack bounds how far the times of a partition's records step back: the clocks of a cluster's brokers differ by less.
const clockSlack = 24 * time.Hour

// BalancesAt sums the balances of a tenant in one partition by code and currency (minor units, debits positive), as they are
// without the entries that take effect at or after end. It reads the tenant's accounts there and the entries that were booked
// since end, less a day. A sum over customers may need more than 64 bits, although no balance does.
func BalancesAt(ctx context.Context, pool *pgxpool.Pool, partition int32, tenant string, end time.Time) (map[CodeIn]*big.Int, error) {
	sums := make(map[CodeIn]*big.Int)
	since, err := firstBookedSince(ctx, pool, partition, end.Add(-clockSlack))
	if err != nil {
		return nil, fmt.Errorf("balances of %s in partition %d at %s: %w", tenant, partition, end.Format(time.RFC3339), err)
	}
	rows, _ := pool.Query(ctx, `
SELECT code, currency, sum(minor)::text FROM (
	SELECT code, currency, balance AS minor FROM accounts WHERE partition = $1 AND tenant = $2
	UNION ALL
	SELECT a.code, a.currency, -line.amount
	FROM entries e, LATERAL unnest(e.accounts, e.amounts) AS line(account, amount)
	JOIN accounts a ON a.partition = $1 AND a.id = line.account
	WHERE e.partition = $1 AND e.place >= $3::int8 * 65536 AND coalesce(e.effective, e.booked_at) >= $4 AND a.tenant = $2
) AS moved GROUP BY code, currency`, partition, tenant, since, end)
	var of CodeIn
	var digits string
	if _, err := pgx.ForEachRow(rows, []any{&of.Code, &of.Currency, &digits}, func() error {
		sum, ok := new(big.Int).SetString(digits, 10)
		if !ok {
			return fmt.Errorf("the sum of %s in %s is %q, want an integer", of.Code, of.Currency, digits)
		}
		sums[of] = sum
		return nil
	}); err != nil {
		return nil, fmt.Errorf("balances of %s in partition %d at %s: %w", tenant, partition, end.Format(time.RFC3339), err)
	}
	return sums, nil
}

// firstBookedSince is the position of the first entry of a partition that was booked at or after a time, or a position
// behind the last entry where there is none. Positions and times grow together, so it is found by halving.
func firstBookedSince(ctx context.Context, pool *pgxpool.Pool, partition int32, t time.Time) (int64, error) {
	var last *int64
	if err := pool.QueryRow(ctx, `SELECT max(place) >> 16 FROM entries WHERE partition = $1`, partition).Scan(&last); err != nil || last == nil {
		return 0, err
	}
	low, high := int64(0), *last+1
	for low < high {
		middle := low + (high-low)/2
		var position int64
		var booked time.Time
		err := pool.QueryRow(ctx, `
SELECT position, booked_at FROM entries WHERE partition = $1 AND place >= $2::int8 * 65536 ORDER BY partition, place LIMIT 1`,
			partition, middle).Scan(&position, &booked)
		switch {
		case errors.Is(err, pgx.ErrNoRows), err == nil && !booked.Before(t):
			high = middle
		case err != nil:
			return 0, err
		default:
			low = position + 1
		}
	}
	return low, nil
}
