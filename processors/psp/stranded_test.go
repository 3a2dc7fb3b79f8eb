package psp_test

import (
	"maps"
	"testing"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/psp"
)

func TestStrandedPayouts(t *testing.T) {
	db := databasetest.New(t)
	for i, row := range []struct{ psp, timer string }{
		{"gone", "payout_retry"}, {"gone", "payout_poll"}, {"gone", ""}, {"here", "payout_poll"}, {"far", "payout_expire"},
	} {
		id := "00000000-0000-0000-0000-00000000000" + string(rune('0'+i))
		if _, err := db.Pool.Exec(t.Context(), `INSERT INTO payouts (partition, id, tenant, customer, currency, status, reserved, version, positions, state)
			VALUES (0, $1, 'acme', 'anna', 'EUR', 'any', 0, 0, '{}', $2)`, id, `{"data":{"destination":{"psp":"`+row.psp+`"}}}`); err != nil {
			t.Fatal(err)
		}
		if row.timer == "" {
			continue // it has ended
		}
		if _, err := db.Pool.Exec(t.Context(), `INSERT INTO timers (partition, payment, due, kind, generation, tenant, customer)
			VALUES (0, $1, now(), $2, 1, 'acme', 'anna')`, id, row.timer); err != nil {
			t.Fatal(err)
		}
	}
	got, err := psp.Stranded(t.Context(), db, []string{"here", "unused"})
	if want := map[string]int64{"gone": 2, "far": 1}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}
