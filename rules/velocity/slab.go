package velocity

import "math/bits"

// slab keeps lists of records in pages without pointers, by classes of capacity: up to 8 records exactly, above in four
// steps for each doubling. A list of n records is always in the class of n, so nothing but n and its place is stored. A
// page whose last list goes is used for any class again: what grows together leaves nothing behind.
//
// A place is the number of the page and where in it the list begins.
type slab struct {
	pages []page
	room  []uint32 // by class: a page that has room, plus one; the others follow it
	empty []uint32 // pages without lists, with their memory
	bare  []uint32 // page numbers without memory
	bytes int      // of all pages
}

// page has lists of one class, at multiples of its capacity. A list that is longer than pageRecords has a page to itself.
type page struct {
	records    []record
	class      uint8
	live       uint16 // lists in it
	used       uint16 // places taken so far, given back ones included
	free       uint16 // the place given back last, plus one; its record's head says which was given back before
	next, prev uint32 // among the pages of the class with room, plus one
}

const (
	pageShift   = 10
	pageRecords = 1 << pageShift
)

// classOf is the class of lists of n records, n > 0.
func classOf(n int) int {
	if n <= 8 {
		return n - 1
	}
	octave := bits.Len(uint(n-1)) - 1
	step := 1 << (octave - 2)
	return 8 + (octave-3)*4 + (n-1<<octave+step-1)/step - 1
}

// capacity is how many records a list of the class has room for.
func capacity(class int) int {
	if class < 8 {
		return class + 1
	}
	octave := 3 + (class-8)/4
	return 1<<octave + (1+(class-8)%4)<<(octave-2)
}

// list is the list of n records at a place; nil where n is 0.
func (s *slab) list(place uint32, n int) []record {
	if n == 0 {
		return nil
	}
	from := int(place & (pageRecords - 1))
	return s.pages[place>>pageShift].records[from : from+n : from+n]
}

// resize makes a list of n records one of m and returns its place. What is kept stands at the front; added records
// have any content.
func (s *slab) resize(place uint32, n, m int) uint32 {
	if n > 0 && m > 0 && classOf(n) == classOf(m) {
		return place
	}
	var moved uint32
	if m > 0 {
		moved = s.take(classOf(m))
		copy(s.list(moved, m), s.list(place, n))
	}
	if n > 0 {
		s.give(place)
	}
	return moved
}

// take takes a place for a list of the class.
func (s *slab) take(class int) uint32 {
	for len(s.room) <= class {
		s.room = append(s.room, 0)
	}
	size := capacity(class)
	if s.room[class] == 0 {
		s.link(s.open(class, size))
	}
	number := s.room[class] - 1
	p := &s.pages[number]
	slot := int(p.used)
	if p.free > 0 {
		slot = int(p.free) - 1
		p.free = uint16(p.records[slot*size].head)
	} else {
		p.used++
	}
	p.live++
	if p.free == 0 && (int(p.used)+1)*size > len(p.records) {
		s.unlink(number)
	}
	return number<<pageShift | uint32(slot*size)
}

// give gives a place back.
func (s *slab) give(place uint32) {
	number := place >> pageShift
	p := &s.pages[number]
	size := capacity(int(p.class))
	full := p.free == 0 && (int(p.used)+1)*size > len(p.records)
	p.live--
	if p.live == 0 {
		if !full {
			s.unlink(number)
		}
		s.close(number)
		return
	}
	slot := int(place&(pageRecords-1)) / size
	p.records[slot*size].head = uint64(p.free)
	p.free = uint16(slot + 1)
	if full {
		s.link(number)
	}
}

// open makes an empty page one of the class.
func (s *slab) open(class, size int) uint32 {
	if last := len(s.empty) - 1; last >= 0 && size <= pageRecords {
		number := s.empty[last]
		s.empty = s.empty[:last]
		s.pages[number] = page{records: s.pages[number].records, class: uint8(class)}
		return number
	}
	fresh := page{records: make([]record, max(size, pageRecords)), class: uint8(class)}
	s.bytes += len(fresh.records) * recordBytes
	if last := len(s.bare) - 1; last >= 0 {
		number := s.bare[last]
		s.bare = s.bare[:last]
		s.pages[number] = fresh
		return number
	}
	s.pages = append(s.pages, fresh)
	return uint32(len(s.pages) - 1)
}

// close puts a page without lists aside. One of a long list gives its memory back.
func (s *slab) close(number uint32) {
	p := &s.pages[number]
	if len(p.records) == pageRecords {
		s.empty = append(s.empty, number)
		return
	}
	s.bytes -= len(p.records) * recordBytes
	*p = page{}
	s.bare = append(s.bare, number)
}

// link puts a page first among those of its class with room.
func (s *slab) link(number uint32) {
	p := &s.pages[number]
	first := &s.room[p.class]
	p.next, p.prev = *first, 0
	if *first > 0 {
		s.pages[*first-1].prev = number + 1
	}
	*first = number + 1
}

func (s *slab) unlink(number uint32) {
	p := &s.pages[number]
	if p.prev > 0 {
		s.pages[p.prev-1].next = p.next
	} else {
		s.room[p.class] = p.next
	}
	if p.next > 0 {
		s.pages[p.next-1].prev = p.prev
	}
}
