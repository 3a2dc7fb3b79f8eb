package velocity

import (
	"encoding/binary"
	"math"
)

// Bits of flags in a reply and in an answer.
const (
	bitLost = 1

	bitApproximate = 1
	bitUnknown     = 2
	bitWarming     = 4
)

// Append writes the reply as a frame.
func (p *Reply) Append(b []byte) []byte {
	b = append(b, format, frameReply)
	b = appendOrigin(b, p.Origin)
	b = binary.LittleEndian.AppendUint64(b, p.Command)
	b = append(b, bit(p.Lost, bitLost))
	b = binary.AppendUvarint(b, uint64(len(p.Answers)))
	for _, a := range p.Answers {
		b = binary.LittleEndian.AppendUint64(b, a.ID)
		b = append(b, bit(a.Approximate, bitApproximate)|bit(a.Unknown, bitUnknown)|bit(a.WarmingUntil != 0, bitWarming))
		b = binary.AppendUvarint(b, uint64(a.Value))
		if a.WarmingUntil != 0 {
			b = binary.AppendUvarint(b, uint64(a.WarmingUntil))
		}
	}
	return b
}

// Decode reads a frame into p, whose slice it uses again. An error is a *FrameError or wraps ErrFutureFormat.
func (p *Reply) Decode(frame []byte) error {
	r := reader{frame: frame}
	r.open(frameReply)
	p.Origin = r.origin()
	p.Command = r.fixed64("command")
	p.Lost = r.flags("flags", bitLost) != 0
	p.Answers = resized(p.Answers, r.count("answers", maxAnswers))
	for i := range p.Answers {
		a := &p.Answers[i]
		*a = Answer{ID: r.fixed64("answer's id")}
		flags := r.flags("answer's flags", bitApproximate|bitUnknown|bitWarming)
		a.Approximate, a.Unknown = flags&bitApproximate != 0, flags&bitUnknown != 0
		a.Value = r.natural("answer's value", math.MaxInt64)
		if flags&bitWarming != 0 {
			a.WarmingUntil = r.natural("warming until", math.MaxInt64)
		}
	}
	return r.close()
}
