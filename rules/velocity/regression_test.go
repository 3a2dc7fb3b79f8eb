package velocity

import (
	"fmt"
	"testing"
	"time"
)

// feast #4133: data that comes late is silently left out of what is read afterwards. Here an event counts for whoever asks after
// it has arrived, whatever time it says it is of: one that is late, or dated back, by more than is allowed is counted as if it
// were as old as that.
func TestRegressionLateEventsCount(t *testing.T) {
	const window = time.Hour
	for _, c := range []struct {
		name  string
		late  time.Duration // of the first event
		after time.Duration // until the next one asks
		want  int64
	}{
		{"in time", 0, 59 * time.Minute, 1},
		{"late", 5 * time.Minute, 54 * time.Minute, 1},
		{"late, and out of the window by now", 5 * time.Minute, 56 * time.Minute, 0},
		{"older than is allowed", 30 * time.Minute, 49 * time.Minute, 1},
		{"from before the window", 48 * time.Hour, 0, 1},
		{"from before the window, and out of it by now", 48 * time.Hour, 51 * time.Minute, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := NewPlan(testTenant, 1, []Definition{{Name: "n", By: "card", Kinds: []string{KindAttempt}, Aggregate: Count, Window: window}})
			if err != nil {
				t.Fatal(err)
			}
			state, retain, begin := NewState(Limits{Skew: testSkew}), plan.Retain(), int64(benchStart)
			state.Retain(begin, &retain)
			ask := func(offset, arrived int64, at time.Time) int64 {
				e := Event{Origin: Origin{RoleAttempts, 0, offset}, ID: fmt.Sprint(offset), Kind: KindAttempt, Asks: true, Time: at,
					Field: func(string) string { return "c" }}
				return state.Fold(arrived, &plan.Signals(nil, &e, 1)[0].Signal)[0].Value
			}
			ask(0, begin, time.UnixMilli(begin).Add(-c.late))
			now := begin + c.after.Milliseconds()
			if got := ask(1, now, time.UnixMilli(now)); got != c.want {
				t.Errorf("%d counted, want %d", got, c.want)
			}
		})
	}
}
