package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// textHandler writes records as slog's text handler does, but for attributes of several lines, such as the mistakes of a
// rule file: quoted on one line nobody can read them. They follow their record, each line indented, so that no text can
// pass for a record.
type textHandler struct {
	slog.Handler
	mu *sync.Mutex // keeps a record and its lines together
	w  io.Writer
}

func newTextHandler(w io.Writer, options *slog.HandlerOptions) slog.Handler {
	return textHandler{slog.NewTextHandler(w, options), new(sync.Mutex), w}
}

func (h textHandler) Handle(ctx context.Context, r slog.Record) error {
	short := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	var long strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		if text := textOf(a.Value); strings.Contains(text, "\n") {
			indentTo(&long, a.Key+": "+text)
		} else {
			short.AddAttrs(a)
		}
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.Handler.Handle(ctx, short); err != nil || long.Len() == 0 {
		return err
	}
	_, err := io.WriteString(h.w, long.String())
	return err
}

func (h textHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return textHandler{h.Handler.WithAttrs(attributes), h.mu, h.w}
}

func (h textHandler) WithGroup(name string) slog.Handler {
	return textHandler{h.Handler.WithGroup(name), h.mu, h.w}
}

// textOf is the text of a value that is one, or an error.
func textOf(v slog.Value) string {
	v = v.Resolve()
	if err, ok := v.Any().(error); ok {
		return err.Error()
	}
	if v.Kind() == slog.KindString {
		return v.String()
	}
	return ""
}

// indentTo writes each line behind four spaces. What would steer a terminal is spelt out.
func indentTo(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		b.WriteString("    ")
		for _, r := range strings.TrimRight(line, "\r\n") {
			if r == '\t' || unicode.IsPrint(r) {
				b.WriteRune(r)
			} else {
				b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			}
		}
		b.WriteByte('\n')
	}
}
