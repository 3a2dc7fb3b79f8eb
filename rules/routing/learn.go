package routing

import (
	"math/bits"
	"time"
)

// What a bandit learnt of a route is how many requests were approved and how many were declined or failed, as whole numbers
// of millionths, so that it can be written down exactly. With each 64th part of the half-life a count becomes
//
//	count × 989228 / 1000000, rounded down
//
// (989228 millionths are the 64th root of a half). A result that comes late counts as if it had been known when the request
// was made: it is reduced by the ticks since. What is not answered yet counts as nothing.
const (
	steps = 64      // of a half-life
	keeps = 989_228 // millionths, for each
)

// arm is what was learnt of a route.
type arm struct {
	approved, declined int64 // millionths
	tick               int64 // that they are of
}

// tickOf numbers a moment.
func tickOf(halfLife time.Duration, at time.Time) int64 { return at.UnixNano() / int64(halfLife/steps) }

// decayed is a count after so many ticks.
func decayed(count, ticks int64) int64 {
	if ticks >= 64*steps {
		return 0
	}
	for range ticks {
		hi, lo := bits.Mul64(uint64(count), keeps)
		quotient, _ := bits.Div64(hi, lo, million)
		count = int64(quotient)
	}
	return count
}

// to moves an arm to a tick; an earlier one changes nothing.
func (a *arm) to(tick int64) {
	if ticks := tick - a.tick; ticks > 0 {
		a.approved, a.declined, a.tick = decayed(a.approved, ticks), decayed(a.declined, ticks), tick
	}
}

// learn counts a result.
func (a *arm) learn(halfLife time.Duration, approved bool, asked, at time.Time) {
	a.to(tickOf(halfLife, at))
	weight := decayed(million, max(0, a.tick-tickOf(halfLife, asked)))
	if approved {
		a.approved += weight
	} else {
		a.declined += weight
	}
}
