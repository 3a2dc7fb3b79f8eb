package rules

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Setter returns what gives a field of a stage's input its value, written as in an inline test: "250.00 EUR" for
// payment.amount, and payment.metadata.NAME for one of the values by name. The error is one line and names the field that
// was probably meant. What it returns is for one goroutine.
func Setter(stage topics.Stage, name string) (func(in *Input, value string) error, error) {
	return setter(FieldsAt(stage), stage, name)
}

// SheetSetter is Setter for the fields that conditions of sheets may read.
func SheetSetter(name string) (func(in *Input, value string) error, error) {
	return setter(SheetFields(), topics.StageBeforeAuthorization, name)
}

func setter(fields []Field, stage topics.Stage, name string) (func(in *Input, value string) error, error) {
	f, key, ok := fieldNamed(fields, name)
	if !ok {
		if other, _, elsewhere := fieldNamed(Fields(), name); elsewhere {
			return nil, fmt.Errorf("rules of stage %s do not have the field %s", stage, other.Name)
		}
	}
	switch {
	case !ok:
		return nil, fmt.Errorf("there is no field %q%s", name, didYouMean(suggest(name, fieldNames(fields))))
	case f.counted != nil:
		return func(in *Input, value string) error {
			n, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return fmt.Errorf("%s: %q is not a whole number", f.Name, value)
			}
			in.Score.Value, in.Score.Known = n, true
			return nil
		}, nil
	case f.Type == TypeMoney:
		return func(in *Input, value string) error { return f.setAmount(in, value) }, nil
	case f.Type == TypeTexts:
		return func(in *Input, value string) error {
			f.setText(in, key, value)
			return nil
		}, nil
	case f.set != nil:
		fine := "" // the last value: a country, say, comes again and again
		return func(in *Input, value string) error {
			if value != fine {
				if err := f.sent(value); err != nil {
					return err
				}
				fine = value
			}
			f.set(in, value)
			return nil
		}, nil
	case f.setFound != nil:
		return func(in *Input, value string) error {
			if f.Type == TypeNumber {
				if _, err := strconv.ParseUint(value, 10, 31); err != nil {
					return fmt.Errorf("%s: %q is not a whole number", f.Name, value)
				}
			}
			if in.Enrichment == nil {
				in.Enrichment = &topics.Enrichment{}
			}
			if err := f.sent(value); err != nil {
				return err
			}
			f.setFound(in.Enrichment, value)
			return nil
		}, nil
	}
	return nil, fmt.Errorf("the field %s is worked out from others and cannot be set", f.Name)
}

// sent says what is wrong with a value as a command has it, where a command with it is refused: no rule would meet it.
func (f *Field) sent(value string) error {
	hint := ""
	switch f.Name {
	case "card.country", "context.country", "ip.country", "bin.country", "card.type", "card.last4", "payment.capture_method", "payment.method", "payment.initiator":
		hint = f.literal(value)
	case "card.bin":
		if len(value) < 6 || len(value) > 8 || strings.Trim(value, "0123456789") != "" {
			hint = "a BIN has 6 to 8 digits"
		}
	case "context.ip":
		if _, err := netip.ParseAddr(value); err != nil {
			hint = "it is an address such as \"203.0.113.7\""
		}
	}
	if value == "" || hint == "" {
		return nil
	}
	return fmt.Errorf("%.40q cannot be; %s", value, hint)
}

func didYouMean(suggestion string) string {
	if suggestion = strings.TrimSpace(suggestion); suggestion == "" {
		return ""
	}
	return "; " + suggestion
}

func (f *Field) setAmount(in *Input, value string) error {
	m, err := ledger.ParseMoney(value)
	if err != nil {
		return err
	}
	if m.Minor < 0 {
		return fmt.Errorf("amount %q: is below zero", value)
	}
	minor, currency := f.money(in)
	*minor, *currency = m.Minor, string(m.Currency)
	return nil
}

func (f *Field) setText(in *Input, key, value string) {
	texts := f.texts(in)
	if *texts == nil {
		*texts = map[string]string{}
	}
	(*texts)[key] = value
}
