package links

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Link is the fold of a link's events. In JSON it is what is stored of it, beside what its row has in columns.
type Link struct {
	ID               topics.LinkID   `json:"-"`
	Tenant, Customer string          `json:"-"`
	Region           string          `json:"region,omitempty"`
	Currency         ledger.Currency `json:"currency"`
	Amount           int64           `json:"amount"` // of each payment by it, minor units

	// Mark is the status that a person or its time gave it; "" before.
	Mark     topics.LinkStatus `json:"mark,omitempty"`
	Reserved int               `json:"reserved,omitempty"`
	Captured int               `json:"captured,omitempty"`
	Latest   string            `json:"latest,omitempty"` // the payment that took a use last

	Data        topics.LinkData    `json:"data"`
	RequestedBy string             `json:"requested_by,omitempty"`
	Detail      string             `json:"detail,omitempty"` // why it was cancelled
	Timer       topics.TimerChange `json:"timer,omitzero"`
	TraceID     string             `json:"trace_id,omitempty"`
	Cases       int                `json:"cases,omitempty"`
	CreatedAt   time.Time          `json:"created_at"`
	UpdatedAt   time.Time          `json:"updated_at"`
}

// Status is derived from what was captured first, then from Mark.
func (l *Link) Status() topics.LinkStatus {
	switch {
	case l.Captured >= l.Data.MaxUses:
		return topics.LinkStatusPaid
	case l.Mark != "":
		return l.Mark
	}
	return topics.LinkStatusOpen
}

// Uses are the link's as an event tells them.
func (l *Link) Uses() topics.LinkUses {
	return topics.LinkUses{Reserved: l.Reserved, Captured: l.Captured}
}

// Free is how many payments may begin.
func (l *Link) Free() int {
	if l.Status() != topics.LinkStatusOpen {
		return 0
	}
	return max(l.Data.MaxUses-l.Reserved-l.Captured, 0)
}

// Clone is a copy that shares nothing that Evolve changes.
func (l *Link) Clone() *Link {
	if l == nil {
		return nil
	}
	c := *l
	return &c
}

// Encode is what is stored of the link.
func (l *Link) Encode() ([]byte, error) { return topics.Marshal(l) }

// Decode reads what Encode wrote; the rest stands in the row.
func Decode(id topics.LinkID, tenant, customer string, state []byte) (*Link, error) {
	l := new(Link)
	if err := topics.Unmarshal(state, l); err != nil {
		return nil, fmt.Errorf("link %s: %w", id, err)
	}
	l.ID, l.Tenant, l.Customer = id, tenant, customer
	return l, nil
}

// Check compares what an event tells of the link after it with the link that Evolve made, and the link with K1 and K3.
func Check(after *Link, e *topics.LinkEvent) error {
	if after == nil || e.Type == topics.LinkCommandRefused {
		return nil
	}
	if e.Status != "" && e.Status != after.Status() {
		return fmt.Errorf("event %s: %s says status %s, the fold of the events gives %s", e.EventID, e.Type, e.Status, after.Status())
	}
	if e.Uses != nil && *e.Uses != after.Uses() {
		return fmt.Errorf("event %s: %s says %+v, the fold of the events gives %+v", e.EventID, e.Type, *e.Uses, after.Uses())
	}
	if e.More && e.Type != topics.LinkCaseOpened { // the case follows
		return nil
	}
	return CheckInvariants(after)
}

// CheckInvariants checks K1 and K3.
func CheckInvariants(l *Link) error {
	if l.Reserved < 0 || l.Captured < 0 || l.Data.MaxUses < 1 {
		return fmt.Errorf("link %s: K1: %d uses of %d are reserved, %d captured", l.ID, l.Reserved, l.Data.MaxUses, l.Captured)
	}
	if l.Reserved+l.Captured > l.Data.MaxUses && l.Cases == 0 {
		return fmt.Errorf("link %s: K1: %d uses reserved and %d captured of %d, and no case tells", l.ID, l.Reserved, l.Captured, l.Data.MaxUses)
	}
	if i := l.Data.Invoice; i != nil {
		if detail := i.Invalid(l.Amount, l.Data.ExpiresAt); detail != "" || l.Data.MaxUses != 1 {
			return fmt.Errorf("link %s: K3: of %d, for %d uses: %s", l.ID, l.Amount, l.Data.MaxUses, detail)
		}
	}
	return nil
}
