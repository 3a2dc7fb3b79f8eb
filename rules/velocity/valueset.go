package velocity

// valueSet counts different hashes without allocating: it is emptied by a new mark.
type valueSet struct {
	slots []valueSlot
	mark  uint32
	size  int
}

type valueSlot struct {
	value uint64
	mark  uint32
}

func (s *valueSet) reset() {
	if s.slots == nil {
		s.slots = make([]valueSlot, 1024)
	}
	s.mark++
	if s.mark == 0 {
		clear(s.slots)
		s.mark = 1
	}
	s.size = 0
}

// add tells whether the value was not there.
func (s *valueSet) add(value uint64) bool {
	if s.size >= len(s.slots)/2 {
		s.grow()
	}
	mask := uint64(len(s.slots) - 1)
	for i := value & mask; ; i = (i + 1) & mask {
		slot := &s.slots[i]
		if slot.mark != s.mark {
			*slot = valueSlot{value, s.mark}
			s.size++
			return true
		}
		if slot.value == value {
			return false
		}
	}
}

func (s *valueSet) grow() {
	old := s.slots
	s.slots = make([]valueSlot, 2*len(old))
	s.size = 0
	for _, slot := range old {
		if slot.mark == s.mark {
			s.add(slot.value)
		}
	}
}
