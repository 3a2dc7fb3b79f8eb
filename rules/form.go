package rules

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// This file knows the one form in which values are compared, counted and looked up: what is one value to people, written in
// different ways, is one to rules.

// form is the form of the values that a list holds.
func (m Match) form(value string) string {
	switch m {
	case MatchIgnoreCase:
		return folded(value)
	case MatchPhone:
		return phoneForm(value)
	}
	return value
}

// folded is a text without white space around it, in Unicode's compatibility form (NFKC), and without the difference between
// capital and small letters.
func folded(v string) string {
	v = strings.TrimSpace(v)
	if isASCII(v) {
		return strings.ToLower(v)
	}
	for range 3 { // one pass is not always the end of it
		// Folding swaps the cases of some scripts (Cherokee): the way up and down again settles on one.
		next := strings.TrimSpace(norm.NFKC.String(strings.ToLower(strings.ToUpper(cases.Fold().String(norm.NFKC.String(v))))))
		if next == v {
			break
		}
		v = next
	}
	return v
}

func isASCII(v string) bool {
	for i := range len(v) {
		if v[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// phoneForm is a phone number as its digits, with a plus before them where it begins with one or with 00, the usual prefix of
// international numbers. "" where there are none. A text with other than digits and what is written between them is kept.
func phoneForm(v string) string {
	if !isASCII(v) {
		v = norm.NFKC.String(v)
	}
	v = strings.TrimSpace(v)
	plain := strings.TrimPrefix(v, "+")
	if strings.Trim(plain, "0123456789 -./()") != "" || strings.ContainsAny(plain, "\t\n") {
		return v
	}
	digits, international := digitsOf(plain), len(plain) < len(v)
	if !international && strings.HasPrefix(digits, "00") {
		international = true
		digits = digits[2:]
	}
	if international && strings.Contains(plain, "(0)") { // who dials from abroad leaves it out
		digits = strings.TrimPrefix(digitsOf(strings.Replace(plain, "(0)", "", 1)), "00")
	}
	if !international || digits == "" {
		return digits
	}
	return "+" + digits
}

func digitsOf(v string) string {
	if strings.Trim(v, "0123456789") == "" {
		return v
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, v)
}

// ipForm is an address in its usual form: an IPv4 address that is written as IPv6 is the IPv4 address. What is no address is kept.
func ipForm(v string) string {
	a, err := netip.ParseAddr(v)
	switch {
	case err != nil:
		return v
	case a.Is4():
		return v // netip accepts only the usual form
	}
	return a.Unmap().WithZone("").String()
}

// networkForm is the network of an address: what an IPv4 network has at least (/24), or what a customer has of IPv6 (/64).
// "" where there is none.
func networkForm(v string) string {
	a, err := netip.ParseAddr(v)
	if err != nil {
		return ""
	}
	bits := 64
	if a = a.Unmap().WithZone(""); a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits)
	return p.String()
}

// matches are the ways in which lists compare, as rule files write them.
func matches() []string {
	return []string{string(MatchExact), string(MatchIgnoreCase), string(MatchBINPrefix), string(MatchPhone), string(MatchNetwork)}
}
