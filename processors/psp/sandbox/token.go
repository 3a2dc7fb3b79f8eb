package sandbox

import "strings"

// Token is one row of the table of test tokens: what a card with that token does.
type Token struct {
	Name string `json:"token"`
	Does string `json:"does"` // for people

	decline        string // code of the declined authorization
	hard           bool
	challenge      bool // 3-D Secure is required whether asked for or not
	challengeFails bool
	challengeAgain bool   // one that is not passed is asked for again, once
	clientToken    bool   // the challenge is passed in the shop's own page
	avs, cvv       string // result codes of an approved authorization: Y and M where empty
	frictionless   bool   // 3-D Secure authenticates without a challenge
	fault          fault
	slow           bool
	byHand         bool   // it, its refunds and payouts to it are pending until someone decides
	settles        Status // the authorization is pending and then this
	webhook        webhookPlan
	captureFails   bool
	noIncrement    bool
	overCapture    bool
	voidFails      bool
	refund         Status // the answer to a refund: approved where empty
	refundSettles  Status // what it turns into later
	payout         Status // the answer to a payout to the card: approved where empty
	payoutSettles  Status // what it turns into later
	payoutFault    fault
	dispute        *disputePlan // of what is captured; nil: none

	later []string // where its card is kept and the customer not there: how the first authorizations of a merchant reference are declined
}

// fault is what goes wrong between the server and its caller in an authorization or a payout.
type fault int

const (
	noFault         fault = iota
	unavailable           // 503, nothing performed
	unavailableOnce       // 503 to the first attempt
	serverError           // 500, nothing performed
	hangBefore            // never performed, never answered
	hangAfter             // performed, never answered
	dropAfter             // performed, then the connection is closed without an answer
)

// webhookPlan is which webhook an authorization sends.
type webhookPlan int

const (
	noWebhook        webhookPlan = iota
	oneWebhook                   // after SettleDelay
	twiceWebhook                 // the same event twice
	lateWebhook                  // after LateDelay
	wrongAmount                  // one minor unit more than was asked for
	unknownKind                  // of a type that no document names
	foreignReference             // for a payment that nobody has
)

// Tokens lists the test tokens. A suffix after a point is ignored ("tok_approved.7" is another card that is approved).
func Tokens() []Token {
	return []Token{
		{Name: "tok_approved", Does: "approved"},
		{Name: "tok_declined_soft", Does: "declined: 51, insufficient funds", decline: "51"},
		{Name: "tok_declined_issuer", Does: "declined: 91, issuer not available", decline: "91"},
		{Name: "tok_declined_hard", Does: "declined for good: 43, stolen card", decline: "43", hard: true},
		{Name: "tok_declined_expired", Does: "declined for good: 54, expired card", decline: "54", hard: true},
		{Name: "tok_mandate_soft", Does: "approved; once it is kept, declined twice for each merchant reference: 51, insufficient funds", later: []string{"51", "51"}},
		{Name: "tok_mandate_hard", Does: "approved; once it is kept, declined for good: 43, stolen card", later: []string{"43"}},
		{Name: "tok_mandate_revoked", Does: "approved; once it is kept, declined for good: R1, the card holder has stopped it", later: []string{"R1"}},
		{Name: "tok_mandate_authentication", Does: "approved; once it is kept, declined: 1A, the customer must authenticate", later: []string{"1A", "1A", "1A"}},
		{Name: "tok_3ds_challenge", Does: "requires a 3-D Secure challenge; its result decides", challenge: true},
		{Name: "tok_3ds_fail", Does: "requires a challenge and then declines: 1A, authentication failed", challenge: true, challengeFails: true},
		{Name: "tok_3ds_again", Does: "requires a challenge; where it is failed or abandoned, the customer may try once more", challenge: true, challengeAgain: true},
		{Name: "tok_3ds_client_token", Does: "requires a challenge in the shop's own page, by a client token in the place of an address; its result decides", challenge: true, clientToken: true},
		{Name: "tok_3ds_frictionless", Does: "approved; 3-D Secure authenticated without a challenge (ECI 05)", frictionless: true},
		{Name: "tok_avs_mismatch", Does: "approved, though neither street nor postal code match (AVS N)", avs: "N"},
		{Name: "tok_avs_partial", Does: "approved; the postal code matches, the street does not (AVS Z)", avs: "Z"},
		{Name: "tok_avs_unavailable", Does: "approved; the issuer does not verify addresses (AVS U)", avs: "U"},
		{Name: "tok_cvv_mismatch", Does: "approved, though the card's code does not match (CVV N)", cvv: "N"},
		{Name: "tok_async", Does: "pending, then approved; the webhook tells", settles: Approved},
		{Name: "tok_async_declined", Does: "pending, then declined: 05; the webhook tells", settles: Declined, decline: "05"},
		{Name: "tok_by_hand", Does: "pending until it is decided by hand; so are refunds of it and payouts to it", byHand: true},
		{Name: "tok_timeout_after_charge", Does: "performed but never answered; learnt by polling or from the webhook", fault: hangAfter, webhook: lateWebhook},
		{Name: "tok_timeout_before_charge", Does: "never performed, never answered", fault: hangBefore},
		{Name: "tok_connection_lost", Does: "performed, then the connection is closed without an answer", fault: dropAfter},
		{Name: "tok_unavailable", Does: "503: nothing performed, on every attempt", fault: unavailable},
		{Name: "tok_unavailable_once", Does: "503 to the first attempt, then approved", fault: unavailableOnce},
		{Name: "tok_error_500", Does: "500: nothing performed, but the answer does not say so", fault: serverError},
		{Name: "tok_slow", Does: "approved after the slow latency", slow: true},
		{Name: "tok_webhook", Does: "approved; a webhook confirms", webhook: oneWebhook},
		{Name: "tok_duplicate_webhook", Does: "approved; the webhook comes twice with one event id", webhook: twiceWebhook},
		{Name: "tok_late_webhook", Does: "approved; the webhook comes late", webhook: lateWebhook},
		{Name: "tok_wrong_amount_webhook", Does: "approved; the webhook tells one minor unit too much", webhook: wrongAmount},
		{Name: "tok_unknown_webhook", Does: "approved; the webhook is of an unknown kind", webhook: unknownKind},
		{Name: "tok_foreign_webhook", Does: "approved; the webhook names a payment that nobody has", webhook: foreignReference},
		{Name: "tok_capture_fails", Does: "authorised; no capture succeeds", captureFails: true},
		{Name: "tok_increment_declined", Does: "approved; no increment of it is: 51, insufficient funds", noIncrement: true},
		{Name: "tok_over_capture", Does: "approved; a fifth more than is authorized may be captured, where that was asked for", overCapture: true},
		{Name: "tok_void_fails", Does: "approved; no void succeeds", voidFails: true},
		{Name: "tok_refund_pending", Does: "approved; refunds are pending, then settle", refund: Pending, refundSettles: Approved},
		{Name: "tok_refund_fails", Does: "approved; refunds fail at once", refund: Failed},
		{Name: "tok_refund_fails_late", Does: "approved; refunds are pending, then fail", refund: Pending, refundSettles: Failed},
		{Name: "tok_refund_reversed", Does: "approved; refunds settle and are reversed later", refundSettles: Reversed},
		{Name: "tok_dispute", Does: "approved; what is captured is disputed (10.4, fraud): the funds are withdrawn with a fee. Evidence wins, and they come back", dispute: disputed("10.4", Won, FundsReinstated, FeeReturned, Closed)},
		{Name: "tok_dispute_lost", Does: "approved; disputed (13.1, not received), and lost in spite of evidence", dispute: disputed("13.1", Lost, Closed)},
		{Name: "tok_dispute_arbitration", Does: "approved; disputed (10.4) and won, then lost in pre-arbitration and arbitration", dispute: disputed("10.4", Won, FundsReinstated, PreArbitration, FundsWithdrawn, Arbitration, Lost, Closed)},
		{Name: "tok_dispute_inquiry", Does: "approved; the issuer asks about what is captured, and no money moves", dispute: &disputePlan{reason: "10.4", first: []Status{Inquiry}, answered: []Status{Closed}}},
		{Name: "tok_dispute_shuffled", Does: "approved; disputed and won as by tok_dispute; each webhook comes twice, and the notice after the funds", dispute: &disputePlan{reason: "10.4", first: []Status{Opened, FundsWithdrawn, FeeCharged}, answered: []Status{Won, FundsReinstated, FeeReturned, Closed}, shuffled: true}},
		{Name: "tok_payout_pending", Does: "approved; payouts to it are pending, then paid: the webhook tells", payout: Pending, payoutSettles: Approved},
		{Name: "tok_payout_fails", Does: "approved; payouts to it fail at once", payout: Failed},
		{Name: "tok_payout_fails_late", Does: "approved; payouts to it are pending, then fail: the webhook tells", payout: Pending, payoutSettles: Failed},
		{Name: "tok_payout_returned", Does: "approved; payouts to it are paid and come back later: the webhook tells", payoutSettles: Reversed},
		{Name: "tok_payout_timeout_after", Does: "approved; payouts to it are paid but never answered: learnt by polling", payoutFault: hangAfter},
		{Name: "tok_payout_timeout_before", Does: "approved; payouts to it are never performed, never answered", payoutFault: hangBefore},
		{Name: "tok_payout_connection_lost", Does: "approved; payouts to it are paid, then the connection is closed without an answer", payoutFault: dropAfter},
		{Name: "tok_payout_unavailable", Does: "approved; 503 to payouts to it: nothing performed, on every attempt", payoutFault: unavailable},
		{Name: "tok_payout_unavailable_once", Does: "approved; 503 to the first attempt at a payout to it, then paid", payoutFault: unavailableOnce},
		{Name: "tok_payout_error_500", Does: "approved; 500 to payouts to it: nothing performed, but the answer does not say so", payoutFault: serverError},
	}
}

// disputed is a dispute of which the funds are withdrawn at once, and what becomes of it after evidence.
func disputed(reason string, answered ...Status) *disputePlan {
	return &disputePlan{reason: reason, first: []Status{Opened, FundsWithdrawn, FeeCharged}, answered: answered}
}

// tokenTable finds a token by name.
type tokenTable map[string]*Token

func newTokenTable() tokenTable {
	tokens := Tokens()
	table := make(tokenTable, len(tokens))
	for i := range tokens {
		table[tokens[i].Name] = &tokens[i]
	}
	return table
}

func (t tokenTable) find(token string) (*Token, bool) {
	name, _, _ := strings.Cut(token, ".")
	found, ok := t[name]
	return found, ok
}
