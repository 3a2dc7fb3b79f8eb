package rules

import (
	"net/netip"
	"strings"

	"github.com/weirhq/weir/topics"
)

// cardFields are what is known of the card.
func cardFields() []Field {
	ofCard := func(get func(*topics.Card) string) func(*Input) string {
		return func(in *Input) string {
			c := in.card()
			if c == nil {
				return ""
			}
			return get(c)
		}
	}
	return []Field{
		{Name: "card.bin", Type: TypeText, Example: "411111", Match: MatchBINPrefix,
			Doc: `The first 6 to 8 digits of the card number. Use a list, or card.bin.startsWith("411111").`,
			literal: func(string) string {
				return `a BIN has 6 to 8 digits, and an exact comparison misses the longer ones; write card.bin.startsWith("411111"), or use a list with match: bin_prefix`
			},
			get: ofCard(func(c *topics.Card) string { return c.BIN }),
			set: func(in *Input, v string) { cardOf(in).BIN = v }},
		{Name: "card.country", Type: TypeText, Example: "DE", Match: MatchExact,
			Doc: "Country of the issuer, two upper-case letters (ISO 3166-1).", literal: countryLiteral,
			get: ofCard(func(c *topics.Card) string { return c.Country }),
			set: func(in *Input, v string) { cardOf(in).Country = v }},
		{Name: "card.scheme", Type: TypeText, Example: "visa", Match: MatchIgnoreCase,
			Doc: "visa, mastercard, …; always lower case here.", literal: lowerLiteral,
			get: ofCard(func(c *topics.Card) string { return strings.ToLower(c.Scheme) }),
			set: func(in *Input, v string) { cardOf(in).Scheme = v }},
		{Name: "card.type", Type: TypeText, Example: "credit", Match: MatchExact,
			Doc: "credit, debit or prepaid.", literal: oneOf(cardTypes...),
			get: ofCard(func(c *topics.Card) string { return c.Type }),
			set: func(in *Input, v string) { cardOf(in).Type = v }},
		{Name: "card.fingerprint", Type: TypeText, Example: "fp_7Hq2", Match: MatchExact,
			Doc: "The same for one card number wherever it is used.",
			get: ofCard(func(c *topics.Card) string { return c.Fingerprint }),
			set: func(in *Input, v string) { cardOf(in).Fingerprint = v }},
		{Name: "card.last4", Type: TypeText, Example: "4242", Match: MatchExact, Doc: "The last four digits.",
			literal: last4Literal,
			get:     ofCard(func(c *topics.Card) string { return c.Last4 }),
			set:     func(in *Input, v string) { cardOf(in).Last4 = v }},
	}
}

// contextFields are what is known of the circumstances.
func contextFields() []Field {
	ofContext := func(get func(*topics.Context) string) func(*Input) string {
		return func(in *Input) string {
			c := in.context()
			if c == nil {
				return ""
			}
			return get(c)
		}
	}
	return []Field{
		{Name: "context.ip", Type: TypeText, Example: "203.0.113.7", Match: MatchNetwork, Doc: "The customer's IP address.",
			literal: func(v string) string {
				if a, err := netip.ParseAddr(v); err != nil || a.Unmap().String() != v {
					return "it is an address such as \"203.0.113.7\"; for a network use a list with match: network"
				}
				return ""
			},
			get: ofContext(func(c *topics.Context) string { return ipForm(c.IP) }),
			set: func(in *Input, v string) { contextOf(in).IP = v }},
		{Name: "ip.network", Type: TypeText, Example: "203.0.113.0/24", Match: MatchExact,
			Doc: "The network of the IP address: /24 of IPv4, /64 of IPv6. To count by; lists look context.ip up.", literal: networkLiteral,
			get: ofContext(func(c *topics.Context) string { return networkForm(c.IP) }),
			set: func(in *Input, v string) {
				if x := contextOf(in); x.IP == "" {
					x.IP, _, _ = strings.Cut(v, "/")
				}
			}},
		{Name: "context.device_id", Type: TypeText, Example: "dev_81", Match: MatchExact, Doc: "The customer's device.",
			get: ofContext(func(c *topics.Context) string { return strings.TrimSpace(c.DeviceID) }),
			set: func(in *Input, v string) { contextOf(in).DeviceID = v }},
		{Name: "context.email", Type: TypeText, Example: "ann@example.com", Match: MatchIgnoreCase,
			Doc: "The customer's e-mail address; always lower case here.", literal: emailLiteral,
			get: ofContext(func(c *topics.Context) string { return folded(c.Email) }),
			set: func(in *Input, v string) { contextOf(in).Email = v }},
		{Name: "context.email_domain", Type: TypeText, Example: "example.com", Match: MatchIgnoreCase,
			Doc: "What follows the @ of the e-mail address; always lower case here.", literal: domainLiteral,
			get: ofContext(func(c *topics.Context) string {
				email := folded(c.Email)
				at := strings.LastIndexByte(email, '@')
				if at < 0 {
					return ""
				}
				return email[at+1:]
			}),
			set: func(in *Input, v string) {
				if x := contextOf(in); x.Email == "" {
					x.Email = "someone@" + v
				}
			}},
		{Name: "context.phone", Type: TypeText, Example: "+3530000000", Match: MatchPhone,
			Doc: "The customer's phone number: its digits, with + before them where it has it.", literal: phoneLiteral,
			get: ofContext(func(c *topics.Context) string { return phoneForm(c.Phone) }),
			set: func(in *Input, v string) { contextOf(in).Phone = v }},
		{Name: "context.country", Type: TypeText, Example: "IE", Match: MatchExact,
			Doc: "The customer's country, two upper-case letters (ISO 3166-1).", literal: countryLiteral,
			get: ofContext(func(c *topics.Context) string { return c.Country }),
			set: func(in *Input, v string) { contextOf(in).Country = v }},
		{Name: "context.time_zone", Type: TypeText, Example: "Europe/Dublin", Match: MatchExact, Doc: "The customer's time zone, IANA name.",
			literal: zoneLiteral,
			get:     ofContext(func(c *topics.Context) string { return c.TimeZone }),
			set:     func(in *Input, v string) { contextOf(in).TimeZone = v }},
		{Name: fieldZoneCountries, Type: TypeText, Example: "DE DK NO SE SJ", Match: MatchExact,
			Doc: "The countries that use this time zone: !context.time_zone_countries.contains(ip.country).",
			literal: func(string) string {
				return "it may hold several countries; write context.time_zone_countries.contains(\"DE\")"
			},
			get: ofContext(func(c *topics.Context) string { return countriesOfZone()[c.TimeZone] }),
			set: func(in *Input, v string) { contextOf(in).TimeZone = zoneOf(v) }},
		{Name: "context.user_agent", Type: TypeText, Example: "Mozilla/5.0", Match: MatchExact, Doc: "The customer's browser, as given.",
			get: ofContext(func(c *topics.Context) string { return c.UserAgent }),
			set: func(in *Input, v string) { contextOf(in).UserAgent = v }},
	}
}

// cardOf is the card of an inline test's input.
func cardOf(in *Input) *topics.Card {
	var of **topics.Card
	switch {
	case in.Event != nil:
		of = &in.Event.Card
	case in.Payout != nil:
		of = &in.Payout.Card
	default:
		of = &in.Command.Card
	}
	if *of == nil {
		*of = &topics.Card{}
	}
	return *of
}

// contextOf are the circumstances of an inline test's input.
func contextOf(in *Input) *topics.Context {
	var of **topics.Context
	switch {
	case in.Event != nil:
		of = &in.Event.Context
	case in.Payout != nil:
		of = &in.Payout.Context
	default:
		of = &in.Command.Context
	}
	if *of == nil {
		*of = &topics.Context{}
	}
	return *of
}
