package lifecycle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Format is the number of the stored form of a payment. A process that reads a higher one must give the partition up.
// Payments are written in the oldest form that has room for them: formatBefore knows no reviews and no deposit limits,
// formatReviews no plan of PSPs, formatRouting not what PSPs did without being asked, formatUnasked nothing from hasTerms on, no increments and no plan for later.
const (
	Format        = 5
	formatUnasked = 4
	formatRouting = 3
	formatReviews = 2
	formatBefore  = 1
)

// ErrFutureFormat says that a newer release wrote the state.
var ErrFutureFormat = errors.New("state has a newer format than this release knows")

var errTruncated = errors.New("state ends too early or holds a length that cannot be")

// Key is what stands beside the state in its row and is not repeated in it.
type Key struct {
	ID       topics.PaymentID
	Tenant   string
	Customer string
}

// Key is the payment's key.
func (p *Payment) Key() Key { return Key{p.ID, p.Tenant, p.Customer} }

// Append appends the payment's stored form: the format number, a presence mask, then the fields in order. Integers are
// varints, times milliseconds since 1970, strings have a length before them.
func (p *Payment) Append(b []byte) []byte {
	format := byte(formatBefore)
	if p.Review != ReviewNone || p.Waiting != nil && p.Waiting.Review != nil || p.CountedDay != "" {
		format = formatReviews
	}
	if p.Routing != nil || p.showsCodes() || slices.ContainsFunc(p.Operations, func(op Operation) bool { return op.stray() }) {
		format = formatRouting
	}
	if len(p.Unasked) > 0 {
		format = formatUnasked
	}
	m := p.mask()
	if m >= hasTerms || p.Routing != nil && len(p.Routing.Plan.Later) > 0 ||
		slices.ContainsFunc(p.Operations, func(op Operation) bool { return op.Total != 0 }) {
		format = Format
	}
	e := encoder{append(b, format)}
	e.uint(m)
	e.str(string(p.Currency))
	e.int(p.Amount)
	e.time(p.CreatedAt)
	e.int(p.UpdatedAt.UnixMilli() - p.CreatedAt.UnixMilli())
	e.amounts(p)
	e.texts(p)
	e.parts(p)
	e.mandates(p)
	e.disputes(p)
	e.fees(&p.Method)
	e.uint(uint64(len(p.Operations)))
	for i := range p.Operations {
		e.operation(&p.Operations[i], p)
	}
	return e.b
}

const (
	hasAuthorized uint64 = 1 << iota
	hasCaptured
	hasReleased
	hasRefunding
	hasRefunded
	hasCard
	hasAuthentication
	hasAction
	hasWaiting
	hasReasons
	hasMetadata
	hasTexts
	hasDecline
	hasMark
	hasTimer
	hasExpiry
	hasCases
	hasRegion
	hasTrace
	isAutomatic
	isStepUp
	isHard
	hasReview
	isCounted
	hasRouting
	hasActionCodes
	hasUnasked
	hasTerms
	hasMethod
	hasLink
	hasThreeDSVersion
)

func (p *Payment) mask() uint64 {
	var m uint64
	set := func(bit uint64, on bool) {
		if on {
			m |= bit
		}
	}
	set(hasAuthorized, p.Authorized != 0)
	set(hasCaptured, p.Captured != 0)
	set(hasReleased, p.Released != 0)
	set(hasRefunding, p.Refunding != 0)
	set(hasRefunded, p.Refunded != 0)
	set(hasCard, p.Card != nil)
	set(hasAuthentication, p.Authentication != nil)
	set(hasAction, p.Action != nil)
	set(hasWaiting, p.Waiting != nil)
	set(hasReasons, len(p.Reasons) > 0)
	set(hasMetadata, len(p.Metadata) > 0)
	set(hasTexts, p.ReturnURL != "" || p.Description != "" || p.MerchantReference != "")
	set(hasDecline, p.DeclineCode != "")
	set(hasMark, p.Mark != "")
	set(hasTimer, p.Timer != topics.TimerChange{})
	set(hasExpiry, !p.ExpiresAt.IsZero())
	set(hasCases, p.Cases != 0)
	set(hasRegion, p.Region != "")
	set(hasTrace, p.TraceID != "")
	set(isAutomatic, p.CaptureMethod == topics.CaptureAutomatic)
	set(isStepUp, p.StepUp)
	set(isHard, p.HardDecline)
	set(hasReview, p.Review != ReviewNone)
	set(isCounted, p.CountedDay != "")
	set(hasRouting, p.Routing != nil)
	set(hasActionCodes, p.showsCodes())
	set(hasUnasked, len(p.Unasked) > 0)
	set(hasMandate, p.Mandate != nil)
	set(isRecurring, p.Recurring != nil)
	set(hasDisputes, p.disputes())
	set(hasFees, p.Method.Fees != 0)
	set(hasTerms, p.Terms != (Terms{}))
	set(hasMethod, !p.Method.Card())
	set(hasLink, p.Link != uuid.Nil)
	set(hasThreeDSVersion, p.threeDSVersion() != "")
	return m
}

// showsCodes says that the action is of another kind than a challenge of 3-D Secure, or runs out.
func (p *Payment) showsCodes() bool {
	a := p.Action
	return a != nil && (a.QRCode != "" || a.Deeplink != "" || a.CopyCode != "" || !a.ExpiresAt.IsZero())
}

type encoder struct{ b []byte }

func (e *encoder) uint(v uint64) { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)   { e.b = binary.AppendVarint(e.b, v) }

func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.int(0)
		return
	}
	e.int(t.UnixMilli())
}

func (e *encoder) str(s string) {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) strs(all ...string) {
	for _, s := range all {
		e.str(s)
	}
}

func (e *encoder) amounts(p *Payment) {
	for _, v := range [...]int64{p.Authorized, p.Captured, p.Released, p.Refunding, p.Refunded} {
		if v != 0 {
			e.int(v)
		}
	}
	if p.Cases != 0 {
		e.uint(uint64(p.Cases))
	}
	if p.CountedDay != "" {
		e.str(p.CountedDay)
		e.int(p.Counted)
	}
}

func (e *encoder) texts(p *Payment) {
	if p.Region != "" {
		e.str(p.Region)
	}
	if p.TraceID != "" {
		e.str(p.TraceID)
	}
	if p.ReturnURL != "" || p.Description != "" || p.MerchantReference != "" {
		e.strs(p.ReturnURL, p.Description, p.MerchantReference)
	}
	e.strs(p.PSP, p.PSPReference, p.NetworkReference)
	if p.DeclineCode != "" {
		e.str(p.DeclineCode)
	}
	if p.Mark != "" {
		e.str(string(p.Mark))
	}
	if len(p.Reasons) > 0 {
		e.uint(uint64(len(p.Reasons)))
		e.strs(p.Reasons...)
	}
	if len(p.Metadata) > 0 {
		e.uint(uint64(len(p.Metadata)))
		for _, k := range slices.Sorted(maps.Keys(p.Metadata)) {
			e.strs(k, p.Metadata[k])
		}
	}
}

func (e *encoder) parts(p *Payment) {
	if c := p.Card; c != nil {
		e.strs(c.Token, c.Fingerprint, c.BIN, c.Last4, c.Scheme, c.Type, c.Country)
	}
	if a := p.Authentication; a != nil {
		e.strs(a.ECI, a.CAVV, a.DSTransactionID, a.AVS, a.CVV)
	}
	if a := p.Action; a != nil {
		e.strs(a.Type, a.URL, a.Token)
		if p.showsCodes() {
			e.strs(a.QRCode, a.Deeplink, a.CopyCode)
			e.time(a.ExpiresAt)
		}
	}
	if w := p.Waiting; w != nil {
		e.uint(flag(w.Capture, 1) | flag(w.ThreeDS, 2) | flag(w.Review != nil, 4))
		e.str(w.PSP)
		e.basis(w.Review)
	}
	if p.Timer != (topics.TimerChange{}) {
		e.str(string(p.Timer.Kind))
		e.time(p.Timer.Due)
		e.int(p.Timer.Generation)
	}
	if !p.ExpiresAt.IsZero() {
		e.time(p.ExpiresAt)
	}
	if p.Review != ReviewNone {
		e.b = append(e.b, byte(p.Review))
		e.time(p.ReviewBy)
		e.uint(flag(p.Before != nil, 1))
		e.basis(p.Before)
	}
	if p.Routing != nil {
		e.routing(p.Routing)
	}
	if len(p.Unasked) > 0 {
		e.uint(uint64(len(p.Unasked)))
		for _, u := range p.Unasked {
			e.b = append(e.b, byte(slices.Index(kinds[:], u.Kind)))
			e.str(u.Object)
		}
	}
	if p.Terms != (Terms{}) {
		e.terms(&p.Terms)
	}
	if !p.Method.Card() {
		e.method(&p.Method)
	}
	if p.Link != uuid.Nil {
		e.b = append(e.b, p.Link[:]...)
	}
	if version := p.threeDSVersion(); version != "" {
		e.str(version)
	}
}

func (e *encoder) routing(r *Routing) {
	e.str(r.Plan.Version)
	e.candidates(r.Plan.Candidates)
	e.int(int64(r.Plan.Attempts))
	e.int(r.Plan.WithinSeconds)
	e.int(r.Plan.DeferSeconds)
	e.str(r.Plan.Country)
	e.uint(flag(r.ThreeDS, 1) | flag(len(r.Plan.Later) > 0, 2))
	if len(r.Plan.Later) > 0 {
		e.candidates(r.Plan.Later)
	}
	for _, n := range [...]int{r.Next, r.Sent, r.Asked, r.Rounds} {
		e.uint(uint64(n))
	}
	for _, t := range [...]time.Time{r.Began, r.Queued, r.Until} {
		e.time(t)
	}
}

func (e *encoder) candidates(c []topics.RouteCandidate) {
	e.uint(uint64(len(c)))
	for i := range c {
		e.strs(c[i].Route, c[i].PSP)
	}
}

// basis writes JSON, which few payments have and none for long; nothing for nil.
func (e *encoder) basis(b *topics.ReviewBasis) {
	if b == nil {
		return
	}
	data, err := topics.Marshal(b)
	if err != nil {
		panic(err) // its types have no value that JSON lacks
	}
	e.str(string(data))
}

const (
	opCaptured uint64 = 1 << iota
	opExpiry
	opPolled
	opCases
	opSameAmount // as the payment's
	opSameReference
	opStray
	opUnapplied
	opTotal
	opOver
	opFee
)

// kinds gives each operation its number in the stored form; it may only grow at the end.
var kinds = [...]topics.PSPOperation{
	topics.OperationAuthorize, topics.OperationConfirm, topics.OperationCapture, topics.OperationVoid, topics.OperationRefund,
	topics.OperationIncrement,
}

func (e *encoder) operation(op *Operation, p *Payment) {
	e.b = append(e.b, byte(slices.Index(kinds[:], op.Kind)), byte(op.State))
	e.uint(flag(op.Captured, opCaptured) | flag(op.Expiry, opExpiry) |
		flag(op.Polls > 0, opPolled) | flag(op.Cases != 0, opCases) | flag(op.Amount == p.Amount, opSameAmount) |
		flag(op.Reference == p.PSPReference, opSameReference) | flag(op.stray(), opStray) | flag(op.Unapplied, opUnapplied) |
		flag(op.Total != 0, opTotal) | flag(op.Over != 0, opOver) | flag(op.Fee != 0, opFee))
	e.int(op.Request.Position)
	e.int(int64(op.Request.Index))
	e.int(op.NotAfter.UnixMilli() - p.CreatedAt.UnixMilli())
	e.int(op.AskedAt.UnixMilli() - p.CreatedAt.UnixMilli())
	if op.Polls > 0 {
		e.uint(uint64(op.Polls))
	}
	if op.Cases != 0 {
		e.b = append(e.b, byte(op.Cases))
	}
	if op.Amount != p.Amount {
		e.int(op.Amount)
	}
	if op.Reference != p.PSPReference {
		e.str(op.Reference)
	}
	if op.stray() {
		e.str(op.PSP)
		e.int(op.Of.Position)
		e.int(int64(op.Of.Index))
	}
	if op.Total != 0 {
		e.int(op.Total)
	}
	if op.Over != 0 {
		e.int(op.Over)
	}
	if op.Fee != 0 {
		e.int(op.Fee)
	}
}

func flag(on bool, bit uint64) uint64 {
	if on {
		return bit
	}
	return 0
}

// Decode reads what Append wrote. It returns ErrFutureFormat (wrapped) for a format of a newer release.
func Decode(key Key, state []byte) (*Payment, error) {
	if len(state) == 0 {
		return nil, fmt.Errorf("payment %s: %w", key.ID, errTruncated)
	}
	switch format := state[0]; {
	case format > Format:
		return nil, fmt.Errorf("payment %s: format %d, this release knows %d: %w", key.ID, format, Format, ErrFutureFormat)
	case format < formatBefore:
		return nil, fmt.Errorf("payment %s: format %d was never written", key.ID, format)
	}
	d := decoder{b: state[1:]}
	p := &Payment{ID: key.ID, Tenant: key.Tenant, Customer: key.Customer}
	m := d.uint()
	p.Currency = ledger.Currency(d.str())
	p.Amount = d.int()
	p.CreatedAt = d.time()
	p.UpdatedAt = d.after(p.CreatedAt)
	d.amounts(p, m)
	d.texts(p, m)
	d.parts(p, m)
	d.mandates(p, m)
	d.disputes(p, m)
	d.fees(p, m)
	for range d.count() {
		p.Operations = append(p.Operations, d.operation(p))
	}
	if d.err == nil && len(d.b) > 0 {
		d.err = fmt.Errorf("state has %d bytes too many", len(d.b))
	}
	if d.err != nil {
		return nil, fmt.Errorf("payment %s: %w", key.ID, d.err)
	}
	return p, nil
}
