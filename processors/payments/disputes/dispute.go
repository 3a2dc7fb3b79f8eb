package disputes

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Dispute is the fold of a dispute's events. In JSON it is what is stored of it, beside what its row has in columns. Amounts
// are minor units of Currency, the payment's.
type Dispute struct {
	ID               topics.DisputeID `json:"-"`
	Tenant, Customer string           `json:"-"`
	Region           string           `json:"region,omitempty"`
	Payment          string           `json:"payment"` // its id
	Currency         ledger.Currency  `json:"currency"`
	PSP              string           `json:"psp"`
	Reference        string           `json:"reference"` // what the PSP calls the dispute

	Amount      int64               `json:"amount,omitempty"`  // disputed; 0: not known
	Exposed     int64               `json:"exposed,omitempty"` // what the payment had captured, or might still capture, when the PSP told last, while Amount is not known
	Stage       topics.DisputeStage `json:"stage"`
	Mark        Mark                `json:"mark,omitempty"`
	FactAt      time.Time           `json:"fact_at,omitzero"` // when what made Stage or Mark what they are occurred, by the PSP's clock
	ClosedAt    time.Time           `json:"closed_at,omitzero"`
	Reason      string              `json:"reason,omitempty"`
	Category    string              `json:"category,omitempty"`
	EvidenceDue time.Time           `json:"evidence_due,omitzero"`
	DueToldAt   time.Time           `json:"due_told_at,omitzero"` // when EvidenceDue was told
	Reminded    bool                `json:"reminded,omitempty"`   // of EvidenceDue

	Asked    *Asked                  `json:"asked,omitempty"`    // the latest request
	Requests int                     `json:"requests,omitempty"` // made so far
	Evidence *topics.DisputeEvidence `json:"evidence,omitempty"` // that was sent last, or is being

	Totals    topics.DisputeTotals `json:"totals"`
	Movements []Movement           `json:"movements,omitempty"` // D1; their number is bounded by Limits.Movements

	RequestedBy string             `json:"requested_by,omitempty"` // of the latest request
	Detail      string             `json:"detail,omitempty"`       // of the latest event that had one, for people
	Timer       topics.TimerChange `json:"timer,omitzero"`
	TraceID     string             `json:"trace_id,omitempty"`
	Cases       []string           `json:"cases,omitempty"` // codes of those that were opened
	OpenedAt    time.Time          `json:"opened_at"`
	UpdatedAt   time.Time          `json:"updated_at"`
}

// Mark is what the PSP, or the due date, made of the dispute; a request that is open hides it.
type Mark string

const (
	markNone        Mark = "" // an answer is wanted
	markOverdue     Mark = "overdue"
	markUnderReview Mark = "under_review"
	markAccepted    Mark = "accepted"
	markWon         Mark = "won"
	markLost        Mark = "lost"
	markClosed      Mark = "closed"
)

// Asked is a request to the PSP and what is known of it.
type Asked struct {
	Request  string              `json:"request"` // id of the event that asked for it; the PSP's idempotency key
	Kind     topics.PSPOperation `json:"kind"`
	State    AskedState          `json:"state"`
	NotAfter time.Time           `json:"not_after"`
	AskedAt  time.Time           `json:"asked_at"` // of the request, the latest poll or the latest change of State
	Polls    int                 `json:"polls,omitempty"`
}

// AskedState is how far a request is.
type AskedState string

const (
	AskedRequested AskedState = "requested" // no answer yet
	AskedUnknown   AskedState = "unknown"   // asked, and the answer was lost
	AskedDone      AskedState = "done"
	AskedFailed    AskedState = "failed"
	AskedOvertaken AskedState = "overtaken" // the PSP told what makes its answer matter no more
)

// Open says that the answer is still to come.
func (a *Asked) Open() bool {
	return a != nil && (a.State == AskedRequested || a.State == AskedUnknown)
}

// Movement is money that the PSP moved because of the dispute.
type Movement struct {
	Fact topics.DisputeFact `json:"fact"`
	Name string             `json:"name"` // what the PSP calls it, or the id of the report where that names none
}

// Status is what is open first, then Mark.
func (p *Dispute) Status() topics.DisputeStatus {
	switch {
	case p.Asked.Open() && p.Asked.Kind == topics.OperationDisputeAccept:
		return topics.DisputeStatusAccepting
	case p.Asked.Open():
		return topics.DisputeStatusSubmitting
	case p.Mark == markNone:
		return topics.DisputeStatusNeedsResponse
	}
	return topics.DisputeStatus(p.Mark)
}

// Taken is what the PSP took because of the dispute and did not give back, never below zero.
func (p *Dispute) Taken() int64 {
	if p == nil {
		return 0
	}
	return max(p.Totals.Withdrawn-p.Totals.Reinstated, 0)
}

// Ahead is what the PSP gave back and is not known to have taken before. It is nobody's: it stands in suspense until the PSP
// tells that it was taken.
func (p *Dispute) Ahead() int64 {
	if p == nil {
		return 0
	}
	return max(p.Totals.Reinstated-p.Totals.Withdrawn, 0)
}

// AtRisk is what the dispute may yet take: nothing where it is an inquiry, is won or ended without a result; all that was
// captured, or may be, where nobody knows how much is disputed.
func (p *Dispute) AtRisk() int64 {
	if p == nil || p.Stage == topics.StageInquiry || p.Mark == markWon || p.Mark == markClosed {
		return 0
	}
	return max(cmp.Or(p.Amount, p.Exposed)-p.Taken(), 0)
}

// chargedBack says that the dispute counts as one of the payment's: an inquiry does not.
func (p *Dispute) chargedBack() bool {
	return p != nil && (p.Stage != topics.StageInquiry || p.Totals.Withdrawn > 0)
}

// Change is what the payment takes of a dispute's change, nil where that is nothing. before is nil before its first event.
func Change(before, after *Dispute) *topics.DisputeChange {
	if after == nil {
		return nil
	}
	c := topics.DisputeChange{
		DisputeID: after.ID.String(), First: after.chargedBack() && !before.chargedBack(),
		Disputing: after.AtRisk() - before.AtRisk(), Disputed: after.Taken() - before.Taken(),
	}
	if !c.First && c.Disputing == 0 && c.Disputed == 0 {
		return nil
	}
	return &c
}

// Ledger is whose wallet the dispute's entries move.
func (p *Dispute) Ledger() ledger.Customer {
	return ledger.Customer{Tenant: p.Tenant, ID: p.Customer, Currency: p.Currency}
}

// Clone is a copy that shares nothing that Evolve changes.
func (p *Dispute) Clone() *Dispute {
	if p == nil {
		return nil
	}
	c := *p
	c.Movements, c.Cases = slices.Clone(p.Movements), slices.Clone(p.Cases)
	if p.Asked != nil {
		asked := *p.Asked
		c.Asked = &asked
	}
	return &c
}

// Encode is what is stored of the dispute.
func (p *Dispute) Encode() ([]byte, error) { return topics.Marshal(p) }

// Decode reads what Encode wrote; the rest stands in the row.
func Decode(id topics.DisputeID, tenant, customer string, state []byte) (*Dispute, error) {
	p := new(Dispute)
	if err := topics.Unmarshal(state, p); err != nil {
		return nil, fmt.Errorf("dispute %s: %w", id, err)
	}
	p.ID, p.Tenant, p.Customer = id, tenant, customer
	return p, nil
}

// Check compares what an event tells of the dispute after it with the dispute that Evolve made.
func Check(after *Dispute, e *topics.DisputeEvent) error {
	if after == nil || e.Type == topics.DisputeCommandRefused {
		return nil
	}
	switch {
	case e.Status != "" && e.Status != after.Status():
		return fmt.Errorf("event %s: %s says status %s, the fold of the events gives %s", e.EventID, e.Type, e.Status, after.Status())
	case e.Stage != "" && e.Stage != after.Stage:
		return fmt.Errorf("event %s: %s says stage %s, the fold of the events gives %s", e.EventID, e.Type, e.Stage, after.Stage)
	case e.Totals != nil && *e.Totals != after.Totals:
		return fmt.Errorf("event %s: %s says totals %+v, the fold of the events gives %+v", e.EventID, e.Type, *e.Totals, after.Totals)
	}
	for i, m := range after.Movements {
		if slices.Contains(after.Movements[:i], m) {
			return fmt.Errorf("dispute %s: D1: %s %s is booked twice", after.ID, m.Fact, m.Name)
		}
	}
	return nil
}
