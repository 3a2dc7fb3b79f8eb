package fsck

import (
	"context"
	"fmt"
)

// byPartition are the tables whose rows belong to a partition.
var byPartition = []string{"stream_positions", "stream_log", "payments", "applied_inputs", "timers", "accounts", "entries", "ledger_chain",
	"wallets", "holds", "rounds", "customer_limits", "closed_periods", "statement_lines", "statement_positions", "psp_references", "parked_webhooks", "payouts", "deposit_sources",
	"deposit_sources_built", "psp_attempts", "disputes", "mandates", "payment_links", "customers", "customer_keys"}

// strays looks for rows of no partition: a sum over all partitions counts them, and no partition's check would meet them.
func (c *checker) strays(ctx context.Context) error {
	for _, table := range byPartition {
		type row struct {
			Partition int32
			Rows      int64
		}
		rows, err := collect[row](ctx, c, `SELECT partition, count(*) FROM `+table+` WHERE partition < 0 GROUP BY partition ORDER BY partition LIMIT 10`)
		if err != nil {
			return fmt.Errorf("look for rows of no partition in %s: %w", table, err)
		}
		for _, r := range rows {
			p := &partitionCheck{checker: c, snapshot: snapshot{partition: r.Partition}}
			p.problem("partition", table, "%d rows are of a partition that there cannot be", r.Rows)
		}
	}
	return nil
}
