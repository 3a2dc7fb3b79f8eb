package velocity

import (
	"encoding/binary"
	"fmt"
)

// format is the first byte of every frame and changelog record. One that is higher was written by a newer release; no release
// wrote a lower one.
const format = 2

// The second byte says what it is.
const (
	frameSignal = 's'
	frameRetain = 'p'
	frameReply  = 'r'
)

// Bounds of what a frame may hold, so that a broken one cannot make its reader take much memory.
const (
	maxText       = 256 // bytes of a name
	maxDimensions = 256
	maxItems      = 256 // kinds, amounts, values or queries of one dimension
	maxAnswers    = 4096
)

// FrameError says what is wrong with a frame, and where.
type FrameError struct {
	Offset int    // of the byte in the frame
	Field  string // that was read there
	Detail string
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("velocity frame: byte %d: %s: %s", e.Offset, e.Field, e.Detail)
}

// reader reads one frame. The first thing that is wrong is kept, and all that is read after it is zero.
type reader struct {
	frame []byte
	at    int
	err   error
	names map[string]string // texts that were read before, so that a frame of known names allocates nothing
}

// maxNames bounds what reader.names keeps.
const maxNames = 4096

func (r *reader) fail(field, detail string, values ...any) {
	if r.err == nil {
		r.err = &FrameError{r.at, field, fmt.Sprintf(detail, values...)}
		r.at = len(r.frame)
	}
}

// open reads the first two bytes.
func (r *reader) open(what byte) {
	switch {
	case r.byte("format") > format && r.err == nil:
		r.err = fmt.Errorf("velocity frame: format %d, this release reads %d: %w", r.frame[0], format, ErrFutureFormat)
	case r.err == nil && r.frame[0] < format:
		r.at = 0
		r.fail("format", "is %d, want %d", r.frame[0], format)
	case r.byte("type") != what && r.err == nil:
		r.at = 1
		r.fail("type", "is %q, want %q", r.frame[1], what)
	}
}

// close demands that the frame was read to its end.
func (r *reader) close() error {
	if r.err == nil && r.at < len(r.frame) {
		r.fail("end", "%d bytes too many", len(r.frame)-r.at)
	}
	return r.err
}

func (r *reader) byte(field string) byte {
	if r.err != nil {
		return 0
	}
	if r.at >= len(r.frame) {
		r.fail(field, "the frame ends")
		return 0
	}
	r.at++
	return r.frame[r.at-1]
}

// flags reads a byte of which only some bits may be set.
func (r *reader) flags(field string, known byte) byte {
	b := r.byte(field)
	if b&^known != 0 {
		r.at--
		r.fail(field, "has the unknown bits %#x", b&^known)
		return 0
	}
	return b
}

func (r *reader) uint(field string) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.frame[r.at:])
	if n <= 0 {
		r.fail(field, "the frame ends in a number, or it is above 64 bits")
		return 0
	}
	r.at += n
	return v
}

// natural is a number from 0 to most.
func (r *reader) natural(field string, most int64) int64 {
	at := r.at
	v := r.uint(field)
	if v > uint64(most) {
		r.at = at
		r.fail(field, "is %d, want at most %d", v, most)
		return 0
	}
	return int64(v)
}

func (r *reader) int(field string) int64 {
	v := r.uint(field)
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) fixed64(field string) uint64 {
	b := r.bytes(field, 8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func (r *reader) bytes(field string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if len(r.frame)-r.at < n {
		r.fail(field, "the frame ends; %d bytes are missing", n-(len(r.frame)-r.at))
		return nil
	}
	r.at += n
	return r.frame[r.at-n : r.at]
}

// text is a name of at most maxText bytes.
func (r *reader) text(field string) string {
	b := r.bytes(field, int(r.natural(field, maxText)))
	if known, ok := r.names[string(b)]; ok {
		return known
	}
	if r.names == nil || len(r.names) >= maxNames {
		r.names = map[string]string{}
	}
	name := string(b)
	r.names[name] = name
	return name
}

// count is how many of something follow; each takes a byte at least.
func (r *reader) count(field string, most int64) int {
	return int(r.natural(field, min(most, int64(max(len(r.frame)-r.at, 0)))))
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendInt(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v)<<1^uint64(v>>63))
}
