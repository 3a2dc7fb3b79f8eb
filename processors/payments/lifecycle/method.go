package lifecycle

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
)

// Method is how a payment is paid where no card pays it; the zero Method is a card.
//
// What no card pays is never authorised only: the customer pays by hand, at the bank or from a wallet, and what the PSP
// approves has come. So the payment knows no capture and no void, and what goes back against everybody's will is returned.
type Method struct {
	Type string
	Name string // which one of its type, as the PSP calls it

	// Paid is what was captured, and Received all that came by the request, what was not applied included, until it was returned.
	// Another payment of the same code is in neither. Minor units.
	Paid, Received int64
	// Fees are those of the request that are booked: a PSP of crypto tells the fee of all that came by it.
	Fees int64
	// References are what the PSP calls the request itself. Another payment of the same code has one of its own.
	References []string
	// Seen is what is on its way by crypto, with Have of Need confirmations.
	Seen       int64
	Have, Need int
}

func methodOf(m *topics.PaymentMethod) Method {
	if m.By() == nil {
		return Method{}
	}
	return Method{Type: m.Type, Name: m.Name}
}

// Said is the method as records spell it, nil of a card.
func (m Method) Said() *topics.PaymentMethod {
	if m.Card() {
		return nil
	}
	return &topics.PaymentMethod{Type: m.Type, Name: m.Name}
}

// Card says that a card pays.
func (m Method) Card() bool { return m.Type == "" }

// unsupported refuses a command that the payment's method has no place for, nil where it has.
func (p *Payment) unsupported(c topics.CommandType) *topics.Refusal {
	why := ""
	switch {
	case p.Method.Card():
	case c == topics.CommandCapture:
		why = "is captured when it is paid"
	case c == topics.CommandVoid:
		why = "is never authorised only: cancel it while nobody has paid it, refund it afterwards"
	case c == topics.CommandConfirm && p.Method.Type != topics.MethodBankRedirect:
		why = "has nothing to confirm: the PSP tells when it is paid"
	}
	if why == "" {
		return nil
	}
	return &topics.Refusal{Code: topics.RefusedMethodUnsupported, Detail: fmt.Sprintf("a payment by %s %s", p.Method.Type, why)}
}

// challenges says that the rules' step-up asks for a challenge of 3-D Secure.
func (p *Payment) challenges(stepUp bool) bool { return stepUp && p.Method.Card() }

// paid reads an approval of a payment that no card pays as what it is: the money has come.
func (d *decision) paid(r *topics.PSPReport) *topics.PSPReport {
	brings := r.Operation == topics.OperationAuthorize || r.Operation == topics.OperationConfirm || r.Operation == topics.OperationCapture
	if d.p.Method.Card() || !brings || r.Outcome != topics.PSPApproved {
		return r
	}
	came := *r
	came.Operation, came.Captured = topics.OperationAuthorize, true
	d.in = &Input{Partition: d.in.Partition, Position: d.in.Position, Report: &came}
	return &came
}

// accepted: the customer has done what was asked, and the bank has yet to bring the money. A challenge of a card ends by its
// result alone.
func (d *decision) accepted() {
	if !d.p.Method.Card() {
		d.fact(topics.EventSubmitted, d.op.Amount)
	}
}

// cameAndWent ends a payment whose money was on its way and went back before anybody told that it had come. What is told of
// that later is late.
func (d *decision) cameAndWent() {
	if d.p.Method.Card() {
		d.openCase(topics.RefusedUnmatchedReport, d.in.Report.Amount, "the PSP reports %s reversed while the payment is %s", d.in.Report.Operation, d.p.Status())
		return
	}
	e := topics.PaymentEvent{
		Type: topics.EventDeclined, RequestID: d.op.Request.String(), Amount: d.op.Amount, PSP: d.said(), Detail: d.in.Report.Detail,
	}
	e.PSP.Reversed = true
	d.emit(e)
	d.dropAll()
}

// returned books that what had come went back: the bank called it back, or the chain dropped it. It is taken from the customer
// by force.
func (d *decision) returned() {
	e := topics.PaymentEvent{
		Type: topics.EventReturned, RequestID: d.op.Request.String(), Amount: d.p.Method.Paid, PSP: d.said(), Detail: d.in.Report.Detail,
	}
	e.PSP.Reversed = true
	d.emit(e)
	d.dropAll()
	d.openCase(topics.RefusedPaymentReturned, e.Amount, "a payment by %s that had come was returned", d.p.Method.Type)
}

// giveBack folds what was returned: it counts as refunded.
func (p *Payment) giveBack(e *topics.PaymentEvent) error {
	if _, err := p.named(e); err != nil {
		return err
	}
	p.Refunded += e.Amount
	p.Method.Paid = 0
	p.closeAuthorization(OperationReversed, e)
	return nil
}

// came folds what a capture brings of a payment that no card pays: anew, or out of what was not applied.
func (p *Payment) came(e *topics.PaymentEvent) {
	if p.Method.Card() {
		return
	}
	p.Method.Paid += e.Amount
	p.Method.Fees += feeIn(e)
	if e.PSP != nil && e.PSP.Applied {
		p.applyFunds(e.Amount)
		return
	}
	p.Method.Received += e.Amount
}

// actionUntil is when what the customer must do runs out: as the PSP says of a code or a page, but no later than an authorisation
// would.
func (d *decision) actionUntil() time.Time {
	until := d.now.Add(d.limits.Challenge)
	if a := d.in.Report.Action; a != nil && !d.p.Method.Card() && a.ExpiresAt.After(d.now) {
		until = earlier(a.ExpiresAt, d.now.Add(d.limits.Authorization)).Truncate(time.Millisecond)
	}
	return until
}

func (e *encoder) method(m *Method) {
	e.strs(m.Type, m.Name)
	for _, n := range [...]int64{m.Paid, m.Received, m.Seen, int64(m.Have), int64(m.Need)} {
		e.int(n)
	}
	e.uint(uint64(len(m.References)))
	e.strs(m.References...)
}

func (d *decoder) method() (m Method) {
	d.strs(&m.Type, &m.Name)
	m.Paid, m.Received, m.Seen, m.Have, m.Need = d.int(), d.int(), d.int(), int(d.int()), int(d.int())
	for range d.count() {
		m.References = append(m.References, d.str())
	}
	if m.Type == "" { // a card is not written
		d.fail()
	}
	return m
}

const hasFees uint64 = 1 << 51

func (e *encoder) fees(m *Method) {
	if m.Fees != 0 {
		e.int(m.Fees)
	}
}

func (d *decoder) fees(p *Payment, m uint64) {
	if m&hasFees != 0 {
		p.Method.Fees = d.int()
	}
}

// Confirmations of what is on its way, nil where nothing was seen.
func (m *Method) Confirmations() *topics.Confirmations {
	if m.Need == 0 {
		return nil
	}
	return &topics.Confirmations{Seen: m.Seen, Have: m.Have, Need: m.Need}
}
