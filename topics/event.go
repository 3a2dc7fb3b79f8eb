package topics

import "time"

// EventType is what happened to a payment.
type EventType string

const (
	EventCreated                EventType = "created"
	EventBlocked                EventType = "blocked"                 // by a rule, or above a responsible-gaming limit; final
	EventHeld                   EventType = "held"                    // waits for a reviewer
	EventReleased               EventType = "released"                // a reviewer approved
	EventRejected               EventType = "rejected"                // a reviewer refused; final
	EventAuthorizationRequested EventType = "authorization_requested" // a PSP request follows; so for all *_requested
	EventActionRequired         EventType = "action_required"         // a 3-D Secure challenge
	EventConfirmationRequested  EventType = "confirmation_requested"
	EventAuthorized             EventType = "authorized"
	EventReviewed               EventType = "reviewed" // the rules let the authorisation pass; where they do not, held or blocked
	EventDeclined               EventType = "declined"
	EventAttemptDeclined        EventType = "attempt_declined" // by one PSP, or provably not performed; the next of the plan is asked, or the payment is queued
	EventQueued                 EventType = "queued"           // no PSP of the plan could be asked; they are asked again later
	EventCaptureRequested       EventType = "capture_requested"
	EventCaptured               EventType = "captured" // posts
	EventCaptureFailed          EventType = "capture_failed"
	EventIncrementRequested     EventType = "increment_requested" // Amount is what is added to the authorisation
	EventIncremented            EventType = "incremented"
	EventIncrementFailed        EventType = "increment_failed" // what was authorised before stands
	EventVoidRequested          EventType = "void_requested"
	EventVoided                 EventType = "voided"
	EventVoidFailed             EventType = "void_failed"
	EventRefundRequested        EventType = "refund_requested"   // posts: the wallet gives the money up
	EventRefunded               EventType = "refunded"           // posts: settled
	EventRefundFailed           EventType = "refund_failed"      // posts: the wallet has it back
	EventUnappliedReceived      EventType = "unapplied_received" // posts: what came is not what was asked for, or came again; it stands in suspense
	EventUnappliedReturned      EventType = "unapplied_returned" // posts: it went back by itself
	EventReturned               EventType = "returned"           // posts: what had come, by another method than a card, went back; counts as refunded
	EventExpired                EventType = "expired"
	EventCancelled              EventType = "cancelled"
	EventSubmitted              EventType = "submitted"       // the PSP accepted the request named; its result comes later
	EventOutcomeUnknown         EventType = "outcome_unknown" // of the request named; polled until known
	EventPollRequested          EventType = "poll_requested"
	EventCommandRefused         EventType = "command_refused" // changes nothing; Refusal says why
	EventCaseOpened             EventType = "case_opened"     // a fact that moved nothing and needs a person
	EventDeadLettered           EventType = "dead_lettered"   // the record is in the dead-letter topic
	EventDisputed               EventType = "disputed"        // a dispute of it changed what is disputed or taken; the dispute's event posts

	// Of an attempt that was given up for another PSP, and that its PSP approved all the same. It is not the payment's: it is
	// released at once, and changes neither the payment's status nor its totals.
	EventStrayAuthorized       EventType = "stray_authorized"        // RequestID is the attempt's
	EventStrayCaptured         EventType = "stray_captured"          // posts: the PSP also took the money
	EventStrayReleaseRequested EventType = "stray_release_requested" // a void, or a refund of what was taken; RequestID is the attempt's
	EventStrayReleased         EventType = "stray_released"          // posts, where it was a refund
	EventStrayReleaseFailed    EventType = "stray_release_failed"    // posts, where a settled refund was reversed

	// Of the mandate that the payment set up, which its created event tells of. They change nothing of the payment itself.
	EventMandateActivated EventType = "mandate_activated" // the payment was approved
	EventMandateRevoked   EventType = "mandate_revoked"
	EventMandateExpired   EventType = "mandate_expired"
	EventMandateFailed    EventType = "mandate_failed" // the payment was not approved, or a later one by the mandate was declined for good
)

// PaymentStatus is derived from a payment's amounts and open requests, never the reverse.
type PaymentStatus string

const (
	StatusCreated           PaymentStatus = "created"
	StatusHeld              PaymentStatus = "held"
	StatusBlocked           PaymentStatus = "blocked"
	StatusRejected          PaymentStatus = "rejected"
	StatusAuthorizing       PaymentStatus = "authorizing"
	StatusQueued            PaymentStatus = "queued" // no PSP could be asked; nothing is open at any
	StatusRequiresAction    PaymentStatus = "requires_action"
	StatusUnknown           PaymentStatus = "unknown" // of the authorisation; later operations keep their own state
	StatusDeclined          PaymentStatus = "declined"
	StatusReviewing         PaymentStatus = "reviewing" // authorised; nothing is captured until risk has looked at it
	StatusAuthorized        PaymentStatus = "authorized"
	StatusPartiallyCaptured PaymentStatus = "partially_captured"
	StatusCaptured          PaymentStatus = "captured"
	StatusPartiallyRefunded PaymentStatus = "partially_refunded"
	StatusRefunded          PaymentStatus = "refunded"
	StatusVoided            PaymentStatus = "voided"
	StatusExpired           PaymentStatus = "expired"
	StatusCancelled         PaymentStatus = "cancelled"
)

// PaymentEvent is the value of payments.events.v1. A payment's state is the fold of its events and of nothing else:
// what a later decision needs must stand in an event.
type PaymentEvent struct {
	EventID    string        `json:"event_id"` // partition-position-index of the inbox record that caused it
	Type       EventType     `json:"type"`
	Tenant     string        `json:"tenant"`
	Region     string        `json:"region,omitempty"`
	CustomerID string        `json:"customer_id,omitempty"`
	PaymentID  string        `json:"payment_id,omitempty"`
	CommandID  string        `json:"command_id,omitempty"` // the command that caused it, if one did
	TraceID    string        `json:"trace_id,omitempty"`
	At         time.Time     `json:"at"`
	Status     PaymentStatus `json:"status,omitempty"` // after this event
	Amount     int64         `json:"amount,omitempty"` // of this event, minor units
	Currency   string        `json:"currency,omitempty"`
	// RequestID names the PSP request that an answer, a failure or an unknown outcome belongs to (the event id of its
	// *_requested event).
	RequestID string `json:"request_id,omitempty"`

	Created *CreatedData `json:"created,omitempty"`
	Request *RequestData `json:"request,omitempty"` // *_requested
	PSP     *PSPData     `json:"psp,omitempty"`     // what the PSP said
	Outcome Outcome      `json:"outcome,omitempty"` // of the risk decision
	Reasons []string     `json:"reasons,omitempty"`
	Refusal RefusalCode  `json:"refusal,omitempty"` // command_refused, case_opened, dead_lettered
	Detail  string       `json:"detail,omitempty"`  // for people
	Totals  *Totals      `json:"totals,omitempty"`  // after this event, where it moved an amount
	// Dispute is what a disputed event changes.
	Dispute *DisputeChange `json:"dispute,omitempty"`
	Review  *ReviewData    `json:"review,omitempty"` // authorized: risk was asked to look at it
	Timer   *TimerChange   `json:"timer,omitempty"`  // armed by this event
	// ExpiresAt is when what this event began runs out: an unused or held payment, a challenge, an authorisation.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// CaptureAt is when a delayed capture is asked for, unless a capture or a void is before: authorized.
	CaptureAt *time.Time `json:"capture_at,omitempty"`
	// OverCapture is how much more than is authorised the last capture may take: authorized.
	OverCapture int64 `json:"over_capture,omitempty"`
	// Counted is what the event changes of the deposits that the customer's responsible-gaming limits count.
	Counted *GamingCount `json:"counted,omitempty"`
	// Mandate is what a mandate_* event says, Retry when a payment by a mandate that is queued is asked for again.
	Mandate *MandateChange `json:"mandate,omitempty"`
	Retry   *MandateRetry  `json:"retry,omitempty"`
	// GamingLimit is the limit that blocked the payment or held it for a reviewer.
	GamingLimit *GamingLimit `json:"gaming_limit,omitempty"`
	// More says that the same inbox record caused another event, which follows: what a record does is done as a whole.
	More bool `json:"more,omitempty"`
}

// CreatedData is what a created event fixes for the payment's life.
type CreatedData struct {
	CaptureMethod CaptureMethod `json:"capture_method"`
	// CaptureDelaySeconds is how long after the authorisation an automatic capture is asked for; absent: together with it.
	CaptureDelaySeconds int64 `json:"capture_delay_seconds,omitempty"`

	PaymentMethod     *PaymentMethod    `json:"payment_method,omitempty"` // absent: a card
	Card              *Card             `json:"card,omitempty"`
	ReturnURL         string            `json:"return_url,omitempty"`
	MerchantReference string            `json:"merchant_reference,omitempty"`
	Description       string            `json:"description,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	LinkID            string            `json:"link_id,omitempty"` // the payment link that it pays
	// Plan is for the authorisation that a later command asks for: that one knows neither card nor amount.
	Plan *RoutePlan `json:"plan,omitempty"`
	// SetupMandate are the terms of the mandate that the payment sets up, Mandate is what it takes over from the one that it is by.
	SetupMandate *MandateTerms `json:"setup_mandate,omitempty"`
	Mandate      *MandateUse   `json:"mandate,omitempty"`
	// StatementDescriptor is what the customer is to read on the card's statement.
	StatementDescriptor string `json:"statement_descriptor,omitempty"`
}

// RequestData is what a *_requested event asks of the PSP, beyond the event's amount. A held event has that of the
// authorisation which it waits to ask for, and one that declines a payment for want of a route has its plan.
type RequestData struct {
	PSP       string     `json:"psp"`
	NotAfter  time.Time  `json:"not_after,omitzero"`
	Capture   bool       `json:"capture,omitempty"`
	ThreeDS   bool       `json:"three_ds,omitempty"`
	Challenge *Challenge `json:"challenge,omitempty"`
	Total     int64      `json:"total,omitempty"`  // increment: what is to be authorised in all, minor units
	Expiry    bool       `json:"expiry,omitempty"` // void: because the authorisation runs out; it ends as expired
	// Review of an authorize: what the PSP approves is reviewed before anything is captured.
	Review *ReviewBasis `json:"review,omitempty"`
	// Plan stands in the first event that asks, or that holds the payment before; later attempts follow the same one.
	Plan     *RoutePlan   `json:"plan,omitempty"`
	Route    string       `json:"route,omitempty"`    // authorize: of the plan
	Attempt  int          `json:"attempt,omitempty"`  // authorize by a plan: 1 for the first
	Fallback bool         `json:"fallback,omitempty"` // authorize: where it cannot be sent, the payment goes on at once
	Release  PSPOperation `json:"release,omitempty"`  // stray_release_requested: void or refund
}

// ReviewData is a review that was asked for.
type ReviewData struct {
	Until time.Time `json:"until"` // the authorisation is held if there is no answer by then
}

// PSPData is what the PSP said, as far as it is kept.
type PSPData struct {
	ReportID         string         `json:"report_id,omitempty"` // of a webhook
	Source           ReportSource   `json:"source,omitempty"`
	Operation        PSPOperation   `json:"operation,omitempty"`
	PSPReference     string         `json:"psp_reference,omitempty"`
	NetworkReference string         `json:"network_reference,omitempty"`
	DeclineCode      string         `json:"decline_code,omitempty"`
	HardDecline      bool           `json:"hard_decline,omitempty"`
	DeclineCategory  string         `json:"decline_category,omitempty"` // insufficient_funds …, by the table of decline codes
	DeclineRetry     string         `json:"decline_retry,omitempty"`    // never, later, other_route or after_authentication
	Fee              int64          `json:"fee,omitempty"`
	Reversed         bool           `json:"reversed,omitempty"`      // refund_failed: the PSP had settled it before
	Applied          bool           `json:"applied,omitempty"`       // captured: out of what had come in parts, and stood in suspense
	Confirmations    *Confirmations `json:"confirmations,omitempty"` // submitted: of what is on its way by crypto
	Action           *Action        `json:"action,omitempty"`
	Authentication   *AuthData      `json:"authentication,omitempty"`
	// StoredCredential is what the PSP calls the card that it keeps for a mandate.
	StoredCredential string `json:"stored_credential,omitempty"`
	// PSP is who said it, of an authorisation by a plan, TookMS how long after the request, or after the latest poll, and
	// Unsent that it provably was not sent.
	PSP    string `json:"psp,omitempty"`
	TookMS int64  `json:"took_ms,omitempty"`
	Unsent bool   `json:"unsent,omitempty"`
	// Object is what the PSP calls a capture, void or refund that nobody asked for, or the id of the report where that names none.
	Object string `json:"object,omitempty"`
}

// Totals are the amounts of a payment in minor units; all else about its money is derived from them.
type Totals struct {
	Authorized int64 `json:"authorized"`
	Captured   int64 `json:"captured"`
	Refunding  int64 `json:"refunding,omitempty"` // requested, not settled
	Refunded   int64 `json:"refunded,omitempty"`
	Disputing  int64 `json:"disputing,omitempty"` // in dispute, and not taken
	Disputed   int64 `json:"disputed,omitempty"`  // taken by disputes, less what was given back
	Unapplied  int64 `json:"unapplied,omitempty"` // came by another method than a card, and stands in suspense
}

// DisputeChange is what a dispute changes of its payment, in minor units: each the amount after less that before.
type DisputeChange struct {
	DisputeID string `json:"dispute_id"`
	First     bool   `json:"first,omitempty"` // the dispute became a chargeback: it counts as disputed
	Disputing int64  `json:"disputing,omitempty"`
	Disputed  int64  `json:"disputed,omitempty"`
}

// TimerChange is the one timer that a payment holds.
type TimerChange struct {
	Kind       TimerKind `json:"kind,omitempty"` // "" disarms
	Due        time.Time `json:"due,omitzero"`
	Generation int64     `json:"generation"`
}

// LedgerEntry is the value of ledger.entries.v1: everything needed to rebuild balances without a look-up.
type LedgerEntry struct {
	EntryID    string    `json:"entry_id"` // partition-position-index
	Template   string    `json:"template"`
	Tenant     string    `json:"tenant"`
	Region     string    `json:"region,omitempty"`
	CustomerID string    `json:"customer_id,omitempty"`
	PaymentID  string    `json:"payment_id,omitempty"`
	TraceID    string    `json:"trace_id,omitempty"`
	BookedAt   time.Time `json:"booked_at"`
	// EffectiveAt is when what is booked took place, where that is not BookedAt.
	EffectiveAt time.Time `json:"effective_at,omitzero"`
	// Reference ties entries together that no payment does: a game round, a hold, a payout.
	Reference string `json:"reference,omitempty"`
	// Period is the accounting period that the entry counts in ("2026-11"), where the month of its effective time was closed.
	Period   string          `json:"period,omitempty"`
	Postings []LedgerPosting `json:"postings"`
}

// LedgerPosting moves an amount on one account: positive is a debit, negative a credit.
type LedgerPosting struct {
	AccountID string `json:"account_id"` // hex
	Code      string `json:"code"`
	Owner     string `json:"owner,omitempty"`
	Currency  string `json:"currency"`
	Amount    int64  `json:"amount"` // minor units
}
