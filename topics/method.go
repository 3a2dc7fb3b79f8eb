package topics

import "slices"

// How a customer may pay: the type of a PaymentMethod, the method of a kill switch and of a routing condition.
const (
	MethodCard         = "card"
	MethodBankRedirect = "bank_redirect" // the customer is sent to the bank, which pays from account to account
	MethodQR           = "qr"            // a code to be scanned, copied, or opened as a link, for a time
	MethodCrypto       = "crypto"        // an address to pay to; the PSP counts confirmations, and quotes in the payment's currency
)

// Methods lists them.
func Methods() []string { return []string{MethodCard, MethodBankRedirect, MethodQR, MethodCrypto} }

// PaymentMethod is how a customer pays. Absent, it is a card.
type PaymentMethod struct {
	Type string `json:"type" jsonschema:"enum=card,enum=bank_redirect,enum=qr,enum=crypto"`
	// Name is which one of its type, as the PSP calls it: ideal, pix, btc.
	Name string `json:"name,omitempty" jsonschema:"maxLength=32"`
}

// Kind is the method's type; the nil method is a card.
func (m *PaymentMethod) Kind() string {
	if m == nil {
		return MethodCard
	}
	return m.Type
}

// By is the method where it is none of cards, nil where it is.
func (m *PaymentMethod) By() *PaymentMethod {
	if m.Kind() == MethodCard {
		return nil
	}
	return m
}

func (c *Command) invalidMethod() string {
	m := c.PaymentMethod
	switch {
	case c.Unapplied && c.Type != CommandRefund:
		return "unapplied: is set; only a command of type refund takes it"
	case c.Unapplied && c.Amount != 0:
		return "amount: is set; what is unapplied is refunded as a whole"
	case m == nil && c.Type == CommandCreate && c.Card == nil && c.Mandate == "":
		return "card: is missing; want an object with the token of a card"
	case m == nil:
		return ""
	case c.Type != CommandCreate:
		return "payment_method: is set; only a command of type create takes one"
	case !slices.Contains(Methods(), m.Type):
		return "payment_method.type: is none of card, bank_redirect, qr, crypto"
	case len(m.Name) > 32:
		return "payment_method.name: is too long; want at most 32 characters"
	case m.Name != "" && !isName(m.Name):
		return "payment_method.name: holds characters that a name cannot have; want printable ASCII without spaces, quotes and slashes"
	case m.Type == MethodCard && m.Name != "":
		return "payment_method.name: is set; what a card is, its token tells"
	case m.Type == MethodCard && c.Card == nil && c.Mandate == "":
		return "card: is missing; want an object with the token of a card"
	case m.Type != MethodCard && c.Card != nil:
		return "card: is set; a payment by " + m.Type + " has none"
	}
	return ""
}

// unsupported is why a well-formed create command asks for what its method cannot do, "" where it does not.
func (c *Command) unsupported() string {
	if c.Type != CommandCreate || c.PaymentMethod.Kind() == MethodCard {
		return ""
	}
	if c.CaptureMethod == CaptureManual {
		return "capture_method: a payment by " + c.PaymentMethod.Type + " is captured when it is paid; want automatic, or none"
	}
	if c.CaptureDelaySeconds != 0 {
		return "capture_delay_seconds: a payment by " + c.PaymentMethod.Type + " is captured when it is paid; leave it out"
	}
	return ""
}

// Confirmations is how far a payment by crypto is that was seen and is not final.
type Confirmations struct {
	Seen int64 `json:"seen,omitempty"` // what is on its way, with what is confirmed, minor units
	Have int   `json:"have"`           // confirmations of the part that has fewest
	Need int   `json:"need"`
}
