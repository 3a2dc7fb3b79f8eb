package statement

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
)

const selectExisting = `
SELECT DISTINCT w.id FROM stream_positions m, unnest($2::uuid[]) AS w(id),
LATERAL (SELECT id FROM accounts WHERE partition = m.partition AND id = w.id LIMIT 1) AS a
WHERE m.role = $1`

// Existing returns those of the accounts that something was booked on, in their order.
func Existing(ctx context.Context, db *database.DB, accounts []ledger.Account) ([]ledger.Account, error) {
	ids := make([][16]byte, len(accounts))
	for i := range accounts {
		ids[i] = accounts[i].ID()
	}
	rows, _ := db.Pool.Query(ctx, selectExisting, foldRole, ids)
	found, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	if err != nil {
		return nil, fmt.Errorf("look for accounts: %w", err)
	}
	known := map[[16]byte]bool{}
	for _, id := range found {
		known[id] = true
	}
	var existing []ledger.Account
	for i, id := range ids {
		if known[id] {
			existing = append(existing, accounts[i])
		}
	}
	return existing, nil
}
