package adyen_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// peer answers as Adyen documents its Checkout API: payments, details, modifications, idempotency keys.
type peer struct {
	URL string

	mu       sync.Mutex
	payments map[string]*payment // by PSP reference
	latest   map[string]*payment // by merchant reference
	count    map[string]int      // of authorisations, by merchant reference
	tickets  map[string]*payment // of challenges, by redirectResult
	keys     map[string]*kept
	made     int
	results  map[string]object // of modifications, by merchant reference: their notifications
}

type object = map[string]any

type kept struct {
	status int
	body   object
}

type payment struct {
	reference, merchant, token string
	currency                   string
	amount, captured, refunded int64
	cancelled                  bool
	challenge, statement       string
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{
		payments: map[string]*payment{}, latest: map[string]*payment{}, count: map[string]int{}, tickets: map[string]*payment{},
		keys: map[string]*kept{}, results: map[string]object{},
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		MerchantAccount string `json:"merchantAccount"`
		Reference       string `json:"reference"`
		Amount          struct {
			Currency string `json:"currency"`
			Value    int64  `json:"value"`
		} `json:"amount"`
		PaymentMethod      map[string]string `json:"paymentMethod"`
		AuthenticationData map[string]string `json:"authenticationData"`
		Details            map[string]string `json:"details"`
		ShopperStatement   string            `json:"shopperStatement"`
	}
	status, answer, lose := http.StatusUnauthorized, exception("000", "security", "HTTP Status Response - Unauthorized"), false
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		status, answer = http.StatusBadRequest, exception("702", "validation", "Structure of the request is invalid")
	} else if r.Header.Get("X-Api-Key") == "key_1" {
		p.mu.Lock()
		key, token := r.Header.Get("Idempotency-Key"), body.PaymentMethod["storedPaymentMethodId"]
		k := p.keys[key]
		switch {
		case token == "RATE":
			status, answer = http.StatusTooManyRequests, exception("", "configuration", "Too many requests")
		case k != nil:
			status, answer = k.status, k.body
		case token == "LOSTBEFORE" && p.count["tried "+body.Reference] == 0:
			p.count["tried "+body.Reference]++
			lose = true
		default:
			switch path := strings.Split(strings.Trim(r.URL.Path, "/"), "/"); {
			case len(path) == 1:
				status, answer = p.pay(body.Reference, body.Amount.Currency, body.Amount.Value, token, body.ShopperStatement, body.AuthenticationData["attemptAuthentication"] == "always")
			case path[1] == "details":
				status, answer = p.details(body.Details["redirectResult"])
			default:
				status, answer = p.modify(path[1], path[2], body.Reference, body.Amount.Currency, body.Amount.Value)
			}
			p.keys[key] = &kept{status, answer}
			lose = token == "LOSTAFTER"
		}
		p.mu.Unlock()
	}
	if lose {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a caller who gave up is no concern of the peer
}

func exception(code, kind, message string) object {
	return object{"status": 422, "errorCode": code, "errorType": kind, "message": message}
}

func (p *peer) next() string {
	p.made++
	return fmt.Sprintf("TESTPSPREF%06d", p.made)
}

func (p *peer) pay(merchant, currency string, amount int64, token, statement string, challenge bool) (int, object) {
	made := &payment{reference: p.next(), merchant: merchant, token: token, currency: currency, amount: amount, statement: statement}
	answer := object{"pspReference": made.reference, "merchantReference": merchant}
	switch {
	case token == "SOFT":
		answer["resultCode"], answer["refusalReason"], answer["refusalReasonCode"] = "Refused", "Not enough balance", "12"
		return http.StatusOK, answer
	case token == "HARD":
		answer["resultCode"], answer["refusalReason"], answer["refusalReasonCode"] = "Refused", "Blocked card 4111 1111 1111 1111", "5"
		return http.StatusOK, answer
	case token == "UNKNOWN":
		return http.StatusUnprocessableEntity, exception("800", "validation", "Contract not found")
	case token == "CHALLENGE" || challenge:
		ticket := "ticket-" + made.reference
		p.tickets[ticket] = made
		return http.StatusOK, object{"resultCode": "RedirectShopper", "action": object{"type": "redirect", "method": "GET", "paymentMethodType": "scheme", "url": p.URL + "/3ds/" + ticket}}
	}
	return http.StatusOK, p.authorise(made)
}

func (p *peer) authorise(made *payment) object {
	p.payments[made.reference], p.latest[made.merchant] = made, made
	p.count[made.merchant]++
	answer := object{
		"pspReference": made.reference, "merchantReference": made.merchant, "resultCode": "Authorised",
		"amount": object{"currency": made.currency, "value": made.amount},
	}
	if made.challenge != "" {
		answer["additionalData"] = object{"eci": "05", "cavv": "cavv", "dsTransID": "ds-1"}
	}
	return answer
}

func (p *peer) details(ticket string) (int, object) {
	made := p.tickets[ticket]
	if made == nil {
		return http.StatusUnprocessableEntity, exception("14_0408", "validation", "Invalid payload")
	}
	if made.challenge != "authenticated" {
		return http.StatusOK, object{"pspReference": made.reference, "merchantReference": made.merchant, "resultCode": "Refused", "refusalReason": "3D Not Authenticated", "refusalReasonCode": "11"}
	}
	return http.StatusOK, p.authorise(made)
}

// pass is the customer at Adyen, who comes back with a ticket.
func (p *peer) pass(url, result string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	ticket := url[strings.LastIndex(url, "/")+1:]
	p.tickets[ticket].challenge = result
	return ticket
}

func (p *peer) modify(reference, what, merchant, currency string, value int64) (int, object) {
	made := p.payments[reference]
	if made == nil {
		return http.StatusUnprocessableEntity, exception("167", "validation", "Original pspReference required for this operation")
	}
	event, ok := "", false
	switch what {
	case "captures":
		if event, ok = "CAPTURE", !made.cancelled && made.captured == 0 && value <= made.amount; ok {
			made.captured = value
		}
	case "cancels":
		value = made.amount
		currency = made.currency
		if event, ok = "CANCELLATION", made.captured == 0 && !made.cancelled; ok {
			made.cancelled = true
		}
	case "refunds":
		if event, ok = "REFUND", made.refunded+value <= made.captured; ok {
			made.refunded += value
		}
	}
	answer := object{"merchantAccount": "Acme", "paymentPspReference": reference, "pspReference": p.next(), "reference": merchant, "status": "received"}
	p.results[merchant] = object{
		"eventCode": event, "success": fmt.Sprint(ok), "pspReference": answer["pspReference"], "originalReference": reference,
		"merchantAccountCode": "Acme", "merchantReference": merchant, "amount": object{"currency": currency, "value": value},
	}
	if !ok {
		p.results[merchant]["reason"] = "Insufficient balance on payment"
	}
	return http.StatusCreated, answer
}

func notification(t *testing.T, item object) []byte {
	t.Helper()
	body, err := json.Marshal(object{"live": "false", "notificationItems": []object{{"NotificationRequestItem": item}}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// authorisation is the notification of the latest authorisation of a payment.
func (p *peer) authorisation(merchant string) object {
	p.mu.Lock()
	defer p.mu.Unlock()
	made := p.latest[merchant]
	return object{
		"eventCode": "AUTHORISATION", "success": "true", "pspReference": made.reference, "merchantAccountCode": "Acme",
		"merchantReference": merchant, "amount": object{"currency": made.currency, "value": made.amount}, "reason": "1234:1111:03/2030",
	}
}
