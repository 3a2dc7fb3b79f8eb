package velocity

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/weirhq/weir/topics"
)

// What becomes of an attempt is known when nothing but the payment's id is: to count it, what the attempt was counted
// under has to be kept. A Case is that, and is made together with the attempt's signals; an Outcome, made from an event of
// the payment, turns it into signals.

// Types of frames.
const (
	frameCase    = 'c'
	frameOutcome = 'o'
)

// maxTargets bounds the signals of a case: one for each partition.
const maxTargets = 1 << 16

// Case is an attempt as its outcomes are counted.
type Case struct {
	ID      [16]byte // of the payment: the id of the command that creates it
	Amount  int64    // of the attempt, in minor units of the payment's currency
	Targets []Target // of Plan.Later's
}

// Outcome is what became of an attempt.
type Outcome struct {
	ID       [16]byte
	Position int64 // of the record that the event was caused by; with Index it orders the events of a partition
	Index    int16
	Kind     string // "" where only the reservation is to be released
	Settles  bool   // the outcome of the attempt is known
	Time     int64  // in milliseconds since 1970
	Amount   int64  // in minor units of the payment's currency; 0: that of the attempt
}

// Declined is what a PSP said of an authorisation that it declined; the zero value where it did not, or was not asked.
type Declined struct {
	Code string `json:"decline_code"`
	Hard bool   `json:"hard_decline"`
}

// OutcomeOf is the kind of outcome that an event of a payment is, "" where the attempt is only over, so that a reservation
// is given back; ok is false where it is no outcome. status is the payment's after the event: one whose authorisation is
// reviewed is approved once rules or a reviewer have let it pass.
func OutcomeOf(event topics.EventType, status topics.PaymentStatus, declined Declined) (kind string, ok bool) {
	switch event {
	case topics.EventAuthorized:
		return KindApproved, status != topics.StatusReviewing
	case topics.EventReviewed:
		return KindApproved, true
	case topics.EventReleased: // else the PSP is yet to be asked
		return KindApproved, status == topics.StatusAuthorized
	case topics.EventDeclined:
		switch {
		case declined.Code == topics.DeclineNoRoute: // nobody was asked, so nobody declined
			return "", true
		case declined.Hard:
			return KindDeclined + ".hard", true
		}
		return KindDeclined + ".soft", true
	case topics.EventRefunded, topics.EventReturned:
		return KindRefunded, true
	case topics.EventBlocked, topics.EventRejected, topics.EventCancelled, topics.EventExpired, topics.EventVoided:
		return "", true // of one that was approved before there is nothing left to give back
	}
	return "", false
}

// kindLater is the kind of a case's signals until the outcome is known.
const kindLater = "later"

// Later is the plan of what becomes of attempts: the dimensions of which anything else than attempts is counted, or which
// reserve. nil where there are none.
func (p *Plan) Later() *Plan {
	later := &Plan{tenant: p.tenant, version: p.version, local: p.local}
	for _, d := range p.dimensions {
		counts := slices.ContainsFunc(d.retained.Kinds, func(kind string) bool {
			return kind != KindAttempt && kind != KindRefundAttempt && kind != KindPayoutAttempt && kind != KindStake && kind != KindWin && !isCustom(kind)
		})
		if counts || d.retained.Reserve {
			d.queries = nil
			d.retained.Kinds = []string{kindLater}
			later.dimensions = append(later.dimensions, d)
		}
	}
	if len(later.dimensions) == 0 {
		return nil
	}
	return later
}

func isCustom(kind string) bool {
	return len(kind) >= len(KindCustom) && kind[:len(KindCustom)] == KindCustom
}

// Case makes a case from an attempt, by the plan that Later gave. The case keeps nothing of it.
func (p *Plan) Case(id [16]byte, attempt Event, partitions int32) Case {
	attempt.Kind, attempt.Asks, attempt.Settles, attempt.Origin = kindLater, false, false, Origin{Role: RoleOutcomes}
	return Case{ID: id, Amount: attempt.Amount.Minor, Targets: p.Signals(nil, &attempt, partitions)}
}

// Signals are what an outcome of the case makes of it, in the order of the targets' partitions as the case has them. They
// come in the room of the case, which must not be used again.
func (c *Case) Signals(o *Outcome, origin Origin) []Target {
	for i := range c.Targets {
		s := &c.Targets[i].Signal
		s.Origin, s.Kind, s.Settles, s.Time = origin, o.Kind, o.Settles, o.Time
		for k := range s.Dimensions {
			for m := range s.Dimensions[k].Amounts {
				if a := &s.Dimensions[k].Amounts[m]; o.Amount > 0 && !a.Unknown {
					a.Minor, a.Unknown = share(a.Minor, o.Amount, c.Amount)
				}
			}
		}
	}
	return c.Targets
}

// Outcome makes the signal of what becomes of an attempt out of the attempt's own, which this plan made for one partition:
// its values are not hashed again. The signal comes in the room of to, without dimensions where nothing counts it.
func (p *Plan) Outcome(to, attempt *Signal, e *Event) {
	dimensions := to.Dimensions[:0]
	at := 0
	for i := range attempt.Dimensions {
		from := &attempt.Dimensions[i]
		for p.dimensions[at].retained.Field != from.Field {
			at++
		}
		r := &p.dimensions[at].retained
		about := Dimension{Field: from.Field, Key: from.Key, Record: r.counts(e.Kind)}
		if !about.Record && !(e.Settles && r.Reserve) {
			continue
		}
		n := len(dimensions)
		dimensions = resized(dimensions, n+1)
		about.Amounts, about.Distinct = dimensions[n].Amounts[:0], dimensions[n].Distinct[:0]
		if about.Record {
			about.describe(r, e)
		}
		dimensions[n] = about
	}
	*to = Signal{Origin: e.Origin, Command: attempt.Command, Tenant: p.tenant, Time: e.Time.UnixMilli(), Kind: e.Kind, Settles: e.Settles,
		Dimensions: dimensions}
}

// share is what an outcome's amount is in the currency in which the attempt's was converted, at the same rate, rounded down.
// unknown says that it cannot be told.
func share(converted, amount, of int64) (share int64, unknown bool) {
	if of <= 0 {
		return 0, true
	}
	high, low := bits.Mul64(uint64(converted), uint64(amount))
	if high >= uint64(of) {
		return 0, true
	}
	quotient, _ := bits.Div64(high, low, uint64(of))
	return int64(min(quotient, math.MaxInt64)), false
}

// Append writes the case as a frame.
func (c *Case) Append(b []byte) []byte {
	b = append(append(b, format, frameCase), c.ID[:]...)
	b = binary.AppendUvarint(b, uint64(c.Amount))
	b = binary.AppendUvarint(b, uint64(len(c.Targets)))
	for i := range c.Targets {
		signal := c.Targets[i].Signal.Append(nil)
		b = binary.AppendUvarint(b, uint64(c.Targets[i].Partition))
		b = append(binary.AppendUvarint(b, uint64(len(signal))), signal...)
	}
	return b
}

// Decode reads a frame. An error is a *FrameError or wraps ErrFutureFormat.
func (c *Case) Decode(frame []byte) error {
	r := reader{frame: frame}
	r.open(frameCase)
	copy(c.ID[:], r.bytes("id", len(c.ID)))
	c.Amount = r.natural("amount", math.MaxInt64)
	c.Targets = make([]Target, r.count("targets", maxTargets))
	for i := range c.Targets {
		c.Targets[i].Partition = int32(r.natural("partition", math.MaxInt32))
		signal := r.bytes("signal", int(r.natural("signal's length", math.MaxInt32)))
		if r.err != nil {
			return r.err
		}
		if err := c.Targets[i].Signal.Decode(signal); err != nil {
			return fmt.Errorf("signal %d of the case: %w", i, err)
		}
	}
	return r.close()
}

// Append writes the outcome as a frame.
func (o *Outcome) Append(b []byte) []byte {
	b = append(append(b, format, frameOutcome), o.ID[:]...)
	b = binary.AppendUvarint(b, uint64(o.Position))
	b = binary.AppendUvarint(b, uint64(o.Index))
	b = appendText(b, o.Kind)
	b = append(b, bit(o.Settles, bitSettles))
	return binary.AppendUvarint(appendInt(b, o.Time), uint64(o.Amount))
}

// Decode reads a frame. An error is a *FrameError or wraps ErrFutureFormat.
func (o *Outcome) Decode(frame []byte) error {
	r := reader{frame: frame}
	r.open(frameOutcome)
	copy(o.ID[:], r.bytes("id", len(o.ID)))
	o.Position = r.natural("position", math.MaxInt64)
	o.Index = int16(r.natural("index", math.MaxInt16))
	o.Kind = r.text("kind")
	o.Settles = r.flags("flags", bitSettles) != 0
	o.Time = r.int("time")
	o.Amount = r.natural("amount", math.MaxInt64)
	return r.close()
}
