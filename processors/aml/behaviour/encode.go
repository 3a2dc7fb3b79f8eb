package behaviour

import (
	"math"
	"slices"

	"github.com/weirhq/weir/processors/aml/frame"
)

// format is that of stored profiles.
const format = 1

// Append writes a profile: those of the same events give the same bytes (B1).
func (p *Profile) Append(b []byte) []byte {
	b = append(b, format)
	b = frame.AppendUint(frame.AppendUint(b, p.first), p.last-p.first)
	b = frame.AppendInt(b, p.latest)
	b = frame.AppendUint(b, int64(len(p.cells)))
	before := p.latest + 1
	for i := len(p.cells) - 1; i >= 0; i-- { // the latest first: differences are small
		c := &p.cells[i]
		b = frame.AppendUint(b, (before-c.start)<<2|int64(c.width))
		before = c.start
		b = c.append(b)
	}
	b = frame.AppendUint(b, int64(len(p.seen)))
	for i := range p.seen {
		s := &p.seen[i]
		b = append(append(b, s.class), s.value[:]...)
		b = frame.AppendUint(b, p.latest-s.day)
	}
	return b
}

// append writes the kinds that are there, each with count and sum.
func (c *cell) append(b []byte) []byte {
	there := byte(0)
	for k := range kinds {
		if c.count[k] > 0 {
			there |= 1 << k
		}
	}
	b = append(b, there)
	for k := range kinds {
		if c.count[k] > 0 {
			b = frame.AppendUint(frame.AppendUint(b, c.count[k]), c.sum[k])
		}
	}
	for _, v := range [...]int64{c.most[0], c.most[1], c.near, c.round} {
		b = frame.AppendUint(b, v)
	}
	return b
}

// Decode reads what Append wrote, in place of what the profile held; its room is used again. An error that wraps
// frame.ErrFutureFormat says that a newer release wrote it.
func (p *Profile) Decode(stored []byte) error {
	*p = Profile{cells: p.cells[:0], seen: p.seen[:0]}
	r := reader{frame.Open("behaviour", format, stored)}
	p.first = r.natural("first")
	p.last = p.first + int64(r.Uint("last", uint64(math.MaxInt64-p.first)))
	p.latest = r.Int("latest day")
	if p.latest < -2 || p.latest > math.MaxInt64/dayMillis+1 {
		r.Fail("latest day", "is %d", p.latest)
	}
	before := p.latest + 1
	for range r.Count("cells") {
		c := r.cell(before)
		if before = c.start; r.Err() == nil {
			p.cells = append(p.cells, c)
		}
	}
	slices.Reverse(p.cells)
	for range r.Count("values") {
		s := seen{class: r.Byte("class")}
		copy(s.value[:], r.Bytes("value", hashBytes))
		s.day = p.latest - int64(r.Uint("day", reach))
		if n := len(p.seen); s.class >= classes || n > 0 && p.seen[n-1].compare(&s) >= 0 {
			r.Fail("value", "class %d, or not after the one before", s.class)
		}
		p.seen = append(p.seen, s)
	}
	return r.Close()
}

type reader struct{ frame.Reader }

func (r *reader) natural(field string) int64 { return int64(r.Uint(field, math.MaxInt64)) }

func (r *reader) cell(before int64) cell {
	v := r.Uint("cell", 4*2*reach+3)
	c := cell{start: before - int64(v>>2), width: uint8(v & 3)}
	if int(c.width) >= len(widths) || v>>2 == 0 {
		r.Fail("cell", "is %d", v)
		return c
	}
	if there := r.Byte("kinds"); r.Err() == nil {
		for k := range kinds {
			if there&(1<<k) != 0 {
				c.count[k], c.sum[k] = r.natural("count"), r.natural("sum")
			}
		}
	}
	c.most[0], c.most[1], c.near, c.round = r.natural("most"), r.natural("most"), r.natural("near"), r.natural("round")
	return c
}
