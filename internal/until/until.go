// Package until waits in tests for what must come.
package until

import (
	"testing"
	"time"
)

// look is the pause between two looks: short for a test, long enough to leave the machine to what is waited for.
const look = 5 * time.Millisecond

// True looks until a condition holds. A test in which it does not hold within a limit, which may be generous, has failed.
func True(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	end := time.NewTimer(limit)
	defer end.Stop()
	again := time.NewTicker(look)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-end.C:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
