package payments_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/topics"
)

// TestDepositsAreNotCountedTwice: where it is lost how far deposits are counted, nobody opens the partition. Counted anew, each
// would be there twice, or what was paid out of it would be forgotten, and payouts would send too much to its card.
func TestDepositsAreNotCountedTwice(t *testing.T) {
	for _, c := range []struct {
		name, lost string
		refused    bool
	}{
		{"nothing", `SELECT 1`, false},
		{"that they are counted", `DELETE FROM deposit_sources_built`, true},
		{"how far they are counted", `UPDATE deposit_sources_built SET done = false, place = '00000000-0000-0000-0000-000000000000'`, true},
		{"what is counted too, but not the payout", `DELETE FROM deposit_sources; DELETE FROM deposit_sources_built`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := databasetest.New(t)
			in := deposit(t, db, "anna")
			in.put(topics.TypeAssessedPayout, payoutCommand(2, "anna", topics.PayoutCreate, 6000, ""))
			in.fold(10)
			sources := func() string { return table(t, db, `SELECT state FROM deposit_sources`) }
			if _, err := db.Pool.Exec(t.Context(), c.lost); err != nil {
				t.Fatal(err)
			}
			before := sources()
			_, err := in.program.Open(t.Context(), in.partition, in.next)
			if refused := err != nil && strings.Contains(err.Error(), "count the deposits of partition 0: deposit_sources_built says that none is counted"); refused != c.refused || err != nil != c.refused {
				t.Errorf("opened with %v", err)
			}
			if after := sources(); after != before {
				t.Errorf("the sources were\n%s, they are\n%s", before, after)
			}
		})
	}
}
