package graph

const pageLen = 1 << 12

// pages is a list that grows without being copied, whose places are used again. A place is its number.
type pages[T any] struct {
	all  [][]T
	next uint32
	free []uint32
}

func (p *pages[T]) at(i uint32) *T { return &p.all[i/pageLen][i%pageLen] }

func (p *pages[T]) add(value T) uint32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		*p.at(i) = value
		return i
	}
	if int(p.next/pageLen) == len(p.all) {
		p.all = append(p.all, make([]T, pageLen))
	}
	i := p.next
	p.next++
	*p.at(i) = value
	return i
}

func (p *pages[T]) remove(i uint32) {
	var none T
	*p.at(i) = none
	p.free = append(p.free, i)
}
