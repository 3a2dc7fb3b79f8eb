package velocity

import (
	"errors"
	"time"
)

// ErrFutureFormat says that a newer release wrote what was read: the partition must be given up, not folded.
var ErrFutureFormat = errors.New("written by a newer release")

// Limits are the bounds of a State. All partitions of a topic must use the same.
type Limits struct {
	// Skew is how far an event's time may lie before its record's; an earlier time is taken as record time − Skew.
	Skew time.Duration
	// ReplyBytes is how much the reply cache keeps, in encoded replies; the oldest go first.
	ReplyBytes int
}

// State is the velocity of one partition: a fold of risk.signals.v1. It is not safe for concurrent use. After an error
// it is in an unknown state only where that says so; a runtime gives it up and restores another.
type State struct{}

// NewState returns the state of a partition of which nothing was recorded.
func NewState(limits Limits) *State { return nil }

// Apply folds the next record of the partition, in the order of offsets. recordTime is the record's timestamp in
// milliseconds since 1970. The reply is to be written to partition Answer.Partition of risk.features.v1; ok is false
// where the record asks nothing. A *FrameError says that the record is not one and changed nothing: it belongs to the dead
// letters. ErrFutureFormat gives the partition up.
func (s *State) Apply(recordTime int64, value []byte) (reply Output, ok bool, err error) {
	return Output{}, false, nil
}

// Output is an encoded Reply.
type Output struct {
	Partition int32  // of risk.features.v1: that of the signal's origin
	Value     []byte // is never changed again: a producer may keep it
}

// Changes tells what changed since the last call, for the changelog: a value for each key, nil for a deletion. What
// it tells may be kept and is to be committed together with the input offset, or this State to be given up. No value
// is above MaxChange bytes.
func (s *State) Changes(change func(key, value []byte)) {}

// MaxChange bounds a changelog record's value.
const MaxChange = 768 << 10

// Restore takes one record of the changelog, in any order of keys, before the first Apply; of each key only the latest
// record may be given, or earlier ones before it. nil is a deletion.
func (s *State) Restore(key, value []byte) error { return nil }

// Restored ends the restoring; it fails where records do not belong together.
func (s *State) Restored() error { return nil }

// FrameError says what is wrong with a frame, and where.
type FrameError struct {
	Offset int    // of the byte in the frame
	Field  string // which part of it
	Detail string
}

func (e *FrameError) Error() string { return "" }
