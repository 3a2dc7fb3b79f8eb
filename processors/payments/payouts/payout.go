package payouts

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Payout is the fold of a payout's events. In JSON it is what is stored of it, beside what its row has in columns.
type Payout struct {
	ID               topics.PayoutID `json:"-"`
	Tenant, Customer string          `json:"-"`
	Region           string          `json:"region,omitempty"`
	Currency         ledger.Currency `json:"currency"`
	Amount           int64           `json:"amount"` // minor units, as are the others

	// Mark is the status that a person, the rules or the end of the payout gave it; "" while it is on its way, or was paid.
	Mark  topics.PayoutStatus `json:"mark,omitempty"`
	Place Place               `json:"place,omitempty"`
	// Excess is what the PSP paid beside Amount: it was taken from the customer by force.
	Excess   int64     `json:"excess,omitempty"`
	Attempts []Attempt `json:"attempts,omitempty"`

	Data        topics.PayoutData `json:"data"`
	Outcome     topics.Outcome    `json:"outcome,omitempty"` // of the rules, where they blocked or held it
	Reasons     []string          `json:"reasons,omitempty"`
	RequestedBy string            `json:"requested_by,omitempty"`
	ApprovedBy  string            `json:"approved_by,omitempty"`
	DeclineCode string            `json:"decline_code,omitempty"` // why the last attempt came to nothing
	Detail      string            `json:"detail,omitempty"`       // of the latest event that had one, for people

	ExpiresAt  time.Time          `json:"expires_at,omitzero"`  // of the wait for approval
	RetryAt    time.Time          `json:"retry_at,omitzero"`    // while it is queued
	QueueUntil time.Time          `json:"queue_until,omitzero"` // it fails if it cannot be sent by then
	Timer      topics.TimerChange `json:"timer,omitzero"`
	TraceID    string             `json:"trace_id,omitempty"`
	Cases      int                `json:"cases,omitempty"`
	CreatedAt  time.Time          `json:"created_at"`
	UpdatedAt  time.Time          `json:"updated_at"`
}

// Place is where a payout's money is.
type Place string

const (
	PlaceCustomer Place = ""       // it was given back, or never taken
	PlaceHold     Place = "hold"   // set aside on the customer's hold account
	PlaceFlight   Place = "flight" // the PSP was asked
	PlacePaid     Place = "paid"
)

// Attempt is one request to the PSP and what is known of it. Closed ones are kept: a repeated, late or contradictory report
// of theirs must be recognised. Their number is bounded by Limits.Attempts.
type Attempt struct {
	Request   string       `json:"request"` // id of the event that asked for it; the PSP's idempotency key
	State     AttemptState `json:"state"`
	NotAfter  time.Time    `json:"not_after"`
	AskedAt   time.Time    `json:"asked_at"` // of the request, the latest poll or the latest change of State
	Polls     int          `json:"polls,omitempty"`
	Reference string       `json:"reference,omitempty"` // the PSP's
	Guessed   bool         `json:"guessed,omitempty"`   // its payment may be another request's (topics.PayoutEvent)
	Reversed  bool         `json:"reversed,omitempty"`  // paid, and told that it came back; booked once nothing else is open
	Cases     []string     `json:"cases,omitempty"`     // codes of those that were opened for it
}

// AttemptState is how far an attempt is.
type AttemptState string

const (
	AttemptRequested AttemptState = "requested" // no answer yet
	AttemptPending   AttemptState = "pending"   // the PSP accepted it, the result comes later
	AttemptUnknown   AttemptState = "unknown"   // asked, and the answer was lost
	AttemptPaid      AttemptState = "paid"
	AttemptFailed    AttemptState = "failed"
	AttemptReturned  AttemptState = "returned" // paid, and it came back
)

// Open says that the result is still to come.
func (s AttemptState) Open() bool {
	return s == AttemptRequested || s == AttemptPending || s == AttemptUnknown
}

// Status is derived from where the money is first, then from Mark, then from what is open.
func (p *Payout) Status() topics.PayoutStatus {
	switch {
	case p.Place == PlacePaid:
		return topics.PayoutStatusPaid
	case p.Mark != "":
		return p.Mark
	}
	switch a := p.open(); {
	case a == nil:
		return topics.PayoutStatusQueued
	case a.State == AttemptUnknown:
		return topics.PayoutStatusUnknown
	}
	return topics.PayoutStatusSent
}

// Reserved is what the payout has on the customer's hold account.
func (p *Payout) Reserved() int64 {
	if p.Place == PlaceHold {
		return p.Amount
	}
	return 0
}

// Out is what went out to the customer, or may, minor units.
func (p *Payout) Out() int64 {
	if p == nil {
		return 0
	}
	if p.Place == PlaceCustomer {
		return p.Excess
	}
	return p.Amount + p.Excess
}

// Ledger is whose wallet the payout's entries move, in the payout's currency.
func (p *Payout) Ledger() ledger.Customer {
	return ledger.Customer{Tenant: p.Tenant, ID: p.Customer, Currency: p.Currency}
}

// find is an attempt by its request id, nil where there is none.
func (p *Payout) find(request string) *Attempt {
	for i := range p.Attempts {
		if p.Attempts[i].Request == request {
			return &p.Attempts[i]
		}
	}
	return nil
}

// cameBack is an attempt of which it was told that it came back, and which is not booked as that; nil where there is none.
func (p *Payout) cameBack() *Attempt {
	for i := range p.Attempts {
		if a := &p.Attempts[i]; a.State == AttemptPaid && a.Reversed {
			return a
		}
	}
	return nil
}

// open is the latest attempt whose result is still to come, nil where there is none.
func (p *Payout) open() *Attempt {
	for i := len(p.Attempts) - 1; i >= 0; i-- {
		if p.Attempts[i].State.Open() {
			return &p.Attempts[i]
		}
	}
	return nil
}

// psp is where the payout goes, "" where nobody was chosen.
func (p *Payout) psp() string {
	if p.Data.Destination == nil {
		return ""
	}
	return p.Data.Destination.PSP
}

// Clone is a copy that shares nothing that Evolve changes.
func (p *Payout) Clone() *Payout {
	if p == nil {
		return nil
	}
	c := *p
	c.Attempts = slices.Clone(p.Attempts)
	for i := range c.Attempts {
		c.Attempts[i].Cases = slices.Clone(c.Attempts[i].Cases)
	}
	return &c
}

// Encode is what is stored of the payout.
func (p *Payout) Encode() ([]byte, error) { return topics.Marshal(p) }

// Decode reads what Encode wrote; the rest stands in the row.
func Decode(id topics.PayoutID, tenant, customer string, state []byte) (*Payout, error) {
	p := new(Payout)
	if err := topics.Unmarshal(state, p); err != nil {
		return nil, fmt.Errorf("payout %s: %w", id, err)
	}
	p.ID, p.Tenant, p.Customer = id, tenant, customer
	return p, nil
}

// Check compares what an event tells of the payout after it with the payout that Evolve made, and the payout with U2 and U3.
func Check(after *Payout, e *topics.PayoutEvent) error {
	if after == nil || e.Type == topics.PayoutCommandRefused {
		return nil
	}
	if e.Status != "" && e.Status != after.Status() {
		return fmt.Errorf("event %s: %s says status %s, the fold of the events gives %s", e.EventID, e.Type, e.Status, after.Status())
	}
	return CheckInvariants(after)
}

// CheckInvariants checks U2, U3 and that money is where the status says.
func CheckInvariants(p *Payout) error {
	var open, paid int64
	for i := range p.Attempts {
		switch {
		case p.Attempts[i].State.Open():
			open++
		case p.Attempts[i].State == AttemptPaid:
			paid++
		}
	}
	out := p.Excess
	if p.Place == PlacePaid {
		out += p.Amount
	}
	status := p.Status()
	back := Final(status) && status != topics.PayoutStatusPaid
	switch {
	case paid*p.Amount != out:
		return fmt.Errorf("payout %s: U2: %d attempts of %d were paid, its amounts say %d", p.ID, paid, p.Amount, out)
	case open > 1 || open == 1 && p.Place != PlaceFlight && p.Place != PlacePaid:
		return fmt.Errorf("payout %s: U3: %d requests are open, its money is at %q", p.ID, open, p.Place)
	case back != (p.Place == PlaceCustomer):
		return fmt.Errorf("payout %s: it is %s, its money is at %q", p.ID, status, p.Place)
	}
	return nil
}
