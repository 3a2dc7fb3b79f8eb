package sandbox

import "time"

// Status of an operation.
type Status string

const (
	Approved       Status = "approved"
	Pending        Status = "pending"
	RequiresAction Status = "requires_action"
	Declined       Status = "declined"
	Failed         Status = "failed"
	Reversed       Status = "reversed" // a refund or a payout that had settled
)

// Kind of an operation.
type Kind string

const (
	Authorize Kind = "authorize"
	Confirm   Kind = "confirm"
	Capture   Kind = "capture"
	Increment Kind = "increment" // its amount is what is to be authorized in all
	Void      Kind = "void"
	Refund    Kind = "refund"
	Payout    Kind = "payout"

	Dispute         Kind = "dispute"          // what is told of a dispute: nobody asks for it
	DisputeEvidence Kind = "dispute_evidence" // the merchant's evidence against one
	DisputeAccept   Kind = "dispute_accept"   // the merchant says that it is right
)

// Request is the body of every POST under /v1/authorizations, /v1/refunds, /v1/payouts and /v1/disputes; each kind reads its own fields.
type Request struct {
	MerchantAccount   string     `json:"merchant_account,omitempty"`     // authorize, payout
	MerchantReference string     `json:"merchant_reference,omitempty"`   // authorize, payout: required
	Amount            int64      `json:"amount,omitempty"`               // minor units; confirm and void have none
	Currency          string     `json:"currency,omitempty"`             // of the authorization, checked in all that follow
	Card              *Card      `json:"card,omitempty"`                 // authorize, payout: required
	PaymentMethod     *Method    `json:"payment_method,omitempty"`       // authorize: in the place of a card
	Capture           bool       `json:"capture,omitempty"`              // authorize: capture in the same call
	OverCapture       bool       `json:"over_capture,omitempty"`         // authorize: more may be captured
	ThreeDS           bool       `json:"three_ds,omitempty"`             // authorize: ask for a challenge
	ReturnURL         string     `json:"return_url,omitempty"`           // authorize
	Descriptor        string     `json:"statement_descriptor,omitempty"` // authorize: on the card's statement
	Challenge         *Challenge `json:"challenge,omitempty"`            // confirm: required
	Authorization     string     `json:"authorization,omitempty"`        // refund: required
	Evidence          string     `json:"evidence,omitempty"`             // dispute_evidence: required; what it is is not looked at

	Dispute string `json:"-"` // that is answered: of the path

	StoredCredential *StoredCredential `json:"stored_credential,omitempty"` // authorize

	byHand  bool // nobody asked for it through the API
	attempt int  // authorize: how many of the same merchant reference came before
}

// Card is a token.
type Card struct {
	Token string `json:"token"`
}

// Challenge is what a 3-D Secure challenge returned.
type Challenge struct {
	Result          string `json:"result"` // authenticated, attempted, failed or abandoned
	ECI             string `json:"eci,omitempty"`
	CAVV            string `json:"cavv,omitempty"`
	DSTransactionID string `json:"ds_transaction_id,omitempty"`
}

// Operation is the answer to a POST, the state that a GET shows and the data of a webhook.
type Operation struct {
	RequestID         string          `json:"request_id"`   // the Idempotency-Key
	ID                string          `json:"id,omitempty"` // of an operation made by hand, which no request asked for
	Operation         Kind            `json:"operation"`
	Status            Status          `json:"status"`
	Authorization     string          `json:"authorization"`
	MerchantAccount   string          `json:"merchant_account,omitempty"`
	MerchantReference string          `json:"merchant_reference"`
	Amount            int64           `json:"amount"`
	Currency          string          `json:"currency"`
	Captured          bool            `json:"captured,omitempty"`   // authorize, confirm: captured in the same call
	Capturable        int64           `json:"capturable,omitempty"` // authorize, confirm: in all, where that is more than the amount
	Fee               int64           `json:"fee,omitempty"`        // kept of what was captured, or charged for a payout
	NetworkReference  string          `json:"network_reference,omitempty"`
	StoredCredential  string          `json:"stored_credential,omitempty"` // the token of the card that was kept
	DeclineCode       string          `json:"decline_code,omitempty"`
	HardDecline       bool            `json:"hard_decline,omitempty"`
	Action            *Action         `json:"action,omitempty"`
	Authentication    *Authentication `json:"authentication,omitempty"`
	Dispute           *DisputeData    `json:"dispute,omitempty"`
	Detail            string          `json:"detail,omitempty"`
	Confirmations     *Confirmations  `json:"confirmations,omitempty"`
	CreatedAt         time.Time       `json:"created_at"`
}

// Action is where the customer must go.
type Action struct {
	Type  string `json:"type"` // redirect, client_token or qr_code
	URL   string `json:"url,omitempty"`
	Token string `json:"token,omitempty"`

	QRCode    string     `json:"qr_code,omitempty"`
	CopyCode  string     `json:"copy_code,omitempty"`
	Deeplink  string     `json:"deeplink,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// Confirmations of a payment by crypto that is pending.
type Confirmations struct {
	Seen int64 `json:"seen"` // minor units
	Have int   `json:"have"`
	Need int   `json:"need"`
}

// Authentication is what verification returned.
type Authentication struct {
	ECI             string `json:"eci,omitempty"`
	CAVV            string `json:"cavv,omitempty"`
	DSTransactionID string `json:"ds_transaction_id,omitempty"`
	AVS             string `json:"avs,omitempty"`
	CVV             string `json:"cvv,omitempty"`
}

// DisputeData says which dispute an operation tells of, or answers.
type DisputeData struct {
	ID          string    `json:"id"`
	ReasonCode  string    `json:"reason_code,omitempty"` // of the card scheme: 10.4
	Amount      int64     `json:"amount"`                // that is disputed
	EvidenceDue time.Time `json:"evidence_due,omitzero"`
}

// Payment is what a GET by merchant reference or by authorization shows.
type Payment struct {
	Authorization     string      `json:"authorization"`
	MerchantReference string      `json:"merchant_reference"`
	Descriptor        string      `json:"statement_descriptor,omitempty"`
	Currency          string      `json:"currency"`
	Authorized        int64       `json:"authorized"`
	Captured          int64       `json:"captured"`
	Refunded          int64       `json:"refunded"`           // settled and pending
	PaidOut           int64       `json:"paid_out,omitempty"` // settled and pending
	Disputed          int64       `json:"disputed,omitempty"` // withdrawn by disputes, and not reinstated
	Operations        []Operation `json:"operations"`
}

// Event is the body of a webhook.
type Event struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"` // kind and status: "refund.approved"
	CreatedAt time.Time `json:"created_at"`
	Data      Operation `json:"data"`
}

// Error is the body of every answer that is not 2xx.
type Error struct {
	Code   ErrorCode `json:"code"`
	Detail string    `json:"detail"`
}

// ErrorCode says why nothing was performed.
type ErrorCode string

const (
	CodeInvalid      ErrorCode = "invalid_request"      // 422
	CodeUnknownToken ErrorCode = "unknown_token"        // 422
	CodeWrongState   ErrorCode = "wrong_state"          // 422
	CodeExceeds      ErrorCode = "amount_exceeds"       // 422
	CodeKeyReused    ErrorCode = "idempotency_mismatch" // 422: the first request with this key may have been performed
	CodeNotFound     ErrorCode = "not_found"            // 404
	CodeUnauthorized ErrorCode = "unauthorized"         // 401
	CodeUnavailable  ErrorCode = "unavailable"          // 503
	CodeInternal     ErrorCode = "internal"             // 500
)
