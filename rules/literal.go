package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/ledger"
)

// These say what is wrong with a text that a field is compared with or looked up among, and what would be right; "" where
// nothing is.

func currencyLiteral(v string) string {
	if _, ok := ledger.Currency(v).Exponent(); !ok {
		return "it is an ISO 4217 currency, three capital letters"
	}
	return ""
}

// emailLiteral says what is wrong with an e-mail address.
func emailLiteral(v string) string {
	name, domain, found := strings.Cut(v, "@")
	if !found || name == "" || domain == "" || strings.ContainsAny(domain, "@ ") {
		return "it is a whole address such as \"ann@example.com\"; for all of a domain look context.email_domain up"
	}
	return lowerLiteral(v)
}

// domainLiteral says what is wrong with the domain of an e-mail address.
func domainLiteral(v string) string {
	_, domain, at := strings.Cut(v, "@")
	switch {
	case at && domain != "":
		return fmt.Sprintf("it is what follows the @; write %q", strings.ToLower(domain))
	case strings.HasPrefix(v, ".") || strings.HasPrefix(v, "*"):
		return fmt.Sprintf("a domain is compared as a whole; for all below it write context.email_domain.endsWith(%q)", strings.TrimLeft(v, "*"))
	case at || !strings.Contains(v, ".") || strings.ContainsAny(v, " /"):
		return "it is a domain such as \"example.com\""
	}
	return lowerLiteral(v)
}

// zoneLiteral says what is wrong with a time zone.
func zoneLiteral(v string) string {
	if _, known := countriesOfZone()[v]; known || v == "UTC" || strings.HasPrefix(v, "Etc/") {
		return ""
	}
	zones := slices.Collect(maps.Keys(countriesOfZone()))
	return cmp.Or(suggest(v, zones), "it is an IANA name such as \"Europe/Dublin\"")
}

// last4Literal says what is wrong with the last digits of a card number.
func last4Literal(v string) string {
	if len(v) != 4 || strings.Trim(v, "0123456789") != "" {
		return "it is four digits, such as \"4242\""
	}
	return ""
}

func lowerLiteral(v string) string {
	if v == folded(v) {
		return ""
	}
	return "it is always lower case here; write \"" + folded(v) + "\""
}

// phoneLiteral says what is wrong with a phone number.
func phoneLiteral(v string) string {
	form := phoneForm(v)
	switch {
	case form != v:
		return fmt.Sprintf("it is digits alone here, with + before them where it has it; write %q", form)
	case strings.Trim(strings.TrimPrefix(v, "+"), "0123456789") != "":
		return "it is a phone number such as \"+3530000000\""
	}
	return ""
}

// networkLiteral says what is wrong with the network of an address.
func networkLiteral(v string) string {
	address, _, _ := strings.Cut(v, "/")
	if form := networkForm(address); form != v {
		return "it is a network such as \"203.0.113.0/24\" or \"2001:db8::/64\"; for others look context.ip up in a list with match: network"
	}
	return ""
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

func asnLiteral(v string) string {
	digits, ok := strings.CutPrefix(v, "AS")
	if n, err := strconv.ParseUint(digits, 10, 32); ok && err == nil && n > 0 && digits[0] != '0' {
		return ""
	}
	return "it is AS and the number, such as \"AS64500\""
}
