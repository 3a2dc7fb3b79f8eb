package bench

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Arrivals come at moments fixed beforehand, those that are late at once, and none after the end.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		begin, next := time.Now(), 0
		for i, due := range schedule(ctx, 10, 100) {
			if want := begin.Add(time.Duration(i) * 100 * time.Millisecond); i != next || !due.Equal(want) || time.Now().Before(due) {
				t.Fatalf("arrival %d, due %s, at %s; want number %d, due %s", i, due, time.Now(), next, want)
			}
			switch next++; {
			case i == 3:
				time.Sleep(450 * time.Millisecond) // in the bubble: falls behind by four arrivals
			case i > 3 && i < 8 && time.Since(begin) != 750*time.Millisecond:
				t.Errorf("arrival %d is late, and comes %s after the first", i, time.Since(begin))
			case i > 7 && !time.Now().Equal(due):
				t.Errorf("arrival %d, due %s, comes at %s", i, due, time.Now())
			case i == 20:
				cancel()
			}
		}
		if next != 21 {
			t.Errorf("%d arrivals, the end came after 21", next)
		}
	})
}
