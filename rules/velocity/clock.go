package velocity

import (
	"encoding/binary"
)

// clock is the time of a partition, made of the times of its records. Those are of the broker or of whoever wrote them,
// and one may be wrong: time has passed for good, so that what is older may be dropped, only once agreeing records in a
// row say so. Whatever one record claims touches nothing but itself.
type clock struct {
	now   int64 // time that has passed for good, in milliseconds since 1970
	least int64 // of the times of the records since it was last set
	count int64 // of them
}

// agreeing is how many records in a row must have a time.
const agreeing = 16

// tick takes the time of the next record. It returns that of what the record tells: its own, but never before now.
func (c *clock) tick(recordTime int64) (at int64) {
	if c.count == 0 || recordTime < c.least {
		c.least = recordTime
	}
	if c.count++; c.count == agreeing {
		c.now, c.count = max(c.now, c.least), 0
	}
	return max(c.now, recordTime)
}

func (c *clock) append(b []byte) []byte {
	b = appendInt(appendInt(b, c.now), c.least)
	return binary.AppendUvarint(b, uint64(c.count))
}

func (c *clock) read(r *reader) {
	*c = clock{r.int("time"), r.int("least time"), r.natural("records", agreeing-1)}
}
