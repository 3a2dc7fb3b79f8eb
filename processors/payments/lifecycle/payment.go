package lifecycle

import (
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Payment is the fold of a payment's events. Amounts are minor units of Currency and are the truth: the status is
// derived from them and from what is open.
//
// P1: Captured ≤ Authorized, but for what a capture that asked for more took (Operation.Over). P2: Refunding + Refunded ≤ Captured. P3: Captured + Released ≤ Authorized, or
// nothing is released. A fact of the PSP that breaks one of them is booked with a case (Cases > 0); no command can.
// P4: at most one timer is held, and its generation only grows. P5 stands at ReviewState, P6 at Routing.
// P9: each timer is a step of the table from where the payment is, and what is left of an authorisation that was voided or has
// expired is being released, or a timer will.
type Payment struct {
	ID            topics.PaymentID
	Tenant        string
	Region        string
	Customer      string
	Currency      ledger.Currency
	Amount        int64 // that the create command asked for
	CaptureMethod topics.CaptureMethod
	Terms         Terms
	StepUp        bool // the decision on the create command asks for authentication

	Method            Method
	Card              *topics.Card // nil where none pays
	ReturnURL         string
	MerchantReference string
	Description       string
	Metadata          map[string]string
	Link              uuid.UUID // of the payment link that it pays, in its own partition; zero: none

	PSP              string // of the latest request
	PSPReference     string // of the authorisation
	NetworkReference string
	Authentication   *topics.AuthData
	Action           *topics.Action // while a challenge is open
	DeclineCode      string
	HardDecline      bool
	Reasons          []string // of the decision that blocked, held or stepped up

	Authorized int64 // all that was ever authorised
	Captured   int64
	Released   int64 // of Authorized: voided or expired
	Refunding  int64 // requested, not settled
	Refunded   int64
	// D2: Disputing is what is in dispute and not taken, of all disputes of the payment; Disputed what they took and did not give
	// back, below zero where more was given back than is known to have been taken.
	Disputing, Disputed int64

	// Mark is what amounts cannot tell: held, queued, blocked, rejected, declined, voided, expired or cancelled; "" otherwise.
	Mark   topics.PaymentStatus
	Review ReviewState
	// ReviewBy is when a pending review makes the payment held, or a held authorisation is released.
	ReviewBy time.Time
	Before   *topics.ReviewBasis // for as long as there may be a review
	Routing  *Routing            // for as long as another PSP may be asked; nil where no plan chose the one that is
	// Waiting is the authorisation that a held payment asks for once it is approved; nil where none was asked for.
	Waiting    *topics.RequestData
	Operations []Operation // in the order of their requests
	// Unasked is what the PSP did without being asked, in the order of its booking. P7: each is booked once. There are no more
	// than Cases, of which each opens one.
	Unasked []Unasked
	Cases   int // opened so far

	Mandate   *Mandate   // that the payment sets up
	Recurring *Recurring // of a payment by a mandate

	// CountedDay is the day in which the payment counts for the customer's deposit limits, "" where it does not, and
	// Counted what it counts, minor units. G1: that is Deposited.
	CountedDay string
	Counted    int64

	ExpiresAt time.Time // that the latest event set; Expiry says whether it still means anything
	Timer     topics.TimerChange
	TraceID   string // of the latest input that had one
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Operation is one request to the PSP and what is known of it. Closed ones are kept: a repeated, late or contradictory
// report of theirs must be recognised. Their number is bounded by Limits.Operations.
type Operation struct {
	Request   topics.EventID // of the event that asked for it; the PSP's idempotency key
	Kind      topics.PSPOperation
	State     OperationState
	Amount    int64 // minor units
	Total     int64 // increment: what is authorised with it; 0: another operation
	NotAfter  time.Time
	AskedAt   time.Time // of the request, the latest poll or the latest change of State
	Polls     int
	Captured  bool  // authorize: the PSP captured in the same call
	Expiry    bool  // void: because the authorisation runs out
	Over      int64 // capture: how much more it asked for than was left
	Reference string
	Cases     CaseFlags
	// PSP is set once an attempt at the authorisation is given up for another one, and in what releases such an attempt: Of is
	// the attempt's request then. Else the operation is of the payment's PSP.
	PSP string
	Of  topics.EventID
	// Unapplied: nobody asked for it. It is a sum that came for a payment that no card pays, and of it what is left to apply.
	Unapplied bool
	Fee       int64 // of a receipt: what is booked of the PSP's fee
}

// OperationState is how far an operation is.
type OperationState uint8

const (
	OperationRequested OperationState = iota + 1 // no answer yet
	OperationPending                             // the PSP accepted it, the result comes later
	OperationUnknown                             // asked, and the answer was lost
	OperationAction                              // authorize, confirm: waits for the customer's challenge
	OperationSucceeded
	OperationFailed
	OperationReversed // a refund that was settled and failed later
)

func (s OperationState) String() string {
	names := [...]string{"", "requested", "pending", "unknown", "requires_action", "succeeded", "failed", "reversed"}
	if int(s) >= len(names) {
		return "invalid"
	}
	return names[s]
}

// Open says that the result is still to come.
func (s OperationState) Open() bool { return s >= OperationRequested && s <= OperationAction }

// CaseFlags says which cases were opened for an operation, so that a repeated report opens no second one.
type CaseFlags uint8

const (
	CaseAmount    CaseFlags = 1 << iota // amount_mismatch
	CaseDuplicate                       // duplicate_operation
	CaseUnknown                         // outcome_unknown
	CaseUnmatched                       // unmatched_report
)

// flagOf is the flag of a case's code, 0 where cases of that code are not remembered.
func flagOf(code topics.RefusalCode) CaseFlags {
	switch code {
	case topics.RefusedAmountMismatch:
		return CaseAmount
	case topics.RefusedDuplicateOperation:
		return CaseDuplicate
	case topics.RefusedOutcomeUnknown:
		return CaseUnknown
	case topics.RefusedUnmatchedReport:
		return CaseUnmatched
	}
	return 0
}

// Status is derived from the amounts first, then from Mark, then from what is open.
//
// captured: nothing more can be captured. partially_refunded: some was refunded, and something can still be captured or
// refunded. unknown, authorizing and requires_action speak of the authorisation; later operations keep their own state.
func (p *Payment) Status() topics.PaymentStatus {
	if p.Captured > 0 || p.Refunded > 0 {
		return p.moneyStatus()
	}
	if p.Mark != "" {
		return p.Mark
	}
	if p.Authorized > 0 {
		if p.Review == ReviewPending {
			return topics.StatusReviewing
		}
		return topics.StatusAuthorized
	}
	var waits, acts bool
	for i := range p.Operations {
		if op := &p.Operations[i]; op.authorizes() {
			switch op.State {
			case OperationUnknown:
				return topics.StatusUnknown
			case OperationRequested, OperationPending:
				waits = true
			case OperationAction:
				acts = true
			}
		}
	}
	switch {
	case waits:
		return topics.StatusAuthorizing
	case acts:
		return topics.StatusRequiresAction
	case p.Routing != nil && p.Routing.Asked > 0, p.Recurring != nil && p.Recurring.Asked > 0: // between two attempts
		return topics.StatusAuthorizing
	}
	return topics.StatusCreated
}

func (p *Payment) moneyStatus() topics.PaymentStatus {
	uncaptured := p.Uncaptured() > 0
	switch {
	case p.Refunded >= p.Captured && !uncaptured:
		return topics.StatusRefunded
	case p.Refunded > 0:
		return topics.StatusPartiallyRefunded
	case uncaptured:
		return topics.StatusPartiallyCaptured
	}
	return topics.StatusCaptured
}

// Uncaptured is what is authorised and neither captured nor released, never below zero.
func (p *Payment) Uncaptured() int64 { return max(p.Authorized-p.Captured-p.Released, 0) }

// Capturable is what a capture may ask for: Uncaptured less what open captures ask for.
func (p *Payment) Capturable() int64 {
	left := p.Uncaptured()
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Kind == topics.OperationCapture && op.State.Open() {
			left -= op.Amount
		}
	}
	return max(left, 0)
}

// Refundable is what was captured and is neither refunded, being refunded, taken by a dispute nor in one, never below zero.
func (p *Payment) Refundable() int64 {
	return max(p.Captured-p.Refunded-p.Refunding-max(p.Disputed, 0)-p.Disputing, 0)
}

// Left is what was captured and neither went back, or is going, nor was taken by disputes; below zero it is the excess that
// stands in suspense.
func (p *Payment) Left() int64 { return p.Captured - p.Refunded - p.Refunding - p.Disputed }

// Totals are the amounts as an event shows them.
func (p *Payment) Totals() topics.Totals {
	return topics.Totals{Authorized: p.Authorized, Captured: p.Captured, Refunding: p.Refunding, Refunded: p.Refunded,
		Disputing: p.Disputing, Disputed: p.Disputed, Unapplied: p.Unapplied()}
}

// Operation finds an operation by the id of its request, nil where there is none.
func (p *Payment) Operation(request topics.EventID) *Operation {
	for i := range p.Operations {
		if p.Operations[i].Request == request {
			return &p.Operations[i]
		}
	}
	return nil
}

// open finds the latest open operation of a kind, of the payment's PSP.
func (p *Payment) open(kind topics.PSPOperation) *Operation {
	for i := len(p.Operations) - 1; i >= 0; i-- {
		if op := &p.Operations[i]; op.Kind == kind && op.State.Open() && !op.stray() {
			return op
		}
	}
	return nil
}

// Clone is a copy that shares nothing that Evolve changes.
func (p *Payment) Clone() *Payment {
	if p == nil {
		return nil
	}
	c := *p
	c.Operations, c.Unasked, c.Routing = slices.Clone(p.Operations), slices.Clone(p.Unasked), p.Routing.clone()
	c.Method.References = slices.Clone(p.Method.References)
	return &c
}

// authorizes says that the operation's success is the payment's authorisation.
func (op *Operation) authorizes() bool {
	return op.Kind == topics.OperationAuthorize || op.Kind == topics.OperationConfirm
}
