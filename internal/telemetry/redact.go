package telemetry

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/topics"
)

// Redact wraps a handler: card numbers in messages and in the values of attributes are masked before it sees them.
func Redact(next slog.Handler) slog.Handler { return redactor{next} }

type redactor struct{ next slog.Handler }

func (h redactor) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h redactor) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, redactText(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redactAttr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h redactor) WithAttrs(attributes []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attributes))
	for i, a := range attributes {
		clean[i] = redactAttr(a)
	}
	return redactor{h.next.WithAttrs(clean)}
}

func (h redactor) WithGroup(name string) slog.Handler { return redactor{h.next.WithGroup(name)} }

func redactText(text string) string {
	if masked, found := topics.MaskCardNumbers([]byte(text)); found {
		return string(masked)
	}
	return text
}

func redactAttr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: redactText(a.Key), Value: redactValue(a.Value)}
}

// redactValue keeps a value without a card number as it is. One with becomes text, whatever it was.
func redactValue(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(redactText(v.String()))
	case slog.KindInt64, slog.KindUint64:
		if masked, found := topics.MaskCardNumbers([]byte(v.String())); found {
			return slog.StringValue(string(masked))
		}
	case slog.KindGroup:
		group := v.Group()
		clean := make([]slog.Attr, len(group))
		for i, a := range group {
			clean[i] = redactAttr(a)
		}
		return slog.GroupValue(clean...)
	case slog.KindAny:
		return redactAny(v)
	}
	return v
}

// redactAny looks at a value in the form in which a handler would write it.
func redactAny(v slog.Value) slog.Value {
	var text []byte
	switch value := v.Any().(type) {
	case nil:
		return v
	case error:
		text = []byte(value.Error())
	case []byte:
		text = value
	case fmt.Stringer:
		text = []byte(value.String())
	case encoding.TextMarshaler:
		text, _ = value.MarshalText()
	default:
		encoded, err := json.Marshal(value)
		if err != nil {
			encoded = fmt.Append(nil, value)
		}
		text = encoded
	}
	if masked, found := topics.MaskCardNumbers(text); found {
		return slog.StringValue(string(masked))
	}
	return v
}
