package bench

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
)

// sizes is the bytes of each table with its indexes, and of all together under "".
type sizes map[string]int64

// sizesOf reads them after a VACUUM, which gives the space of old row versions back for use but leaves the files as large
// as they had to be.
func sizesOf(ctx context.Context, db *database.DB) (sizes, error) {
	if _, err := db.Pool.Exec(ctx, "VACUUM"); err != nil {
		return nil, fmt.Errorf("vacuum: %w", err)
	}
	rows, err := db.Pool.Query(ctx, `SELECT CAST(relname AS text), pg_total_relation_size(relid) FROM pg_stat_user_tables`)
	if err != nil {
		return nil, err
	}
	s := sizes{}
	var name string
	var size int64
	_, err = pgx.ForEachRow(rows, []any{&name, &size}, func() error {
		s[name] = size
		s[""] += size
		return nil
	})
	return s, err
}

// bytes reports what a complete payment and an entry take in the database.
func (b *bench) bytes(ctx context.Context, before sizes, payments int64) error {
	after, err := sizesOf(ctx, b.db)
	if err != nil {
		return err
	}
	payments = max(1, payments)
	b.figure("database bytes for each complete payment", "B", "≤ 4096, aim 2560", (after[""]-before[""])/payments)
	b.figure("of these its entry", "B", "≤ 250 with two postings", (after["entries"]-before["entries"])/payments)
	b.figure("of these its log", "B", "", (after["stream_log"]-before["stream_log"])/payments)
	return nil
}
