package velocity

import "math/bits"

// slab keeps lists of records in pages without pointers, by classes of capacity: up to 8 records exactly, above in four
// steps for each doubling. A list of n records is always in the class of n, so nothing but n and its place is stored.
type slab struct {
	classes []class
}

type class struct {
	pages [][]record
	free  []uint32
	next  uint32 // places used so far, free ones included
}

// pageRecords is how many records a page has, where a single list is not longer.
const pageRecords = 512

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
	c := classOf(n)
	size := capacity(c)
	perPage := uint32(max(pageRecords/size, 1))
	from := int(place%perPage) * size
	return s.classes[c].pages[place/perPage][from : from+n : from+size]
}

// resize makes a list of n records one of m and returns its place. What is kept stands at the front; added records
// have any content.
func (s *slab) resize(place uint32, n, m int) uint32 {
	if n > 0 && m > 0 && classOf(n) == classOf(m) {
		return place
	}
	old := s.list(place, n)
	var moved uint32
	if m > 0 {
		moved = s.take(classOf(m))
		copy(s.list(moved, m), old)
	}
	if n > 0 {
		c := &s.classes[classOf(n)]
		c.free = append(c.free, place)
	}
	return moved
}

func (s *slab) take(of int) uint32 {
	for len(s.classes) <= of {
		s.classes = append(s.classes, class{})
	}
	c := &s.classes[of]
	if last := len(c.free) - 1; last >= 0 {
		place := c.free[last]
		c.free = c.free[:last]
		return place
	}
	size := capacity(of)
	perPage := max(pageRecords/size, 1)
	if int(c.next) == len(c.pages)*perPage {
		c.pages = append(c.pages, make([]record, perPage*size))
	}
	c.next++
	return c.next - 1
}

// bytes is how much memory the pages take.
func (s *slab) bytes() int {
	total := 0
	for of := range s.classes {
		size := capacity(of)
		total += len(s.classes[of].pages)*max(pageRecords/size, 1)*size*recordBytes + cap(s.classes[of].free)*4
	}
	return total
}
