package stream

import "fmt"

// Prefix tells how far the records of one partition are done when they are done in any order: the committed offset may
// only ever cover a contiguous prefix of them.
//
// Prefix is not safe for concurrent use.
type Prefix struct {
	open []prefixRecord // in the order of Begin; the first is not done
	next int64          // the offset after the prefix
}

type prefixRecord struct {
	offset int64
	done   bool
}

// NewPrefix starts at the first offset to be read.
func NewPrefix(next int64) *Prefix { return &Prefix{next: next} }

// Begin registers a record. Offsets rise; gaps are allowed (compaction, control records).
func (p *Prefix) Begin(offset int64) {
	if offset < p.next || len(p.open) > 0 && offset <= p.open[len(p.open)-1].offset {
		panic(fmt.Sprintf("stream: offset %d begins again", offset))
	}
	p.open = append(p.open, prefixRecord{offset: offset})
}

// Done marks a record that was begun and returns the offset after the contiguous prefix of records that are done.
func (p *Prefix) Done(offset int64) (next int64) {
	low, high := 0, len(p.open)
	for low < high {
		if middle := (low + high) / 2; p.open[middle].offset < offset {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(p.open) || p.open[low].offset != offset || p.open[low].done {
		panic(fmt.Sprintf("stream: offset %d was not begun, or is done already", offset))
	}
	p.open[low].done = true
	n := 0
	for n < len(p.open) && p.open[n].done {
		p.next = p.open[n].offset + 1
		n++
	}
	p.open = p.open[n:]
	return p.next
}

// Next is the offset after the contiguous prefix of records that are done: what may be committed.
func (p *Prefix) Next() int64 { return p.next }

// Open is how many records are between the prefix and the last one begun, those done out of order included.
func (p *Prefix) Open() int { return len(p.open) }
