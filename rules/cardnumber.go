package rules

import "github.com/weirhq/weir/topics"

// holdsCardNumber tells that text holds what may be a card number, which a rule file must not.
func holdsCardNumber(text string) bool { return topics.FindCardNumber([]byte(text)) }
