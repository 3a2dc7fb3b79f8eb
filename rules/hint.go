package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Hints that several problems share.
const (
	anotherName = "give one of them another name, or leave it out"
	amountHint  = `write an amount as "250.00 EUR"`
)

// hinted is an error that says what would be right.
type hinted struct{ message, hint string }

func (h *hinted) Error() string { return h.message }

// hintOf is what an error says would be right, "" where it does not.
func hintOf(err error) string {
	if h := (*hinted)(nil); errors.As(err, &h) {
		return h.hint
	}
	return ""
}

// example is a hint to add a key that is missing.
func example(key string) string {
	value, ok := map[string]string{
		"name": "foreign_card", "when": "card.country != context.country", "outcome": "hold", "aggregate": "count",
		"events": "[attempt]", "by": "card.fingerprint", "window": "24h", "instrument": "card.fingerprint", "for": "24h", "points": "10",
		"from": "50", "items": "[{ name: prepaid, when: card.type == \"prepaid\", points: 10 }]", "bands": "[{ from: 50, outcome: hold }]",
	}[key]
	if !ok {
		return ""
	}
	return fmt.Sprintf("add it, such as %s: %s", key, value)
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// nameHint is a name that is like one that is not allowed.
func nameHint(name string) string {
	like := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "_"), "_0123456789")
	if like == "" || len(like) > maxNameLength {
		return "write a name such as foreign_card"
	}
	return "write " + like
}

// macroHint says how what list(), limit(), money() and duration() refuse is written.
func macroHint(message string) string {
	switch {
	case strings.Contains(message, "takes a name in quotes"):
		function, _, _ := strings.Cut(message, "(")
		return fmt.Sprintf("write %s(\"name\")", function)
	case strings.HasPrefix(message, "amount "):
		return `write the amount as money("250.00 EUR")`
	case strings.HasSuffix(message, "is not a time"):
		return `write the time as duration("24h"); the units are s, m, h and d`
	}
	return ""
}
