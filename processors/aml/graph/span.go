package graph

import (
	"maps"
	"math"
	"slices"
)

// span is the part of event time that is held, in buckets of equal width: those from since on. It is a function of the set of
// times it was told: since is the least bucket such that no more than keep buckets up to the latest, and no more than most
// entries in them, are held. Neither bound can ask for less after more entries have come, so what was dropped on the way would
// have been dropped in the end.
type span struct {
	width, keep int64 // milliseconds; buckets
	most        int   // entries

	latest, since int64 // buckets
	live          int   // entries from since on
	buckets       map[int64][]uint32
	dead          [][]uint32 // entries of buckets that were dropped, to be taken apart
}

func newSpan(limits *Limits, most int) span {
	width := limits.Horizon.Milliseconds() / int64(limits.Buckets)
	return span{width: width, keep: int64(limits.Buckets) + 1, most: most, buckets: map[int64][]uint32{}}
}

func (s *span) bucket(time int64) int64 { return time / s.width }

// holds tells whether what happened at a time is held.
func (s *span) holds(time int64) bool { return s.bucket(time) >= s.since }

// heldSince is the time from which on everything is held.
func (s *span) heldSince() int64 { return s.since * s.width }

// admit moves the span on to a time and tells whether it is held.
func (s *span) admit(time int64) bool {
	b := s.bucket(time)
	if b > s.latest {
		s.latest = b
		s.raise(b - s.keep + 1)
	}
	return b >= s.since
}

// add records an entry of a time that is held. Where there are too many then, the oldest buckets go.
func (s *span) add(time int64, entry uint32) {
	b := s.bucket(time)
	s.buckets[b] = append(s.buckets[b], entry)
	s.live++
	for s.live > s.most {
		s.raise(s.oldest() + 1)
	}
}

func (s *span) oldest() int64 {
	oldest := int64(math.MaxInt64)
	for b := range s.buckets {
		oldest = min(oldest, b)
	}
	return oldest
}

// raise drops the buckets before one.
func (s *span) raise(since int64) {
	if since <= s.since {
		return
	}
	s.since = since
	for _, b := range slices.Sorted(maps.Keys(s.buckets)) {
		if b < since {
			s.live -= len(s.buckets[b])
			s.dead = append(s.dead, s.buckets[b])
			delete(s.buckets, b)
		}
	}
}

// take hands over at most n entries of buckets that were dropped.
func (s *span) take(n int, each func(entry uint32)) {
	for ; n > 0 && len(s.dead) > 0; n-- {
		last := len(s.dead[0]) - 1
		entry := s.dead[0][last]
		s.dead[0] = s.dead[0][:last]
		if last == 0 {
			s.dead = slices.Delete(s.dead, 0, 1)
		}
		each(entry)
	}
}
