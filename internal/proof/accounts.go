package proof

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
)

// accounts checks that each account's id is the hash of its fields: entries name accounts by id alone, so that whoever
// changes tenant, code, owner or currency of an account changes what its entries say.
func (p *partition) accounts(ctx context.Context) error {
	var last [16]byte
	condition := ""
	for {
		n := 0
		err := database.ReadInOrder(ctx, p.Database.Pool, func(tx pgx.Tx) error {
			rows, _ := tx.Query(ctx, `SELECT id, tenant, code, owner, currency FROM accounts WHERE partition = $1 `+condition+`
ORDER BY id LIMIT $2`, args(condition, p.number, pageAccts, last)...)
			var a ledger.Account
			_, err := pgx.ForEachRow(rows, []any{&last, &a.Tenant, &a.Code, &a.Owner, &a.Currency}, func() error {
				n++
				p.Counts.Accounts.Add(1)
				if id := a.ID(); id != last {
					p.problem("account", "account "+ledger.AccountID(last).String(),
						"the row says %s %s of %q in %s, whose id is %s", a.Tenant, a.Code, a.Owner, a.Currency, id)
				}
				return nil
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("read accounts: %w", err)
		}
		if n < pageAccts {
			return nil
		}
		condition = "AND id > $3"
	}
}

func args(condition string, partition int32, limit int, last [16]byte) []any {
	if condition == "" {
		return []any{partition, limit}
	}
	return []any{partition, limit, last}
}
