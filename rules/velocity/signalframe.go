package velocity

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/weirhq/weir/ledger"
)

// Bits of flags in a signal.
const (
	bitSettles = 1

	bitRecord  = 1
	bitReserve = 2
)

// aggregates have their place in this list as code.
var aggregates = [...]Aggregate{Count, Sum, Max, Distinct, SinceFirst, SinceLast}

// Append writes the signal as a frame.
func (s *Signal) Append(b []byte) []byte {
	b = append(b, format, frameSignal)
	b = appendOrigin(b, s.Origin)
	b = binary.LittleEndian.AppendUint64(b, s.Command)
	b = appendText(b, s.Tenant)
	b = appendInt(b, s.Time)
	b = appendText(b, s.Kind)
	b = append(b, bit(s.Settles, bitSettles))
	b = binary.AppendUvarint(b, uint64(len(s.Dimensions)))
	for i := range s.Dimensions {
		b = s.Dimensions[i].append(b)
	}
	return b
}

func (d *Dimension) append(b []byte) []byte {
	b = appendText(b, d.Field)
	b = append(b, d.Key[:]...)
	b = append(b, bit(d.Record, bitRecord)|bit(d.Reserve, bitReserve))
	b = binary.AppendUvarint(b, uint64(len(d.Amounts)))
	for _, a := range d.Amounts {
		b = a.append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(d.Distinct)))
	for _, v := range d.Distinct {
		b = append(appendText(b, v.Field), v.Hash[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(d.Queries)))
	for i := range d.Queries {
		b = d.Queries[i].append(b)
	}
	return b
}

func (a *Amount) append(b []byte) []byte {
	b = append(appendText(b, string(a.Currency)), bit(a.Unknown, 1))
	return binary.AppendUvarint(b, uint64(a.Minor))
}

func (a *Amount) read(r *reader) {
	a.Currency = ledger.Currency(r.text("amount's currency"))
	a.Unknown = r.flags("amount's flags", 1) != 0
	a.Minor = r.natural("amount", math.MaxInt64)
}

func (q *Query) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, q.ID)
	b = append(b, byte(slices.Index(aggregates[:], q.Aggregate)), bit(q.Reserve, bitReserve))
	b = binary.AppendUvarint(b, uint64(q.Window))
	b = appendText(appendText(b, q.Of), string(q.Currency))
	return appendTexts(b, q.Kinds)
}

// Decode reads a frame into s, whose slices it uses again. An error is a *FrameError or wraps ErrFutureFormat.
func (s *Signal) Decode(frame []byte) error {
	r := reader{frame: frame}
	s.read(&r)
	return r.close()
}

func (s *Signal) read(r *reader) {
	r.open(frameSignal)
	s.Origin = r.origin()
	s.Command = r.fixed64("command")
	s.Tenant = r.text("tenant")
	s.Time = r.int("time")
	s.Kind = r.text("kind")
	s.Settles = r.flags("flags", bitSettles) != 0
	n := r.count("dimensions", maxDimensions)
	s.Dimensions = resized(s.Dimensions, n)
	asked := 0
	for i := range s.Dimensions {
		s.Dimensions[i].read(r)
		if asked += len(s.Dimensions[i].Queries); asked > maxAnswers {
			r.fail("queries", "are more than %d", maxAnswers)
		}
	}
}

func (d *Dimension) read(r *reader) {
	d.Field = r.text("dimension's field")
	d.Key = Key{}
	copy(d.Key[:], r.bytes("key", len(d.Key)))
	flags := r.flags("dimension's flags", bitRecord|bitReserve)
	d.Record, d.Reserve = flags&bitRecord != 0, flags&bitReserve != 0
	d.Amounts = resized(d.Amounts, r.count("amounts", maxItems))
	for i := range d.Amounts {
		d.Amounts[i].read(r)
	}
	d.Distinct = resized(d.Distinct, r.count("distinct values", maxItems))
	for i := range d.Distinct {
		d.Distinct[i] = Value{Field: r.text("distinct value's field")}
		copy(d.Distinct[i].Hash[:], r.bytes("distinct value", len(ValueHash{})))
	}
	d.Queries = resized(d.Queries, r.count("queries", maxItems))
	for i := range d.Queries {
		d.Queries[i].read(r)
	}
}

func (q *Query) read(r *reader) {
	q.ID = r.fixed64("query's id")
	if code := r.byte("aggregate"); int(code) < len(aggregates) {
		q.Aggregate = aggregates[code]
	} else {
		r.at--
		r.fail("aggregate", "is %d, want 0 to %d", code, len(aggregates)-1)
	}
	q.Reserve = r.flags("query's flags", bitReserve) != 0
	q.Window = r.natural("window", MaxWindow.Milliseconds())
	q.Of = r.text("distinct field")
	q.Currency = ledger.Currency(r.text("query's currency"))
	q.Kinds = r.texts(q.Kinds, "query's kinds")
}

// Append writes the plan as a frame.
func (p *Retain) Append(b []byte) []byte {
	b = append(b, format, frameRetain)
	b = appendText(b, p.Tenant)
	b = binary.AppendUvarint(b, uint64(p.Version))
	b = binary.AppendUvarint(b, uint64(len(p.Dimensions)))
	for _, d := range p.Dimensions {
		b = appendText(b, d.Field)
		b = append(b, bit(d.Reserve, bitReserve))
		b = binary.AppendUvarint(b, uint64(d.Window))
		b = appendTexts(appendTexts(b, d.Kinds), d.Of)
		b = binary.AppendUvarint(b, uint64(len(d.Currencies)))
		for _, c := range d.Currencies {
			b = appendText(b, string(c))
		}
	}
	return b
}

// Decode reads a frame. An error is a *FrameError or wraps ErrFutureFormat.
func (p *Retain) Decode(frame []byte) error {
	r := reader{frame: frame}
	r.open(frameRetain)
	p.Tenant = r.text("tenant")
	p.Version = r.natural("version", math.MaxInt64)
	p.Dimensions = resized(p.Dimensions, r.count("dimensions", maxDimensions))
	for i := range p.Dimensions {
		d := &p.Dimensions[i]
		d.Field = r.text("dimension's field")
		d.Reserve = r.flags("dimension's flags", bitReserve) != 0
		d.Window = r.natural("window", MaxWindow.Milliseconds())
		d.Kinds = r.texts(d.Kinds, "kinds")
		d.Of = r.texts(d.Of, "distinct fields")
		d.Currencies = resized(d.Currencies, r.count("currencies", maxItems))
		for j := range d.Currencies {
			d.Currencies[j] = ledger.Currency(r.text("currency"))
		}
	}
	return r.close()
}

func appendOrigin(b []byte, o Origin) []byte {
	b = append(b, byte(o.Role))
	b = binary.AppendUvarint(b, uint64(o.Partition))
	return binary.AppendUvarint(b, uint64(o.Offset))
}

func (r *reader) origin() Origin {
	role := Role(r.byte("origin's role"))
	if r.err == nil && (role < RoleAttempts || role > RolePayouts) {
		r.at--
		r.fail("origin's role", "is %d, want %d to %d", role, RoleAttempts, RolePayouts)
	}
	return Origin{role, int32(r.natural("origin's partition", math.MaxInt32)), r.natural("origin's offset", math.MaxInt64)}
}

func appendTexts(b []byte, texts []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(texts)))
	for _, text := range texts {
		b = appendText(b, text)
	}
	return b
}

func (r *reader) texts(room []string, field string) []string {
	room = resized(room, r.count(field, maxItems))
	for i := range room {
		room[i] = r.text(field)
	}
	return room
}

// resized is a slice of n elements in the room of another, whose elements it may show.
func resized[T any](room []T, n int) []T {
	return slices.Grow(room[:0], n)[:n]
}

func bit(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}
