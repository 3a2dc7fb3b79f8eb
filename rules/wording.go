package rules

import (
	"fmt"
	"regexp"
	"strings"
)

// This file turns CEL's own messages into ones that speak the language of the manual.

var (
	overloadMessage = regexp.MustCompile(`found no matching overload for '([^']*)' applied to '([^']*)'`)
	typeMessage     = regexp.MustCompile(`expected type '([^']*)' but found '([^']*)'`)
	spaceInQuotes   = regexp.MustCompile(`\s+'$`)
	definedTwice    = regexp.MustCompile(`already defined at \[(\d+):\d+\]`)
)

// plainTypeError translates an error of CEL's type checker.
func plainTypeError(message string) (plain, hint string) {
	if m := typeMessage.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("this is %s where %s is wanted", plainType(m[2]), plainType(m[1])), "compare it with something"
	}
	m := overloadMessage.FindStringSubmatch(message)
	if m == nil {
		return strings.TrimSuffix(message, " (in container '')"), ""
	}
	written, ok := functions[m[1]]
	if !ok {
		written = m[1]
	}
	operands := plainTypes(m[2])
	switch {
	case len(operands) == 2 && !isWord(written):
		plain = fmt.Sprintf("%s %s %s does not work", operands[0], written, operands[1])
	default:
		plain = fmt.Sprintf("%s does not work with %s", written, strings.Join(operands, " and "))
	}
	all := strings.Join(operands, " ")
	switch {
	case written == "in" && strings.Contains(all, "a list") && strings.Contains(all, "money"):
		hint = `compare the amount with money("250.00 EUR")`
	case written == "+" && strings.Contains(all, "money"):
		hint = `amounts are added to amounts, such as velocity.deposits + payment.amount`
	case strings.Contains(all, "money") && (strings.Contains(all, "a number") || strings.Contains(all, "a text")):
		hint = `write the amount as money("250.00 EUR"), or use limit("name")`
	case strings.Contains(all, "a time") && (strings.Contains(all, "a number") || strings.Contains(all, "a text")):
		hint = `write the time as duration("24h"); the units are s, m, h and d`
	case strings.Contains(all, "a time") && strings.Contains(all, "money"):
		hint = `compare a time with duration("24h"), an amount with money("250.00 EUR")`
	case strings.Contains(all, "a text") && strings.Contains(all, "a number"):
		hint = "texts stand in quotes, numbers do not"
	case written == "&&" || written == "||" || written == "!":
		hint = "both sides must be conditions, such as card.country == \"DE\""
	}
	return plain, hint
}

// plainTypes splits CEL's "(money, int)" or "money.(int)" into names of the manual.
func plainTypes(list string) []string {
	list = strings.ReplaceAll(list, ".(", ", ")
	list = strings.TrimSuffix(strings.TrimPrefix(list, "("), ")")
	parts := strings.Split(list, ", ")
	plain := parts[:0]
	for _, t := range parts {
		if t != "" {
			plain = append(plain, plainType(t))
		}
	}
	return plain
}

func plainType(t string) string {
	switch {
	case t == "string":
		return "a text"
	case t == "int":
		return "a number"
	case t == "bool":
		return "true or false"
	case t == "money", t == "list of values":
		return t
	case t == "duration":
		return "a time"
	case strings.HasPrefix(t, "list("):
		return "a list"
	case strings.HasPrefix(t, "map("):
		return "values by name"
	}
	return t
}

// plainSyntaxError shortens a message of CEL's parser; syntax is false for a message of our own.
func plainSyntaxError(message string) (plain string, syntax bool) {
	message, syntax = strings.CutPrefix(message, "Syntax error: ")
	message, _, _ = strings.Cut(message, " expecting ")
	message = strings.ReplaceAll(message, "'<EOF>'", "the end of the condition")
	message = strings.ReplaceAll(message, "<EOF>", "the end of the condition")
	message = strings.ReplaceAll(message, "mismatched input", "did not expect")
	message = strings.ReplaceAll(message, "extraneous input", "did not expect")
	message = strings.ReplaceAll(message, "no viable alternative at input", "did not expect")
	message = strings.ReplaceAll(message, "token recognition error at:", "did not expect")
	return spaceInQuotes.ReplaceAllString(message, "'"), syntax
}

var (
	quoted     = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	words      = regexp.MustCompile(`(?i)\b(and|or|not)\b`)
	notIn      = regexp.MustCompile(`(?i)\bnot\s+in\b`)
	oneSign    = regexp.MustCompile(`(^|[^&|])([&|])([^&|]|$)`)
	singleSign = regexp.MustCompile(`[^=!<>]=[^=]`)
)

// wordHint says how a word that joins conditions elsewhere is written here.
func wordHint(word string) string {
	return word + " is written " + map[string]string{"and": "&&", "or": "||", "not": "!"}[word]
}

// syntaxHint guesses what was meant by a condition that does not parse.
func syntaxHint(when string) string {
	when = quoted.ReplaceAllString(when, `""`)
	switch {
	case singleSign.MatchString(when):
		return "equal is written =="
	case notIn.MatchString(when):
		return "not in is written !(… in …), such as !(card.country in [\"DE\"])"
	case words.MatchString(when):
		return wordHint(strings.ToLower(words.FindString(when)))
	case oneSign.MatchString(when):
		return "and is written &&, or is written ||"
	case strings.Contains(when, "<>"):
		return "not equal is written !="
	case strings.Count(when, `"`)%2 != 0:
		return "close the quote"
	case strings.Count(when, "(") > strings.Count(when, ")"):
		return "close the parenthesis"
	case strings.Count(when, "(") < strings.Count(when, ")"):
		return "leave the last parenthesis out, or open one before"
	case strings.ContainsAny(when, "“”„‘’"):
		return "use straight quotes"
	}
	return ""
}
