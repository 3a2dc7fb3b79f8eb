package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/ledger"
)

// TrialLine is the sum of all accounts of one code in one tenant and currency, over all partitions.
type TrialLine struct {
	Tenant   string
	Currency ledger.Currency
	Code     ledger.AccountCode
	Accounts int64 // that have a balance row; a system account has one in each partition
	Minor    int64 // minor units, debits positive
}

// TrialBalance sums the balances by tenant ("" for all), currency and account code, in this order. The lines of one
// tenant and currency sum to zero. It reads every account. Sums beyond 64 bits are an error (SQLSTATE 22003).
func TrialBalance(ctx context.Context, pool *pgxpool.Pool, tenant string) ([]TrialLine, error) {
	rows, _ := pool.Query(ctx, `
SELECT tenant, currency, code, count(*), sum(balance)::int8 FROM accounts
WHERE $1 = '' OR tenant = $1 GROUP BY tenant, currency, code ORDER BY tenant, currency, code`, tenant)
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByPos[TrialLine])
	if err != nil {
		return nil, fmt.Errorf("trial balance: %w", err)
	}
	return lines, nil
}

// HasAccounts says whether anything was ever booked for a tenant.
func HasAccounts(ctx context.Context, pool *pgxpool.Pool, tenant string) (has bool, err error) {
	if err = pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM accounts WHERE tenant = $1)`, tenant).Scan(&has); err != nil {
		return false, fmt.Errorf("accounts of %s: %w", tenant, err)
	}
	return has, nil
}
