package topics

import "time"

// The kinds of record that payments.inbox.v1 holds, as they stand in the ce_type header.
const (
	TypeCommand         = "weir.command.v1"          // payments.commands.v1
	TypeAssessedCommand = "weir.command.assessed.v1" // value: AssessedCommand
	TypePSPReport       = "weir.psp.report.v1"       // value: PSPReport
	TypeTimerDue        = "weir.timer.due.v1"        // value: TimerDue
	TypePeriodClose     = "weir.period.close.v1"     // value: PeriodClose
	TypeAssessedWallet  = "weir.wallet.assessed.v1"  // value: AssessedWalletCommand
)

// AssessedCommand is a command with the risk decision that was made on it.
type AssessedCommand struct {
	Command  Command  `json:"command"`
	Decision Decision `json:"decision"`
	// Enrichment is what data files said of the command, nil where they said nothing.
	Enrichment *Enrichment `json:"enrichment,omitempty"`
	// Features are the velocity answers that the decision read, by name. Empty until velocity definitions exist.
	Features FeatureSet `json:"features,omitempty"`
	// AssessedAt is the time of the command's record, which was now to the rules. With it the decision can be recomputed.
	AssessedAt time.Time `json:"assessed_at,omitzero"`
	// Gaming is what the rule set says of deposit limits, nil where it has none.
	Gaming *GamingTerms `json:"gaming,omitempty"`
	// Route is the order in which PSPs may be asked, now or, of a payment that is only created, later; nil: the one PSP of
	// the configuration is.
	Route *RoutePlan `json:"route,omitempty"`
	// Refusal says that the command must be refused as it stands, before anything but its id is looked at; the command
	// then holds only what names it, and the decision is empty.
	Refusal *Refusal `json:"refusal,omitempty"`
}

// Feature is one answer of velocity: a count, an amount in minor units or a number of seconds.
type Feature struct {
	Value       int64 `json:"value"`
	Approximate bool  `json:"approximate,omitempty"` // may be too high by a small part of the window; never too low
	// Missing: there is no answer. The command has no value of the field that is counted by, an amount in the window has
	// no rate of exchange, velocity does not record what is asked, or it did not answer before the deadline.
	Missing bool `json:"missing,omitempty"`
	// WarmingUntil is the time from which the answer is complete: the definition is so new that not all of its window is
	// recorded. Absent where it is complete.
	WarmingUntil time.Time `json:"warming_until,omitzero"`
}

// Outcome is what a decision asks for. In the order of precedence: a block that cannot be overridden, allow, block,
// hold, step_up, pass.
type Outcome string

const (
	OutcomePass   Outcome = "pass"
	OutcomeStepUp Outcome = "step_up" // authenticate the customer by 3-D Secure first
	OutcomeHold   Outcome = "hold"    // wait for a reviewer
	OutcomeBlock  Outcome = "block"
	OutcomeAllow  Outcome = "allow" // pass, whatever overridable rules say
)

// Decision is the value of risk.decisions.v1 and a part of the assessed command, where what the command says of itself
// is left out: tenant, customer, payment and time.
type Decision struct {
	// In the order and the form of PaymentEvent, beside which it is stored: compressed, they cost a few bytes.
	Tenant     string `json:"tenant,omitempty"`
	CustomerID string `json:"customer_id,omitempty"`
	PaymentID  string `json:"payment_id,omitempty"`
	CommandID  string `json:"command_id"`
	// EventID is the customer event that was decided on; CommandID is empty then.
	EventID string `json:"event_id,omitempty"`
	// Stage is whose rules were evaluated; absent: before_authorization.
	Stage   Stage     `json:"stage,omitempty"`
	At      time.Time `json:"at,omitzero"` // as in the events that the decision led to
	Outcome Outcome   `json:"outcome"`
	// Reviews says that the set has rules of stage after_authorization for such a payment: its authorisation is reviewed.
	Reviews bool `json:"reviews,omitempty"`
	// Reasons are the reason codes of the rules that decided, in rule order, without repeats.
	Reasons []string     `json:"reasons,omitempty"`
	Score   int64        `json:"score,omitempty"`
	Rules   []RuleResult `json:"rules,omitempty"` // in file order; misses are left out
	// Evaluated is how many rules were evaluated, misses included.
	Evaluated int `json:"evaluated,omitempty"`
	// Tripped are the rules that were in the shadow because they had blocked more than their breaker allows: a rule's name,
	// with the tenants and regions of its file where it is for some; "*" is the whole rule set.
	Tripped []string `json:"tripped,omitempty"`
	// RuleSet is the content hash of the rule set that decided, "" where the command's type is not assessed.
	RuleSet string `json:"rule_set,omitempty"`
	// ListEdits is the offset in risk.lists.v1 below which edits of lists were read; absent where none were, or where the rule
	// set has no list that can be edited.
	ListEdits int64 `json:"list_edits,omitempty"`
	// ApprovedBy is who approved what the outcome holds, a refund or a wallet command, which so went on.
	ApprovedBy string `json:"approved_by,omitempty"`
	// Candidate is what the candidate set would have decided; nil where there was none.
	Candidate *CandidateDecision `json:"candidate,omitempty"`
	// GamingLimit is the customer's responsible-gaming limit of which least was left, which no rule can lift; nil where none
	// binds. The command was blocked or held where its outcome says so, whatever Outcome says.
	GamingLimit *GamingLimit `json:"gaming_limit,omitempty"`
	// Enrichment and Features are what data files and velocity said, as in the assessed command, where they are left out here.
	Enrichment *Enrichment `json:"enrichment,omitempty"`
	Features   FeatureSet  `json:"features,omitempty"`
}

// CandidateDecision is what a rule set on trial says of a command, on the same data as the set that decides. It changes
// nothing.
type CandidateDecision struct {
	RuleSet string   `json:"rule_set"`
	Outcome Outcome  `json:"outcome,omitempty"` // "": evaluating it failed
	Reasons []string `json:"reasons,omitempty"`
	Score   int64    `json:"score,omitempty"`
}

// RuleResult is what one rule said of one command.
type RuleResult struct {
	Rule   string     `json:"rule"`
	Result RuleStatus `json:"result"`
	// Outcome is what the rule asked for: its outcome on a hit, its on_missing or on_error otherwise.
	Outcome Outcome `json:"outcome,omitempty"`
	Detail  string  `json:"detail,omitempty"` // missing: which field; error: what went wrong
	// Shadow says that the rule is on trial or has tripped: it asked for nothing and added nothing to the score.
	Shadow bool `json:"shadow,omitempty"`
	// Read are the values of the fields that the rule's condition names, by name; a field that was missing is not here, and
	// one that names a person or a card is "given". Left out where a decision would grow too large: it can be recomputed
	// from the command, the answers and the rule set.
	Read map[string]string `json:"read,omitempty"`
}

// RuleStatus is hit, miss, missing or error.
type RuleStatus string

const (
	RuleHit     RuleStatus = "hit"
	RuleMiss    RuleStatus = "miss"
	RuleMissing RuleStatus = "missing" // a field that the rule reads is absent
	RuleError   RuleStatus = "error"
)

// PSPOperation is what the gateway performs at a PSP.
type PSPOperation string

const (
	OperationAuthorize PSPOperation = "authorize"
	OperationConfirm   PSPOperation = "confirm"
	OperationCapture   PSPOperation = "capture"
	OperationVoid      PSPOperation = "void"
	OperationIncrement PSPOperation = "increment" // amounts are of the whole authorisation, in the request and in reports
	OperationRefund    PSPOperation = "refund"
	OperationPayout    PSPOperation = "payout" // pay money out to the customer; payment_id is the payout's

	OperationDispute         PSPOperation = "dispute"          // what the PSP tells of a dispute; never asked for
	OperationDisputeAccept   PSPOperation = "dispute_accept"   // give a dispute up
	OperationDisputeEvidence PSPOperation = "dispute_evidence" // send evidence; approved: the PSP has it
)

// PSPRequest is the value of psp.requests.v1. RequestID is the id of the event that asked for it and travels as the
// PSP's idempotency key; PaymentID travels as the merchant reference: the id of a payment or, for a payout, of the payout.
type PSPRequest struct {
	RequestID  string       `json:"request_id"`
	Operation  PSPOperation `json:"operation"`
	PSP        string       `json:"psp"`
	Tenant     string       `json:"tenant"`
	Region     string       `json:"region,omitempty"`
	CustomerID string       `json:"customer_id"`
	PaymentID  string       `json:"payment_id"`
	TraceID    string       `json:"trace_id,omitempty"`
	Amount     int64        `json:"amount"`
	Currency   string       `json:"currency"`
	// NotAfter ends the time in which the request may be sent; later it is only polled.
	NotAfter time.Time `json:"not_after"`
	// CreatedAt is when the payment was created: nothing of it was sent before. Payouts have none, nor have requests of earlier versions.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Poll asks for the state of the request (its outcome is unknown); nothing is sent that could move money.
	Poll bool `json:"poll,omitempty"`
	// Card and what follows are set for authorize, Card and MerchantReference for payout, too; PSPReference for all that follow
	// an authorisation, and for a payout where it goes back to a deposit: the deposit's.
	Card    *Card `json:"card,omitempty"`
	Capture bool  `json:"capture,omitempty"`  // authorize and capture in one call
	ThreeDS bool  `json:"three_ds,omitempty"` // a challenge is required
	// Route is set where a routing plan chose the PSP: whoever sends the request claims it first, so that "not sent" can be
	// proven. Fallback asks for that answer at once where the PSP cannot be reached, rather than after NotAfter.
	Route    string `json:"route,omitempty"`
	Fallback bool   `json:"fallback,omitempty"`
	// StoredCredential is set for the authorize of a payment that sets a mandate up, or is by one.
	StoredCredential *StoredCredential `json:"stored_credential,omitempty"`
	// Country is that of the card, as the routing plan has it: kill switches look at it.
	Country   string     `json:"country,omitempty"`
	Challenge *Challenge `json:"challenge,omitempty"` // confirm
	// PaymentMethod of the payment; absent: a card. Set for all operations of the payment.
	PaymentMethod     *PaymentMethod `json:"payment_method,omitempty"`
	ReturnURL         string         `json:"return_url,omitempty"`
	MerchantReference string         `json:"merchant_reference,omitempty"`
	PSPReference      string         `json:"psp_reference,omitempty"`
	// DisputeReference is what the PSP calls the dispute that is accepted or answered, Evidence the answer. The amount is what is
	// disputed, 0 where that is not known.
	DisputeReference string           `json:"dispute_reference,omitempty"`
	Evidence         *DisputeEvidence `json:"evidence,omitempty"`
	// StatementDescriptor is set for authorize, where the payment has one: what the customer is to read on the statement.
	StatementDescriptor string `json:"statement_descriptor,omitempty"`
}

// ReportSource says how a report reached us.
type ReportSource string

const (
	SourceResponse ReportSource = "response" // the answer to our request
	SourcePoll     ReportSource = "poll"
	SourceWebhook  ReportSource = "webhook" // verified
)

// PSPOutcome is what the PSP says of an operation.
type PSPOutcome string

const (
	PSPApproved       PSPOutcome = "approved"        // done: authorised, captured, voided, refund settled, paid out
	PSPPending        PSPOutcome = "pending"         // accepted, the result comes later
	PSPRequiresAction PSPOutcome = "requires_action" // authorize: the customer must pass a challenge
	PSPDeclined       PSPOutcome = "declined"
	PSPFailed         PSPOutcome = "failed"    // provably not performed (never sent, or refused as invalid)
	PSPUnknown        PSPOutcome = "unknown"   // timeout, connection lost after sending: poll, never guess
	PSPNotFound       PSPOutcome = "not_found" // poll: the PSP has no such request
	PSPReversed       PSPOutcome = "reversed"  // a settled refund that failed later, a payout that came back
)

// PSPReport is what a PSP said of one operation: the answer to a request, a polled state or a verified webhook.
type PSPReport struct {
	// ReportID is a UUID that is the same for each delivery of the same fact (derived from the PSP's event id for
	// webhooks); a repeated one is ignored.
	ReportID string       `json:"report_id"`
	Source   ReportSource `json:"source"`
	PSP      string       `json:"psp"`
	Tenant   string       `json:"tenant"`
	Region   string       `json:"region,omitempty"`
	// CustomerID may be empty in a webhook; the partition is then taken from PaymentID.
	CustomerID string `json:"customer_id,omitempty"`
	PaymentID  string `json:"payment_id"`
	// RequestID names the request that is answered; empty for an event that the PSP began itself.
	RequestID string       `json:"request_id,omitempty"`
	TraceID   string       `json:"trace_id,omitempty"`
	Operation PSPOperation `json:"operation"`
	Outcome   PSPOutcome   `json:"outcome"`
	Amount    int64        `json:"amount,omitempty"` // of this operation; authorize: what was authorised
	Currency  string       `json:"currency,omitempty"`
	// Captured says that an approved authorize was captured in the same call.
	Captured bool `json:"captured,omitempty"`
	// Capturable is how much may be captured of an approved authorize in all, where that is more than Amount.
	Capturable int64 `json:"capturable,omitempty"`
	// Fee is what the PSP keeps of a capture, in minor units of Currency, where it is known now.
	Fee          int64  `json:"fee,omitempty"`
	PSPReference string `json:"psp_reference,omitempty"`
	// Object is what the PSP calls a capture, void or refund that none of our requests asked for (re_… at Stripe), the same in all
	// that it says of it: it is booked once. An adapter sets it only where what we ask for always comes back with the request's id.
	Object           string `json:"object,omitempty"`
	NetworkReference string `json:"network_reference,omitempty"`
	DeclineCode      string `json:"decline_code,omitempty"`
	HardDecline      bool   `json:"hard_decline,omitempty"`
	// DeclineCategory and DeclineRetry are what the table of decline codes says of DeclineCode: insufficient_funds …, and never,
	// later, other_route or after_authentication. Absent where nobody looked it up.
	DeclineCategory string    `json:"decline_category,omitempty"`
	DeclineRetry    string    `json:"decline_retry,omitempty"`
	Action          *Action   `json:"action,omitempty"`
	Authentication  *AuthData `json:"authentication,omitempty"`
	// Dispute is of operations of disputes: a fact, whose outcome is approved, or the answer to a request.
	Dispute *DisputeReport `json:"dispute,omitempty"`
	Detail  string         `json:"detail,omitempty"`
	// Confirmations of what is on its way by crypto; of a pending authorize. Approved, Amount is how much is confirmed in all.
	Confirmations *Confirmations `json:"confirmations,omitempty"`
	// OccurredAt is when it happened, by the PSP's clock. It is left out where the PSP gave none, or one beyond the years 1970
	// to 9998 or more than a day ahead of ours.
	OccurredAt time.Time `json:"occurred_at,omitzero"`
	// DeclineAfterSeconds is how long the table of decline codes says to wait at least, where DeclineRetry is later.
	DeclineAfterSeconds int64 `json:"decline_after_seconds,omitempty"`
	// StoredCredential is the token of the card that the PSP keeps, where a payment set a mandate up: later ones are asked for with
	// it. Absent: with the card's own.
	StoredCredential string `json:"stored_credential,omitempty"`
}

// Action is what the customer must do to go on.
type Action struct {
	Type  string `json:"type"` // redirect, client_token, qr_code, deeplink or copy_code
	URL   string `json:"url,omitempty"`
	Token string `json:"token,omitempty"`

	QRCode   string `json:"qr_code,omitempty"`   // what the code to be scanned says
	Deeplink string `json:"deeplink,omitempty"`  // opens the customer's banking app
	CopyCode string `json:"copy_code,omitempty"` // to be pasted into it
	// ExpiresAt is when the PSP takes it no more, where it says so.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// AuthData is what authentication and verification returned.
type AuthData struct {
	ECI             string `json:"eci,omitempty"`
	CAVV            string `json:"cavv,omitempty"` // CAVVPresent; releases before kept the value
	DSTransactionID string `json:"ds_transaction_id,omitempty"`
	AVS             string `json:"avs,omitempty"`              // address verification result code
	CVV             string `json:"cvv,omitempty"`              // card verification result code; never the value itself
	ThreeDSVersion  string `json:"three_ds_version,omitempty"` // of the protocol of 3-D Secure: 2.2.0
}

// CAVVPresent stands for the CAVV that a PSP told. The value proves an authentication: whoever has it may use it, so it is not kept.
const CAVVPresent = "present"

// Concealed is what may be kept of it: that there is a CAVV, and not which.
func (a *AuthData) Concealed() *AuthData {
	if a == nil || a.CAVV == "" || a.CAVV == CAVVPresent {
		return a
	}
	c := *a
	c.CAVV = CAVVPresent
	return &c
}

// TimerKind is what a timer of a payment, a payout, a dispute or a hold is for.
type TimerKind string

const (
	TimerExpire TimerKind = "expire" // an authorisation, a challenge or an unused payment runs out
	TimerPoll   TimerKind = "poll"   // ask again for an unknown or pending outcome
	TimerRetry  TimerKind = "retry"  // a queued payment asks the PSPs of its plan again

	TimerMandateExpire TimerKind = "mandate_expire" // the mandate that the payment set up

	TimerCapture TimerKind = "capture" // a delayed capture is asked for

	TimerHoldExpire TimerKind = "hold_expire" // what is left of a wallet's hold is released

	TimerPayoutExpire TimerKind = "payout_expire" // nobody decided on a held payout
	TimerPayoutPoll   TimerKind = "payout_poll"   // ask again for a payout's outcome
	TimerPayoutRetry  TimerKind = "payout_retry"  // ask for a queued payout

	TimerLinkExpire TimerKind = "link_expire" // no payment may begin by a payment link any more

	TimerDisputeRemind TimerKind = "dispute_remind" // evidence is due soon
	TimerDisputeDue    TimerKind = "dispute_due"    // evidence was due
	TimerDisputePoll   TimerKind = "dispute_poll"   // ask again what became of evidence or of an acceptance
)

// TimerDue says that a timer of a payment, a payout, a dispute or a wallet's hold has run out. One that it no longer holds is ignored.
type TimerDue struct {
	TimerID    string    `json:"timer_id"`
	Generation int64     `json:"generation"`
	Kind       TimerKind `json:"kind"`
	Tenant     string    `json:"tenant"`
	CustomerID string    `json:"customer_id"`
	PaymentID  string    `json:"payment_id"` // the payout's or dispute's id where it is one's; "" where it is a hold's
	// HoldKey names the hold in its partition, in 32 hex digits: the key of its row, not the command id.
	HoldKey string    `json:"hold_key,omitempty"`
	Due     time.Time `json:"due"`
}
