package stream

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What a checker outside the runtime needs to compare the database with the topics.

// PositionIn reads a record of weir.positions.v1; ok is false where it is not a position of the role.
func PositionIn(role string, r *kgo.Record) (p Position, ok bool, err error) {
	if string(r.Key) != positionKey(role) {
		return Position{}, false, nil
	}
	p, err = decodePosition(r.Value)
	return p, err == nil, err
}

// InputHash is the hash that stream_positions keeps of the last applied record of the input.
func InputHash(r *kgo.Record) []byte {
	record := recordOf(r, 0)
	return hashOf(&record)
}

// DiffersFrom names the first part of a topic's record that is not what a decoded output of a frame is published as, "" where
// all are.
func (o *Output) DiffersFrom(r *kgo.Record) string {
	switch {
	case !bytes.Equal(r.Key, o.Key):
		return fmt.Sprintf("key %q", r.Key)
	case !bytes.Equal(r.Value, o.Value):
		return "value"
	}
	want := o.Envelope.Headers()
	if len(r.Headers) != len(want) {
		return fmt.Sprintf("number of headers (%d instead of %d)", len(r.Headers), len(want))
	}
	for i := range want {
		if r.Headers[i].Key != want[i].Key || !bytes.Equal(r.Headers[i].Value, want[i].Value) {
			return "header " + want[i].Key
		}
	}
	return ""
}

// PublishedRecord is the record that a decoded output of a frame is published as.
func PublishedRecord(partition int32, o *Output) *kgo.Record { return outgoing(partition, o) }
