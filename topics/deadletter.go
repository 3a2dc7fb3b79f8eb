package topics

import "time"

// TypeDeadLetter is the ce_type of every record of a dead-letter topic.
const TypeDeadLetter = "weir.dead_letter.v1"

// Headers of a record that was written again from a dead letter.
const (
	HeaderReplayOf  = "weir_replay_of"  // the dead letter: topic:partition:offset
	HeaderFirstSeen = "weir_first_seen" // RFC 3339 time of the record that was put aside first, however often it was replayed since
)

// DeadLetter is the value of the dead-letter topics: a record that could not be processed, as it was, and why. It stands
// in the partition of the record and carries the record's key.
type DeadLetter struct {
	Role      string      `json:"role"` // who put it aside
	Reason    RefusalCode `json:"reason"`
	Detail    string      `json:"detail"` // for people
	Topic     string      `json:"topic"`
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
	Time      time.Time   `json:"time"` // of the record
	Key       []byte      `json:"key,omitempty"`
	Value     []byte      `json:"value,omitempty"`
	// Headers are the record's own, in order.
	Headers []DeadLetterHeader `json:"headers,omitempty"`
	// Masked says that a card number stood in the record: every digit of key, value and headers is replaced by "x".
	Masked bool `json:"masked,omitempty"`
	// OmittedBytes is how many bytes of the value are left out at its end, because the dead letter would be larger than
	// a record may be. The whole record is where Topic, Partition and Offset say.
	OmittedBytes int `json:"omitted_bytes,omitempty"`
	// OmittedHeaders is how many headers are left out at their end for the same reason.
	OmittedHeaders int `json:"omitted_headers,omitempty"`
}

// DeadLetterHeader is one header of the record.
type DeadLetterHeader struct {
	Key   string `json:"key"`
	Value []byte `json:"value,omitempty"`
}
