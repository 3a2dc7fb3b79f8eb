package stream

import (
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

// PublishedRecord is the record that a decoded output of a frame is published as.
func PublishedRecord(partition int32, o *Output) *kgo.Record { return outgoing(partition, o) }
