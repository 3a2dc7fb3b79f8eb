package psp_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/until"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
)

// TestOldAttemptsAreForgotten: a gateway walks through all attempts of its partitions and forgets those that are older than any
// request that it may meet again.
func TestOldAttemptsAreForgotten(t *testing.T) {
	db := databasetest.New(t)
	const all = 12_000 // more than are looked at together
	if _, err := db.Pool.Exec(t.Context(), `INSERT INTO psp_attempts (partition, request, psp, claimed_at)
		SELECT n % 2, (n % 2) || '-' || n || '-0', 'sandbox', now() - make_interval(days => CASE WHEN n % 3 = 0 THEN 46 ELSE 44 END) FROM generate_series(1, $1::int4) AS n`,
		all); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, sandbox.Config{})
	w.run(t, func(c *psp.Config) { c.Attempts, c.ForgetEvery = psp.NewStoredAttempts(db), 10*time.Millisecond })
	count := func() (old, young int) {
		if err := db.Pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE claimed_at < now() - make_interval(days => 45)),
			count(*) FILTER (WHERE claimed_at > now() - make_interval(days => 45)) FROM psp_attempts`).Scan(&old, &young); err != nil {
			t.Fatal(err)
		}
		return old, young
	}
	until.True(t, 2*time.Minute, "the old attempts are gone", func() bool {
		old, young := count()
		if young != all-all/3 {
			t.Fatalf("%d old and %d young attempts are left, want none and %d", old, young, all-all/3)
		}
		return old == 0
	})
}
