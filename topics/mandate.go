package topics

import (
	"strings"
	"time"
	"unicode/utf8"
)

// MandateKind is what a merchant may use a mandate for, in the words of the card schemes.
type MandateKind string

const (
	MandateRecurring   MandateKind = "recurring"   // at fixed intervals: a subscription
	MandateUnscheduled MandateKind = "unscheduled" // when something happens: a balance that runs low, usage
)

// MandateTerms are what a customer agrees to in the payment that sets a mandate up.
type MandateTerms struct {
	Kind MandateKind `json:"type"`
	// MaxAmount of one payment by the mandate, minor units of the payment's currency; absent: no limit.
	MaxAmount int64 `json:"max_amount,omitempty"`
	// ExpiresAt is when the mandate ends by itself; absent: it does not.
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	Description string    `json:"description,omitempty"` // what the customer agreed to, for people
}

// MandateStatus is where a mandate is in its life.
type MandateStatus string

const (
	MandatePending MandateStatus = "pending" // the payment that sets it up is not approved yet
	MandateActive  MandateStatus = "active"
	MandateRevoked MandateStatus = "revoked" // by the merchant, the customer or the card's issuer; final
	MandateExpired MandateStatus = "expired" // final
	MandateFailed  MandateStatus = "failed"  // its first payment was not approved, or a later one was declined for good; final
)

// MandateChange is what a mandate_* event says.
type MandateChange struct {
	Status MandateStatus `json:"status"`
	// PaymentID and DeclineCategory are of the payment by the mandate whose decline ended it.
	PaymentID       string `json:"payment_id,omitempty"`
	DeclineCategory string `json:"decline_category,omitempty"`
}

// MandateUse is what a payment by a mandate takes over from the payment that set the mandate up.
type MandateUse struct {
	MandateID        string      `json:"mandate_id"`
	Kind             MandateKind `json:"type"`
	PSP              string      `json:"psp"`                         // the one that stores the credential
	NetworkReference string      `json:"network_reference,omitempty"` // of the first payment, by which the issuer knows the agreement
	Credential       string      `json:"credential,omitempty"`        // the token that the PSP is asked with; absent: the card's own
}

// MandateRetry says when a payment by a mandate that was declined is asked for again.
type MandateRetry struct {
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"` // that were made
	Left     int       `json:"left"`     // that may still be made
	Until    time.Time `json:"until"`    // none is made later
}

// StoredCredential tells the PSP how a card is kept and used, in the terms of the schemes' framework for stored credentials.
type StoredCredential struct {
	// Use is first where the customer pays and agrees that the card is kept, subsequent where the merchant asks without the
	// customer.
	Use  string      `json:"use"`
	Kind MandateKind `json:"type"`
	// NetworkReference is that of the first payment; subsequent only.
	NetworkReference string `json:"network_reference,omitempty"`
}

// What a StoredCredential is used for.
const (
	CredentialFirst      = "first"
	CredentialSubsequent = "subsequent"
)

// RouteMandate stands as the route of payments by a mandate: no routing file chooses, the PSP that stores the credential is
// asked.
const RouteMandate = "mandate"

// DeclineMandateEnded is the code of a payment whose mandate ended before it could be asked for.
const DeclineMandateEnded = "mandate_ended"

// MandateID is that of the payment that set the mandate up, with man_ in the place of pay_: it carries the same partition.
func (id PaymentID) MandateID() string {
	return mandatePrefix + strings.TrimPrefix(id.String(), paymentPrefix)
}

const mandatePrefix = "man_"

// ParseMandateID reads what MandateID wrote, and returns the payment that set the mandate up.
func ParseMandateID(s string) (PaymentID, error) {
	partition, id, err := parsePartitioned("mandate", mandatePrefix, s)
	return PaymentID{partition, id}, err
}

// Who begins a payment.
const (
	InitiatorCustomer = "customer"
	InitiatorMerchant = "merchant" // by a mandate, without the customer
)

// Initiator is who begins the payment that a create command asks for.
func (c *Command) Initiator() string {
	if c.Mandate != "" {
		return InitiatorMerchant
	}
	return InitiatorCustomer
}

// invalidMandate is what is wrong with how a create command names or sets up a mandate; "" where nothing is.
func (c *Command) invalidMandate() string {
	m := c.SetupMandate
	switch {
	case m == nil && c.Mandate == "":
		return ""
	case c.Type != CommandCreate:
		return "mandate and setup_mandate: only a command of type create takes them"
	case c.CustomerID == "":
		return "customer_id: is missing; a mandate is of an account holder, not of a guest"
	case c.Mandate != "" && m != nil:
		return "setup_mandate: is set beside mandate; a payment by a mandate sets none up"
	case c.PaymentMethod.By() != nil:
		return "payment_method: mandates are for payments by card alone"
	case c.Mandate != "" && c.Card != nil:
		return "card: is set beside mandate; the card is that of the payment that set the mandate up"
	case c.Mandate != "":
		if _, err := ParseMandateID(c.Mandate); err != nil {
			return "mandate: is not a mandate's id; want man_, 4 hex digits, _ and 32 hex digits"
		}
		return ""
	}
	return m.invalid()
}

func (m *MandateTerms) invalid() string {
	switch {
	case m.Kind != MandateRecurring && m.Kind != MandateUnscheduled:
		return "setup_mandate.type: is none of recurring, unscheduled"
	case m.MaxAmount < 0 || m.MaxAmount > MaxAmount:
		return "setup_mandate.max_amount: want a positive integer in minor units, or none for no limit"
	case !ValidTime(m.ExpiresAt):
		return "setup_mandate.expires_at" + outOfTime
	case utf8.RuneCountInString(m.Description) > 256:
		return "setup_mandate.description: is too long; want at most 256 characters"
	}
	return ""
}
