package backtest

import "hash/maphash"

// maxSeen is how many of the latest attempts are known by their ids; a slot has room for no more. They take some 32 MB.
const maxSeen = 1 << 20

// seen are the lines of the latest attempts, by the hash of tenant and id: one that came twice would count twice.
type seen struct {
	most  int
	seed  maphash.Seed
	queue []attemptLine // a ring, the oldest at next
	next  int
	// slots is an open-addressed index of the queue: the upper bits of a hash, by which it is found, and in the lower ones
	// the place in the queue plus one. 0 is empty. At most half of them are taken.
	slots []uint64
	shift uint // of a hash to its first slot
}

type attemptLine struct {
	hash uint64
	line int
}

// Bits of a slot.
const (
	placeBits = 21
	placeMask = 1<<placeBits - 1
)

func newSeen(most int) seen { return seen{most: most, seed: maphash.MakeSeed()} }

// take notes an attempt, and returns the line that had it before; 0 where none had.
func (s *seen) take(tenant, id string, line int) int {
	hash := maphash.Comparable(s.seed, [2]string{tenant, id})
	if earlier := s.find(hash); earlier > 0 {
		return earlier
	}
	place := s.next
	if len(s.queue) < s.most {
		place = len(s.queue)
		s.queue = append(s.queue, attemptLine{})
		s.grow()
	} else {
		s.forget(s.queue[place].hash, place)
		s.next = (s.next + 1) % s.most
	}
	s.queue[place] = attemptLine{hash, line}
	s.put(hash, place)
	return 0
}

func (s *seen) find(hash uint64) (line int) {
	if s.slots == nil {
		return 0
	}
	mask := len(s.slots) - 1
	for i := int(hash >> s.shift); s.slots[i] != 0; i = (i + 1) & mask {
		if (s.slots[i]^hash)>>placeBits == 0 {
			if held := &s.queue[s.slots[i]&placeMask-1]; held.hash == hash {
				return held.line
			}
		}
	}
	return 0
}

func (s *seen) put(hash uint64, place int) {
	mask := len(s.slots) - 1
	i := int(hash >> s.shift)
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = hash&^placeMask | uint64(place+1)
}

// grow makes room for all that are in the queue.
func (s *seen) grow() {
	if len(s.queue) <= len(s.slots)/2 {
		return
	}
	old := s.slots
	s.slots = make([]uint64, max(2*len(old), 16))
	for s.shift = 64; 1<<(64-s.shift) < len(s.slots); {
		s.shift--
	}
	for _, slot := range old {
		if slot != 0 {
			s.put(slot&^placeMask, int(slot&placeMask)-1)
		}
	}
}

// forget takes a hash out and closes the gap, so that a search may end at the first empty slot.
func (s *seen) forget(hash uint64, place int) {
	mask := len(s.slots) - 1
	i := int(hash >> s.shift)
	for s.slots[i] != hash&^placeMask|uint64(place+1) {
		i = (i + 1) & mask
	}
	for next := (i + 1) & mask; s.slots[next] != 0; next = (next + 1) & mask {
		home := int(s.slots[next] >> s.shift)
		if (next-home)&mask >= (next-i)&mask {
			s.slots[i] = s.slots[next]
			i = next
		}
	}
	s.slots[i] = 0
}
