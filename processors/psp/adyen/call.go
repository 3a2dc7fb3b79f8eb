package adyen

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
)

type amount struct {
	Currency string `json:"currency"`
	Value    int64  `json:"value"`
}

// paymentCall is the body of POST /payments.
type paymentCall struct {
	MerchantAccount          string            `json:"merchantAccount"`
	Reference                string            `json:"reference"`
	Amount                   amount            `json:"amount"`
	PaymentMethod            map[string]string `json:"paymentMethod"`
	ShopperReference         string            `json:"shopperReference"`
	ShopperInteraction       string            `json:"shopperInteraction"`
	RecurringProcessingModel string            `json:"recurringProcessingModel"`
	ReturnURL                string            `json:"returnUrl,omitempty"`
	ShopperStatement         string            `json:"shopperStatement,omitempty"`
	Channel                  string            `json:"channel"`
	AdditionalData           map[string]string `json:"additionalData"`
	AuthenticationData       map[string]string `json:"authenticationData,omitempty"`
}

// modificationCall is the body of the captures, cancels and refunds of a payment. A cancel has no amount.
type modificationCall struct {
	MerchantAccount string  `json:"merchantAccount"`
	Reference       string  `json:"reference"`
	Amount          *amount `json:"amount,omitempty"`
}

// detailsCall is the body of POST /payments/details.
type detailsCall struct {
	Details json.RawMessage `json:"details"`
}

// call is where a request goes and what it says.
func (a *Adapter) call(r *topics.PSPRequest) (path string, body any, err error) {
	value, err := units.Out(r.Amount, r.Currency)
	if err != nil {
		return "", nil, err
	}
	money := amount{r.Currency, value}
	switch r.Operation {
	case topics.OperationAuthorize:
		return a.payment(r, money)
	case topics.OperationConfirm:
		details, err := details(r.Challenge)
		return "/payments/details", detailsCall{details}, err
	case topics.OperationVoid:
		return "/payments/" + r.PSPReference + "/cancels", modificationCall{a.account, modificationReference(r), nil}, nil
	case topics.OperationCapture:
		return "/payments/" + r.PSPReference + "/captures", modificationCall{a.account, modificationReference(r), &money}, nil
	default:
		return "/payments/" + r.PSPReference + "/refunds", modificationCall{a.account, modificationReference(r), &money}, nil
	}
}

func (a *Adapter) payment(r *topics.PSPRequest, money amount) (string, any, error) {
	if r.Card == nil {
		return "", nil, errors.New("card: is missing")
	}
	call := paymentCall{
		MerchantAccount: a.account, Reference: r.PaymentID, Amount: money, ReturnURL: r.ReturnURL, Channel: "Web",
		PaymentMethod:    map[string]string{"type": "scheme", "storedPaymentMethodId": r.Card.Token},
		ShopperReference: r.CustomerID, ShopperInteraction: "ContAuth", RecurringProcessingModel: "CardOnFile",
		AdditionalData: map[string]string{"manualCapture": "true"}, ShopperStatement: statement(r.StatementDescriptor),
	}
	if k := r.StoredCredential; k != nil {
		call.RecurringProcessingModel = "UnscheduledCardOnFile"
		if k.Kind == topics.MandateRecurring {
			call.RecurringProcessingModel = "Subscription"
		}
		if k.Use == topics.CredentialFirst {
			call.ShopperInteraction = "Ecommerce" // the customer is there
		}
	}
	if r.ThreeDS {
		call.AuthenticationData = map[string]string{"attemptAuthentication": "always"}
	}
	return "/payments", call, nil
}

// statement is a descriptor with spaces in the place of what Adyen does not take in one.
func statement(descriptor string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(" .,'_-?+*/", c) {
			return c
		}
		return ' '
	}, descriptor)
}

// details are what Adyen gave to the shop: the object that its component hands over, or the redirectResult of the page.
func details(c *topics.Challenge) (json.RawMessage, error) {
	if c == nil {
		return nil, errors.New("challenge: is missing")
	}
	if strings.HasPrefix(c.Payload, "{") {
		return json.RawMessage(c.Payload), nil
	}
	return json.Marshal(map[string]string{"redirectResult": c.Payload})
}

// modificationReference is the merchant's reference of a capture, void or refund, which is signed in notifications.
func modificationReference(r *topics.PSPRequest) string { return r.PaymentID + "/" + r.RequestID }

// readReference is what a notification says of whose it is. The request is "" where it names none.
func readReference(s string) (payment, request string, err error) {
	payment, request, _ = strings.Cut(s, "/")
	if request != "" {
		if _, err := topics.ParseEventID(request); err != nil {
			return "", "", fmt.Errorf("merchantReference %.96q: %w", s, err)
		}
	}
	return payment, request, nil
}
