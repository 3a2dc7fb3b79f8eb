package topics

import "time"

// WalletCommandType is what a producer asks of a customer's wallet.
type WalletCommandType string

const (
	WalletCredit        WalletCommandType = "credit"         // give the customer money
	WalletDebit         WalletCommandType = "debit"          // take money that is available
	WalletHold          WalletCommandType = "hold"           // set available money aside
	WalletCaptureHold   WalletCommandType = "capture_hold"   // take all or part of a hold; what is left stays held
	WalletReleaseHold   WalletCommandType = "release_hold"   // give what is left of a hold back
	WalletRollbackRound WalletCommandType = "rollback_round" // undo all debits and credits of a game round
	WalletClose         WalletCommandType = "close"          // refuse all later business; the balance must be zero
	WalletSetLimit      WalletCommandType = "set_limit"      // set or remove a responsible-gaming limit of the customer
)

// WalletReason says what a wallet movement is for, and so what stands on the other side of its entry.
type WalletReason string

const (
	ReasonGame       WalletReason = "game"       // a bet or a win of the round named by round_id
	ReasonBonus      WalletReason = "bonus"      // a bonus granted (credit) or taken back (debit)
	ReasonPurchase   WalletReason = "purchase"   // goods or services sold to the customer (debit), or their refund (credit)
	ReasonAdjustment WalletReason = "adjustment" // a correction by a person, approved by a second one
)

// WalletCommand is the value of wallet.commands.v1. Amounts are integers in minor units (1050 is 10.50 EUR).
// Unknown fields are ignored; a field of a known name with a wrong type is a decoding error.
type WalletCommand struct {
	// CommandID is a UUID chosen by the producer (version 7 recommended); the same id is never applied twice, and refused for
	// another command. The hold
	// that a hold command opens takes its id from it.
	CommandID string            `json:"command_id" validate:"required,command_id"`
	Type      WalletCommandType `json:"type" validate:"required,oneof=credit debit hold capture_hold release_hold rollback_round close set_limit"`
	Tenant    string            `json:"tenant" validate:"required,max=64,name"`
	Region    string            `json:"region,omitempty" validate:"max=32"`
	// CustomerID is the account holder.
	CustomerID string `json:"customer_id" validate:"required,max=64,name"`
	// Amount is required for credit, debit and hold, optional for capture_hold (absent: all that is left), and has no
	// place in others.
	Amount   int64        `json:"amount,omitempty" validate:"gte=0,lte=999999999999999"`
	Currency string       `json:"currency,omitempty" validate:"omitempty,currency"`
	Reason   WalletReason `json:"reason,omitempty" validate:"omitempty,oneof=game bonus purchase adjustment"`
	// RoundID ties the bets and wins of one game round together. Required with the reason game and for rollback_round.
	RoundID string `json:"round_id,omitempty" validate:"max=64,omitempty,name"`
	// HoldID is the command id of the hold that is captured or released.
	HoldID string `json:"hold_id,omitempty" validate:"required_if=Type capture_hold,required_if=Type release_hold,max=36"`
	// ExpiresAt is when what is left of a hold is released by itself; absent it never is.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// EffectiveAt is when the movement took place, where that is not when it is booked.
	EffectiveAt time.Time `json:"effective_at,omitzero"`
	// RequestedBy and ApprovedBy are two different people; both are required with the reason adjustment.
	RequestedBy string `json:"requested_by,omitempty" validate:"max=64"`
	ApprovedBy  string `json:"approved_by,omitempty" validate:"max=64"`
	Description string `json:"description,omitempty" validate:"max=256"`
	// Limit is the limit that set_limit sets. Its amount stands in Amount and Currency.
	Limit *LimitRequest `json:"limit,omitempty"`
	// IssuedAt is when the producer wrote the command; one older than the deduplication horizon (30 days) is refused.
	IssuedAt time.Time `json:"issued_at,omitzero"`
	TraceID  string    `json:"trace_id,omitempty" validate:"max=64"`
}

// LimitRequest names a responsible-gaming limit that is set or removed.
type LimitRequest struct {
	Kind   GamingKind   `json:"kind" validate:"required,oneof=deposit loss session"`
	Period GamingPeriod `json:"period" validate:"required,oneof=day week month"`
	// SetBy is whose limit it is; absent it is the customer's own.
	SetBy   GamingSetter `json:"set_by,omitempty" validate:"omitempty,oneof=customer operator"`
	Seconds int64        `json:"seconds,omitempty" validate:"gte=0,lte=2678400"` // of a session limit, which has no amount
	// Remove removes the limit, after the delay that a raise has. Currency says which one.
	Remove bool `json:"remove,omitempty"`
}

// WalletEventType is what happened to a wallet.
type WalletEventType string

const (
	WalletCredited       WalletEventType = "credited"          // posts
	WalletDebited        WalletEventType = "debited"           // posts
	WalletHeld           WalletEventType = "held"              // posts: available to held
	WalletHoldCaptured   WalletEventType = "hold_captured"     // posts
	WalletHoldReleased   WalletEventType = "hold_released"     // posts: held to available
	WalletHoldExpired    WalletEventType = "hold_expired"      // posts: held to available
	WalletRoundRolled    WalletEventType = "round_rolled_back" // posts the net of the round, unless it is zero
	WalletClosed         WalletEventType = "closed"            // posts nothing; the wallet was empty
	WalletLimitSet       WalletEventType = "limit_set"         // posts nothing; setting says what holds from when
	WalletCommandRefused WalletEventType = "command_refused"   // changes nothing; refusal says why
	WalletDeadLettered   WalletEventType = "dead_lettered"     // the record is in the dead-letter topic
)

// WalletEvent is the value of wallet.events.v1.
type WalletEvent struct {
	EventID    string          `json:"event_id"` // partition-position-index of the inbox record that caused it
	Type       WalletEventType `json:"type"`
	Tenant     string          `json:"tenant"`
	Region     string          `json:"region,omitempty"`
	CustomerID string          `json:"customer_id"`
	CommandID  string          `json:"command_id,omitempty"` // the command that caused it; none for an expiry
	TraceID    string          `json:"trace_id,omitempty"`
	At         time.Time       `json:"at"`
	// Amount of this event, in minor units: what was credited, debited, set aside, taken or given back. That of a rollback
	// is below zero where the round had given more than it took.
	Amount   int64        `json:"amount,omitempty"`
	Currency string       `json:"currency,omitempty"`
	Reason   WalletReason `json:"reason,omitempty"`
	RoundID  string       `json:"round_id,omitempty"`
	Hold     *HoldState   `json:"hold,omitempty"` // after this event, of the hold that it concerns
	// Balance is right after this event, in its currency. It is absent where there is none: of a closed wallet, of the
	// rollback of a round that was not known, of a refusal that concerns no wallet.
	Balance *WalletBalance `json:"balance,omitempty"`
	Refusal RefusalCode    `json:"refusal,omitempty"`
	// Reasons are those of the risk decision that refused the command.
	Reasons []string `json:"reasons,omitempty"`
	Detail  string   `json:"detail,omitempty"` // for people
	// RequestedBy, ApprovedBy and Description are the command's.
	RequestedBy string `json:"requested_by,omitempty"`
	ApprovedBy  string `json:"approved_by,omitempty"`
	Description string `json:"description,omitempty"`
	// EffectiveAt is the command's, where it is not At.
	EffectiveAt time.Time `json:"effective_at,omitzero"`
	// Setting is the responsible-gaming limit that was set, as it stands after the event.
	Setting *GamingSetting `json:"setting,omitempty"`
	// Counted is what the event changes of the loss and the playing time that the customer's limits count.
	Counted *GamingCount `json:"counted,omitempty"`
	// GamingLimit is the limit that a stake was refused for.
	GamingLimit *GamingLimit `json:"gaming_limit,omitempty"`
	// More says that the same inbox record caused another event, which follows: what a record does is done as a whole.
	More bool `json:"more,omitempty"`
}

// HoldState is a hold: its amount is what was captured, what was released and what is left.
type HoldState struct {
	HoldID    string    `json:"hold_id"`
	Amount    int64     `json:"amount"` // as it was placed, minor units
	Captured  int64     `json:"captured,omitempty"`
	Released  int64     `json:"released,omitempty"` // by a release or by expiry; the hold is then finished
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// WalletBalance is what a customer has and owes in one currency, minor units, none below zero.
type WalletBalance struct {
	Available int64 `json:"available"`
	Held      int64 `json:"held,omitempty"`
	Debt      int64 `json:"debt,omitempty"`
}

// AssessedWalletCommand is a wallet command with the risk decision that was made on it, as AssessedCommand is of a payment's.
type AssessedWalletCommand struct {
	Command WalletCommand `json:"command"`
	// Decision is nil where no rule is evaluated for the command.
	Decision *Decision  `json:"decision,omitempty"`
	Features FeatureSet `json:"features,omitempty"`
	// AssessedAt is the time of the command's record, which was now to the rules.
	AssessedAt time.Time `json:"assessed_at,omitzero"`
	// Gaming is what the rule set says of loss and session limits, and of one that is set; nil where it has none.
	Gaming *GamingTerms `json:"gaming,omitempty"`
	// Refusal says that the command must be refused as it stands, before anything but its id is looked at; it then holds
	// only what names it.
	Refusal *Refusal `json:"refusal,omitempty"`
}
