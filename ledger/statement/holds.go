package statement

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/ledger"
)

const maxHolds = 100 // that an explanation lists

// Hold is money of a customer that a hold has set aside. It stands on the account customer_hold, not in the wallet.
type Hold struct {
	ID        string // the command that placed it
	Minor     int64  // what is left of it
	ExpiresAt time.Time
}

const selectHolds = `
SELECT hold, amount - captured - released, expires_at FROM holds
WHERE partition = $1 AND tenant = $2 AND customer = $3 AND currency = $4 AND captured + released < amount
ORDER BY hold LIMIT $5`

func openHolds(ctx context.Context, tx querier, account ledger.Account, progress Progress) (holds []Hold, err error) {
	if account.Owner == "" {
		return nil, nil
	}
	for _, position := range progress {
		rows, _ := tx.Query(ctx, selectHolds, position.Partition, account.Tenant, account.Owner, account.Currency, maxHolds)
		var id [16]byte
		var minor int64
		var expires *time.Time
		_, err := pgx.ForEachRow(rows, []any{&id, &minor, &expires}, func() error {
			h := Hold{ID: uuid.UUID(id).String(), Minor: minor}
			if expires != nil {
				h.ExpiresAt = expires.UTC()
			}
			holds = append(holds, h)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read open holds: %w", err)
		}
	}
	return holds, nil
}
