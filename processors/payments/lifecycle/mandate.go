package lifecycle

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// Mandate is what a payment knows of the mandate that it sets up: that the merchant may ask for later payments with its card,
// without the customer. It is pending until the payment is approved, and ends once. Its changes are events of the payment
// which change nothing else of it, so that they stand beside the transition table: whatever has become of the payment, its
// mandate can be revoked.
type Mandate struct {
	Terms  topics.MandateTerms  `json:"terms"`
	Status topics.MandateStatus `json:"status"`
	// Credential is the token of the card that the PSP keeps; "": the card's own.
	Credential string                `json:"credential,omitempty"`
	Ended      time.Time             `json:"ended,omitzero"`
	Change     *topics.MandateChange `json:"change,omitempty"` // the latest; nil: none
}

// At is the status at a time: a mandate ends at its time, told by its timer or not yet.
func (m *Mandate) At(now time.Time) topics.MandateStatus {
	if m.open() && !m.Terms.ExpiresAt.IsZero() && !now.Before(m.Terms.ExpiresAt) {
		return topics.MandateExpired
	}
	return m.Status
}

// open says that the mandate has not ended.
func (m *Mandate) open() bool {
	return m.Status == topics.MandatePending || m.Status == topics.MandateActive
}

// The bits of what a mandate has to do with in the stored form stand apart from the others.
const (
	hasMandate uint64 = 1 << (40 + iota)
	isRecurring
)

// mandates writes JSON, which few payments have.
func (e *encoder) mandates(p *Payment) {
	if p.Mandate != nil {
		e.json(p.Mandate)
	}
	if p.Recurring != nil {
		e.json(p.Recurring)
	}
}

func (e *encoder) json(v any) {
	data, err := topics.Marshal(v)
	if err != nil {
		panic(err) // its types have no value that JSON lacks
	}
	e.str(string(data))
}

func (d *decoder) mandates(p *Payment, m uint64) {
	if m&hasMandate != 0 {
		p.Mandate = new(Mandate)
		d.json(p.Mandate)
	}
	if m&isRecurring != 0 {
		p.Recurring = new(Recurring)
		d.json(p.Recurring)
	}
}

func (d *decoder) json(v any) {
	if data := d.str(); d.err == nil {
		d.err = topics.Unmarshal([]byte(data), v)
	}
}

// setsUp begins the mandate that a created event tells of.
func (p *Payment) setsUp(terms *topics.MandateTerms) {
	if terms != nil {
		p.Mandate = &Mandate{Terms: *terms, Status: topics.MandatePending}
	}
}

// mandated takes an event of the mandate.
func (p *Payment) mandated(e *topics.PaymentEvent) error {
	if p.Mandate == nil || e.Mandate == nil {
		return fmt.Errorf("the payment has set up no mandate, or the event does not say what became of it")
	}
	m := *p.Mandate
	m.Status, m.Change = e.Mandate.Status, e.Mandate
	if !m.open() {
		m.Ended = e.At
	}
	p.Mandate = &m
	return nil
}

// keeps takes the token of the card that the PSP keeps.
func (p *Payment) keeps(said *topics.PSPData) {
	if p.Mandate != nil && said != nil && said.StoredCredential != "" {
		m := *p.Mandate
		m.Credential = said.StoredCredential
		p.Mandate = &m
	}
}

// mandateDue is when the mandate ends by itself, zero where it does not any more.
func (p *Payment) mandateDue() time.Time {
	if p.Mandate == nil || !p.Mandate.open() {
		return zeroTime
	}
	return p.Mandate.Terms.ExpiresAt
}

func (d *decision) changeMandate(event topics.EventType, change topics.MandateChange, detail string) {
	d.emit(topics.PaymentEvent{Type: event, Mandate: &change, Detail: detail})
}

// settleMandate says what has become of a payment means for the mandate that it sets up: it is active once the payment is
// authorised, and no review is open, and has failed where the payment ended before that.
func (d *decision) settleMandate() {
	if d.p == nil || d.p.Mandate == nil || d.p.Mandate.Status != topics.MandatePending || len(d.events) == 0 {
		return
	}
	switch d.p.Mark {
	case "":
		if d.p.Authorized > 0 && !d.p.Review.open() {
			d.changeMandate(topics.EventMandateActivated, topics.MandateChange{Status: topics.MandateActive}, "")
		}
	case topics.StatusDeclined, topics.StatusCancelled, topics.StatusBlocked, topics.StatusRejected, topics.StatusExpired, topics.StatusVoided:
		d.changeMandate(topics.EventMandateFailed, topics.MandateChange{Status: topics.MandateFailed},
			fmt.Sprintf("the payment that sets it up is %s", d.p.Status()))
	}
}

// revokeMandate ends the mandate. A payment by it that was sent to the PSP is a fact; one that waits to be asked for again is not
// asked for any more.
func (d *decision) revokeMandate() {
	m := d.p.Mandate
	if m == nil {
		d.refuse(topics.RefusedWrongState, "the payment has set up no mandate")
		return
	}
	if status := m.At(d.now); status != topics.MandatePending && status != topics.MandateActive {
		d.refuse(topics.RefusedFinished, fmt.Sprintf("the mandate is %s", status))
		return
	}
	d.changeMandate(topics.EventMandateRevoked, topics.MandateChange{Status: topics.MandateRevoked}, d.in.Command.Command.Reason)
}

func (d *decision) expireMandate() {
	if at := d.p.mandateDue(); !at.IsZero() && !d.now.Before(at) {
		d.changeMandate(topics.EventMandateExpired, topics.MandateChange{Status: topics.MandateExpired}, "")
	}
}

// declinedLater ends the mandate where a payment by it was declined for good: the card will not be accepted later either.
func (d *decision) declinedLater(e *topics.PaymentEvent) {
	if d.p == nil || d.p.Mandate == nil || !d.p.Mandate.open() {
		return
	}
	change := topics.MandateChange{Status: topics.MandateFailed, PaymentID: e.PaymentID, DeclineCategory: e.PSP.DeclineCategory}
	event := topics.EventMandateFailed
	if declines.Category(e.PSP.DeclineCategory) == declines.Revoked {
		change.Status, event = topics.MandateRevoked, topics.EventMandateRevoked
	}
	d.changeMandate(event, change, fmt.Sprintf("a payment by it was declined for good: code %s", e.PSP.DeclineCode))
}

// EndsMandate finds the event by which a payment by a mandate ends it; nil where none of the events does. The payment that set
// the mandate up takes it as Input.Declined.
func EndsMandate(events []topics.PaymentEvent) *topics.PaymentEvent {
	for i := range events {
		if e := &events[i]; e.Type == topics.EventDeclined && e.PSP != nil && e.PSP.HardDecline {
			return e
		}
	}
	return nil
}
