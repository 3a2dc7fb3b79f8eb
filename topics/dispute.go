package topics

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
)

// The types of the records that disputes have to themselves.
const (
	TypeDisputeCommand  = "weir.dispute.command.v1"  // disputes.commands.v1
	TypeAssessedDispute = "weir.dispute.assessed.v1" // an AssessedDisputeCommand, which stands in the inbox
	TypeDisputeEvent    = "weir.dispute.event.v1"    // disputes.events.v1
)

// DisputeCommandType is what a producer asks of a dispute. A dispute is opened by what a PSP reports, never by a command.
type DisputeCommandType string

const (
	DisputeAccept         DisputeCommandType = "accept"          // give the dispute up; the PSP is told
	DisputeSubmitEvidence DisputeCommandType = "submit_evidence" // answer it; the PSP is sent the evidence
)

// DisputeCommand is the value of disputes.commands.v1. Unknown fields are ignored; a field of a known name with a wrong type is
// a decoding error.
type DisputeCommand struct {
	// CommandID is a UUID chosen by the producer (version 7 recommended); the same id is never applied twice, and refused for
	// another command.
	CommandID string             `json:"command_id" validate:"required,command_id"`
	Type      DisputeCommandType `json:"type" validate:"required,oneof=accept submit_evidence"`
	Tenant    string             `json:"tenant" validate:"required,max=64,name"`
	Region    string             `json:"region,omitempty" validate:"max=32"`
	// CustomerID is the account holder whose payment is disputed.
	CustomerID string `json:"customer_id" validate:"required,max=64,name"`
	DisputeID  string `json:"dispute_id" validate:"required,max=64"`
	// Evidence belongs to submit_evidence.
	Evidence *DisputeEvidence `json:"evidence,omitempty"`
	// RequestedBy is who decided.
	RequestedBy string `json:"requested_by,omitempty" validate:"max=64"`
	Reason      string `json:"reason,omitempty" validate:"max=256"` // why, for people
	// IssuedAt is when the producer wrote the command; one older than the deduplication horizon (30 days) is refused.
	IssuedAt time.Time `json:"issued_at,omitzero"`
	TraceID  string    `json:"trace_id,omitempty" validate:"max=64"`
}

// DisputeEvidence is what the PSP is sent. Documents are named, not carried: they hold personal data, which topics do not.
type DisputeEvidence struct {
	Text      string             `json:"text,omitempty" validate:"max=4000"` // for who decides on the dispute
	Documents []EvidenceDocument `json:"documents,omitempty" validate:"max=20,dive"`
}

// EvidenceDocument names a document that the PSP has, or can be shown.
type EvidenceDocument struct {
	// Kind is what it shows: receipt, customer_communication, delivery, terms, activity_log …
	Kind string `json:"kind" validate:"required,max=64,name"`
	// Reference is the PSP's id of the uploaded file, or where it lies in a store of the merchant's own.
	Reference string `json:"reference" validate:"required,max=256"`
	SHA256    string `json:"sha256,omitempty" validate:"omitempty,len=64,hexadecimal"` // of its bytes, in hex
}

// AssessedDisputeCommand is a dispute command as it stands in the inbox. No rule is evaluated for it.
type AssessedDisputeCommand struct {
	Command DisputeCommand `json:"command"`
	// Refusal says that the command must be refused as it stands, before anything but its id is looked at; it then holds
	// only what names it.
	Refusal *Refusal `json:"refusal,omitempty"`
}

// DisputeFact is what a PSP tells of a dispute.
type DisputeFact string

const (
	FactInquiry           DisputeFact = "inquiry"            // the issuer asks for information (retrieval); no money is at stake yet
	FactOpened            DisputeFact = "opened"             // a chargeback: notice of it, or what is new of it
	FactEvidenceSubmitted DisputeFact = "evidence_submitted" // the PSP has evidence, whoever sent it
	FactPreArbitration    DisputeFact = "pre_arbitration"    // the issuer contests the evidence
	FactArbitration       DisputeFact = "arbitration"        // the scheme decides
	FactWon               DisputeFact = "won"
	FactLost              DisputeFact = "lost"
	FactClosed            DisputeFact = "closed" // nothing more comes; not a result

	// Facts that move money. Nothing else does, and they decide nothing.
	FactFundsWithdrawn  DisputeFact = "funds_withdrawn"
	FactFundsReinstated DisputeFact = "funds_reinstated"
	FactFee             DisputeFact = "fee"
	FactFeeReturned     DisputeFact = "fee_returned"
)

// DisputeReport is what a PSPReport of an operation of disputes has beside what each has. Its amount and currency are those of
// what is disputed or, of a fact that moves money, of the movement. Its psp_reference is the payment's, its occurred_at is
// that of the fact and decides which of two results is the later one.
type DisputeReport struct {
	// Reference is what the PSP calls the dispute, the same in all that it tells of it.
	Reference string `json:"reference"`
	// Fact is of a report of operation dispute. The answer to a request of ours has none.
	Fact DisputeFact `json:"fact,omitempty"`
	// Inquiry says that the dispute was an inquiry when the fact occurred: told before the inquiry itself, it opens one.
	Inquiry bool `json:"inquiry,omitempty"`
	// Movement is what the PSP calls this movement of money (a balance transaction), by which it is booked once; absent: the
	// report's id.
	Movement string `json:"movement,omitempty"`
	// Reason is the scheme's or the PSP's code, as it gave it (10.4, 4853); Category is what the table of codes makes of it:
	// fraud, authorisation, processing or consumer.
	Reason   string `json:"reason,omitempty"`
	Category string `json:"category,omitempty"`
	// EvidenceDue is until when the PSP takes evidence.
	EvidenceDue time.Time `json:"evidence_due,omitzero"`
}

// DisputeEventType is what happened to a dispute.
type DisputeEventType string

const (
	DisputeOpened              DisputeEventType = "opened"               // the first event of each dispute, by a notice, or by what was told before it
	DisputeChargedBack         DisputeEventType = "charged_back"         // an inquiry became a chargeback
	DisputeUpdated             DisputeEventType = "updated"              // the PSP told its amount, reason or due date, or another one
	DisputeEvidenceRequested   DisputeEventType = "evidence_requested"   // a PSP request follows: send evidence
	DisputeAcceptanceRequested DisputeEventType = "acceptance_requested" // a PSP request follows: give it up
	DisputeEvidenceSubmitted   DisputeEventType = "evidence_submitted"   // the PSP has it
	DisputeAccepted            DisputeEventType = "accepted"             // the PSP knows that it was given up
	DisputeRequestFailed       DisputeEventType = "request_failed"       // the request named came to nothing: it may be asked for again
	DisputeOutcomeUnknown      DisputeEventType = "outcome_unknown"      // of the request named; polled until known
	DisputePollRequested       DisputeEventType = "poll_requested"
	DisputeEvidenceReminder    DisputeEventType = "evidence_reminder" // evidence is due soon, and none was sent
	DisputeEvidenceOverdue     DisputeEventType = "evidence_overdue"  // it was due; lost only when the PSP says so
	DisputePreArbitration      DisputeEventType = "pre_arbitration"   // evidence is wanted anew
	DisputeArbitration         DisputeEventType = "arbitration"       // the scheme decides
	DisputeWon                 DisputeEventType = "won"               // moves no money
	DisputeLost                DisputeEventType = "lost"              // moves no money
	DisputeClosed              DisputeEventType = "closed"            // the PSP tells no more; what it tells all the same is taken
	DisputeFundsWithdrawn      DisputeEventType = "funds_withdrawn"   // posts
	DisputeFundsReinstated     DisputeEventType = "funds_reinstated"  // posts
	DisputeFeeCharged          DisputeEventType = "fee_charged"       // posts
	DisputeFeeReturned         DisputeEventType = "fee_returned"      // posts
	DisputeCommandRefused      DisputeEventType = "command_refused"   // changes nothing; refusal says why
	DisputeCaseOpened          DisputeEventType = "case_opened"       // a fact that needs a person
	DisputeDeadLettered        DisputeEventType = "dead_lettered"     // the record is in the dead-letter topic
)

// DisputeStage is how far a dispute went. It only grows.
type DisputeStage string

const (
	StageInquiry        DisputeStage = "inquiry"
	StageChargeback     DisputeStage = "chargeback"
	StagePreArbitration DisputeStage = "pre_arbitration"
	StageArbitration    DisputeStage = "arbitration"
)

// DisputeStatus is where a dispute is in its stage.
type DisputeStatus string

const (
	DisputeStatusNeedsResponse DisputeStatus = "needs_response" // evidence or acceptance is wanted, by evidence_due
	DisputeStatusOverdue       DisputeStatus = "overdue"        // evidence was due and none was sent
	DisputeStatusSubmitting    DisputeStatus = "submitting"     // the PSP is sent evidence, its answer is to come
	DisputeStatusAccepting     DisputeStatus = "accepting"      // the PSP is told that it is given up, its answer is to come
	DisputeStatusUnderReview   DisputeStatus = "under_review"   // the PSP has evidence, or the scheme decides
	DisputeStatusAccepted      DisputeStatus = "accepted"       // given up; the PSP is yet to say that it is lost
	DisputeStatusWon           DisputeStatus = "won"
	DisputeStatusLost          DisputeStatus = "lost"
	DisputeStatusClosed        DisputeStatus = "closed" // ended without a result, as an inquiry may
)

// DisputeStatuses lists those that a stored dispute can have.
func DisputeStatuses() []DisputeStatus {
	return []DisputeStatus{
		DisputeStatusNeedsResponse, DisputeStatusOverdue, DisputeStatusSubmitting, DisputeStatusAccepting, DisputeStatusUnderReview,
		DisputeStatusAccepted, DisputeStatusWon, DisputeStatusLost, DisputeStatusClosed,
	}
}

// DisputeEvent is the value of disputes.events.v1. A dispute's state is the fold of its events and of nothing else. Amounts are
// minor units of Currency, the payment's.
type DisputeEvent struct {
	EventID    string           `json:"event_id"` // partition-position-index of the inbox record that caused it
	Type       DisputeEventType `json:"type"`
	Tenant     string           `json:"tenant"`
	Region     string           `json:"region,omitempty"`
	CustomerID string           `json:"customer_id,omitempty"`
	DisputeID  string           `json:"dispute_id,omitempty"`
	PaymentID  string           `json:"payment_id,omitempty"` // that is disputed
	CommandID  string           `json:"command_id,omitempty"` // the command that caused it, if one did
	TraceID    string           `json:"trace_id,omitempty"`
	At         time.Time        `json:"at"`
	Status     DisputeStatus    `json:"status,omitempty"` // after this event
	Stage      DisputeStage     `json:"stage,omitempty"`  // after this event
	// Amount is what is disputed or, of an event that posts, what was moved. 0: not known in the payment's currency.
	Amount   int64  `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
	// Exposed is what the payment has captured or may still capture, where nobody knows how much of it is disputed: no refund is let
	// until it is known.
	Exposed int64 `json:"exposed,omitempty"`
	// RequestID names the PSP request that an answer belongs to (the event id of its *_requested event).
	RequestID string `json:"request_id,omitempty"`

	Opened *DisputeData `json:"opened,omitempty"` // opened
	// Reason, Category and EvidenceDue are those that the PSP told with this event.
	Reason      string           `json:"reason,omitempty"`
	Category    string           `json:"category,omitempty"`
	EvidenceDue time.Time        `json:"evidence_due,omitzero"`
	OccurredAt  time.Time        `json:"occurred_at,omitzero"` // when it happened, by the PSP's clock
	Movement    string           `json:"movement,omitempty"`   // events that post: what the PSP calls the movement of money
	Evidence    *DisputeEvidence `json:"evidence,omitempty"`   // evidence_requested
	Request     *DisputeAsked    `json:"request,omitempty"`    // *_requested
	PSP         *PSPData         `json:"psp,omitempty"`        // what the PSP said
	Totals      *DisputeTotals   `json:"totals,omitempty"`     // after this event, where it posts
	Refusal     RefusalCode      `json:"refusal,omitempty"`    // command_refused, case_opened, dead_lettered
	Detail      string           `json:"detail,omitempty"`     // for people
	Timer       *TimerChange     `json:"timer,omitempty"`      // armed by this event
	RequestedBy string           `json:"requested_by,omitempty"`
	// Balance is what the customer has right after this event in its currency, where it posts.
	Balance *WalletBalance `json:"balance,omitempty"`
	// More says that the same inbox record caused another event, which follows: what a record does is done as a whole.
	More bool `json:"more,omitempty"`
}

// DisputeData is what a dispute's first event fixes for its life.
type DisputeData struct {
	PSP       string `json:"psp"`
	Reference string `json:"reference"` // what the PSP calls the dispute
}

// DisputeAsked is what a *_requested event asks of the PSP.
type DisputeAsked struct {
	PSP      string    `json:"psp"`
	NotAfter time.Time `json:"not_after"`
}

// DisputeTotals are the amounts that a dispute has moved. What it took is Withdrawn less Reinstated, or nothing where that is below zero.
type DisputeTotals struct {
	Withdrawn    int64 `json:"withdrawn"`
	Reinstated   int64 `json:"reinstated,omitempty"`
	Fees         int64 `json:"fees,omitempty"`
	FeesReturned int64 `json:"fees_returned,omitempty"`
}

// DisputeID names a dispute and the partition that owns it: "dp_" + partition as 4 hex digits + "_" + 32 hex digits.
type DisputeID struct {
	Partition int32
	UUID      uuid.UUID
}

// DisputeIDOf is the id of the dispute that a PSP calls reference, of a payment: the first 16 bytes of SHA-256 over "dispute",
// tenant, payment id, PSP and reference, each but the last followed by a zero byte. It is known before the dispute is, so
// whatever is told first opens it. The partition is the payment's.
func DisputeIDOf(tenant string, payment PaymentID, psp, reference string) DisputeID {
	sum := sha256.Sum256([]byte("dispute\x00" + tenant + "\x00" + payment.String() + "\x00" + psp + "\x00" + reference))
	return DisputeID{payment.Partition, uuid.UUID(sum[:16])}
}

const disputePrefix = "dp_"

func (id DisputeID) String() string { return partitioned(disputePrefix, id.Partition, id.UUID) }

// ParseDisputeID reads what String wrote.
func ParseDisputeID(s string) (DisputeID, error) {
	partition, id, err := parsePartitioned("dispute", disputePrefix, s)
	return DisputeID{partition, id}, err
}

// IsDisputeID tells a dispute's id from a payment's or a payout's, where any may stand.
func IsDisputeID(s string) bool { return strings.HasPrefix(s, disputePrefix) }

// OfDispute says that a report is about a dispute: a fact, or the answer to a request.
func (o PSPOperation) OfDispute() bool {
	return o == OperationDispute || o == OperationDisputeAccept || o == OperationDisputeEvidence
}
