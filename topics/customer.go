package topics

import "time"

// Types of customer events that mean something to velocity. Any other type is a name of the producer's: velocity counts it
// as "event." and the name.
const (
	CustomerPayout  = "payout"  // money went to the customer by another system than this one
	CustomerDispute = "dispute" // the customer's bank takes a payment back, or asks about it
)

// CustomerEvent is the value of customer.events.v1: that something happened which no payment shows, such as a login, a
// changed password, or a payout of another system. Rules may look at it and velocity counts it; it moves no money.
// Unknown fields are ignored; a field of a known name with a wrong type is a decoding error.
type CustomerEvent struct {
	// EventID is a UUID chosen by the producer (version 7 recommended). The same id is counted and decided on once,
	// and refused for another event.
	EventID string `json:"event_id" validate:"required,command_id"`
	// Type is what happened: payout, dispute, or a name of the producer's choice such as login, signup, session_end or
	// password_changed.
	Type   string `json:"type" validate:"required,max=58,event_type"`
	Tenant string `json:"tenant" validate:"required,max=64,name"`
	Region string `json:"region,omitempty" validate:"max=32"`
	// CustomerID is the account holder to whom it happened.
	CustomerID string `json:"customer_id" validate:"required,max=64,name"`
	// OccurredAt is when it happened; absent, the time of the record counts. More than 30 days before the record, or more
	// than a day after it, the event is refused.
	OccurredAt time.Time `json:"occurred_at,omitzero"`
	TraceID    string    `json:"trace_id,omitempty" validate:"max=64"`
	// Amount is what it was about, in minor units (1050 is 10.50 EUR), where it was about money.
	Amount   int64  `json:"amount,omitempty" validate:"gte=0,lte=999999999999999"`
	Currency string `json:"currency,omitempty" validate:"omitempty,currency"`
	// PaymentID is the payment that a dispute or a payout is about, where it is one of this system: the event then counts for
	// its card and device, too.
	PaymentID string `json:"payment_id,omitempty" validate:"max=64"`
	// DurationSeconds is how long it took, in whole seconds, where it is the end of something such as a session.
	DurationSeconds int64             `json:"duration_seconds,omitempty" validate:"gte=0,lte=31536000"`
	Card            *Card             `json:"card,omitempty"`
	Context         *Context          `json:"context,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty" validate:"max=20,dive,keys,max=40,endkeys,max=500"`
}

// TypeAssessedCustomerEvent is the ce_type of an AssessedCustomerEvent, which stands in the inbox.
const TypeAssessedCustomerEvent = "weir.customer.event.assessed.v1"

// AssessedCustomerEvent is a customer event with the risk decision that was made on it, as AssessedCommand is of a command.
type AssessedCustomerEvent struct {
	Event      CustomerEvent `json:"event"`
	Decision   Decision      `json:"decision"`
	Enrichment *Enrichment   `json:"enrichment,omitempty"`
	Features   FeatureSet    `json:"features,omitempty"`
	// AssessedAt is the time of the event's record, which was now to the rules.
	AssessedAt time.Time `json:"assessed_at,omitzero"`
}
