package velocity

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Restore takes one record of the changelog, before the first Apply. Keys may come in any order; of one key the last
// record that is given counts, nil being a deletion. The value may not be changed afterwards.
func (s *State) Restore(key, value []byte) error {
	if len(key) == 0 {
		return fmt.Errorf("changelog record without a key")
	}
	switch key[0] {
	case changeEvents, changeSummary:
		if len(key) != 1+len(Key{}) {
			return fmt.Errorf("changelog key %x: has %d bytes, want %d", key, len(key), 1+len(Key{}))
		}
		return s.restoreRecords(key[0], Key(key[1:]), value)
	case changeDimension, changeReplies, changeProgress:
	default:
		return fmt.Errorf("changelog key %x: %w", key, ErrFutureFormat)
	}
	if value == nil {
		return nil
	}
	r := reader{frame: value}
	if err := r.openChange(); err != nil {
		return fmt.Errorf("changelog record %x: %w", key, err)
	}
	switch key[0] {
	case changeDimension:
		s.restoreDimension(&r, key)
	case changeReplies:
		if number := r.uint("segment's number"); r.err == nil {
			s.replies.restore(number, slices.Clone(value[r.at:]))
			r.at = len(value)
		}
	case changeProgress:
		s.restoreProgress(&r)
	}
	if err := r.close(); err != nil {
		return fmt.Errorf("changelog record %x: %w", key, err)
	}
	return nil
}

// openChange reads the first byte of a changelog value.
func (r *reader) openChange() error {
	switch f := r.byte("format"); {
	case r.err == nil && f > format:
		r.err = fmt.Errorf("format %d, this release reads %d: %w", f, format, ErrFutureFormat)
	case r.err == nil && f < format:
		r.at = 0
		r.fail("format", "is %d, want %d", f, format)
	}
	return r.err
}

// restoreRecords sets the events or the summary of a key.
func (s *State) restoreRecords(what byte, key Key, value []byte) error {
	r := reader{frame: value}
	n, dimension := 0, int64(0)
	if value != nil {
		if err := r.openChange(); err != nil {
			return fmt.Errorf("changelog record %c%x: %w", what, key, err)
		}
		dimension = r.natural("dimension", math.MaxUint32)
		n = (len(value) - r.at) / recordBytes
		if r.err == nil && (len(value)-r.at)%recordBytes != 0 {
			r.fail("records", "%d bytes are no whole number of records", len(value)-r.at)
		}
		if r.err == nil && n > math.MaxUint16 {
			r.fail("records", "are %d, want at most %d", n, math.MaxUint16)
		}
		if r.err != nil {
			return fmt.Errorf("changelog record %c%x: %w", what, key, r.err)
		}
	}
	e, _ := s.table.find(&key)
	if e == nil {
		if value == nil {
			return nil
		}
		e, _ = s.table.add(&key)
	}
	if value != nil {
		e.dimension = uint32(dimension)
	}
	place, count := &e.events, &e.count
	if what == changeSummary {
		place, count = &e.summary, &e.summed
		e.state &^= entrySummarised
		e.state |= bit(n > 0, entrySummarised)
	}
	*place = s.lists.resize(*place, int(*count), n)
	*count = uint16(n)
	readRecords(s.lists.list(*place, n), value[r.at:])
	return nil
}

func readRecords(list []record, from []byte) {
	for i := range list {
		b := from[i*recordBytes : (i+1)*recordBytes]
		list[i] = record{
			head:    binary.LittleEndian.Uint64(b),
			amount:  int64(binary.LittleEndian.Uint64(b[8:])),
			command: binary.LittleEndian.Uint64(b[16:]),
			values:  [2]uint64{binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[32:])},
		}
	}
}

func (s *State) restoreDimension(r *reader, key []byte) {
	if len(key) != 5 {
		r.fail("key", "has %d bytes, want 5", len(key))
		return
	}
	const most = math.MaxInt64
	d := &dimension{
		number: binary.BigEndian.Uint32(key[1:]), tenant: r.text("tenant"), field: r.text("field"),
		active: r.flags("active", 1) != 0, version: r.natural("version", most),
		window: r.natural("window", most), since: r.natural("since", most), floor: r.natural("floor", most),
	}
	d.kinds = make([]started, r.count("kinds", maxCodes))
	for i := range d.kinds {
		d.kinds[i] = started{r.byte("kind"), r.natural("kind's since", most)}
	}
	d.groups = make([]group, r.count("groups", maxItems))
	for i := range d.groups {
		for _, of := range [...]slots{currencies, values} {
			list := of(&d.groups[i])
			for j := range list {
				list[j] = slot{r.text("slot's name"), r.natural("slot's since", most), r.natural("slot's ended", most)}
			}
		}
	}
	if r.err != nil {
		return
	}
	if d.number >= maxRestoredDimensions {
		r.fail("key", "dimension %d, want less than %d", d.number, maxRestoredDimensions)
		return
	}
	for uint32(len(s.registry.dimensions)) <= d.number {
		s.registry.dimensions = append(s.registry.dimensions, nil)
	}
	s.registry.dimensions[d.number] = d
}

// maxRestoredDimensions bounds what a damaged record can make Restore allocate.
const maxRestoredDimensions = 1 << 20

func (s *State) restoreProgress(r *reader) {
	s.clock.read(r)
	if secret := r.bytes("secret", len(s.keyed.secret)); secret != nil {
		s.keyed.set([16]byte(secret))
	}
	s.registry.setKinds(r.texts(nil, "kinds"))
	for range r.count("sources", math.MaxInt32) {
		if origin := r.origin(); r.err == nil {
			s.replies.source(origin).high = origin.Offset
		}
	}
}

// Restored ends the restoring. It fails where the records do not belong together.
func (s *State) Restored() error {
	for number, d := range s.registry.dimensions {
		if d == nil {
			return fmt.Errorf("changelog: dimension %d is missing", number)
		}
		t := s.registry.tenants[d.tenant]
		if t == nil {
			t = &tenant{dimensions: map[string]*dimension{}}
			s.registry.tenants[d.tenant] = t
		}
		t.dimensions[d.field] = d
		t.version = max(t.version, d.version)
	}
	s.registry.resolve()
	for number := range s.table.next {
		e := s.table.at(number)
		if e.state&entryUsed == 0 {
			continue
		}
		if e.count == 0 && e.summed == 0 {
			s.table.remove(e, number)
			continue
		}
		if int(e.dimension) >= len(s.registry.dimensions) {
			return fmt.Errorf("changelog: key %x is of dimension %d, which is missing", e.key, e.dimension)
		}
		s.dated(e, max(newest(s.lists.list(e.events, int(e.count))), newest(s.lists.list(e.summary, int(e.summed)))))
	}
	if err := s.replies.restored(); err != nil {
		return fmt.Errorf("changelog: %w", err)
	}
	return nil
}

func newest(list []record) (time int64) {
	for i := range list {
		time = max(time, list[i].time())
	}
	return time
}
