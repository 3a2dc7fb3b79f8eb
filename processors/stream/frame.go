package stream

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/weirhq/weir/topics"
)

// ErrFutureFormat is wrapped by the error of whoever meets a format number that is newer than this binary. A fold that
// meets one gives up its partition: the record belongs to a newer process, and a dead letter would lose it.
var ErrFutureFormat = errors.New("format is newer than this binary")

// The formats of a frame, in its first byte. A number is never used again for another layout.
const (
	framePlain      = 1 // the layout of Frames, as it is
	frameCompressed = 2 // the same as an s2 block with dictionary1
	frameWallet     = 3 // with dictionary2
	frameLast       = frameWallet
)

// Limits of a frame.
const (
	maxFrameBytes   = 16 << 20 // uncompressed; a frame that claims more is corrupt
	maxFrameOutputs = 1 << 15  // of one record; an index in an event id has 16 bits
)

// dictionary1 is what frames of format 2 are compressed against: what outputs have in common. Never edited: frames that are
// stored cannot be read without it. A better one comes with a format number of its own.
//
//go:embed dictionary1.txt
var dictionary1 []byte

// dictionary2 is what frames of format 3 are compressed against, those that tell of a wallet. Never edited either.
//
//go:embed dictionary2.txt
var dictionary2 []byte

// frameTopics gives the topics of the catalogue one byte in a frame. 0 is followed by the name. Only ever appended to.
var frameTopics = [...]string{1: topics.Events, topics.Entries, topics.Decisions, topics.PSPRequests,
	topics.InboxDeadLetters, topics.WalletEvents, topics.LedgerPeriods}

// Frames writes and reads what stream_log stores: all that one record published, byte for byte.
//
//	format  1 byte
//	check   4 bytes, CRC-32C of the body before compression
//	body    compressed or not
//	  time    varint, milliseconds since 1970: the record's, and so its outputs'
//	  count   uvarint, then for each output
//	    topic   1 byte, or 0 and a string
//	    key, type, subject, tenant, region, trace   a string each
//	    value   a string
//
// A string is a uvarint and its bytes: length + 1, or 0 for "the same as in the output before". The id of an output is not
// stored: it is (partition, position, index) and follows from the place.
//
// Frames is safe for concurrent use.
type Frames struct {
	source       string
	dictionaries [frameLast + 1]*s2.Dict // by format
	table        *crc32.Table
}

const frameHead = 1 + 4 // format and check

// NewFrames returns the codec of one role's frames.
func NewFrames(role string) (*Frames, error) {
	f := &Frames{source: SourceOf(role), table: crc32.MakeTable(crc32.Castagnoli)}
	f.dictionaries[frameCompressed] = s2.MakeDict(dictionary1, nil)
	f.dictionaries[frameWallet] = s2.MakeDict(dictionary2, nil)
	if f.dictionaries[frameCompressed] == nil || f.dictionaries[frameWallet] == nil {
		return nil, errors.New("frames: a dictionary is not one")
	}
	return f, nil
}

// SourceOf is the ce_source of what a role publishes.
func SourceOf(role string) string { return "weir/" + role }

// Encode returns the frame of a record's outputs. It keeps of each Envelope what Decode cannot derive: type, subject,
// tenant, region and trace id.
func (f *Frames) Encode(at time.Time, outputs []Output) ([]byte, error) {
	if len(outputs) > maxFrameOutputs {
		return nil, fmt.Errorf("a record with %d outputs: at most %d", len(outputs), maxFrameOutputs)
	}
	size := frameHead + 16
	for i := range outputs {
		size += len(outputs[i].Key) + len(outputs[i].Value) + 128
	}
	plain := make([]byte, frameHead, size)
	plain = binary.AppendVarint(plain, at.UnixMilli())
	plain = binary.AppendUvarint(plain, uint64(len(outputs)))
	var last frameFields
	format := byte(frameCompressed)
	for i := range outputs {
		if outputs[i].Topic == topics.WalletEvents {
			format = frameWallet
		}
		if t := outputs[i].Envelope.ContentType; t != "" && t != contentTypeJSON {
			return nil, fmt.Errorf("an output of content type %q: only %s is published", t, contentTypeJSON)
		}
		fields := fieldsOf(&outputs[i])
		plain = appendTopic(plain, outputs[i].Topic)
		for j := range fields {
			if i > 0 && fields[j] == last[j] {
				plain = append(plain, 0)
				continue
			}
			plain = appendString(plain, fields[j])
		}
		plain = binary.AppendUvarint(plain, uint64(len(outputs[i].Value))+1)
		plain = append(plain, outputs[i].Value...)
		last = fields
	}
	body := plain[frameHead:]
	if len(body) > maxFrameBytes {
		return nil, fmt.Errorf("a frame of %d bytes: at most %d", len(body), maxFrameBytes)
	}
	check := crc32.Checksum(body, f.table)
	packed := make([]byte, frameHead+s2.MaxEncodedLen(len(body)))
	packed = packed[:frameHead+len(f.dictionaries[format].Encode(packed[frameHead:], body))]
	if len(packed) < len(plain) {
		return sealed(packed, format, check), nil
	}
	return sealed(plain, framePlain, check), nil
}

// contentTypeJSON is what a Fold publishes: the content type is not kept in a frame.
const contentTypeJSON = "application/json"

// sealed fills in a frame's head, and leaves the spare room behind: frames are kept until their batch is stored.
func sealed(frame []byte, format byte, check uint32) []byte {
	frame[0] = format
	binary.BigEndian.PutUint32(frame[1:], check)
	return append(make([]byte, 0, len(frame)), frame...)
}

// Decode returns the time and the outputs in a frame, with complete envelopes; their values may be parts of the frame. An
// error that wraps ErrFutureFormat means a newer writer; any other one a damaged frame.
func (f *Frames) Decode(partition int32, position int64, frame []byte) (at time.Time, outputs []Output, err error) {
	body, err := f.unpack(frame)
	if err == nil {
		at, outputs, err = decodeBody(body)
	}
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("frame %d-%d: %w", partition, position, err)
	}
	identify(f.source, partition, position, at, outputs)
	return at, outputs, nil
}

// unpack returns the body of a frame, checked.
func (f *Frames) unpack(frame []byte) ([]byte, error) {
	if len(frame) < frameHead {
		return nil, errFrameShort
	}
	body := frame[frameHead:]
	switch format := frame[0]; {
	case format > frameLast:
		return nil, fmt.Errorf("format %d, this binary reads up to %d: %w", format, frameLast, ErrFutureFormat)
	case f.dictionaries[format] != nil:
		size, err := s2.DecodedLen(body)
		if err == nil && size > maxFrameBytes {
			err = fmt.Errorf("%d bytes: at most %d", size, maxFrameBytes)
		}
		if err == nil {
			body, err = f.dictionaries[format].Decode(nil, body)
		}
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
	case format != framePlain:
		return nil, fmt.Errorf("no such format: %d", format)
	}
	if check := binary.BigEndian.Uint32(frame[1:]); check != crc32.Checksum(body, f.table) {
		return nil, errors.New("its check does not match: the row is damaged")
	}
	return body, nil
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
			if field, again := r.string(i > 0); !again {
				last[j] = string(field)
			}
		}
		o.Key = bytesOf(last[0])
		e := &o.Envelope
		e.Type, e.Subject, e.Tenant, e.Region, e.TraceID = last[1], last[2], last[3], last[4], last[5]
		o.Value, _ = r.string(false)
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
		name, _ := r.string(false)
		return string(name)
	case int(code) < len(frameTopics):
		return frameTopics[code]
	}
	r.fail(fmt.Errorf("topic code %d, this binary knows up to %d: %w", code, len(frameTopics)-1, ErrFutureFormat))
	return ""
}

// string reads a string, which is a part of what is read; again stands for "the same again", which only a later output may
// say.
func (r *frameReader) string(repeats bool) (s []byte, again bool) {
	n := r.uvarint()
	if n == 0 {
		if !repeats {
			r.fail(errors.New("repeats a string that is not there"))
		}
		return nil, true
	}
	if n-1 > uint64(len(r.rest)) {
		r.fail(errFrameShort)
		return nil, true
	}
	s = r.rest[: n-1 : n-1]
	r.rest = r.rest[n-1:]
	return s, false
}
