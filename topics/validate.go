package topics

import (
	"bytes"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"
	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/ledger"
)

// MaxAmount is the largest amount of a command in minor units. The sum of 9,000 of them still fits 64 bits.
const MaxAmount int64 = 999_999_999_999_999

// MaxBalance is how much a customer may have in a currency, held or not, in minor units: a command that would bring more is
// refused. What is left to 64 bits is room for facts, which always post: 5,000 payments of the largest amount that were open
// when the balance was reached.
const MaxBalance int64 = 4_000_000_000_000_000_000

// Refusal is why a command is refused: a value, not an error. Detail is for people; it names the field, what is wrong
// and what would be right, and quotes no value.
type Refusal struct {
	Code   RefusalCode `json:"code"`
	Detail string      `json:"detail"`
}

func (r *Refusal) String() string { return string(r.Code) + ": " + r.Detail }

// Validate checks what can be known from the command alone: RefusedInvalid where a field is missing or malformed (the
// first in order of declaration), RefusedCardNumber where a field holds a card number, masked by MaskCardNumbers or
// not, RefusedMethodUnsupported where the method of payment cannot do what is asked for; nil where none of these. A command that was read from bytes may hold a card number in a field that is unknown here;
// that takes FindCardNumber.
func (c *Command) Validate() *Refusal {
	if detail := c.invalid(); detail != "" {
		return &Refusal{RefusedInvalid, detail}
	}
	if field := cardNumberIn(c.texts); field != "" {
		return &Refusal{RefusedCardNumber, field + ": holds a card number; send the PSP's token of the card in card.token"}
	}
	if detail := c.unsupported(); detail != "" {
		return &Refusal{RefusedMethodUnsupported, detail}
	}
	return nil
}

// cardNumberIn is the first field whose text holds a card number, masked or not; "" where none does.
func cardNumberIn(texts iter.Seq2[string, string]) string {
	for field, text := range texts {
		if mayHoldCardNumber(text) && (FindCardNumber([]byte(text)) || holdsMasked(text)) {
			return field
		}
	}
	return ""
}

const unprintable = ": holds control characters or is not UTF-8; want printable text"

// unprintableIn is the first field whose text is not one; "" where all are.
func unprintableIn(texts iter.Seq2[string, string]) string {
	for field, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, isControl) {
			return field
		}
	}
	return ""
}

// malformed says what is wrong with the fields and the texts of a value, "" where nothing is.
func malformed(value any, texts iter.Seq2[string, string]) string {
	if err := commandValidator().Struct(value); err != nil {
		if fields, ok := err.(validator.ValidationErrors); ok && len(fields) > 0 {
			return describe(fields[0])
		}
		return err.Error()
	}
	if field := unprintableIn(texts); field != "" {
		return field + unprintable
	}
	return ""
}

func (c *Command) invalid() string {
	if detail := malformed(c, c.texts); detail != "" {
		return detail
	}
	if !ValidTime(c.IssuedAt) {
		return "issued_at" + outOfTime
	}
	if c.CustomerID == "" && c.Type != CommandCreate {
		return "customer_id: is missing; want the payment's customer, which its created event names"
	}
	if c.PaymentID != "" {
		if _, err := ParsePaymentID(c.PaymentID); err != nil {
			return "payment_id: is not a payment's id; want pay_, 4 hex digits, _ and 32 hex digits"
		}
	}
	return c.invalidForType()
}

// invalidForType holds the rules that differ by the command's type.
func (c *Command) invalidForType() string {
	switch c.Type {
	case CommandCreate:
		switch {
		case c.PaymentID != "":
			return "payment_id: is set; a create command opens a new payment, whose id derives from command_id"
		case c.Amount == 0:
			return "amount: is missing or zero; want a positive integer in minor units (1050 is 10.50 EUR)"
		case c.Currency == "":
			return "currency: is missing; want an ISO 4217 code such as EUR"
		}
	case CommandIncrement:
		if c.Amount == 0 || c.Currency == "" {
			return "amount: is missing or zero, or currency is; want what is to be added, in the payment's currency"
		}
	case CommandCapture, CommandRefund:
		if c.Amount != 0 && c.Currency == "" {
			return "currency: is missing; an amount needs the payment's currency"
		}
	default:
		if c.Amount != 0 {
			return fmt.Sprintf("amount: is set; a command of type %s takes none", c.Type)
		}
	}
	if detail := c.invalidMethod(); detail != "" {
		return detail
	}
	if detail := c.invalidDelay(); detail != "" {
		return detail
	}
	if detail := c.invalidDescriptor(); detail != "" {
		return detail
	}
	if c.LinkID != "" {
		if c.Type != CommandCreate {
			return "link_id: is set; only a command of type create takes one"
		}
		if _, err := ParseLinkID(c.LinkID); err != nil {
			return "link_id: is not a payment link's id; want lnk_, 4 hex digits, _ and 32 hex digits"
		}
	}
	if detail := c.invalidMandate(); detail != "" {
		return detail
	}
	if c.Challenge != nil && c.Type != CommandConfirm {
		return "challenge: is set; only a command of type confirm takes one"
	}
	switch {
	case c.Type != CommandRefund && c.RequestedBy != "":
		return "requested_by: is set; only a command of type refund takes one"
	case c.Type != CommandRefund && c.ApprovedBy != "":
		return "approved_by: is set; only a command of type refund takes one"
	case utf8.RuneCountInString(c.RequestedBy) > maxPerson || utf8.RuneCountInString(c.ApprovedBy) > maxPerson:
		return fmt.Sprintf("requested_by and approved_by: one is too long; want at most %d characters", maxPerson)
	case c.ApprovedBy != "":
		return invalidPeople(c.RequestedBy, c.ApprovedBy, "an approval")
	}
	return ""
}

// maxCaptureDelay is longer than authorisations last; how long these do is the installation's, and the second bound.
const maxCaptureDelay = 30 * 24 * 60 * 60

func (c *Command) invalidDelay() string {
	switch s := c.CaptureDelaySeconds; {
	case s == 0:
	case s < 0 || s > maxCaptureDelay:
		return fmt.Sprintf("capture_delay_seconds: is not between 0 and %d, or payments.authorization_ttl where that is less", maxCaptureDelay)
	case c.Type != CommandCreate:
		return "capture_delay_seconds: is set; only a command of type create takes one"
	case c.CaptureMethod != CaptureAutomatic:
		return "capture_delay_seconds: is set, and capture_method is not automatic; only an automatic capture can be delayed"
	}
	return ""
}

// texts yields every text that the producer chose, with the path of its field.
func (c *Command) texts(yield func(field, text string) bool) {
	more := true
	each := func(field, text string) {
		if more && text != "" {
			more = yield(field, text)
		}
	}
	each("tenant", c.Tenant)
	each("region", c.Region)
	each("customer_id", c.CustomerID)
	each("payment_id", c.PaymentID)
	each("trace_id", c.TraceID)
	c.Card.texts(each)
	if m := c.PaymentMethod; m != nil {
		each("payment_method.name", m.Name)
	}
	c.Context.texts(each)
	each("return_url", c.ReturnURL)
	each("merchant_reference", c.MerchantReference)
	each("description", c.Description)
	each("statement_descriptor", c.StatementDescriptor)
	for key, text := range c.Metadata {
		each("metadata (a key)", key)
		each("metadata (a value)", text)
	}
	if x := c.Challenge; x != nil {
		each("challenge.eci", x.ECI)
		each("challenge.cavv", x.CAVV)
		each("challenge.ds_transaction_id", x.DSTransactionID)
	}
	each("mandate", c.Mandate)
	if m := c.SetupMandate; m != nil {
		each("setup_mandate.description", m.Description)
	}
	each("reason", c.Reason)
	each("requested_by", c.RequestedBy)
	each("approved_by", c.ApprovedBy)
}

func (card *Card) texts(each func(field, text string)) {
	if card == nil {
		return
	}
	each("card.token", card.Token)
	each("card.fingerprint", card.Fingerprint)
	each("card.scheme", card.Scheme)
}

func (x *Context) texts(each func(field, text string)) {
	if x == nil {
		return
	}
	each("context.device_id", x.DeviceID)
	each("context.email", x.Email)
	each("context.phone", x.Phone)
	each("context.time_zone", x.TimeZone)
	each("context.user_agent", x.UserAgent)
}

// isControl: C0 and C1 controls; a tab and a line break are text.
func isControl(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7F && r < 0xA0
}

// mayHoldCardNumber is the quick test that most texts fail: it takes 13 digits, of whatever script, or the stars that hide
// them.
func mayHoldCardNumber(text string) bool {
	n := 0
	for i := range len(text) {
		if c := text[i]; '0' <= c && c <= '9' || c == '*' || c >= utf8.RuneSelf {
			n++
		}
	}
	return n >= minCardDigits
}

// holdsMasked tells whether MaskCardNumbers has masked the text: at least nine stars, possibly in groups, then four digits.
func holdsMasked(text string) bool {
	stars := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '*':
			stars++
		case '0' <= c && c <= '9':
			if stars >= minCardDigits-4 {
				return true
			}
			stars = 0
		case stars > 0 && bytes.IndexByte([]byte(" -./:_"), c) < 0 && c < utf8.RuneSelf:
			stars = 0
		}
	}
	return false
}

// commandValidator is built once and only read afterwards.
var commandValidator = sync.OnceValue(NewValidator)

// NewValidator returns a validator that knows the tags of the records: "name", "currency", "command_id" and
// "event_type" besides those of the library. Fields are called by their JSON names.
func NewValidator() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(field reflect.StructField) string {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		return name
	})
	for tag, check := range map[string]func(string) bool{
		"name":       isName,
		"currency":   func(s string) bool { _, ok := ledger.Currency(s).Exponent(); return ok },
		"command_id": isCommandID,
		"event_type": IsEventType,
	} {
		// A failure here is a mistake in the tag's name: no input reaches it.
		if err := v.RegisterValidation(tag, func(f validator.FieldLevel) bool { return check(f.Field().String()) }); err != nil {
			panic(err)
		}
	}
	return v
}

// isName: printable ASCII without space, quotes, slash and backslash. Names are parts of keys, paths and log lines, and
// a letter that Unicode can write in two ways would put one customer into two partitions.
func isName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || strings.IndexByte("\"'`/\\", s[i]) >= 0 {
			return false
		}
	}
	return s != ""
}

// isCommandID: a UUID in the form 8-4-4-4-12, of any version, but not the nil UUID. The case of its letters is not
// significant.
func isCommandID(s string) bool {
	id, err := uuid.FromString(s)
	return err == nil && len(s) == 36 && !id.IsNil()
}

// describe says what is wrong with a field and what would be right.
func describe(f validator.FieldError) string {
	_, field, _ := strings.Cut(f.Namespace(), ".")
	if name, rest, ok := strings.Cut(field, "["); ok && !strings.Contains(rest, "].") { // of a list's item the path says which
		field = name + " (a key or value)" // the key is the producer's
	}
	return field + ": " + complaint(f)
}

func complaint(f validator.FieldError) string {
	switch f.Tag() {
	case "required", "required_unless", "required_if":
		return "is missing"
	case "command_id":
		return "is not a UUID; want the form 0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b, not all zeros"
	case "name":
		return "holds characters that a name cannot have; want printable ASCII without spaces, quotes and slashes"
	case "event_type":
		return "is not a type of event; want small letters, digits and _, a letter first, such as login or password_changed"
	case "currency":
		return "is not an ISO 4217 currency; want a code such as EUR, in capitals"
	case "oneof":
		return "is none of " + strings.ReplaceAll(f.Param(), " ", ", ")
	case "max":
		if f.Kind() == reflect.Map {
			return "has too many entries; want at most " + f.Param()
		}
		return "is too long; want at most " + f.Param() + " characters"
	case "min":
		return "is too short; want at least " + f.Param() + " characters"
	case "len":
		return "has the wrong length; want " + f.Param() + " characters"
	case "gte":
		if strings.HasSuffix(f.Field(), "seconds") {
			return "is negative; want whole seconds"
		}
		return "is negative; want a positive integer in minor units"
	case "lte":
		return "is too large; want at most " + f.Param()
	case "number":
		return "is not made of digits"
	case "url":
		return "is not a URL; want one such as https://shop.example/return"
	case "ip":
		return "is not an IP address; want one such as 192.0.2.7 or 2001:db8::7"
	case "iso3166_1_alpha2":
		return "is not a country; want an ISO 3166-1 code of two capitals, such as DE"
	}
	return "does not satisfy " + f.Tag()
}
