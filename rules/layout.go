package rules

import (
	"fmt"
	"strings"
)

// Fixes for what the YAML parser says in words of its own.
const (
	fixColumn = "the keys of one rule begin in the same column, and so do the dashes of all rules"
	fixColon  = "a key is followed by a colon and a space, such as outcome: hold"
	fixQuoted = `put a condition that begins with a quote into single quotes as a whole, such as '"DE" == card.country'`
)

// layoutHint guesses what is wrong with the layout of a file that is not YAML, "" where it cannot.
func (s *source) layoutHint(at place, message string) string {
	if at.line < 1 || at.line > len(s.lines) || strings.Contains(message, "flow") {
		return ""
	}
	if strings.Contains(message, "already") {
		return "leave one of them out"
	}
	line := s.lines[at.line-1]
	key, value, found := strings.Cut(line, ": ")
	switch {
	case !found && !strings.HasSuffix(strings.TrimSpace(line), ":"):
		return fixColon
	case strings.HasPrefix(value, `"`) && at.column > len(key)+len(": "):
		return fixQuoted
	case strings.Contains(value, ": ") && !strings.Contains(line, "{") && (strings.HasPrefix(message, "mapping value") || strings.Contains(message, "end character")):
		return fmt.Sprintf("a text with a colon and a space stands in quotes: %s: %s", strings.TrimLeft(key, " -"), inQuotes(value))
	}
	next := s.nextLine(at.line)
	if next > 0 && strings.HasPrefix(message, "mapping value") && indent(s.lines[next-1]) > keyColumn(line) {
		return fmt.Sprintf("line %d is indented deeper than line %d: %s", next, at.line, fixColumn)
	}
	return fixColumn
}

// inQuotes is a text in the quotes that it does not hold itself.
func inQuotes(text string) string {
	if strings.Contains(text, `"`) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return `"` + text + `"`
}

// nextLine is the number of the next line that holds more than a comment, 0 where there is none.
func (s *source) nextLine(line int) int {
	for i := line; i < len(s.lines); i++ {
		if text := strings.TrimSpace(s.lines[i]); text != "" && text[0] != '#' {
			return i + 1
		}
	}
	return 0
}

// indent is how many spaces a line begins with.
func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// keyColumn is how far the key of a line stands in, behind the dash of a list where there is one.
func keyColumn(line string) int { return len(line) - len(strings.TrimLeft(line, " -")) }
