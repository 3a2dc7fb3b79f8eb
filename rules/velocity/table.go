package velocity

import "encoding/binary"

// entry is what is known of one key besides its records.
type entry struct {
	key       Key
	events    uint32 // place of the list of events, in arrival order
	summary   uint32 // place of what is kept of evicted events
	dimension uint32
	newest    uint32 // time of the latest event in seconds since 1970, rounded up
	count     uint16 // of events
	summed    uint16 // records of the summary
	state     uint8
}

// States of an entry.
const (
	entryUsed         = 1 << iota
	entryChanged      // its events, since the last changelog
	entrySummaryDirty // its summary, since the last changelog
	entryListed       // is in the list of changed entries
	entrySummarised   // the changelog may hold a summary
)

// table finds entries by key. It has shards, each of which grows by itself, so that growing never holds an event up for
// long; all of it is free of pointers but for the pages themselves.
type table struct {
	pages  [][]entry
	free   []uint32
	next   uint32
	used   int
	shards [tableShards]shard
}

// shard is an open-addressed index. A slot has the key's tag in the upper half and the entry's number plus one in the
// lower; 0 is an empty slot.
type shard struct {
	slots []uint64
	used  int
}

const (
	tableShards  = 256
	entryPage    = 1024
	entryBytes   = 40
	shardMinimum = 8
)

// spread is a key's shard and tag. Keys are hashes already.
func spread(key *Key) (int, uint32) {
	half := binary.LittleEndian.Uint64(key[8:])
	return int(half & (tableShards - 1)), uint32(half >> 32)
}

func (t *table) at(number uint32) *entry {
	return &t.pages[number/entryPage][number%entryPage]
}

// find is the entry of a key; nil where there is none.
func (t *table) find(key *Key) (*entry, uint32) {
	which, tag := spread(key)
	s := &t.shards[which]
	if s.used == 0 {
		return nil, 0
	}
	mask := uint32(len(s.slots) - 1)
	for i := tag & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if uint32(s.slots[i]>>32) != tag {
			continue
		}
		number := uint32(s.slots[i]) - 1
		if e := t.at(number); e.key == *key {
			return e, number
		}
	}
	return nil, 0
}

// slot is the first slot with the key's tag; 0 where there is none, and so no entry of the key.
func (t *table) slot(key *Key) uint64 {
	which, tag := spread(key)
	s := &t.shards[which]
	if s.used == 0 {
		return 0
	}
	mask := uint32(len(s.slots) - 1)
	i := tag & mask
	for s.slots[i] != 0 && uint32(s.slots[i]>>32) != tag {
		i = (i + 1) & mask
	}
	return s.slots[i]
}

// add makes an entry for a key that has none.
func (t *table) add(key *Key) (*entry, uint32) {
	var number uint32
	if last := len(t.free) - 1; last >= 0 {
		number = t.free[last]
		t.free = t.free[:last]
	} else {
		number = t.next
		t.next++
		if int(number) == len(t.pages)*entryPage {
			t.pages = append(t.pages, make([]entry, entryPage))
		}
	}
	e := t.at(number)
	*e = entry{key: *key, state: entryUsed}
	which, tag := spread(key)
	t.shards[which].put(tag, number)
	t.used++
	return e, number
}

func (s *shard) put(tag, number uint32) {
	if s.used+1 > len(s.slots)*3/4 {
		old := s.slots
		s.slots = make([]uint64, max(2*len(old), shardMinimum))
		for _, slot := range old {
			if slot != 0 {
				s.place(slot)
			}
		}
	}
	s.place(uint64(tag)<<32 | uint64(number+1))
	s.used++
}

func (s *shard) place(slot uint64) {
	mask := uint32(len(s.slots) - 1)
	i := uint32(slot>>32) & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = slot
}

// remove takes an entry out. Its lists must be gone.
func (t *table) remove(e *entry, number uint32) {
	which, tag := spread(&e.key)
	s := &t.shards[which]
	mask := uint32(len(s.slots) - 1)
	i := tag & mask
	for s.slots[i] != uint64(tag)<<32|uint64(number+1) {
		i = (i + 1) & mask
	}
	// Close the gap, so that a search may end at the first empty slot.
	for next := (i + 1) & mask; s.slots[next] != 0; next = (next + 1) & mask {
		home := uint32(s.slots[next]>>32) & mask
		if (next-home)&mask >= (next-i)&mask {
			s.slots[i] = s.slots[next]
			i = next
		}
	}
	s.slots[i] = 0
	s.used--
	t.used--
	*e = entry{}
	t.free = append(t.free, number)
}

// bytes is how much memory the table takes.
func (t *table) bytes() int {
	total := len(t.pages)*entryPage*entryBytes + cap(t.free)*4
	for i := range t.shards {
		total += len(t.shards[i].slots) * 8
	}
	return total
}
