// Package frame reads and writes the stored state of AML: bytes that begin with a format number, and fields one after the
// other. Numbers are varints, signed ones zigzag; a text comes after its length.
package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrFutureFormat says that a newer release wrote what was read: whoever holds it must give it up, not guess.
var ErrFutureFormat = errors.New("written by a newer release")

// Error says what is wrong with a frame, and where.
type Error struct {
	What   string // is read
	Offset int    // of the byte in the frame
	Field  string // that was read there
	Detail string
}

func (e *Error) Error() string {
	return fmt.Sprintf("stored %s: byte %d: %s: %s", e.What, e.Offset, e.Field, e.Detail)
}

// Reader reads one frame. The first thing that is wrong is kept, and all that is read after it is zero.
type Reader struct {
	what  string
	frame []byte
	at    int
	err   error
}

// Open begins to read what was written in a format.
func Open(what string, format byte, frame []byte) Reader {
	r := Reader{what: what, frame: frame}
	switch written := r.Byte("format"); {
	case r.err == nil && written > format:
		r.err = fmt.Errorf("stored %s: format %d, this release reads %d: %w", what, written, format, ErrFutureFormat)
	case r.err == nil && written < format:
		r.at = 0
		r.Fail("format", "is %d, want %d", written, format)
	}
	return r
}

// Fail keeps an error, unless there is one.
func (r *Reader) Fail(field, detail string, values ...any) {
	if r.err == nil {
		r.err = &Error{r.what, r.at, field, fmt.Sprintf(detail, values...)}
	}
}

// Err is what went wrong so far.
func (r *Reader) Err() error { return r.err }

// Close demands that the frame was read to its end.
func (r *Reader) Close() error {
	if r.err == nil && r.at < len(r.frame) {
		r.Fail("end", "%d bytes too many", len(r.frame)-r.at)
	}
	return r.err
}

// Byte reads one byte.
func (r *Reader) Byte(field string) byte {
	b := r.Bytes(field, 1)
	if b == nil {
		return 0
	}
	return b[0]
}

// Bytes reads n bytes, which are the frame's.
func (r *Reader) Bytes(field string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.frame)-r.at {
		r.Fail(field, "the frame ends; %d bytes are missing", n-(len(r.frame)-r.at))
		return nil
	}
	r.at += n
	return r.frame[r.at-n : r.at]
}

// Uint reads a number from 0 to most.
func (r *Reader) Uint(field string, most uint64) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.frame[r.at:])
	switch {
	case n <= 0:
		r.Fail(field, "the frame ends in a number, or it is above 64 bits")
		return 0
	case v > most:
		r.Fail(field, "is %d, want at most %d", v, most)
		return 0
	}
	r.at += n
	return v
}

// Int reads a signed number.
func (r *Reader) Int(field string) int64 {
	v := r.Uint(field, 1<<64-1)
	return int64(v>>1) ^ -int64(v&1)
}

// Count reads how many of something follow, each of which takes a byte at least.
func (r *Reader) Count(field string) int {
	return int(r.Uint(field, uint64(len(r.frame)-r.at)))
}

// Text reads a text of at most so many bytes.
func (r *Reader) Text(field string, most int) string {
	return string(r.Bytes(field, int(r.Uint(field, uint64(most)))))
}

// AppendUint writes a number that is not negative.
func AppendUint(b []byte, v int64) []byte { return binary.AppendUvarint(b, uint64(v)) }

// AppendInt writes a signed number.
func AppendInt(b []byte, v int64) []byte { return binary.AppendUvarint(b, uint64(v)<<1^uint64(v>>63)) }

// AppendText writes a text.
func AppendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
