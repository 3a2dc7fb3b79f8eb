package velocity

import "math"

// record is one event, or what a summary keeps of several, in 40 bytes without pointers, so that the garbage collector
// does not look at it.
//
//	event:    time, kind, flags | amount | command     | hashes of two distinct values
//	bucket:   newest time, …    | sum    | largest     | count, 0
//	value:    newest time, …    | 0      | 0           | hash, 0
//	overflow: newest time, …    | 0      | 0           | count, slot
type record struct {
	head    uint64 // milliseconds since 1970 in 48 bits, kind in 8, flags in 8: compares by time first
	amount  int64
	command uint64
	values  [2]uint64
}

const recordBytes = 40

// Flags of a record. The lowest five bits are a bucket's or overflow's level: its events lie within one cell of
// 2^level milliseconds.
const (
	flagLevel   = 0x1f
	flagUnknown = 0x20 // an amount in it has no rate, or is not said
	flagForm    = 0xc0

	formBucket   = 0x00 // in a summary; an event elsewhere
	formValue0   = 0x40 // a value of the first slot
	formValue1   = 0x80
	formOverflow = 0xc0 // values that are no longer told apart
)

// maxTime is the latest time that a record can hold: the year 10889.
const maxTime = 1<<48 - 1

func head(time int64, kind uint8, flags uint8) uint64 {
	return uint64(min(max(time, 0), maxTime))<<16 | uint64(kind)<<8 | uint64(flags)
}

func (r *record) time() int64  { return int64(r.head >> 16) }
func (r *record) kind() uint8  { return uint8(r.head >> 8) }
func (r *record) flags() uint8 { return uint8(r.head) }
func (r *record) form() uint8  { return uint8(r.head) & flagForm }

func (r *record) setKind(kind uint8) { r.head = r.head&^0xff00 | uint64(kind)<<8 }

// start is the earliest time that an event of the bucket or overflow can have.
func (r *record) start() int64 {
	if r.values[0] == 1 {
		return r.time()
	}
	level := r.flags() & flagLevel
	return r.time() >> level << level
}

// kindSet is a set of kinds by code.
type kindSet [4]uint64

func (s *kindSet) add(kind uint8)      { s[kind>>6] |= 1 << (kind & 63) }
func (s *kindSet) has(kind uint8) bool { return s[kind>>6&3]>>(kind&63)&1 != 0 }

// addSaturated is a + b for amounts that are not negative: a sum beyond int64 is as high as one can be.
func addSaturated(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
