package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// recordHeaders renders an envelope as a client's headers.
func recordHeaders(e topics.Envelope) []kgo.RecordHeader {
	headers := e.Headers()
	converted := make([]kgo.RecordHeader, len(headers))
	for i, h := range headers {
		converted[i] = kgo.RecordHeader{Key: h.Key, Value: h.Value}
	}
	return converted
}

// recordOf is the Record of a client's record at a position.
func recordOf(r *kgo.Record, position int64) Record {
	headers := make([]topics.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = topics.Header{Key: h.Key, Value: h.Value}
	}
	return Record{
		Partition: r.Partition, Position: position, Time: recordTime(r.Timestamp),
		Key: r.Key, Value: r.Value, Headers: headers,
	}
}

// recordTime is a timestamp as Kafka keeps it: whole milliseconds.
func recordTime(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// outgoing is the client's record of an output whose envelope is complete.
func outgoing(partition int32, o *Output) *kgo.Record {
	return &kgo.Record{Topic: o.Topic, Partition: partition, Key: o.Key, Value: o.Value,
		Headers: recordHeaders(o.Envelope)}
}

// recordSize is what a record weighs against Limits.RecordBytes.
func recordSize(r *kgo.Record) int {
	size := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		size += len(r.Headers[i].Key) + len(r.Headers[i].Value) + 4
	}
	return size
}

// hashSize is the length of a record's hash in stream_positions.
const hashSize = 16

// hashOf identifies a record of the input: key, value and timestamp, by SHA-256.
func hashOf(r *Record) []byte {
	h := sha256.New()
	var number [8]byte
	for _, n := range [...]int64{r.Time.UnixMilli(), int64(len(r.Key))} {
		binary.BigEndian.PutUint64(number[:], uint64(n))
		h.Write(number[:])
	}
	h.Write(r.Key)
	h.Write(r.Value)
	return h.Sum(nil)[:hashSize]
}
