package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/weirhq/weir/topics"
)

// ErrFutureFormat is wrapped by the error of whoever meets a format number that is newer than this binary. A fold that
// meets one gives up its partition: the record belongs to a newer process, and a dead letter would lose it.
var ErrFutureFormat = errors.New("format is newer than this binary")

// The formats of a frame, in its first byte. A number is never used again for another layout.
const (
	framePlain      = 1 // the layout of Frames, as it is
	frameCompressed = 2 // the same, compressed by zstd
	frameLast       = frameCompressed
)

// Limits of a frame.
const (
	maxFrameBytes   = 64 << 20 // uncompressed; a frame that claims more is corrupt
	maxFrameOutputs = 1 << 15  // of one record; an index in an event id has 16 bits
)

// frameTopics gives the topics of the catalogue one byte in a frame. 0 is followed by the name. Only ever appended to.
var frameTopics = [...]string{1: topics.Events, topics.Entries, topics.Decisions, topics.PSPRequests,
	topics.InboxDeadLetters}

// Frames writes and reads what stream_log stores: all that one record published, byte for byte.
//
//	format  1 byte
//	time    varint, milliseconds since 1970: the record's, and so its outputs'
//	count   uvarint, then for each output
//	  topic   1 byte, or 0 and a string
//	  key, type, subject, tenant, region, trace   a string each
//	  value   a string
//
// A string is a uvarint and its bytes: length + 1, or 0 for "the same as in the output before". The id of an output is not
// stored: it is (partition, position, index) and follows from the place.
//
// Frames is safe for concurrent use.
type Frames struct {
	source  string
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

// NewFrames returns the codec of one role's frames.
func NewFrames(role string) (*Frames, error) {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(1<<15),
		zstd.WithEncoderCRC(true),
		zstd.WithSingleSegment(true))
	if err != nil {
		return nil, fmt.Errorf("frame encoder: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrameBytes))
	if err != nil {
		return nil, fmt.Errorf("frame decoder: %w", err)
	}
	return &Frames{source: SourceOf(role), encoder: encoder, decoder: decoder}, nil
}

// SourceOf is the ce_source of what a role publishes.
func SourceOf(role string) string { return "weir/" + role }

// Encode returns the frame of a record's outputs. It keeps of each Envelope what Decode cannot derive: type, subject,
// tenant, region and trace id.
func (f *Frames) Encode(at time.Time, outputs []Output) ([]byte, error) {
	if len(outputs) > maxFrameOutputs {
		return nil, fmt.Errorf("a record with %d outputs: at most %d", len(outputs), maxFrameOutputs)
	}
	size := 16
	for i := range outputs {
		size += len(outputs[i].Key) + len(outputs[i].Value) + 64
	}
	body := make([]byte, 1, size)
	body[0] = framePlain
	body = binary.AppendVarint(body, at.UnixMilli())
	body = binary.AppendUvarint(body, uint64(len(outputs)))
	var last frameFields
	for i := range outputs {
		fields := fieldsOf(&outputs[i])
		body = appendTopic(body, outputs[i].Topic)
		for j := range fields {
			if i > 0 && fields[j] == last[j] {
				body = append(body, 0)
				continue
			}
			body = appendString(body, fields[j])
		}
		body = appendString(body, string(outputs[i].Value))
		last = fields
	}
	if len(body) > maxFrameBytes {
		return nil, fmt.Errorf("a frame of %d bytes: at most %d", len(body), maxFrameBytes)
	}
	packed := f.encoder.EncodeAll(body[1:], append(make([]byte, 0, 1+len(body)/2), frameCompressed))
	if len(packed) < len(body) {
		return packed, nil
	}
	return body, nil
}

// Decode returns the time and the outputs in a frame, with complete envelopes. An error that wraps ErrFutureFormat means
// a newer writer; any other one a damaged frame.
func (f *Frames) Decode(partition int32, position int64, frame []byte) (at time.Time, outputs []Output, err error) {
	if len(frame) == 0 {
		return time.Time{}, nil, fmt.Errorf("frame %d-%d: empty", partition, position)
	}
	body := frame[1:]
	switch format := frame[0]; {
	case format == frameCompressed:
		if body, err = f.decoder.DecodeAll(body, nil); err != nil {
			return time.Time{}, nil, fmt.Errorf("frame %d-%d: %w", partition, position, err)
		}
	case format > frameLast:
		return time.Time{}, nil, fmt.Errorf("frame %d-%d: format %d, this binary reads up to %d: %w",
			partition, position, format, frameLast, ErrFutureFormat)
	case format != framePlain:
		return time.Time{}, nil, fmt.Errorf("frame %d-%d: no such format: %d", partition, position, format)
	}
	at, outputs, err = decodeBody(body)
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("frame %d-%d: %w", partition, position, err)
	}
	identify(f.source, partition, position, at, outputs)
	return at, outputs, nil
}

// identify completes the envelopes of one record's outputs.
func identify(source string, partition int32, position int64, at time.Time, outputs []Output) {
	for i := range outputs {
		index := int16(0)
		for j := range i {
			if outputs[j].Topic == outputs[i].Topic {
				index++
			}
		}
		envelope := &outputs[i].Envelope
		envelope.ID = topics.EventID{Partition: partition, Position: position, Index: index}.String()
		envelope.Source = source
		envelope.Time = at
	}
}

// frameFields are the strings of an output before its value.
type frameFields [6]string

func fieldsOf(o *Output) frameFields {
	e := &o.Envelope
	return frameFields{string(o.Key), e.Type, e.Subject, e.Tenant, e.Region, e.TraceID}
}

func appendTopic(b []byte, topic string) []byte {
	for code := 1; code < len(frameTopics); code++ {
		if frameTopics[code] == topic {
			return append(b, byte(code))
		}
	}
	return appendString(append(b, 0), topic)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))+1), s...)
}

var errFrameShort = errors.New("ends too early")

// frameReader reads the layout of Frames; after the first error it returns zeros and keeps the error.
type frameReader struct {
	rest []byte
	err  error
}

func decodeBody(body []byte) (at time.Time, outputs []Output, err error) {
	r := frameReader{rest: body}
	at = time.UnixMilli(r.varint()).UTC()
	count := r.uvarint()
	if count > maxFrameOutputs {
		return time.Time{}, nil, fmt.Errorf("%d outputs: at most %d", count, maxFrameOutputs)
	}
	var last frameFields
	for i := uint64(0); i < count && r.err == nil; i++ {
		var o Output
		o.Topic = r.topic()
		for j := range last {
			last[j] = r.string(last[j], i > 0)
		}
		o.Key = bytesOf(last[0])
		e := &o.Envelope
		e.Type, e.Subject, e.Tenant, e.Region, e.TraceID = last[1], last[2], last[3], last[4], last[5]
		o.Value = []byte(r.string("", false))
		outputs = append(outputs, o)
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes after its end", len(r.rest))
	}
	if r.err != nil {
		return time.Time{}, nil, r.err
	}
	return at, outputs, nil
}

// bytesOf makes an absent key of an empty one, as Kafka has both.
func bytesOf(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func (r *frameReader) fail(err error) {
	if r.err == nil {
		r.err, r.rest = err, nil
	}
}

func (r *frameReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail(errFrameShort)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *frameReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail(errFrameShort)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *frameReader) topic() string {
	if len(r.rest) == 0 {
		r.fail(errFrameShort)
		return ""
	}
	code := r.rest[0]
	r.rest = r.rest[1:]
	switch {
	case code == 0:
		return r.string("", false)
	case int(code) < len(frameTopics):
		return frameTopics[code]
	}
	r.fail(fmt.Errorf("topic code %d, this binary knows up to %d: %w", code, len(frameTopics)-1, ErrFutureFormat))
	return ""
}

// string reads a string; before stands for "the same again", which only a later output may say.
func (r *frameReader) string(before string, repeats bool) string {
	n := r.uvarint()
	if n == 0 {
		if !repeats {
			r.fail(errors.New("repeats a string that is not there"))
		}
		return before
	}
	if n-1 > uint64(len(r.rest)) {
		r.fail(errFrameShort)
		return ""
	}
	s := string(r.rest[:n-1])
	r.rest = r.rest[n-1:]
	return s
}
