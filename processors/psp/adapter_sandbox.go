package psp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// SandboxName is the sandbox's name in requests and webhook routes.
const SandboxName = "sandbox"

// sandboxKeyWindow is how long the sandbox is relied on to know a key.
const sandboxKeyWindow = 24 * time.Hour

// Sandbox is the adapter of the sandbox PSP.
type Sandbox struct {
	name        string
	overCapture bool
	client      *Client
}

// SandboxConfig of the adapter. BaseURL is where the sandbox serves, APIKey its bearer token ("" for none).
type SandboxConfig struct {
	Name        string // SandboxName where empty
	BaseURL     string
	APIKey      string
	OverCapture bool          // authorisations ask that more may be captured
	Timeout     time.Duration // DefaultTimeout where zero
	Connections int           // DefaultConcurrency where zero
}

// NewSandbox returns the adapter. It connects at the first call.
func NewSandbox(cfg SandboxConfig) (*Sandbox, error) {
	setDefault(&cfg.Name, SandboxName)
	header := http.Header{"Accept": {"application/json"}}
	if cfg.APIKey != "" {
		header.Set("Authorization", "Bearer "+cfg.APIKey)
	}
	client, err := NewClient(HTTPConfig{BaseURL: cfg.BaseURL, Header: header, Timeout: cfg.Timeout, Connections: cfg.Connections})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Name, err)
	}
	return &Sandbox{cfg.Name, cfg.OverCapture, client}, nil
}

// Name implements Adapter.
func (s *Sandbox) Name() string { return s.name }

// Idempotent implements Adapter.
func (s *Sandbox) Idempotent() (time.Duration, bool) { return sandboxKeyWindow, true }

// Close closes the idle connections.
func (s *Sandbox) Close() { s.client.Close() }

// sandboxRequest is the body of every POST; each operation has its own fields.
type sandboxRequest struct {
	MerchantAccount   string                `json:"merchant_account,omitempty"`
	MerchantReference string                `json:"merchant_reference,omitempty"`
	Amount            int64                 `json:"amount,omitempty"`
	Currency          string                `json:"currency,omitempty"`
	Card              *sandboxCard          `json:"card,omitempty"`
	PaymentMethod     *topics.PaymentMethod `json:"payment_method,omitempty"`
	Capture           bool                  `json:"capture,omitempty"`
	OverCapture       bool                  `json:"over_capture,omitempty"`
	ThreeDS           bool                  `json:"three_ds,omitempty"`
	ReturnURL         string                `json:"return_url,omitempty"`
	Descriptor        string                `json:"statement_descriptor,omitempty"`
	Challenge         *topics.Challenge     `json:"challenge,omitempty"`
	Authorization     string                `json:"authorization,omitempty"`
	Evidence          string                `json:"evidence,omitempty"`

	StoredCredential *topics.StoredCredential `json:"stored_credential,omitempty"`
}

type sandboxCard struct {
	Token string `json:"token"`
}

// sandboxOperation is what the sandbox answers, shows and tells in webhooks.
type sandboxOperation struct {
	RequestID         string                `json:"request_id"`
	ID                string                `json:"id"` // of what no request asked for
	Operation         topics.PSPOperation   `json:"operation"`
	Status            string                `json:"status"`
	Authorization     string                `json:"authorization"`
	MerchantAccount   string                `json:"merchant_account"`
	MerchantReference string                `json:"merchant_reference"`
	Amount            int64                 `json:"amount"`
	Currency          string                `json:"currency"`
	Captured          bool                  `json:"captured"`
	Capturable        int64                 `json:"capturable"`
	Fee               int64                 `json:"fee"`
	NetworkReference  string                `json:"network_reference"`
	DeclineCode       string                `json:"decline_code"`
	HardDecline       bool                  `json:"hard_decline"`
	Action            *topics.Action        `json:"action"`
	Authentication    *topics.AuthData      `json:"authentication"`
	Dispute           *sandboxDispute       `json:"dispute"`
	Detail            string                `json:"detail"`
	Confirmations     *topics.Confirmations `json:"confirmations"`
	CreatedAt         time.Time             `json:"created_at"`

	StoredCredential string `json:"stored_credential"`
}

type sandboxError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Do implements Adapter.
func (s *Sandbox) Do(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	path, body, err := sandboxCall(r)
	if err != nil { // the same at every attempt: it was never sent
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPFailed, Detail: err.Error()}, nil
	}
	body.OverCapture = s.overCapture && r.Operation == topics.OperationAuthorize && r.PaymentMethod.By() == nil && !r.Capture
	payload, err := json.Append(make([]byte, 0, 512), body, 0)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: encoding the call: %w", ErrNotSent, err)
	}
	var report topics.PSPReport
	err = s.client.Call(ctx, http.MethodPost, path, r.RequestID, payload, func(status int, answer []byte) error {
		if status == http.StatusOK {
			report, err = s.answer(r, answer)
			return err
		}
		report, err = sandboxRefusal(r, status, answer)
		return err
	})
	return report, err
}

// Poll implements Adapter.
func (s *Sandbox) Poll(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	var report topics.PSPReport
	err := s.client.Call(ctx, http.MethodGet, "/v1/requests/"+r.RequestID, "", nil, func(status int, answer []byte) error {
		var err error
		switch status {
		case http.StatusOK:
			report, err = s.answer(r, answer)
		case http.StatusNotFound:
			var refused sandboxError
			// A 404 of something else than the sandbox (a proxy, a wrong address) says nothing about the request.
			if json.Unmarshal(answer, &refused) != nil || refused.Code != "not_found" {
				return fmt.Errorf("%w: a 404 that is not the sandbox's", ErrUnknown)
			}
			report = topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPNotFound, Detail: refused.Detail}
		default:
			err = fmt.Errorf("%w: the look-up was answered %d", ErrUnknown, status)
		}
		return err
	})
	return report, err
}

// sandboxCall is where a request goes and what it says. Its error is about the request alone.
func sandboxCall(r *topics.PSPRequest) (path string, body sandboxRequest, err error) {
	body = sandboxRequest{Amount: r.Amount, Currency: r.Currency}
	if r.Operation.OfDispute() {
		return sandboxDisputeCall(r)
	}
	if r.Operation != topics.OperationAuthorize && r.Operation != topics.OperationPayout && (r.PSPReference == "" || strings.ContainsAny(r.PSPReference, "/?#%")) {
		return "", body, fmt.Errorf("psp_reference %.64q: not an authorization of this PSP", r.PSPReference)
	}
	switch r.Operation {
	case topics.OperationAuthorize:
		path = "/v1/authorizations"
		body.MerchantAccount, body.MerchantReference = r.Tenant, r.PaymentID
		body.Capture, body.ThreeDS, body.ReturnURL, body.PaymentMethod = r.Capture, r.ThreeDS, r.ReturnURL, r.PaymentMethod.By()
		body.StoredCredential, body.Descriptor = r.StoredCredential, r.StatementDescriptor
		if r.Card != nil {
			body.Card = &sandboxCard{r.Card.Token}
		}
	case topics.OperationPayout:
		path = "/v1/payouts"
		body.MerchantAccount, body.MerchantReference = r.Tenant, r.PaymentID
		if r.Card != nil {
			body.Card = &sandboxCard{r.Card.Token}
		}
	case topics.OperationConfirm:
		path, body.Amount = "/v1/authorizations/"+r.PSPReference+"/confirm", 0
		body.Challenge = r.Challenge
	case topics.OperationCapture:
		path = "/v1/authorizations/" + r.PSPReference + "/capture"
	case topics.OperationIncrement:
		path = "/v1/authorizations/" + r.PSPReference + "/increment"
	case topics.OperationVoid:
		path, body.Amount = "/v1/authorizations/"+r.PSPReference+"/void", 0
	case topics.OperationRefund:
		path, body.Authorization = "/v1/refunds", r.PSPReference
	default:
		return "", body, fmt.Errorf("operation %.64q: not one of this PSP", r.Operation)
	}
	return path, body, nil
}

// answer reads a 200. One that speaks of another request is no answer to ours.
func (s *Sandbox) answer(r *topics.PSPRequest, data []byte) (topics.PSPReport, error) {
	var op sandboxOperation
	if err := json.Unmarshal(data, &op); err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer does not decode: %w", ErrUnknown, err)
	}
	if op.RequestID != r.RequestID || op.MerchantReference != r.PaymentID || op.Operation != r.Operation {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is for %s %s of %s", ErrUnknown, op.Operation, op.RequestID, op.MerchantReference)
	}
	report, err := op.report()
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if r.Operation.OfDispute() && report.Dispute.Reference != r.DisputeReference {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is of another dispute", ErrUnknown)
	}
	return report, nil
}

// sandboxRefusal reads everything that is not a 200.
func sandboxRefusal(r *topics.PSPRequest, status int, data []byte) (topics.PSPReport, error) {
	var refused sandboxError
	if err := json.Unmarshal(data, &refused); err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d", ErrUnknown, status)
	}
	switch refused.Code {
	case "invalid_request", "unknown_token", "wrong_state", "amount_exceeds", "not_found":
		return topics.PSPReport{
			Operation: r.Operation, Outcome: topics.PSPFailed, PSPReference: r.PSPReference,
			Detail: refused.Code + ": " + refused.Detail,
		}, nil
	case "unavailable", "unauthorized":
		return topics.PSPReport{}, fmt.Errorf("%w: %s: %s", ErrNotSent, refused.Code, refused.Detail)
	default: // idempotency_mismatch, internal: the first request with this key may have been performed
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s: %s", ErrUnknown, status, refused.Code, refused.Detail)
	}
}

// report maps what the sandbox says of an operation.
func (op *sandboxOperation) report() (topics.PSPReport, error) {
	r := topics.PSPReport{
		Operation: op.Operation, Amount: op.Amount, Currency: op.Currency, Captured: op.Captured, Capturable: op.Capturable, Fee: op.Fee,
		PSPReference: op.Authorization, NetworkReference: op.NetworkReference, StoredCredential: op.StoredCredential, DeclineCode: op.DeclineCode,
		HardDecline: op.HardDecline, Action: op.Action, Authentication: op.Authentication, Detail: SafeDetail(op.Detail),
		OccurredAt: op.CreatedAt, Confirmations: op.Confirmations,
	}
	switch op.Operation {
	case topics.OperationAuthorize, topics.OperationConfirm, topics.OperationCapture, topics.OperationIncrement, topics.OperationVoid, topics.OperationRefund,
		topics.OperationPayout:
	case topics.OperationDispute, topics.OperationDisputeAccept, topics.OperationDisputeEvidence:
		return op.disputeReport(r)
	default:
		return r, fmt.Errorf("%w: operation %q", ErrUnknownEvent, op.Operation)
	}
	switch op.Status {
	case "approved":
		r.Outcome = topics.PSPApproved
	case "pending":
		r.Outcome = topics.PSPPending
	case "requires_action":
		r.Outcome = topics.PSPRequiresAction
	case "declined":
		r.Outcome = topics.PSPDeclined
		declines.Classify(&r, declines.Sandbox)
	case "failed":
		r.Outcome = topics.PSPFailed
	case "reversed":
		r.Outcome = topics.PSPReversed
	default:
		return r, fmt.Errorf("%w: status %q", ErrUnknownEvent, op.Status)
	}
	return r, nil
}

// Webhook implements Adapter.
func (s *Sandbox) Webhook(body []byte) (topics.PSPReport, error) {
	var event struct {
		ID   string           `json:"id"`
		Type string           `json:"type"`
		Data sandboxOperation `json:"data"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return topics.PSPReport{}, fmt.Errorf("webhook of %s: %w", s.name, err)
	}
	if event.ID == "" {
		return topics.PSPReport{}, errors.New("webhook of " + s.name + `: field "id" is missing`)
	}
	if strings.Contains(event.ID+event.Data.Authorization+event.Data.ID, "*") { // two masked ids would be taken for one
		return topics.PSPReport{}, errors.New("webhook of " + s.name + `: field "id", "data.id" or "data.authorization" is masked: it looked like a card number`)
	}
	if want := string(event.Data.Operation) + "." + event.Data.Status; event.Type != want {
		return topics.PSPReport{}, fmt.Errorf("webhook of %s: %w: %.64q", s.name, ErrUnknownEvent, event.Type)
	}
	report, err := event.Data.report()
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("webhook of %s: %w", s.name, err)
	}
	report.ReportID = topics.WebhookReportID(s.name, event.ID)
	report.Source, report.PSP = topics.SourceWebhook, s.name
	report.Tenant, report.PaymentID, report.RequestID = event.Data.MerchantAccount, event.Data.MerchantReference, event.Data.RequestID
	if report.Operation != topics.OperationDispute {
		report.Object = event.Data.ID
	}
	return report, nil
}
