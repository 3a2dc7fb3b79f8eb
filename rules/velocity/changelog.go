package velocity

import (
	"encoding/binary"
)

// MaxChange bounds the value of a changelog record, in bytes.
const MaxChange = 768 << 10

// Changelog keys begin with what the record is.
const (
	changeEvents    = 'k' // and the key: dimension, events
	changeSummary   = 's' // and the key: dimension, summary
	changeDimension = 'd' // and its number: what is recorded, since when
	changeReplies   = 'r' // and the place in the ring: a segment of the reply cache
	changeProgress  = 'm' // clock, secret, kinds, watermarks
)

// changes is what happened since the last changelog.
type changes struct {
	none    bool // there is no changelog: nothing is noted
	any     bool
	entries []uint32 // that changed; one that is gone or stands here twice has no mark
	deleted []deleted
	room    []byte // for what is told
}

type deleted struct {
	key        Key
	summarised bool
}

// mark notes that an entry changed.
func (c *changes) mark(e *entry, number uint32, what uint8) {
	if c.none {
		return
	}
	if e.state&entryListed == 0 {
		c.entries = append(c.entries, number)
	}
	e.state |= what | entryListed
	if what == entrySummaryDirty {
		e.state |= entrySummarised
	}
}

func (c *changes) delete(e *entry) {
	if c.none {
		return
	}
	c.deleted = append(c.deleted, deleted{e.key, e.state&entrySummarised != 0})
}

// Changes tells what changed since the last call, for the changelog: a value for each key, nil for a deletion. It is to
// be committed together with the input offset; where that fails, the State is to be given up and another restored. What
// is told is never changed again. No value is longer than MaxChange.
func (s *State) Changes(change func(key, value []byte)) {
	c := &s.changes
	if !c.any || c.none {
		return
	}
	c.any, c.room = false, nil
	for i := range c.deleted {
		gone := &c.deleted[i]
		if e, _ := s.table.find(&gone.key); e != nil {
			e.state |= entryChanged // came again: its record stands for both
			if gone.summarised {
				e.state |= entrySummarised | entrySummaryDirty
			}
			continue
		}
		change(c.key(changeEvents, gone.key[:]), nil)
		if gone.summarised {
			change(c.key(changeSummary, gone.key[:]), nil)
		}
	}
	c.deleted = c.deleted[:0]
	for _, number := range c.entries {
		if e := s.table.at(number); e.state&entryListed != 0 {
			s.entryChanges(e, change)
		}
	}
	c.entries = c.entries[:0]
	for _, d := range s.registry.dimensions {
		if d.changed {
			d.changed = false
			change(c.key(changeDimension, binary.BigEndian.AppendUint32(nil, d.number)), d.append([]byte{format}))
		}
	}
	s.replyChanges(change)
	change([]byte{changeProgress}, s.appendProgress([]byte{format}))
}

func (s *State) entryChanges(e *entry, change func(key, value []byte)) {
	c := &s.changes
	if e.state&entryChanged != 0 {
		change(c.key(changeEvents, e.key[:]), c.records(e.dimension, s.lists.list(e.events, int(e.count))))
	}
	if e.state&entrySummaryDirty != 0 {
		change(c.key(changeSummary, e.key[:]), c.records(e.dimension, s.lists.list(e.summary, int(e.summed))))
		if e.summed == 0 {
			e.state &^= entrySummarised
		}
	}
	e.state &^= entryChanged | entrySummaryDirty | entryListed
}

// replyChanges tells the segments that replies were added to. A place of the ring is used again by the segment that
// comes a whole ring later.
func (s *State) replyChanges(change func(key, value []byte)) {
	for i := range s.replies.segments {
		segment := &s.replies.segments[i]
		if !segment.changed {
			continue
		}
		segment.changed = false
		place := binary.BigEndian.AppendUint32(nil, uint32(segment.number%uint64(s.replies.most)))
		value := append(make([]byte, 0, len(segment.bytes)+16), format)
		value = append(binary.AppendUvarint(value, segment.number), segment.bytes...)
		change(s.changes.key(changeReplies, place), value)
	}
}

// key is a changelog key.
func (c *changes) key(what byte, name []byte) []byte {
	key := c.take(1 + len(name))
	return append(append(key, what), name...)
}

// records encodes a list of records; an empty one is deleted.
func (c *changes) records(dimension uint32, list []record) []byte {
	if len(list) == 0 {
		return nil
	}
	value := c.take(1 + binary.MaxVarintLen32 + len(list)*recordBytes)
	value = binary.AppendUvarint(append(value, format), uint64(dimension))
	for i := range list {
		r := &list[i]
		value = binary.LittleEndian.AppendUint64(value, r.head)
		value = binary.LittleEndian.AppendUint64(value, uint64(r.amount))
		value = binary.LittleEndian.AppendUint64(value, r.command)
		value = binary.LittleEndian.AppendUint64(value, r.values[0])
		value = binary.LittleEndian.AppendUint64(value, r.values[1])
	}
	return value
}

// takeBytes is how much room is taken at once for small keys and values.
const takeBytes = 64 << 10

// take returns an empty slice with room for n bytes that nothing else uses.
func (c *changes) take(n int) []byte {
	if cap(c.room)-len(c.room) < n {
		c.room = make([]byte, 0, max(takeBytes, n))
	}
	from := len(c.room)
	c.room = c.room[:from+n]
	return c.room[from : from : from+n]
}

func (d *dimension) append(b []byte) []byte {
	b = appendText(appendText(b, d.tenant), d.field)
	b = append(b, bit(d.active, 1))
	for _, v := range [...]int64{d.version, d.window, d.since, d.floor} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	b = binary.AppendUvarint(b, uint64(len(d.kinds)))
	for _, s := range d.kinds {
		b = binary.AppendUvarint(append(b, s.kind), uint64(s.since))
	}
	b = binary.AppendUvarint(b, uint64(len(d.groups)))
	for i := range d.groups {
		for _, s := range append(d.groups[i].currencies[:], d.groups[i].values[:]...) {
			b = binary.AppendUvarint(appendText(b, s.name), uint64(s.since))
			b = binary.AppendUvarint(b, uint64(s.ended))
		}
	}
	return b
}

func (s *State) appendProgress(b []byte) []byte {
	b = append(s.clock.append(b), s.keyed.secret[:]...)
	b = appendTexts(b, s.registry.kinds[len(standardKinds):])
	sources := s.replies.sources()
	b = binary.AppendUvarint(b, uint64(len(sources)))
	for _, from := range sources {
		b = appendOrigin(b, Origin{from.role, from.partition, s.replies.origins[from].high})
	}
	return b
}
