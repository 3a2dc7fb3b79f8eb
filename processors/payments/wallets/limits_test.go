package wallets_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/ledger"
)

// TestAsManyLimitsAsThereMayBe: whatever limits a customer has, each can be made stricter, looser and removed; one that does
// not exist is refused until another's removal has come into force.
func TestAsManyLimitsAsThereMayBe(t *testing.T) {
	const most = 100
	w := newWorld(t, nil)
	do := func(want, line string) {
		t.Helper()
		if got := strings.Join(w.do(line), "\n"); !strings.HasPrefix(got, want) {
			t.Fatalf("%s: %s\nwant %s", line, got, want)
		}
	}
	currencies := ledger.Currencies()
	if len(currencies) <= most {
		t.Fatalf("%d currencies, want more than %d", len(currencies), most)
	}
	for _, c := range currencies[:most] {
		do("limit_set", "limit deposit day "+ledger.Money{Minor: 500, Currency: c}.String())
	}
	full := func(minor int64) string {
		return "limit deposit day " + ledger.Money{Minor: minor, Currency: currencies[most]}.String()
	}
	of := func(i int, minor int64) string {
		return "limit deposit day " + ledger.Money{Minor: minor, Currency: currencies[i]}.String()
	}
	do("refused: limit_exceeded", full(500))
	do("limit_set", of(0, 400))
	do("limit_set", of(1, 600))
	do("limit_set", "limit deposit day in="+string(currencies[2]))
	// To remove what is not there adds nothing, and one whose removal waits still binds.
	do("limit_set", "limit deposit day in="+string(currencies[most]))
	do("refused: limit_exceeded", full(500))
	w.do("wait 24h")
	do("limit_set", full(500))
	do("limit_set", full(300))
	// What has ended does not come back for nothing.
	do("refused: limit_exceeded", of(2, 500))
	do("limit_set", of(1, 100))
	if n := len(w.limits["anna"].Settings); n != most {
		t.Errorf("%d settings are kept, want %d", n, most)
	}
}
