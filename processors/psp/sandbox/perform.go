package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
)

// refusal is why a request was not performed: nothing has changed.
type refusal struct {
	code   ErrorCode
	detail string
}

func refuse(code ErrorCode, format string, args ...any) *refusal {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// performer applies requests to payments. It is pure: the time is an argument, and ids derive from the keys.
type performer struct {
	cfg    Config
	tokens tokenTable
}

// authorize opens a payment.
func (f *performer) authorize(key, fingerprint string, r *Request, now time.Time) (*payment, *refusal) {
	token, refused := f.opens(r)
	if refused != nil {
		return nil, refused
	}
	token = r.without(token)
	p := &payment{
		ID: deriveID("auth_", key), Reference: r.MerchantReference, Account: r.MerchantAccount, Currency: r.Currency,
		Token: token.Name, Method: r.PaymentMethod, ReturnURL: r.ReturnURL, Descriptor: r.Descriptor, Network: deriveID("net_", key), Capture: r.Capture,
		InShop: token.clientToken,
	}
	if p.Kept = r.keeps(key); r.OverCapture && !r.Capture && token.overCapture {
		p.Over = r.Amount / overCaptureShare
	}
	op := operation{Key: key, Fingerprint: fingerprint, Kind: Authorize, Amount: r.Amount, CreatedAt: now}
	op.Decline, op.Hard = token.decline, token.hard
	if r.Card != nil {
		p.Token = r.Card.Token
	}
	switch {
	case p.Method != nil:
		f.asks(p, &op, now)
	case token.challenge || r.ThreeDS:
		op.Status = RequiresAction
	case token.byHand:
		op.Status = Pending
	case token.settles != "":
		op.Status, op.SettlesTo, op.SettlesAt = Pending, token.settles, now.Add(f.cfg.SettleDelay)
	case token.decline != "":
		op.Status = Declined
	default:
		f.approve(p, &op, token, nil)
	}
	f.plan(p, &op, token.webhook, now)
	p.Operations = []operation{op}
	f.disputeCaptured(p, now)
	return p, nil
}

// maxDescriptor is how many characters a card's statement shows.
const maxDescriptor = 22

// opens checks what opens a payment and finds the token that says what happens.
func (f *performer) opens(r *Request) (*Token, *refusal) {
	switch {
	case r.MerchantReference == "" || len(r.MerchantReference) > 128:
		return nil, refuse(CodeInvalid, "merchant_reference: want 1 to 128 characters")
	case len(r.MerchantAccount) > 64:
		return nil, refuse(CodeInvalid, "merchant_account: want at most 64 characters")
	case len(r.Descriptor) > maxDescriptor:
		return nil, refuse(CodeInvalid, "statement_descriptor: want at most %d characters", maxDescriptor)
	case r.Amount <= 0:
		return nil, refuse(CodeInvalid, "amount %d: want a positive number of minor units", r.Amount)
	case r.Card == nil && r.PaymentMethod == nil:
		return nil, refuse(CodeInvalid, "card: is missing")
	case r.Card != nil && r.PaymentMethod != nil:
		return nil, refuse(CodeInvalid, "payment_method: stands in the place of a card; want one of them")
	}
	if _, ok := ledger.Currency(r.Currency).Exponent(); !ok {
		return nil, refuse(CodeInvalid, "currency %q: not an ISO 4217 currency", r.Currency)
	}
	if r.PaymentMethod != nil {
		return &Token{}, r.PaymentMethod.check()
	}
	token, ok := f.tokens.find(r.Card.Token)
	if !ok {
		return nil, refuse(CodeUnknownToken, "card token: not one of GET /v1/tokens")
	}
	return token, r.StoredCredential.check(r.Card.Token)
}

// approve grants an authorization, and captures it where that was asked for.
func (f *performer) approve(p *payment, op *operation, token *Token, auth *Authentication) {
	op.Status = Approved
	op.Auth = &Authentication{AVS: cmp.Or(token.avs, "Y"), CVV: cmp.Or(token.cvv, "M")}
	if auth == nil && token.frictionless {
		auth = &Authentication{ECI: "05", CAVV: deriveID("cavv_", op.Key), DSTransactionID: deriveID("ds_", op.Key)}
	}
	if auth != nil {
		op.Auth.ECI, op.Auth.CAVV, op.Auth.DSTransactionID = auth.ECI, auth.CAVV, auth.DSTransactionID
	}
	p.Authorized = op.Amount
	if p.Capture && !token.captureFails {
		op.Captured, op.Fee = true, f.fee(op.Amount)
		p.Captured = op.Amount
	}
}

// follow applies an operation on a payment that exists: p is a clone that the caller stores.
func (f *performer) follow(p *payment, kind Kind, key, fingerprint string, r *Request, now time.Time) *refusal {
	if r.Currency != "" && r.Currency != p.Currency {
		return refuse(CodeInvalid, "currency %s: the authorization is in %s", r.Currency, p.Currency)
	}
	if len(p.Operations) >= MaxOperations {
		return refuse(CodeWrongState, "the authorization has %d operations already", MaxOperations)
	}
	token, ok := f.tokens.find(p.Token)
	if p.Method != nil {
		token, ok = &Token{}, true
	}
	if !ok {
		return refuse(CodeUnknownToken, "the authorization's card token is not one of GET /v1/tokens")
	}
	op := operation{Key: key, Fingerprint: fingerprint, Kind: kind, Amount: r.Amount, ByHand: r.byHand, CreatedAt: now}
	var refused *refusal
	switch kind {
	case Confirm:
		refused = f.confirm(p, &op, token, r.Challenge)
	case Capture:
		refused = f.capture(p, &op, token)
	case Increment:
		refused = f.increment(p, &op, token)
	case Void:
		refused = f.void(p, &op, token)
	case Refund:
		refused = f.refund(p, &op, token)
	case DisputeEvidence, DisputeAccept:
		refused = f.answerDispute(p, &op, token, r)
	default:
		refused = refuse(CodeInvalid, "operation %q", kind)
	}
	if refused != nil {
		return refused
	}
	f.plan(p, &op, noWebhook, now)
	p.Operations = append(p.Operations, op)
	f.disputeCaptured(p, now)
	return nil
}

func (f *performer) confirm(p *payment, op *operation, token *Token, c *Challenge) *refusal {
	authorization := &p.Operations[0]
	if authorization.Status != RequiresAction {
		return refuse(CodeWrongState, "the authorization is %s, nothing to confirm", authorization.Status)
	}
	if c == nil {
		return refuse(CodeInvalid, "challenge: is missing")
	}
	op.Amount = authorization.Amount
	passed := c.Result == "authenticated" || c.Result == "attempted"
	if !passed && c.Result != "failed" && c.Result != "abandoned" {
		return refuse(CodeInvalid, "challenge.result %q: want authenticated, attempted, failed or abandoned", c.Result)
	}
	if !passed && token.challengeAgain && !slices.ContainsFunc(p.Operations, func(other operation) bool { return other.Kind == Confirm }) {
		op.Status = RequiresAction
		return nil
	}
	if passed && !token.challengeFails && token.decline == "" {
		auth := &Authentication{ECI: c.ECI, CAVV: c.CAVV, DSTransactionID: c.DSTransactionID}
		if auth.ECI == "" {
			auth.ECI = map[bool]string{true: "05", false: "06"}[c.Result == "authenticated"]
		}
		f.approve(p, op, token, auth)
	} else {
		op.Status, op.Decline, op.Hard = Declined, token.decline, token.hard
		if !passed || token.challengeFails {
			op.Decline, op.Hard = "1A", false
		}
	}
	// Whoever asks for the authorization from now on learns what became of it.
	authorization.Status, authorization.Captured, authorization.Fee = op.Status, op.Captured, op.Fee
	authorization.Decline, authorization.Hard, authorization.Auth = op.Decline, op.Hard, op.Auth
	return nil
}

// overCaptureShare is of what is authorized how much more may be captured, where that was asked for: a fifth.
const overCaptureShare = 5

func (f *performer) capture(p *payment, op *operation, token *Token) *refusal {
	left := p.Authorized - p.Captured
	switch {
	case p.Voided || left <= 0:
		return refuse(CodeWrongState, "nothing is left to capture")
	case op.Amount <= 0:
		return refuse(CodeInvalid, "amount %d: want a positive number of minor units", op.Amount)
	case op.Amount > left+p.Over:
		return refuse(CodeExceeds, "amount %d: only %d are left to capture", op.Amount, left+p.Over)
	}
	if token.captureFails {
		op.Status, op.Detail = Failed, "the acquirer refused the capture"
		return nil
	}
	op.Status, op.Captured, op.Fee = Approved, true, f.fee(op.Amount)
	p.Captured += op.Amount
	return nil
}

// increment raises the authorization to an amount.
func (f *performer) increment(p *payment, op *operation, token *Token) *refusal {
	switch {
	case p.Voided || p.Authorized == 0 || p.Captured > 0:
		return refuse(CodeWrongState, "only an authorization of which nothing is captured or voided is raised")
	case op.Amount <= p.Authorized:
		return refuse(CodeInvalid, "amount %d: want more than %d, which are authorized", op.Amount, p.Authorized)
	}
	if token.noIncrement {
		op.Status, op.Decline = Declined, "51"
		return nil
	}
	op.Status = Approved
	p.Authorized = op.Amount
	return nil
}

func (f *performer) void(p *payment, op *operation, token *Token) *refusal {
	left := p.Authorized - p.Captured
	if p.Voided || left <= 0 {
		return refuse(CodeWrongState, "nothing is left to void")
	}
	op.Amount = left
	if token.voidFails {
		op.Status, op.Detail = Failed, "the issuer refused the reversal"
		return nil
	}
	op.Status = Approved
	p.Voided = true
	return nil
}

func (f *performer) refund(p *payment, op *operation, token *Token) *refusal {
	left := max(0, p.Captured-p.Refunded-p.Disputed)
	switch {
	case op.Amount <= 0:
		return refuse(CodeInvalid, "amount %d: want a positive number of minor units", op.Amount)
	case op.Amount > left:
		return refuse(CodeExceeds, "amount %d: only %d are left to refund", op.Amount, left)
	}
	op.Status = Approved
	if token.byHand {
		op.Status = Pending
	}
	if token.refund != "" {
		op.Status = token.refund
	}
	if op.Status == Failed {
		op.Detail = "the scheme refused the refund"
		return nil
	}
	p.Refunded += op.Amount
	if token.refundSettles != "" {
		op.SettlesTo, op.SettlesAt = token.refundSettles, op.CreatedAt.Add(f.cfg.SettleDelay)
	}
	return nil
}

// settle turns a pending operation into what it settles to and plans the webhook that tells: p is a clone.
func (f *performer) settle(p *payment, op *operation, now time.Time) {
	status := op.SettlesTo
	op.SettlesTo, op.SettlesAt = "", time.Time{}
	if op.Kind == Dispute {
		f.tell(p, op, status, 0, now)
		return
	}
	if p.Method != nil && op.Kind == Authorize {
		f.paid(p, op, status, 0, now)
		return
	}
	switch {
	case status == Approved:
		op.BookedAt = now
	case op.Status == Approved:
		op.ReversedAt = now
	}
	switch {
	case op.Kind == Authorize && status == Approved:
		token, ok := f.tokens.find(p.Token)
		if !ok {
			token = &Token{}
		}
		f.approve(p, op, token, nil)
	case op.Kind == Payout && status != Approved:
		p.PaidOut -= op.Amount
		op.Status, op.Detail = status, "the card's issuer did not take the money"
	case op.Kind == Refund && status != Approved:
		p.Refunded -= op.Amount
		op.Status, op.Detail = status, "the scheme gave the money back"
	default:
		op.Status = status
		if status == Declined && op.Decline == "" {
			op.Decline = "05"
		}
	}
	f.addEvent(op, event{Type: eventType(op.Kind, op.Status), Status: op.Status, Amount: op.Amount, Due: now, Left: 1})
	f.disputeCaptured(p, now)
}

// plan records how an operation was answered and adds the webhook that its token, or the configuration, asks for.
func (f *performer) plan(p *payment, op *operation, plan webhookPlan, now time.Time) {
	op.Answered = op.Status
	if plan == noWebhook && f.cfg.WebhookAlways && op.SettlesTo == "" && op.Status != Pending {
		plan = oneWebhook
	}
	e := event{Type: eventType(op.Kind, op.Status), Status: op.Status, Amount: op.Amount, Due: now.Add(f.cfg.SettleDelay), Left: 1}
	switch plan {
	case noWebhook:
		return
	case twiceWebhook:
		e.Left = 2
	case lateWebhook:
		e.Due = now.Add(f.cfg.LateDelay)
	case wrongAmount:
		e.Amount++
	case unknownKind:
		e.Type = string(op.Kind) + ".audited"
	case foreignReference:
		e.Reference = "pay_0000_" + strings.Repeat("0", 32)
	}
	f.addEvent(op, e)
}

// addEvent gives an event its id, which stays over deliveries. Where there is nowhere to deliver it, none is owed.
func (f *performer) addEvent(op *operation, e event) {
	if f.cfg.WebhookURL == "" {
		e.Left = 0
	}
	e.ID = deriveID("evt_", op.Key, strconv.Itoa(len(op.Events)))
	op.Events = append(op.Events, e)
}

func eventType(kind Kind, status Status) string { return string(kind) + "." + string(status) }

// fee is what is kept of a capture: basis points rounded half up, and a fixed part; never more than the amount.
func (f *performer) fee(amount int64) int64 {
	const whole = 10_000
	share := amount/whole*f.cfg.FeeBasisPoints + (amount%whole*f.cfg.FeeBasisPoints+whole/2)/whole
	if share >= amount || f.cfg.FeeFixed >= amount-share {
		return amount
	}
	return share + f.cfg.FeeFixed
}
