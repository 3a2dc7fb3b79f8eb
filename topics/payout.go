package topics

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
)

// TypeAssessedPayout is the ce_type of an AssessedPayoutCommand, which stands in the inbox.
const TypeAssessedPayout = "weir.payout.assessed.v1"

// PayoutCommandType is what a producer asks of a payout.
type PayoutCommandType string

const (
	PayoutCreate  PayoutCommandType = "create"  // a new payout; the money is set aside at once
	PayoutApprove PayoutCommandType = "approve" // a second person lets a held payout go on
	PayoutReject  PayoutCommandType = "reject"  // a person refuses a held payout
	PayoutCancel  PayoutCommandType = "cancel"  // give up a payout of which nothing was sent
)

// PayoutCommand is the value of payouts.commands.v1. Amounts are integers in minor units (1050 is 10.50 EUR).
// Unknown fields are ignored; a field of a known name with a wrong type is a decoding error.
type PayoutCommand struct {
	// CommandID is a UUID chosen by the producer (version 7 recommended); the same id is never applied twice, and refused for
	// another command. The id of a payout derives from the one that created it.
	CommandID string            `json:"command_id" validate:"required,command_id"`
	Type      PayoutCommandType `json:"type" validate:"required,oneof=create approve reject cancel"`
	Tenant    string            `json:"tenant" validate:"required,max=64,name"`
	Region    string            `json:"region,omitempty" validate:"max=32"`
	// CustomerID is the account holder whose wallet pays.
	CustomerID string `json:"customer_id" validate:"required,max=64,name"`
	PayoutID   string `json:"payout_id,omitempty" validate:"required_unless=Type create,max=64"`
	// Amount and Currency are required for create, and have no place in others.
	Amount   int64  `json:"amount,omitempty" validate:"gte=0,lte=999999999999999"`
	Currency string `json:"currency,omitempty" validate:"omitempty,currency"`
	// Card belongs to create: the card to pay to, by the token of a former deposit. Absent, it is chosen among the cards that
	// the customer deposited with.
	Card    *Card    `json:"card,omitempty"`
	Context *Context `json:"context,omitempty"` // create: what risk may look at
	// RequestedBy is who asks for what the command does: for the payout, its rejection or its cancellation. A payout that is
	// approved has one, by its create or its approve command.
	RequestedBy string `json:"requested_by,omitempty" validate:"max=64"`
	// ApprovedBy belongs to approve: another person than the one who asked for the payout, and not CreatedBy.
	ApprovedBy string `json:"approved_by,omitempty" validate:"max=64"`
	// CreatedBy belongs to create: the API key that it was asked with, where it came over HTTP. RequestedBy is its word.
	CreatedBy         string            `json:"created_by,omitempty" validate:"max=64"`
	MerchantReference string            `json:"merchant_reference,omitempty" validate:"max=128"`
	Description       string            `json:"description,omitempty" validate:"max=256"`
	Metadata          map[string]string `json:"metadata,omitempty" validate:"max=20,dive,keys,max=40,endkeys,max=500"`
	Reason            string            `json:"reason,omitempty" validate:"max=256"` // reject, cancel: why
	// IssuedAt is when the producer wrote the command; one older than the deduplication horizon (30 days) is refused.
	IssuedAt time.Time `json:"issued_at,omitzero"`
	TraceID  string    `json:"trace_id,omitempty" validate:"max=64"`
}

// AssessedPayoutCommand is a payout command with the risk decision that was made on it, as AssessedCommand is of a payment's.
type AssessedPayoutCommand struct {
	Command PayoutCommand `json:"command"`
	// Decision is nil where no rule is evaluated for the command; only a create command is decided on.
	Decision   *Decision   `json:"decision,omitempty"`
	Enrichment *Enrichment `json:"enrichment,omitempty"`
	Features   FeatureSet  `json:"features,omitempty"`
	// AssessedAt is the time of the command's record, which was now to the rules.
	AssessedAt time.Time `json:"assessed_at,omitzero"`
	// Refusal says that the command must be refused as it stands, before anything but its id is looked at; it then holds
	// only what names it.
	Refusal *Refusal `json:"refusal,omitempty"`
}

// PayoutEventType is what happened to a payout.
type PayoutEventType string

const (
	PayoutCreated        PayoutEventType = "created"         // posts: the money is set aside
	PayoutBlocked        PayoutEventType = "blocked"         // by a rule; the first and last event of the payout, nothing was set aside
	PayoutHeld           PayoutEventType = "held"            // waits for a second person
	PayoutReleased       PayoutEventType = "released"        // a second person approved
	PayoutRejected       PayoutEventType = "rejected"        // posts: the money is given back; final
	PayoutCancelled      PayoutEventType = "cancelled"       // posts: the money is given back; final
	PayoutExpired        PayoutEventType = "expired"         // posts: nobody decided in time, the money is given back; final
	PayoutSendRequested  PayoutEventType = "send_requested"  // posts, the first time: the money leaves the customer; a PSP request follows
	PayoutSubmitted      PayoutEventType = "submitted"       // the PSP accepted the request; its result comes later
	PayoutOutcomeUnknown PayoutEventType = "outcome_unknown" // polled until known
	PayoutPollRequested  PayoutEventType = "poll_requested"
	PayoutQueued         PayoutEventType = "queued"          // provably not sent: it is asked for again at the timer's time
	PayoutPaid           PayoutEventType = "paid"            // posts
	PayoutFailed         PayoutEventType = "failed"          // posts: provably not paid, the money is given back
	PayoutRequestFailed  PayoutEventType = "request_failed"  // the request named came to nothing, which changes nothing for the payout
	PayoutReturned       PayoutEventType = "returned"        // posts: paid, and came back after that; the money is given back
	PayoutCommandRefused PayoutEventType = "command_refused" // changes nothing; refusal says why
	PayoutCaseOpened     PayoutEventType = "case_opened"     // a fact that needs a person
	PayoutDeadLettered   PayoutEventType = "dead_lettered"   // the record is in the dead-letter topic
)

// PayoutStatus is where a payout is in its life.
type PayoutStatus string

const (
	PayoutStatusBlocked   PayoutStatus = "blocked"
	PayoutStatusHeld      PayoutStatus = "held"      // the money is set aside; a second person must approve, until expires_at
	PayoutStatusQueued    PayoutStatus = "queued"    // the money is set aside; the PSP is asked next, or again at retry_at
	PayoutStatusSent      PayoutStatus = "sent"      // the PSP was asked, or has accepted
	PayoutStatusUnknown   PayoutStatus = "unknown"   // the PSP was asked and its answer is not known; it is polled
	PayoutStatusPaid      PayoutStatus = "paid"      // final, unless it is returned
	PayoutStatusFailed    PayoutStatus = "failed"    // the customer has the money back
	PayoutStatusReturned  PayoutStatus = "returned"  // the customer has the money back
	PayoutStatusRejected  PayoutStatus = "rejected"  // the customer has the money back
	PayoutStatusCancelled PayoutStatus = "cancelled" // the customer has the money back
	PayoutStatusExpired   PayoutStatus = "expired"   // the customer has the money back
)

// PayoutEvent is the value of payouts.events.v1. A payout's state is the fold of its events and of nothing else.
type PayoutEvent struct {
	EventID    string          `json:"event_id"` // partition-position-index of the inbox record that caused it
	Type       PayoutEventType `json:"type"`
	Tenant     string          `json:"tenant"`
	Region     string          `json:"region,omitempty"`
	CustomerID string          `json:"customer_id,omitempty"`
	PayoutID   string          `json:"payout_id,omitempty"`
	CommandID  string          `json:"command_id,omitempty"` // the command that caused it, if one did
	TraceID    string          `json:"trace_id,omitempty"`
	At         time.Time       `json:"at"`
	Status     PayoutStatus    `json:"status,omitempty"` // after this event
	Amount     int64           `json:"amount,omitempty"` // of this event, minor units; where nothing else is told, the payout's
	Currency   string          `json:"currency,omitempty"`
	// RequestID names the PSP request that an answer, a failure or an unknown outcome belongs to (the event id of its
	// send_requested event).
	RequestID string `json:"request_id,omitempty"`
	// Guessed says that the PSP named neither the request nor a reference that was known, and that there were several requests.
	Guessed bool `json:"guessed,omitempty"`

	Created *PayoutData  `json:"created,omitempty"` // created, blocked
	Request *PayoutAsked `json:"request,omitempty"` // send_requested
	PSP     *PSPData     `json:"psp,omitempty"`     // what the PSP said
	Outcome Outcome      `json:"outcome,omitempty"` // of the risk decision: blocked, held
	Reasons []string     `json:"reasons,omitempty"`
	Refusal RefusalCode  `json:"refusal,omitempty"` // command_refused, case_opened, dead_lettered
	Detail  string       `json:"detail,omitempty"`  // for people
	Timer   *TimerChange `json:"timer,omitempty"`   // armed by this event
	// ExpiresAt is until when a held payout waits for approval, or one that is asked for the first time may wait to be sent.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// RetryAt is when a queued payout is asked for again.
	RetryAt time.Time `json:"retry_at,omitzero"`
	// RequestedBy and ApprovedBy are those of the command that caused the event.
	RequestedBy string `json:"requested_by,omitempty"`
	ApprovedBy  string `json:"approved_by,omitempty"`
	// Balance is what the customer has right after this event in its currency, where the event is about a wallet.
	Balance *WalletBalance `json:"balance,omitempty"`
	// Possible is what a create command could have asked for, where it was refused because of where the money may go.
	Possible *PayoutDestination `json:"possible,omitempty"`
	// More says that the same inbox record caused another event, which follows: what a record does is done as a whole.
	More bool `json:"more,omitempty"`
}

// PayoutData is what a payout's first event fixes for its life.
type PayoutData struct {
	Destination       *PayoutDestination `json:"destination,omitempty"` // of a payout that was blocked: none
	CreatedBy         string             `json:"created_by,omitempty"`  // the API key that it was asked with
	MerchantReference string             `json:"merchant_reference,omitempty"`
	Description       string             `json:"description,omitempty"`
	Metadata          map[string]string  `json:"metadata,omitempty"`
}

// PayoutDestination is where a payout goes.
type PayoutDestination struct {
	PSP  string `json:"psp"`
	Card *Card  `json:"card,omitempty"`
	// Deposited says that it is a card that the customer deposited with.
	Deposited bool `json:"deposited,omitempty"`
	// PSPReference is the PSP's reference of the last deposit with the card.
	PSPReference string `json:"psp_reference,omitempty"`
	// Amount is what was deposited there and neither refunded nor paid out, before this payout; minor units.
	Amount int64 `json:"amount,omitempty"`
}

// PayoutAsked is what a send_requested event asks of the PSP, beyond the event's amount.
type PayoutAsked struct {
	PSP      string    `json:"psp"`
	NotAfter time.Time `json:"not_after"`
}

// PayoutID names a payout and the partition that owns it: "po_" + partition as 4 hex digits + "_" + 32 hex digits. It travels
// as the PSP's merchant reference, so that a webhook finds its partition.
type PayoutID struct {
	Partition int32
	UUID      uuid.UUID
}

// NewPayoutID is the id of the payout that a create command opens: the first 16 bytes of SHA-256 over "payout", tenant and
// command id, each but the last followed by a zero byte. No payment and no payout of another tenant can be given the same.
func NewPayoutID(tenant, customer string, commandID uuid.UUID, partitions int32) PayoutID {
	return PayoutID{PartitionOf(tenant, customer, partitions), PayoutKey(tenant, commandID)}
}

// PayoutKey is the UUID of a payout's id.
func PayoutKey(tenant string, commandID uuid.UUID) uuid.UUID {
	sum := sha256.Sum256([]byte("payout\x00" + tenant + "\x00" + commandID.String()))
	return uuid.UUID(sum[:16])
}

const payoutPrefix = "po_"

func (id PayoutID) String() string { return partitioned(payoutPrefix, id.Partition, id.UUID) }

// ParsePayoutID reads what String wrote.
func ParsePayoutID(s string) (PayoutID, error) {
	partition, id, err := parsePartitioned("payout", payoutPrefix, s)
	return PayoutID{partition, id}, err
}

// IsPayoutID tells a payout's id from a payment's, where either may stand.
func IsPayoutID(s string) bool { return strings.HasPrefix(s, payoutPrefix) }

// PartitionOfReference is the partition in the id of a payment or a payout, as a PSP knows them: the merchant reference.
func PartitionOfReference(s string) (int32, error) {
	if IsPayoutID(s) {
		id, err := ParsePayoutID(s)
		return id.Partition, err
	}
	id, err := ParsePaymentID(s)
	return id.Partition, err
}
