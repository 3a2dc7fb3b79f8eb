package velocity

import (
	"encoding/binary"
	"slices"
	"time"
)

// A dispute that another system tells of is no event of the payment: it has an id of its own, and comes in no order with
// the payment's events. It counts under what the payment was counted under all the same.

const frameCaseEvent = 'e'

// CaseEvent is such an event.
type CaseEvent struct {
	Payment [16]byte // or payout
	Tenant  string   // whose payment it must be
	Command uint64   // hash of the tenant and the event's id, as in the event's own signals: a key counts it once
	Kind    string
	Time    int64 // in milliseconds since 1970
	// Amounts are the event's in the currencies that the plan adds up in; none: that of the attempt.
	Amounts []Amount
}

// CustomKind is the kind under which a customer event of a type counts.
func CustomKind(eventType string) string {
	switch eventType {
	case "payout":
		return KindPayout
	case "dispute":
		return KindDisputed
	}
	return KindCustom + eventType
}

// PaidOut is that a payout was paid, counted under what the payout was counted under when it was asked for, with its amount.
// However often it is told, it is one event.
func PaidOut(id [16]byte, tenant, payout string, at time.Time) CaseEvent {
	return CaseEvent{Payment: id, Tenant: tenant, Command: CommandOf(tenant, payout), Kind: KindPayout, Time: at.UnixMilli()}
}

// CaseEvent makes one from an event, by the plan that Later gave.
func (p *Plan) CaseEvent(payment [16]byte, e *Event) CaseEvent {
	about := CaseEvent{Payment: payment, Tenant: p.tenant, Command: CommandOf(p.tenant, e.ID), Kind: e.Kind, Time: e.Time.UnixMilli()}
	if e.Amount.Minor == 0 {
		return about
	}
	for i := range p.dimensions {
		for _, currency := range p.dimensions[i].retained.Currencies {
			if !slices.ContainsFunc(about.Amounts, func(a Amount) bool { return a.Currency == currency }) {
				about.Amounts = append(about.Amounts, e.in(currency))
			}
		}
	}
	return about
}

// SignalsOf are what the event makes of the case, none where it is another tenant's. They come in the room of the case,
// which must not be used again.
func (c *Case) SignalsOf(e *CaseEvent, origin Origin) []Target {
	for i := range c.Targets {
		s := &c.Targets[i].Signal
		if s.Tenant != e.Tenant {
			return nil
		}
		s.Origin, s.Command, s.Kind, s.Time = origin, e.Command, e.Kind, e.Time
		for k := range s.Dimensions {
			e.amounts(s.Dimensions[k].Amounts)
		}
	}
	return c.Targets
}

// amounts puts the event's amounts in the place of the attempt's.
func (e *CaseEvent) amounts(of []Amount) {
	if len(e.Amounts) == 0 {
		return
	}
	for i := range of {
		at := slices.IndexFunc(e.Amounts, func(a Amount) bool { return a.Currency == of[i].Currency })
		if at < 0 {
			of[i] = Amount{Currency: of[i].Currency, Unknown: true} // a rule set of another time
			continue
		}
		of[i] = e.Amounts[at]
	}
}

// Append writes the event as a frame.
func (e *CaseEvent) Append(b []byte) []byte {
	b = appendText(append(append(b, format, frameCaseEvent), e.Payment[:]...), e.Tenant)
	b = appendText(binary.LittleEndian.AppendUint64(b, e.Command), e.Kind)
	b = binary.AppendUvarint(appendInt(b, e.Time), uint64(len(e.Amounts)))
	for _, a := range e.Amounts {
		b = a.append(b)
	}
	return b
}

// Decode reads a frame. An error is a *FrameError or wraps ErrFutureFormat.
func (e *CaseEvent) Decode(frame []byte) error {
	r := reader{frame: frame}
	r.open(frameCaseEvent)
	copy(e.Payment[:], r.bytes("payment", len(e.Payment)))
	e.Tenant = r.text("tenant")
	e.Command = r.fixed64("command")
	e.Kind = r.text("kind")
	e.Time = r.int("time")
	e.Amounts = make([]Amount, r.count("amounts", maxItems))
	for i := range e.Amounts {
		e.Amounts[i].read(&r)
	}
	return r.close()
}
