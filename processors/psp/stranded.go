package psp

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/internal/database"
)

// Stranded counts the payouts under way, those that wait for approval among them, which go to PSPs that are not among the
// configured ones. They wait until their PSP is configured again, or queue_for is over.
func Stranded(ctx context.Context, db *database.DB, configured []string) (payouts map[string]int64, err error) {
	// Whatever is under way has a timer, so that the payouts that have ended are not read.
	rows, err := db.Pool.Query(ctx, `SELECT psp, count(*) FROM (
		SELECT p.state::jsonb->'data'->'destination'->>'psp' AS psp FROM timers t JOIN payouts p ON p.partition = t.partition AND p.id = t.payment
		WHERE t.kind LIKE 'payout_%') AS open WHERE psp <> ALL($1::text[]) GROUP BY psp`, configured)
	if err != nil {
		return nil, fmt.Errorf("payouts at PSPs that are not configured: %w", err)
	}
	defer rows.Close()
	payouts = map[string]int64{}
	for rows.Next() {
		var psp string
		var n int64
		if err := rows.Scan(&psp, &n); err != nil {
			return nil, fmt.Errorf("payouts at PSPs that are not configured: %w", err)
		}
		payouts[psp] = n
	}
	return payouts, rows.Err()
}
