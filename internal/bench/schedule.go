package bench

import (
	"context"
	"iter"
	"time"
)

// schedule yields arrivals, so many a second, each with the moment at which it is due. The moments are fixed beforehand: whoever
// falls behind is given what is due at once, which a rate limiter would forget.
func schedule(ctx context.Context, perSecond, arrivals int) iter.Seq2[int, time.Time] {
	return func(yield func(int, time.Time) bool) {
		begin := time.Now()
		timer := time.NewTimer(0)
		defer timer.Stop()
		for i := range arrivals {
			due := begin.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			timer.Reset(time.Until(due))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			if !yield(i, due) {
				return
			}
		}
	}
}
