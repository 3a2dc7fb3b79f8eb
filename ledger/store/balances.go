package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
)

var lookUpBalances = database.NewLookup("id, balance", "accounts")

// LoadBalances reads the balances of accounts in one partition (minor units, debits positive). An account that does not
// exist yet is left out. It must run before the transaction that writes, and after the partition's former owner was fenced.
func LoadBalances(ctx context.Context, pool *pgxpool.Pool, partition int32, ids []ledger.AccountID) (map[ledger.AccountID]int64, error) {
	balances := make(map[ledger.AccountID]int64, len(ids))
	if len(ids) == 0 {
		return balances, nil
	}
	var batch pgx.Batch
	QueueBalances(&batch, partition, ids, func(id ledger.AccountID, minor int64) { balances[id] = minor })
	err := pool.SendBatch(ctx, &batch).Close()
	if err != nil {
		return nil, fmt.Errorf("load %d balances of partition %d: %w", len(ids), partition, err)
	}
	return balances, nil
}

// QueueBalances adds to a batch what LoadBalances reads, for those who read more with it.
func QueueBalances(batch *pgx.Batch, partition int32, ids []ledger.AccountID, read func(id ledger.AccountID, minor int64)) {
	lookUpBalances.Queue(batch, partition, uuids(ids), func(rows pgx.Rows) error {
		var id [16]byte
		var balance int64
		_, err := pgx.ForEachRow(rows, []any{&id, &balance}, func() error {
			read(id, balance)
			return nil
		})
		return err
	})
}

func uuids(ids []ledger.AccountID) [][16]byte {
	out := make([][16]byte, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}
