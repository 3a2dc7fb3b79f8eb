package lifecycle

import (
	"encoding/binary"
	"time"

	"github.com/weirhq/weir/topics"
)

// decoder reads the stored form. After the first error it yields zero values; err is looked at once, at the end.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() {
	d.b, d.err = nil, errTruncated
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads a number of things that take at least one byte each.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) str() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) strs(all ...*string) {
	for _, s := range all {
		*s = d.str()
	}
}

func (d *decoder) time() time.Time {
	if ms := d.int(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

func (d *decoder) after(t time.Time) time.Time {
	return time.UnixMilli(t.UnixMilli() + d.int()).UTC()
}

func (d *decoder) amounts(p *Payment, m uint64) {
	for i, v := range [...]*int64{&p.Authorized, &p.Captured, &p.Released, &p.Refunding, &p.Refunded} {
		if m&(hasAuthorized<<i) != 0 {
			*v = d.int()
		}
	}
	if m&hasCases != 0 {
		p.Cases = int(d.uint())
	}
	if m&isCounted != 0 {
		p.CountedDay = d.str()
		p.Counted = d.int()
	}
}

func (d *decoder) texts(p *Payment, m uint64) {
	p.CaptureMethod = topics.CaptureManual
	if m&isAutomatic != 0 {
		p.CaptureMethod = topics.CaptureAutomatic
	}
	p.StepUp, p.HardDecline = m&isStepUp != 0, m&isHard != 0
	if m&hasRegion != 0 {
		p.Region = d.str()
	}
	if m&hasTrace != 0 {
		p.TraceID = d.str()
	}
	if m&hasTexts != 0 {
		d.strs(&p.ReturnURL, &p.Description, &p.MerchantReference)
	}
	d.strs(&p.PSP, &p.PSPReference, &p.NetworkReference)
	if m&hasDecline != 0 {
		p.DeclineCode = d.str()
	}
	if m&hasMark != 0 {
		p.Mark = topics.PaymentStatus(d.str())
	}
	if m&hasReasons != 0 {
		for range d.count() {
			p.Reasons = append(p.Reasons, d.str())
		}
	}
	if m&hasMetadata != 0 {
		n := d.count()
		p.Metadata = make(map[string]string, n)
		for range n {
			k := d.str()
			p.Metadata[k] = d.str()
		}
	}
}

func (d *decoder) parts(p *Payment, m uint64) {
	if m&hasCard != 0 {
		c := new(topics.Card)
		d.strs(&c.Token, &c.Fingerprint, &c.BIN, &c.Last4, &c.Scheme, &c.Type, &c.Country)
		p.Card = c
	}
	if m&hasAuthentication != 0 {
		a := new(topics.AuthData)
		d.strs(&a.ECI, &a.CAVV, &a.DSTransactionID, &a.AVS, &a.CVV)
		p.Authentication = a
	}
	if m&hasAction != 0 {
		a := new(topics.Action)
		d.strs(&a.Type, &a.URL, &a.Token)
		if m&hasActionCodes != 0 {
			d.strs(&a.QRCode, &a.Deeplink, &a.CopyCode)
			a.ExpiresAt = d.time()
		}
		p.Action = a
	}
	if m&hasWaiting != 0 {
		flags := d.uint()
		p.Waiting = &topics.RequestData{Capture: flags&1 != 0, ThreeDS: flags&2 != 0, PSP: d.str()}
		if flags&4 != 0 {
			p.Waiting.Review = d.basis()
		}
	}
	if m&hasTimer != 0 {
		p.Timer.Kind = topics.TimerKind(d.str())
		p.Timer.Due = d.time()
		p.Timer.Generation = d.int()
	}
	if m&hasExpiry != 0 {
		p.ExpiresAt = d.time()
	}
	if m&hasReview != 0 {
		p.Review, p.ReviewBy = ReviewState(d.byte()), d.time()
		if d.uint()&1 != 0 {
			p.Before = d.basis()
		}
		if p.Review > ReviewRefused {
			d.fail()
		}
	}
	if m&hasRouting != 0 {
		p.Routing = d.routing()
	}
	if m&hasUnasked != 0 {
		for range d.count() {
			p.Unasked = append(p.Unasked, Unasked{d.kind(), d.str()})
		}
	}
	if m&hasTerms != 0 {
		p.Terms = d.terms()
	}
	if m&hasMethod != 0 {
		p.Method = d.method()
	}
	if m&hasLink != 0 {
		for i := range p.Link {
			p.Link[i] = d.byte()
		}
	}
	if m&hasThreeDSVersion != 0 && m&hasAuthentication != 0 {
		p.Authentication.ThreeDSVersion = d.str()
	}
}

func (d *decoder) kind() topics.PSPOperation {
	kind := int(d.byte())
	if kind >= len(kinds) {
		d.fail()
		return ""
	}
	return kinds[kind]
}

func (d *decoder) routing() *Routing {
	plan := new(topics.RoutePlan)
	plan.Version = d.str()
	plan.Candidates = d.candidates()
	plan.Attempts, plan.WithinSeconds, plan.DeferSeconds, plan.Country = int(d.int()), d.int(), d.int(), d.str()
	flags := d.uint()
	r := &Routing{Plan: plan, ThreeDS: flags&1 != 0}
	if flags&2 != 0 {
		plan.Later = d.candidates()
	}
	for _, n := range [...]*int{&r.Next, &r.Sent, &r.Asked, &r.Rounds} {
		*n = int(d.uint())
	}
	for _, t := range [...]*time.Time{&r.Began, &r.Queued, &r.Until} {
		*t = d.time()
	}
	if r.Next < 0 || r.Sent < 0 || r.Asked < 0 || r.Rounds < 0 {
		d.fail()
	}
	return r
}

func (d *decoder) candidates() (c []topics.RouteCandidate) {
	for range d.count() {
		c = append(c, topics.RouteCandidate{Route: d.str(), PSP: d.str()})
	}
	return c
}

func (d *decoder) basis() *topics.ReviewBasis {
	text := d.str()
	if d.err != nil {
		return nil
	}
	b := new(topics.ReviewBasis)
	if err := topics.Unmarshal([]byte(text), b); err != nil {
		d.b, d.err = nil, err
	}
	return b
}

func (d *decoder) operation(p *Payment) Operation {
	var op Operation
	op.Kind, op.State = d.kind(), OperationState(d.byte())
	if op.State < OperationRequested || op.State > OperationReversed {
		d.fail()
		return op
	}
	flags := d.uint()
	op.Captured, op.Expiry, op.Unapplied = flags&opCaptured != 0, flags&opExpiry != 0, flags&opUnapplied != 0
	op.Request = topics.EventID{Partition: p.ID.Partition, Position: d.int(), Index: int16(d.int())}
	op.NotAfter = d.after(p.CreatedAt)
	op.AskedAt = d.after(p.CreatedAt)
	if flags&opPolled != 0 {
		op.Polls = int(d.uint())
	}
	if flags&opCases != 0 {
		op.Cases = CaseFlags(d.byte())
	}
	op.Amount, op.Reference = p.Amount, p.PSPReference
	if flags&opSameAmount == 0 {
		op.Amount = d.int()
	}
	if flags&opSameReference == 0 {
		op.Reference = d.str()
	}
	if flags&opStray != 0 {
		op.PSP = d.str()
		op.Of = topics.EventID{Partition: p.ID.Partition, Position: d.int(), Index: int16(d.int())}
	}
	if flags&opTotal != 0 {
		op.Total = d.int()
	}
	if flags&opOver != 0 {
		op.Over = d.int()
	}
	if flags&opFee != 0 {
		op.Fee = d.int()
	}
	return op
}
