package backtest

import "hash/maphash"

// maxSeen is how many of the latest attempts are known by their ids. They take some 40 MB.
const maxSeen = 1 << 20

// seen are the lines of the latest attempts, by the hash of tenant and id: one that came twice would count twice.
type seen struct {
	seed  maphash.Seed
	lines map[uint64]int
	queue []uint64 // a ring, the oldest at next
	next  int
}

func newSeen() seen { return seen{seed: maphash.MakeSeed(), lines: map[uint64]int{}} }

// take notes an attempt, and returns the line that had it before; 0 where none had.
func (s *seen) take(tenant, id string, line int) int {
	hash := maphash.Comparable(s.seed, [2]string{tenant, id})
	if earlier := s.lines[hash]; earlier > 0 {
		return earlier
	}
	if len(s.queue) < maxSeen {
		s.queue = append(s.queue, hash)
	} else {
		delete(s.lines, s.queue[s.next])
		s.queue[s.next] = hash
		s.next = (s.next + 1) % maxSeen
	}
	s.lines[hash] = line
	return 0
}
