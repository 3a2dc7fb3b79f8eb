package stream

import (
	"errors"
	"fmt"
)

// StopReason names what O1 found that no retry can repair.
type StopReason string

const (
	StopPositionMissing StopReason = "position_missing" // records are applied, and weir.positions.v1 knows nothing of them
	StopDatabaseBehind  StopReason = "database_behind"  // more is published than is applied: the database was restored
	StopTopicChanged    StopReason = "topic_changed"    // the input topic has another id than the one that was applied
	StopHashMismatch    StopReason = "hash_mismatch"    // the last applied record is another one now
	StopInputLost       StopReason = "input_lost"       // retention took records that were not applied
	StopInputTruncated  StopReason = "input_truncated"  // the topic ends before the last applied record
	StopFutureFormat    StopReason = "future_format"    // a newer version of this program was here
	StopPoison          StopReason = "poison"           // a record whose dead letter alone cannot be stored
)

// StopError stops one partition until somebody repairs it. Nothing was applied or published since it was found.
type StopError struct {
	Role      string
	Partition int32
	Reason    StopReason
	Detail    string // what was found, and what would be right
	Command   string // the command line that repairs it
}

func (e *StopError) Error() string {
	return fmt.Sprintf("%s partition %d stopped (%s): %s; %s", e.Role, e.Partition, e.Reason, e.Detail, e.Command)
}

// errStale says that another owner has taken the partition: the fence of the database or the broker's epoch refused us.
var errStale = errors.New("another owner has taken the partition")

// errDrained ends a session that was asked to.
var errDrained = errors.New("drained")
