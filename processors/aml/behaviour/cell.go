package behaviour

import "slices"

// How long days and weeks are kept before they are added up, at least, and how long anything is kept.
const (
	dayReach  = 31
	weekReach = 98
	reach     = 365
)

// The widths of cells, in days. Each is a multiple of the one before.
var widths = [...]int64{1, 7, 28}

// cell is what happened in some days that follow one another.
type cell struct {
	start int64 // day: a multiple of the width
	width uint8 // index of widths
	count [kinds]int64
	sum   [kinds]int64
	most  [2]int64 // largest single amount out and in
	near  int64
	round int64
}

func (c *cell) end() int64 { return c.start + widths[c.width] - 1 }

// cellOf is the cell of a day, where the latest day is known; ok is false where it is too old. Whole weeks, and whole four
// weeks, go from one width to the next together.
func cellOf(day, latest int64) (start int64, width uint8, ok bool) {
	week, block := day-day%widths[1], day-day%widths[2]
	switch {
	case week+widths[1]-1 > latest-dayReach:
		return day, 0, true
	case block+widths[2]-1 > latest-weekReach:
		return week, 1, true
	case block+widths[2]-1 > latest-reach:
		return block, 2, true
	}
	return 0, 0, false
}

func (c *cell) add(d *cell) {
	for k := range kinds {
		c.count[k] += d.count[k]
		c.sum[k] = addSaturated(c.sum[k], d.sum[k])
	}
	c.most[0], c.most[1] = max(c.most[0], d.most[0]), max(c.most[1], d.most[1])
	c.near, c.round = c.near+d.near, c.round+d.round
}

// addSaturated adds amounts that are not negative.
func addSaturated(a, b int64) int64 {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return 1<<63 - 1
}

// addCell adds to the cell of a day.
func (p *Profile) addCell(day int64, added *cell) {
	latest := p.latest
	start, width, ok := cellOf(day, latest)
	if !ok {
		return
	}
	at, found := slices.BinarySearchFunc(p.cells, start, func(c cell, start int64) int { return int(c.start - start) })
	if !found {
		p.cells = slices.Insert(p.cells, at, cell{start: start, width: width})
	}
	p.cells[at].add(added)
}

// age adds up the cells that have become old.
func (p *Profile) age() {
	left := p.cells[:0]
	for i := range p.cells {
		c := p.cells[i]
		start, width, ok := cellOf(c.start, p.latest)
		if !ok {
			continue
		}
		c.start, c.width = start, width
		if n := len(left); n > 0 && left[n-1].start == start {
			left[n-1].add(&c)
		} else {
			left = append(left, c)
		}
	}
	p.cells = left
}
