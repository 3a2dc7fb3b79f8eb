package velocity

import (
	"encoding/binary"
	"math"
)

// clock is the time of a partition, made of the times of its records. Those are of the broker or of whoever wrote them, and
// one may be wrong:
//
//   - time has passed for good, and what is older is dropped, where all of the last sixteen times have it. So whatever a
//     few records claim touches nothing but themselves.
//   - a record is not before what four of the last sixteen times have. So one whose writer's clock is slow does not slip
//     out of its windows.
//
// What is written together has one time, and counts once.
type clock struct {
	now  int64           // time that has passed for good, in milliseconds since 1970
	last [lastSize]int64 // times of the last records, a ring
	held int             // of them
	next int             // the place of the next: the oldest, once all are held

	rising int // how many of the last came in the order of their times
}

const (
	lastSize = 16
	agreeing = 4 // of them
)

// tick takes the time of the next record. It returns that of what the record tells.
func (c *clock) tick(recordTime int64) (at int64) {
	c.put(recordTime)
	if c.rising == c.held { // as they nearly always do: the first is the earliest, and none is later than this one
		if c.held == lastSize {
			c.now = max(c.now, c.last[c.next])
		}
		return max(c.now, recordTime)
	}
	return c.disordered(recordTime)
}

// put keeps the time of a record, unless the one before it had the same.
func (c *clock) put(recordTime int64) {
	rises := true
	if c.held > 0 {
		before := c.last[(c.next+lastSize-1)%lastSize]
		if before == recordTime {
			return
		}
		rises = before < recordTime
	}
	c.last[c.next] = recordTime
	c.next = (c.next + 1) % lastSize
	c.held = min(c.held+1, lastSize)
	if !rises {
		c.rising = 0
	}
	c.rising = min(c.rising+1, lastSize)
}

// disordered is tick where times do not come in their order.
func (c *clock) disordered(recordTime int64) (at int64) {
	latest := [agreeing]int64{}
	for i := range latest {
		latest[i] = math.MinInt64
	}
	least := int64(math.MaxInt64)
	for _, t := range c.last[:c.held] {
		least = min(least, t)
		for i := range latest {
			if t > latest[i] {
				t, latest[i] = latest[i], t
			}
		}
	}
	if c.held == lastSize {
		c.now = max(c.now, least)
	}
	return max(c.now, recordTime, latest[agreeing-1])
}

// append writes the clock, the times from the oldest on.
func (c *clock) append(b []byte) []byte {
	b = binary.AppendUvarint(appendInt(b, c.now), uint64(c.held))
	for i := range c.held {
		b = appendInt(b, c.last[(c.next+lastSize-c.held+i)%lastSize])
	}
	return b
}

func (c *clock) read(r *reader) {
	*c = clock{now: r.int("time")}
	for range r.count("record times", lastSize) {
		c.put(r.int("record time"))
	}
}
