package backtest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// row reads the members of one flat JSON object. Texts are parts of the line itself, so that reading allocates nothing
// but where one has escapes.
type row struct {
	line string
	at   int
}

// cell is the value of one member.
type cell struct {
	text string // of a text; of a number, true or false as it is written
	null bool
}

// begin reads the opening brace. It tells whether members follow.
func (r *row) begin() (bool, error) {
	r.space()
	if !r.take('{') {
		return false, r.fail("a line is a JSON object and begins with {")
	}
	r.space()
	if r.take('}') {
		return false, r.end()
	}
	return true, nil
}

// expect reads the name of a member and its colon where they are those that are expected, written as JSON without spaces.
func (r *row) expect(quoted string) bool {
	r.space()
	if quoted == "" || !strings.HasPrefix(r.line[r.at:], quoted) {
		return false
	}
	r.at += len(quoted)
	return true
}

// name reads the name of a member and its colon.
func (r *row) name() (string, error) {
	r.space()
	name, err := r.text()
	if err != nil {
		return "", err
	}
	r.space()
	if !r.take(':') {
		return "", r.fail("a colon is missing after the name %q", name)
	}
	return name, nil
}

// rest reads the value of a member and what follows it. more tells whether that is another member.
func (r *row) rest(name string) (value cell, more bool, err error) {
	r.space()
	if value, err = r.value(name); err != nil {
		return cell{}, false, err
	}
	r.space()
	switch {
	case r.take(','):
		return value, true, nil
	case r.take('}'):
		return value, false, r.end()
	}
	return cell{}, false, r.fail("a comma or } is missing after the value of %q", name)
}

func (r *row) value(name string) (cell, error) {
	if r.at == len(r.line) {
		return cell{}, r.fail("the value of %q is missing", name)
	}
	switch r.line[r.at] {
	case '"':
		text, err := r.text()
		return cell{text: text}, err
	case '{', '[':
		return cell{}, r.fail("the value of %q is an object or a list; a column has a text, a number, true, false or null", name)
	}
	from := r.at
	for r.at < len(r.line) && !endsWord(r.line[r.at]) {
		r.at++
	}
	word := r.line[from:r.at]
	if word == "null" {
		return cell{null: true}, nil
	}
	if word != "true" && word != "false" && !number(word) {
		r.at = from
		return cell{}, r.fail("the value of %q is %.40q; write a text in quotes, a number, true, false or null", name, word)
	}
	return cell{text: word}, nil
}

func endsWord(c byte) bool { return c == ',' || c == '}' || c == ' ' || c == '\t' || c == '\r' }

// number tells whether a word is a number of digits, a sign and one point. Others that JSON has are for no column.
func number(word string) bool {
	digits, point := 0, -1
	for i := range len(word) {
		switch c := word[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && point < 0 && digits > 0:
			point = i
		case c == '-' && i == 0:
		default:
			return false
		}
	}
	return digits > 0 && point != len(word)-1
}

// text reads a text in quotes.
func (r *row) text() (string, error) {
	if !r.take('"') {
		return "", r.fail("a name in quotes is missing")
	}
	from := r.at
	for escaped := false; r.at < len(r.line); r.at++ {
		switch c := r.line[r.at]; {
		case c == '\\':
			escaped = true
			r.at++
		case c < ' ':
			return "", r.fail("a control character stands in a text")
		case c == '"':
			r.at++
			if !escaped {
				return r.line[from : r.at-1], nil
			}
			var text string
			if err := json.Unmarshal([]byte(r.line[from-1:r.at]), &text); err != nil {
				r.at = from
				return "", r.fail("a text has a wrong escape")
			}
			return text, nil
		}
	}
	r.at = from - 1
	return "", r.fail("a text has no end")
}

func (r *row) end() error {
	r.space()
	if r.at < len(r.line) {
		return r.fail("something stands after the object's end")
	}
	return nil
}

func (r *row) space() {
	for r.at < len(r.line) && (r.line[r.at] == ' ' || r.line[r.at] == '\t' || r.line[r.at] == '\r') {
		r.at++
	}
}

func (r *row) take(c byte) bool {
	if r.at < len(r.line) && r.line[r.at] == c {
		r.at++
		return true
	}
	return false
}

func (r *row) fail(format string, values ...any) error {
	return fmt.Errorf("character %d: "+format, append([]any{r.at + 1}, values...)...)
}
