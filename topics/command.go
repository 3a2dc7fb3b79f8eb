package topics

import "time"

// CommandType is what a producer asks of a payment.
type CommandType string

const (
	CommandCreate    CommandType = "create"    // a new payment; with Authorize also asks the PSP at once
	CommandAuthorize CommandType = "authorize" // ask the PSP to authorise a created payment
	CommandConfirm   CommandType = "confirm"   // the customer has come back from a 3-D Secure challenge
	CommandCapture   CommandType = "capture"   // take all or part of the authorised amount
	CommandIncrement CommandType = "increment" // have more authorised, before anything is captured
	CommandVoid      CommandType = "void"      // release what is authorised and not captured
	CommandRefund    CommandType = "refund"    // give back all or part of the captured amount
	CommandCancel    CommandType = "cancel"    // give up a payment that is not authorised yet
	CommandApprove   CommandType = "approve"   // a reviewer releases a held payment
	CommandReject    CommandType = "reject"    // a reviewer refuses a held payment

	CommandRevokeMandate CommandType = "revoke_mandate" // end the mandate that the payment set up
)

// Command is the value of payments.commands.v1. Amounts are integers in minor units (1050 is 10.50 EUR).
// Unknown fields are ignored; a field of a known name with a wrong type is a decoding error.
type Command struct {
	// CommandID is a UUID chosen by the producer (version 7 recommended); the same id is never applied twice, and refused for
	// another command. The payment that a create command opens takes its id from it.
	CommandID string      `json:"command_id" validate:"required,command_id"`
	Type      CommandType `json:"type" validate:"required,oneof=create authorize confirm capture increment void refund cancel approve reject revoke_mandate"`
	Tenant    string      `json:"tenant" validate:"required,max=64,name"`
	Region    string      `json:"region,omitempty" validate:"max=32"`
	// CustomerID is the account holder; empty in a create command it makes a guest, whose id derives from CommandID.
	// Every other command names the payment's customer.
	CustomerID string `json:"customer_id,omitempty" validate:"max=64,omitempty,name"`
	PaymentID  string `json:"payment_id,omitempty" validate:"required_unless=Type create,max=64"`
	// Amount is required for create, and for increment, where it is what is added; optional for capture and refund (absent: all that is left), and has no place in others.
	Amount   int64  `json:"amount,omitempty" validate:"gte=0,lte=999999999999999"`
	Currency string `json:"currency,omitempty" validate:"omitempty,currency"`
	// IssuedAt is when the producer wrote the command; one older than the deduplication horizon (30 days) is refused.
	IssuedAt time.Time `json:"issued_at,omitzero"`
	TraceID  string    `json:"trace_id,omitempty" validate:"max=64"`

	Authorize bool `json:"authorize,omitempty"` // create: ask the PSP at once
	// CaptureMethod belongs to create; absent it is manual, or automatic where the payment is by another method than a card.
	CaptureMethod CaptureMethod `json:"capture_method,omitempty" validate:"omitempty,oneof=manual automatic"`
	// CaptureDelaySeconds of an automatic capture: the PSP is asked to authorise only, and to capture so long after that.
	CaptureDelaySeconds int64 `json:"capture_delay_seconds,omitempty" validate:"-" jsonschema:"minimum=0,maximum=2592000"` // checked by invalidForType

	PaymentMethod     *PaymentMethod    `json:"payment_method,omitempty" validate:"-"` // create: how the customer pays; absent it is a card
	Card              *Card             `json:"card,omitempty"`                        // create: required of a payment by card
	Context           *Context          `json:"context,omitempty"`                     // create, authorize: what risk may look at
	ReturnURL         string            `json:"return_url,omitempty" validate:"omitempty,url,max=2048"`
	MerchantReference string            `json:"merchant_reference,omitempty" validate:"max=128"`
	Description       string            `json:"description,omitempty" validate:"max=256"`
	Metadata          map[string]string `json:"metadata,omitempty" validate:"max=20,dive,keys,max=40,endkeys,max=500"`
	Challenge         *Challenge        `json:"challenge,omitempty"` // confirm: what the challenge returned
	Reason            string            `json:"reason,omitempty" validate:"max=256"`
	// LinkID belongs to create: the payment link that is paid. Customer, amount and currency are the link's, and one of its uses
	// is taken until the payment has ended without having taken money.
	LinkID string `json:"link_id,omitempty" validate:"-" jsonschema:"maxLength=64"` // checked by invalidForType
	// Unapplied belongs to refund: it gives back all that came and was not applied, and takes nothing from the customer.
	Unapplied bool `json:"unapplied,omitempty" validate:"-"`
	// RequestedBy and ApprovedBy belong to refund: two different people of the brand. A refund that rules hold back for a
	// reviewer passes where ApprovedBy names one.
	RequestedBy string `json:"requested_by,omitempty" validate:"-" jsonschema:"maxLength=64"` // checked by invalidForType: the validator costs memory for each field
	ApprovedBy  string `json:"approved_by,omitempty" validate:"-" jsonschema:"maxLength=64"`
	// SetupMandate belongs to create: the customer agrees that the card is kept, for later payments without them. Mandate, in
	// the place of Card, is the mandate by which the merchant asks for the payment: with its card, at its PSP.
	SetupMandate *MandateTerms `json:"setup_mandate,omitempty" validate:"-"`
	Mandate      string        `json:"mandate,omitempty" validate:"-" jsonschema:"maxLength=64"`
	// StatementDescriptor belongs to create: what the customer reads on the card's statement. Absent: the tenant's own, where the
	// configuration has one.
	StatementDescriptor string `json:"statement_descriptor,omitempty" validate:"-" jsonschema:"minLength=5,maxLength=22"` // checked by invalidForType
}

// CaptureMethod says who asks for the capture.
type CaptureMethod string

const (
	CaptureManual    CaptureMethod = "manual"    // a capture command follows
	CaptureAutomatic CaptureMethod = "automatic" // the PSP captures together with the authorisation
)

// Card is a tokenised card. It has no field for a card number, and a Luhn-valid run of 13 to 19 digits in any field of
// a command is refused.
type Card struct {
	Token       string `json:"token" validate:"required,max=128"`
	Fingerprint string `json:"fingerprint,omitempty" validate:"max=64"`
	BIN         string `json:"bin,omitempty" validate:"omitempty,number,min=6,max=8"`
	Last4       string `json:"last4,omitempty" validate:"omitempty,number,len=4"`
	Scheme      string `json:"scheme,omitempty" validate:"max=32"` // visa, mastercard, …
	Type        string `json:"type,omitempty" validate:"omitempty,oneof=credit debit prepaid"`
	Country     string `json:"country,omitempty" validate:"omitempty,iso3166_1_alpha2"`
}

// Context is what the producer knows of the circumstances of a payment.
type Context struct {
	IP        string `json:"ip,omitempty" validate:"omitempty,ip"`
	DeviceID  string `json:"device_id,omitempty" validate:"max=128"`
	Email     string `json:"email,omitempty" validate:"max=254"`
	Phone     string `json:"phone,omitempty" validate:"max=32"`
	Country   string `json:"country,omitempty" validate:"omitempty,iso3166_1_alpha2"` // of the customer
	TimeZone  string `json:"time_zone,omitempty" validate:"max=64"`                   // IANA name
	UserAgent string `json:"user_agent,omitempty" validate:"max=512"`
}

// Challenge is what a 3-D Secure challenge returned to the merchant.
type Challenge struct {
	Result string `json:"result" validate:"required,oneof=authenticated attempted failed abandoned"`
	ECI    string `json:"eci,omitempty" validate:"max=2"`
	CAVV   string `json:"cavv,omitempty" validate:"max=64"`
	// DSTransactionID is the Directory Server's transaction id (EMV 3-D Secure dsTransID).
	DSTransactionID string `json:"ds_transaction_id,omitempty" validate:"max=64"`
	// Payload is what the PSP's page or component gave back to the shop, unchanged, where the PSP wants it to go on (Adyen:
	// redirectResult or threeDSResult).
	Payload string `json:"payload,omitempty" validate:"max=8192"`
}
