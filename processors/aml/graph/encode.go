package graph

import (
	"slices"

	"github.com/weirhq/weir/processors/aml/frame"
)

// format is that of stored graphs.
const format = 1

// Encode writes all that is held, in an order of its own: graphs of the same events give the same bytes (G1).
func (g *Graph) Encode(b []byte) []byte {
	b = append(b, format)
	for _, at := range [...]int64{g.links.latest, g.links.since, g.moves.latest, g.moves.since, g.book.span.since, g.newest} {
		b = frame.AppendUint(b, at)
	}
	names := g.liveParties()
	b = frame.AppendUint(b, int64(len(names.sorted)))
	for _, p := range names.sorted {
		b = names.append(b, p)
	}
	b = g.encodeLinks(b, names)
	b = g.encodeTransfers(b, names)
	return g.encodeFindings(b)
}

// directory numbers parties.
type directory struct {
	sorted  []Party
	numbers map[Party]int64
}

func (d *directory) append(b []byte, p Party) []byte {
	return frame.AppendText(append(b, byte(p.Kind)), p.ID)
}

// liveParties are those that something held names.
func (g *Graph) liveParties() *directory {
	d := &directory{numbers: map[Party]int64{}}
	note := func(p Party) {
		if _, ok := d.numbers[p]; !ok {
			d.numbers[p] = 0
			d.sorted = append(d.sorted, p)
		}
	}
	for _, entries := range g.links.buckets {
		for _, i := range entries {
			ends := g.pairs.at(g.uses.at(i).pair).ends
			note(g.party(ends[0]))
			note(g.party(ends[1]))
		}
	}
	for _, entries := range g.moves.buckets {
		for _, i := range entries {
			t := g.transfers.at(i)
			note(g.party(t.from))
			note(g.party(t.to))
		}
	}
	slices.SortFunc(d.sorted, Party.Compare)
	for i, p := range d.sorted {
		d.numbers[p] = int64(i)
	}
	return d
}

// encodeLinks writes each use.
func (g *Graph) encodeLinks(b []byte, names *directory) []byte {
	var all []uint32
	for _, entries := range g.links.buckets {
		all = append(all, entries...)
	}
	ends := func(i uint32) (customer, instrument Party) {
		p := g.pairs.at(g.uses.at(i).pair)
		return g.party(p.ends[0]), g.party(p.ends[1])
	}
	slices.SortFunc(all, func(i, j uint32) int {
		c, in := ends(i)
		d, im := ends(j)
		if by := c.Compare(d); by != 0 {
			return by
		}
		if by := in.Compare(im); by != 0 {
			return by
		}
		return int(g.links.bucket(g.uses.at(i).first) - g.links.bucket(g.uses.at(j).first))
	})
	b = frame.AppendUint(b, int64(len(all)))
	for _, i := range all {
		customer, instrument := ends(i)
		u := g.uses.at(i)
		for _, v := range [...]int64{names.numbers[customer], names.numbers[instrument], u.first, u.last - u.first, u.amount, int64(u.count)} {
			b = frame.AppendUint(b, v)
		}
	}
	return b
}

func (g *Graph) encodeTransfers(b []byte, names *directory) []byte {
	var all []uint32
	for _, entries := range g.moves.buckets {
		all = append(all, entries...)
	}
	slices.SortFunc(all, func(i, j uint32) int { return g.compare(i, g.transfers.at(j)) })
	b = frame.AppendUint(b, int64(len(all)))
	for _, i := range all {
		t := g.transferOf(i)
		b = frame.AppendUint(frame.AppendUint(b, names.numbers[t.From]), names.numbers[t.To])
		b = appendMove(b, &t)
	}
	return b
}

// appendMove writes all of a transfer but its parties.
func appendMove(b []byte, t *Transfer) []byte {
	b = frame.AppendUint(frame.AppendUint(b, t.Time), t.Amount)
	return frame.AppendInt(frame.AppendInt(frame.AppendInt(b, int64(t.Ref.Partition)), t.Ref.Position), int64(t.Ref.Index))
}

// encodeFindings writes each finding by itself: it may outlast the parties that are held.
func (g *Graph) encodeFindings(b []byte) []byte {
	var all []*finding
	for _, entries := range g.book.span.buckets {
		for _, i := range entries {
			all = append(all, g.book.list.at(i))
		}
	}
	slices.SortFunc(all, func(f, h *finding) int { return slices.Compare(f.id[:], h.id[:]) })
	b = frame.AppendUint(b, int64(len(all)))
	for _, f := range all {
		b = append(b, byte(f.pattern))
		b = frame.AppendUint(b, f.period)
		names := f.names()
		b = frame.AppendUint(b, int64(len(names.sorted)))
		for _, p := range names.sorted {
			b = names.append(b, p)
		}
		for _, list := range [...][]Party{f.key, f.sharers} {
			b = frame.AppendUint(b, int64(len(list)))
			for _, p := range list {
				b = frame.AppendUint(b, names.numbers[p])
			}
		}
		b = frame.AppendUint(b, int64(len(f.transfers)))
		for i := range f.transfers {
			t := &f.transfers[i]
			b = frame.AppendUint(frame.AppendUint(b, names.numbers[t.From]), names.numbers[t.To])
			b = appendMove(b, t)
		}
		b = append(b, flag(f.cut))
	}
	return b
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// names are the parties of a finding.
func (f *finding) names() *directory {
	d := &directory{numbers: map[Party]int64{}}
	d.sorted = append(append(d.sorted, f.key...), f.sharers...)
	for i := range f.transfers {
		d.sorted = append(d.sorted, f.transfers[i].From, f.transfers[i].To)
	}
	slices.SortFunc(d.sorted, Party.Compare)
	d.sorted = slices.Compact(d.sorted)
	for i, p := range d.sorted {
		d.numbers[p] = int64(i)
	}
	return d
}
