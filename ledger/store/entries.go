package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// ErrNoEntry says that there is no entry of an id.
var ErrNoEntry = errors.New("there is no such entry")

// Entry reads one entry, ErrNoEntry where there is none.
func Entry(ctx context.Context, pool *pgxpool.Pool, id ledger.EntryID) (ledger.Entry, error) {
	e := ledger.Entry{ID: id}
	rows, _ := pool.Query(ctx, `
SELECT e.booked_at, e.effective, e.payment, e.template, e.reference, line.amount, a.tenant, a.code, a.owner, a.currency
FROM entries e, LATERAL unnest(e.accounts, e.amounts) WITH ORDINALITY AS line(account, amount, place)
LEFT JOIN accounts a ON a.partition = $1 AND a.id = line.account
WHERE e.partition = $1 AND e.place = $2::int8 * 65536 + $3::int2 ORDER BY line.place`, id.Partition, id.Position, id.Index)
	var at time.Time
	var effective *time.Time
	var reference *string
	var payment *[16]byte
	var minor int64
	var tenant, code, owner, currency *string
	_, err := pgx.ForEachRow(rows, []any{&at, &effective, &payment, &e.Template, &reference, &minor, &tenant, &code, &owner, &currency}, func() error {
		if tenant == nil {
			return fmt.Errorf("posting %d is on an account that does not exist; weir fsck says more", len(e.Postings))
		}
		if effective != nil {
			e.Effective = effective.UTC()
		}
		if reference != nil {
			e.Reference = *reference
		}
		if e.At = at.UTC(); payment != nil {
			e.PaymentID = topics.PaymentID{Partition: id.Partition, UUID: *payment}.String()
		}
		a := ledger.Account{Tenant: *tenant, Code: ledger.AccountCode(*code), Owner: *owner, Currency: ledger.Currency(*currency)}
		e.Postings = append(e.Postings, ledger.Posting{Account: a, Minor: minor})
		return nil
	})
	if err == nil && len(e.Postings) == 0 {
		err = ErrNoEntry
	}
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("entry %s: %w", id, err)
	}
	return e, nil
}

// Period is the accounting period that an entry counts in ("2026-11"), where the month in which it took place was closed
// when it was booked; else "".
func Period(ctx context.Context, pool *pgxpool.Pool, e *ledger.Entry) (string, error) {
	var last *string
	err := pool.QueryRow(ctx, `SELECT max(month) FROM closed_periods WHERE partition = $1 AND tenant = $2 AND position < $3`,
		e.ID.Partition, e.Postings[0].Account.Tenant, e.ID.Position).Scan(&last)
	if err != nil {
		return "", fmt.Errorf("period of entry %s: %w", e.ID, err)
	}
	if last == nil {
		return "", nil
	}
	closed, err := ledger.ParseMonth(*last)
	if err != nil {
		return "", fmt.Errorf("period of entry %s: %w", e.ID, err)
	}
	return e.LatePeriod(closed), nil
}
