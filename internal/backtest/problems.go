package backtest

import (
	"fmt"
	"strings"
)

// problems counts bad lines and keeps the first that has each text.
type problems struct {
	lines int64
	first []*problem
	known map[string]*problem
}

type problem struct {
	line   int
	text   string
	others int64
}

func (p *problems) add(line int, err error) {
	p.lines++
	text := err.Error()
	if one := p.known[text]; one != nil {
		one.others++
		return
	}
	if len(p.first) == maxProblems {
		return
	}
	if p.known == nil {
		p.known = map[string]*problem{}
	}
	one := &problem{line: line, text: text}
	p.first, p.known[text] = append(p.first, one), one
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
