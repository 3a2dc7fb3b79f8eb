package velocity

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// replies keeps the latest encoded replies, so that a repeated signal gets the same answer. They stand in segments,
// which are records of the changelog and are used in turn: the oldest goes as a whole.
type replies struct {
	most     int       // segments
	segments []segment // in the order of their numbers
	origins  map[source]*answered
}

// segmentBytes is where a segment ends. A reply is at most as large again.
const segmentBytes = 256 << 10

type segment struct {
	number  uint64
	bytes   []byte // replies, each after its length; only ever appended to
	changed bool   // since the last changelog
}

// source is where signals come from, in an order of their own.
type source struct {
	role      Role
	partition int32
}

// answered is what was received from a source.
type answered struct {
	high    int64  // offset of the last signal; a signal not above it is a repeat
	replies []kept // in the order of their offsets
	gone    int    // how many at the front are of segments that are gone
}

type kept struct {
	offset  int64
	segment uint64
	from    uint32
	to      uint32
}

func newReplies(bytes int) replies {
	return replies{most: max(bytes/segmentBytes, 2), origins: map[source]*answered{}}
}

func (r *replies) source(o Origin) *answered {
	from := source{o.Role, o.Partition}
	known := r.origins[from]
	if known == nil {
		known = &answered{high: -1}
		r.origins[from] = known
	}
	return known
}

// find is the reply to an earlier signal, nil where it is not held any more.
func (r *replies) find(of *answered, offset int64) []byte {
	at, ok := slices.BinarySearchFunc(of.replies[of.gone:], offset, func(k kept, offset int64) int { return cmp.Compare(k.offset, offset) })
	if !ok {
		return nil
	}
	k := of.replies[of.gone+at]
	if len(r.segments) == 0 || k.segment < r.segments[0].number {
		return nil
	}
	return r.segments[k.segment-r.segments[0].number].bytes[k.from:k.to]
}

// add keeps a reply and returns it encoded.
func (r *replies) add(to *answered, reply *Reply) []byte {
	last := len(r.segments) - 1
	if last < 0 || len(r.segments[last].bytes) >= segmentBytes {
		last = r.begin(last)
	}
	s := &r.segments[last]
	s.changed = true
	from := len(s.bytes)
	s.bytes = append(s.bytes, 0, 0, 0, 0)
	s.bytes = reply.Append(s.bytes)
	length := len(s.bytes) - from - lengthBytes
	binary.LittleEndian.PutUint32(s.bytes[from:], uint32(length))
	r.index(to, kept{reply.Origin.Offset, s.number, uint32(from + lengthBytes), uint32(len(s.bytes))})
	return s.bytes[from+lengthBytes : len(s.bytes) : len(s.bytes)]
}

// lengthBytes stand before each reply in a segment: its length, little-endian.
const lengthBytes = 4

// begin opens a segment and drops the oldest where there are too many. Segments are never written over: a producer may
// still hold what stands in an old one.
func (r *replies) begin(last int) int {
	number := uint64(0)
	if last >= 0 {
		number = r.segments[last].number + 1
	}
	if len(r.segments) == r.most {
		r.segments = slices.Delete(r.segments, 0, 1)
	}
	r.segments = append(r.segments, segment{number: number, bytes: make([]byte, 0, segmentBytes+segmentBytes/16)})
	return len(r.segments) - 1
}

// index notes where a reply stands and forgets those of segments that are gone.
func (r *replies) index(to *answered, k kept) {
	first := r.segments[0].number
	for to.gone < len(to.replies) && to.replies[to.gone].segment < first {
		to.gone++
	}
	if to.gone > len(to.replies)/2 {
		to.replies = slices.Delete(to.replies, 0, to.gone)
		to.gone = 0
	}
	to.replies = append(to.replies, k)
}

// sources are all that signals came from, in order.
func (r *replies) sources() []source {
	return slices.SortedFunc(maps.Keys(r.origins), func(a, b source) int {
		return cmp.Or(cmp.Compare(a.role, b.role), cmp.Compare(a.partition, b.partition))
	})
}

// restore takes a segment of the changelog, in any order.
func (r *replies) restore(number uint64, bytes []byte) {
	at, ok := slices.BinarySearchFunc(r.segments, number, func(s segment, number uint64) int { return cmp.Compare(s.number, number) })
	switch {
	case !ok:
		r.segments = slices.Insert(r.segments, at, segment{number: number, bytes: bytes})
	case len(bytes) > len(r.segments[at].bytes):
		r.segments[at].bytes = bytes // a ring of another size left an earlier state of it in another place
	}
}

// restored finds the replies in the segments, of which the latest that follow each other are kept.
func (r *replies) restored() error {
	first := max(len(r.segments)-r.most, 0)
	for i := len(r.segments) - 1; i > first; i-- {
		if r.segments[i-1].number+1 != r.segments[i].number {
			first = i
		}
	}
	r.segments = slices.Delete(r.segments, 0, first)
	for i := range r.segments {
		s := &r.segments[i]
		for from := 0; from < len(s.bytes); {
			if len(s.bytes)-from < lengthBytes {
				return fmt.Errorf("segment %d of the reply cache ends in a length", s.number)
			}
			length := int64(binary.LittleEndian.Uint32(s.bytes[from:]))
			from += lengthBytes
			if length > int64(len(s.bytes)-from) {
				return fmt.Errorf("segment %d of the reply cache ends in a reply", s.number)
			}
			to := from + int(length)
			read := reader{frame: s.bytes[from:to]}
			read.open(frameReply)
			origin := read.origin()
			if read.err != nil {
				return fmt.Errorf("segment %d of the reply cache: %w", s.number, read.err)
			}
			r.index(r.source(origin), kept{origin.Offset, s.number, uint32(from), uint32(to)})
			from = to
		}
	}
	return nil
}
