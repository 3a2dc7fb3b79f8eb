package rules

import "github.com/weirhq/weir/topics"

// holdsCardNumber tells that text holds what may be a card number, which a rule file must not.
func holdsCardNumber(text string) bool { return topics.FindCardNumber([]byte(text)) }

// masked is text with the digits of card numbers replaced; its length stays.
func masked(text string) string {
	if hidden, found := topics.MaskCardNumbers([]byte(text)); found {
		return string(hidden)
	}
	return text
}
