package rules

import (
	"net/netip"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// FieldType is what a field of a command is to a rule.
type FieldType string

const (
	TypeText   FieldType = "text"
	TypeNumber FieldType = "number" // a whole number
	TypeMoney  FieldType = "money"  // an amount with its currency
	TypeTexts  FieldType = "texts"  // texts by name
)

// Field is something that a rule may read.
type Field struct {
	Name    string
	Type    FieldType
	Doc     string // one line for analysts
	Example string
	// Required says that every valid create command has it; any other field may be missing.
	Required bool
	// Match is how a list that the field is looked up in must compare.
	Match Match
	// Currency is that of a velocity answer that is an amount, "" otherwise.
	Currency ledger.Currency

	window time.Duration // velocity: how far back it looks
	broken bool          // velocity: what the definition says is wrong, so nothing is said of its use
	// literal says what is wrong with a text that a rule compares the field with, "" where nothing is; nil: any text.
	literal func(string) string
	get     func(*topics.Command) string  // "" where it is missing; TypeText only
	set     func(*topics.Command, string) // for inline tests; TypeText only

	// In place of get and set, for what was found out about the command.
	found    func(*topics.Enrichment) string // TypeText
	number   func(*topics.Enrichment) int64  // TypeNumber; 0 where it is missing
	setFound func(*topics.Enrichment, string)
}

// text is the field's value, "" where it is missing; TypeText only.
func (f *Field) text(in *Input) string {
	switch {
	case f.get != nil:
		return f.get(in.Command)
	case in.Enrichment == nil:
		return ""
	}
	return f.found(in.Enrichment)
}

// count is the field's value, 0 where it is missing; TypeNumber only.
func (f *Field) count(in *Input) int64 {
	if in.Enrichment == nil {
		return 0
	}
	return f.number(in.Enrichment)
}

// The fields that are not TypeText are read in their own ways.
const (
	fieldAmount        = "payment.amount"
	fieldMetadata      = "payment.metadata"
	fieldZoneCountries = "context.time_zone_countries" // set by way of the zone in inline tests
)

// Fields are all fields, in the order of the manual.
func Fields() []Field {
	card := func(c *topics.Command) *topics.Card {
		if c.Card == nil {
			c.Card = &topics.Card{}
		}
		return c.Card
	}
	circumstances := func(c *topics.Command) *topics.Context {
		if c.Context == nil {
			c.Context = &topics.Context{}
		}
		return c.Context
	}
	ofCard := func(get func(*topics.Card) string) func(*topics.Command) string {
		return func(c *topics.Command) string {
			if c.Card == nil {
				return ""
			}
			return get(c.Card)
		}
	}
	ofContext := func(get func(*topics.Context) string) func(*topics.Command) string {
		return func(c *topics.Command) string {
			if c.Context == nil {
				return ""
			}
			return get(c.Context)
		}
	}
	fields := []Field{
		{Name: "payment.amount", Type: TypeMoney, Required: true, Example: "250.00 EUR",
			Doc: `The amount with its currency. Compare it with money("250.00 EUR") or limit("name").`},
		{Name: "payment.currency", Type: TypeText, Required: true, Example: "EUR", Match: MatchExact,
			Doc: "ISO 4217 code, upper case.", literal: currencyLiteral,
			get: func(c *topics.Command) string { return c.Currency },
			set: func(c *topics.Command, v string) { c.Currency = v }},
		{Name: "payment.capture_method", Type: TypeText, Required: true, Example: "manual", Match: MatchExact,
			Doc: "manual or automatic.", literal: oneOf("manual", "automatic"),
			get: func(c *topics.Command) string {
				if c.CaptureMethod == "" && c.Type == topics.CommandCreate {
					return string(topics.CaptureManual)
				}
				return string(c.CaptureMethod)
			},
			set: func(c *topics.Command, v string) { c.CaptureMethod = topics.CaptureMethod(v) }},
		{Name: "payment.metadata", Type: TypeTexts, Example: "SPRING", Match: MatchExact,
			Doc: `What the producer attached, by name: payment.metadata["promotion"].`},
		{Name: "card.bin", Type: TypeText, Example: "411111", Match: MatchBINPrefix,
			Doc: `The first 6 to 8 digits of the card number. Use a list, or card.bin.startsWith("411111").`,
			literal: func(string) string {
				return `a BIN has 6 to 8 digits, and an exact comparison misses the longer ones; write card.bin.startsWith("411111"), or use a list with match: bin_prefix`
			},
			get: ofCard(func(c *topics.Card) string { return c.BIN }),
			set: func(c *topics.Command, v string) { card(c).BIN = v }},
		{Name: "card.country", Type: TypeText, Example: "DE", Match: MatchExact,
			Doc: "Country of the issuer, two upper-case letters (ISO 3166-1).", literal: countryLiteral,
			get: ofCard(func(c *topics.Card) string { return c.Country }),
			set: func(c *topics.Command, v string) { card(c).Country = v }},
		{Name: "card.scheme", Type: TypeText, Example: "visa", Match: MatchIgnoreCase,
			Doc: "visa, mastercard, …; always lower case here.", literal: lowerLiteral,
			get: ofCard(func(c *topics.Card) string { return strings.ToLower(c.Scheme) }),
			set: func(c *topics.Command, v string) { card(c).Scheme = v }},
		{Name: "card.type", Type: TypeText, Example: "credit", Match: MatchExact,
			Doc: "credit, debit or prepaid.", literal: oneOf(cardTypes...),
			get: ofCard(func(c *topics.Card) string { return c.Type }),
			set: func(c *topics.Command, v string) { card(c).Type = v }},
		{Name: "card.fingerprint", Type: TypeText, Example: "fp_7Hq2", Match: MatchExact,
			Doc: "The same for one card number wherever it is used.",
			get: ofCard(func(c *topics.Card) string { return c.Fingerprint }),
			set: func(c *topics.Command, v string) { card(c).Fingerprint = v }},
		{Name: "card.last4", Type: TypeText, Example: "4242", Match: MatchExact, Doc: "The last four digits.",
			get: ofCard(func(c *topics.Card) string { return c.Last4 }),
			set: func(c *topics.Command, v string) { card(c).Last4 = v }},
		{Name: "context.ip", Type: TypeText, Example: "203.0.113.7", Match: MatchNetwork, Doc: "The customer's IP address.",
			literal: func(v string) string {
				if a, err := netip.ParseAddr(v); err != nil || a.Unmap().String() != v {
					return "it is an address such as \"203.0.113.7\"; for a network use a list with match: network"
				}
				return ""
			},
			get: ofContext(func(c *topics.Context) string { return canonicalIP(c.IP) }),
			set: func(c *topics.Command, v string) { circumstances(c).IP = v }},
		{Name: "context.device_id", Type: TypeText, Example: "dev_81", Match: MatchExact, Doc: "The customer's device.",
			get: ofContext(func(c *topics.Context) string { return c.DeviceID }),
			set: func(c *topics.Command, v string) { circumstances(c).DeviceID = v }},
		{Name: "context.email", Type: TypeText, Example: "ann@example.com", Match: MatchIgnoreCase,
			Doc: "The customer's e-mail address; always lower case here.", literal: lowerLiteral,
			get: ofContext(func(c *topics.Context) string { return strings.ToLower(c.Email) }),
			set: func(c *topics.Command, v string) { circumstances(c).Email = v }},
		{Name: "context.email_domain", Type: TypeText, Example: "example.com", Match: MatchIgnoreCase,
			Doc: "What follows the @ of the e-mail address; always lower case here.", literal: lowerLiteral,
			get: ofContext(func(c *topics.Context) string {
				at := strings.LastIndexByte(c.Email, '@')
				if at < 0 {
					return ""
				}
				return strings.ToLower(c.Email[at+1:])
			}),
			set: func(c *topics.Command, v string) {
				if x := circumstances(c); x.Email == "" {
					x.Email = "someone@" + v
				}
			}},
		{Name: "context.phone", Type: TypeText, Example: "+3530000000", Match: MatchExact, Doc: "The customer's phone number, as given.",
			get: ofContext(func(c *topics.Context) string { return c.Phone }),
			set: func(c *topics.Command, v string) { circumstances(c).Phone = v }},
		{Name: "context.country", Type: TypeText, Example: "IE", Match: MatchExact,
			Doc: "The customer's country, two upper-case letters (ISO 3166-1).", literal: countryLiteral,
			get: ofContext(func(c *topics.Context) string { return c.Country }),
			set: func(c *topics.Command, v string) { circumstances(c).Country = v }},
		{Name: "context.time_zone", Type: TypeText, Example: "Europe/Dublin", Match: MatchExact, Doc: "The customer's time zone, IANA name.",
			get: ofContext(func(c *topics.Context) string { return c.TimeZone }),
			set: func(c *topics.Command, v string) { circumstances(c).TimeZone = v }},
		{Name: fieldZoneCountries, Type: TypeText, Example: "DE DK NO SE SJ", Match: MatchExact,
			Doc: "The countries that use this time zone: !context.time_zone_countries.contains(ip.country).",
			literal: func(string) string {
				return "it may hold several countries; write context.time_zone_countries.contains(\"DE\")"
			},
			get: ofContext(func(c *topics.Context) string { return countriesOfZone()[c.TimeZone] }),
			set: func(c *topics.Command, v string) { circumstances(c).TimeZone = zoneOf(v) }},
		{Name: "context.user_agent", Type: TypeText, Example: "Mozilla/5.0", Match: MatchExact, Doc: "The customer's browser, as given.",
			get: ofContext(func(c *topics.Context) string { return c.UserAgent }),
			set: func(c *topics.Command, v string) { circumstances(c).UserAgent = v }},
		{Name: "customer.id", Type: TypeText, Example: "cus_204", Match: MatchExact, Doc: "The account holder; missing for a guest.",
			get: func(c *topics.Command) string { return c.CustomerID },
			set: func(c *topics.Command, v string) { c.CustomerID = v }},
		{Name: "tenant", Type: TypeText, Required: true, Example: "acme", Match: MatchExact, Doc: "The brand.",
			get: func(c *topics.Command) string { return c.Tenant },
			set: func(c *topics.Command, v string) { c.Tenant = v }},
		{Name: "region", Type: TypeText, Example: "eu", Match: MatchExact, Doc: "The region that the brand serves the customer in.",
			get: func(c *topics.Command) string { return c.Region },
			set: func(c *topics.Command, v string) { c.Region = v }},
		{Name: "command.type", Type: TypeText, Required: true, Example: "create", Match: MatchExact,
			Doc: "create or authorize.", literal: oneOf(string(topics.CommandCreate), string(topics.CommandAuthorize)),
			get: func(c *topics.Command) string { return string(c.Type) },
			set: func(c *topics.Command, v string) { c.Type = topics.CommandType(v) }},
	}
	return append(fields, foundFields()...)
}

// canonicalIP is an address in its one usual form; what does not parse is kept.
func canonicalIP(v string) string {
	if v == "" {
		return ""
	}
	a, err := netip.ParseAddr(v)
	if err != nil {
		return v
	}
	if a.Is4() {
		return v // netip accepts only the usual form
	}
	return a.Unmap().String()
}

func currencyLiteral(v string) string {
	if _, ok := ledger.Currency(v).Exponent(); !ok {
		return "it is an ISO 4217 currency, three capital letters"
	}
	return ""
}

func countryLiteral(v string) string {
	if len(v) == 2 && v[0] >= 'A' && v[0] <= 'Z' && v[1] >= 'A' && v[1] <= 'Z' {
		return ""
	}
	return "it is a country of two capital letters, such as \"DE\""
}

func lowerLiteral(v string) string {
	if v == strings.ToLower(v) {
		return ""
	}
	return "it is always lower case here; write \"" + strings.ToLower(v) + "\""
}

func oneOf(values ...string) func(string) string {
	return func(v string) string {
		for _, known := range values {
			if v == known {
				return ""
			}
		}
		return "it is one of " + strings.Join(values, ", ")
	}
}
