package backtest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/weirhq/weir/rules/backtest"
)

// problems counts bad lines and keeps the first that has each mistake.
type problems struct {
	lines int64
	first []*problem
	known map[string]*problem
}

type problem struct {
	line   int
	text   string
	others int64
	alike  bool // others have the same mistake with another value
}

// values are what one mistake has different of from line to line.
var values = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[0-9]+`)

// kindOf is what mistakes have in common that are one: the column and what is said, without the value.
func kindOf(err error) string {
	if of := (*backtest.ColumnError)(nil); errors.As(err, &of) {
		return of.Column + values.ReplaceAllString(of.Err.Error(), "#")
	}
	return err.Error()
}

func (p *problems) add(line int, err error) {
	p.lines++
	text := err.Error()
	kind := kindOf(err)
	if one := p.known[kind]; one != nil {
		one.others++
		one.alike = one.alike || one.text != text
		return
	}
	if len(p.first) == maxProblems {
		return
	}
	if p.known == nil {
		p.known = map[string]*problem{}
	}
	one := &problem{line: line, text: text}
	p.first, p.known[kind] = append(p.first, one), one
}

// err names the bad lines of what was read; nil where there are none.
func (p *problems) err(what string) error {
	if p.lines == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", what, plural(p.lines, "bad line"))
	shown := int64(0)
	for _, one := range p.first {
		fmt.Fprintf(&b, "\n  line %d", one.line)
		if one.others > 0 {
			fmt.Fprintf(&b, " and %s", plural(one.others, "other"))
			if one.alike {
				b.WriteString(" like it")
			}
		}
		b.WriteString(": " + one.text)
		shown += 1 + one.others
	}
	if p.lines > shown {
		fmt.Fprintf(&b, "\n  and %s with other mistakes", plural(p.lines-shown, "line"))
	}
	return fmt.Errorf("%s", b.String())
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", inGroups(fmt.Sprint(n)), what)
}
