package lists

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"
)

// markup is an XML file, one entry after the other. There are no entities but those of XML itself, no document types and no
// other files, and an entry is bounded in length.
type markup struct {
	*source
	decoder *xml.Decoder
	line    int
}

func newMarkup(s *source) *markup { return &markup{source: s, decoder: xml.NewDecoder(s)} }

// walk calls start for each element below the root, outermost first. It decodes or skips the element, or leaves it open: its
// children come next. The file must end with the root's end.
func (m *markup) walk(root func(xml.StartElement) error, start func(xml.StartElement) (open bool, err error)) error {
	depth := 0
	for {
		m.next()
		m.line, _ = m.decoder.InputPos()
		token, err := m.decoder.Token()
		if errors.Is(err, io.EOF) && depth == 0 && m.line > 0 && m.decoder.InputOffset() > 0 {
			return nil
		}
		if err != nil {
			return m.broken(err)
		}
		switch token := token.(type) {
		case xml.Directive:
			return m.fail(m.line, "a document type or another declaration (<!…>); lists have none")
		case xml.StartElement:
			if depth++; depth == 1 {
				err = root(token)
				break
			}
			var open bool
			if open, err = start(token); !open {
				depth--
			}
		case xml.EndElement:
			depth--
		}
		if err != nil {
			return m.broken(err)
		}
	}
}

// broken says where and why XML cannot be read.
func (m *markup) broken(err error) error {
	if known := (*Error)(nil); errors.As(err, &known) {
		return err
	}
	line, _ := m.decoder.InputPos()
	text := err.Error()
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &syntax):
		line, text = syntax.Line, syntax.Msg
	case errors.Is(err, io.EOF):
		text = "unexpected EOF"
	case strings.Contains(text, "CharsetReader"):
		text = "is declared to be in another encoding than UTF-8"
	}
	if strings.Contains(text, "unexpected EOF") {
		text = "the file ends in the middle: it is cut off"
	}
	return m.fail(line, "%s", text)
}

// attribute is an attribute of an element; "" where there is none.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// published reads a date in one of the layouts.
func (s *source) published(line int, text string, layouts ...string) (time.Time, error) {
	text = strings.TrimSpace(text)
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, s.fail(line, "%q is no date of publication", text)
}
