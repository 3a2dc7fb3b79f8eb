package topics

import "strings"

const minDescriptor, maxDescriptor = 5, 22

// InvalidDescriptor says what is wrong with a text that customers are to read on their statements, by the rules of the card
// schemes; "" where nothing is.
func InvalidDescriptor(text string) string {
	letter := false
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' || strings.IndexByte(`<>\'"*`, c) >= 0 {
			return `holds a character that statements cannot show; want Latin letters, digits, spaces and punctuation, but none of < > \ ' " *`
		}
		letter = letter || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	switch {
	case len(text) < minDescriptor || len(text) > maxDescriptor:
		return "is too short or too long; want 5 to 22 characters"
	case !letter:
		return "has no letter; want one at least"
	case text[0] == ' ' || text[len(text)-1] == ' ':
		return "begins or ends with a space; want none there"
	}
	return ""
}

// invalidDescriptor is what is wrong with the descriptor of a command; "" where nothing is.
func (c *Command) invalidDescriptor() string {
	if c.StatementDescriptor == "" {
		return ""
	}
	if c.Type != CommandCreate {
		return "statement_descriptor: is set; only a command of type create takes one"
	}
	if detail := InvalidDescriptor(c.StatementDescriptor); detail != "" {
		return "statement_descriptor: " + detail
	}
	return ""
}
