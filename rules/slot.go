package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// slot is a place for one value that the conditions of a set read.
type slot struct {
	name  string // as conditions and decisions write it
	kind  kind
	field *Field
	key   string // of a field that has values by name; of a velocity answer, its name

	answer bool // of velocity
	place  int  // of its definition in the set, of an answer
}

// kind is what a value is.
type kind uint8

const (
	kindText   kind = iota
	kindNumber      // a count, or seconds
	kindMoney
)

// value is what an input has in a slot.
type value struct {
	known  bool
	text   string // money: the currency
	number int64  // money: minor units
}

// slotOf is the place of a field's value; key is the name of one of several.
func (b *builder) slotOf(f *Field, key string) (int32, error) {
	s := slot{name: f.Name, field: f, key: key}
	switch f.Type {
	case TypeText:
		s.kind = kindText
	case TypeNumber, TypeDuration:
		s.kind = kindNumber
	case TypeMoney:
		s.kind = kindMoney
	case TypeTexts:
		s.kind, s.name = kindText, valueName(f.Name, key)
	default:
		return 0, fmt.Errorf("conditions cannot read %s, which is %s", f.Name, f.Type)
	}
	if answer, ok := strings.CutPrefix(f.Name, velocityPrefix); ok {
		s.key, s.answer = answer, true
	}
	if at, ok := b.slot[s.name]; ok {
		return at, nil
	}
	at := int32(len(b.slots))
	b.slots = append(b.slots, s)
	b.slot[s.name] = at
	return at, nil
}

// placeAnswers says which of a set's definitions gives each answer.
func (b *builder) placeAnswers(definitions []velocity.Definition) {
	for i := range b.slots {
		if s := &b.slots[i]; s.answer {
			s.place = slices.IndexFunc(definitions, func(d velocity.Definition) bool { return d.Name == s.key })
		}
	}
}

// valueName is how a condition writes one of a field's values by name.
func valueName(field, key string) string { return field + "[\"" + key + "\"]" }

// load reads a slot's value.
func (s *slot) load(in *Input) value {
	if s.answer {
		var a topics.Feature
		ok := in.Answers != nil
		if ok {
			a = in.Answers[s.place]
		} else {
			a, ok = in.Features[s.key]
		}
		return value{known: ok && !a.Missing, number: a.Value, text: string(s.field.Currency)}
	}
	switch s.field.Type {
	case TypeMoney:
		minor, currency := s.field.money(in)
		if minor == nil {
			return value{}
		}
		return value{known: *minor != 0 && *currency != "", text: *currency, number: *minor}
	case TypeDuration:
		seconds := s.field.seconds(in)
		if seconds == nil {
			return value{}
		}
		return value{known: *seconds != 0, number: *seconds}
	case TypeNumber:
		if s.field.counted != nil {
			n, known := s.field.counted(in)
			return value{known: known, number: n}
		}
		n := s.field.count(in)
		return value{known: n != 0, number: n}
	case TypeTexts:
		texts := s.field.texts(in)
		if texts == nil {
			return value{}
		}
		text := (*texts)[s.key]
		return value{known: text != "", text: text}
	}
	text := s.field.text(in)
	return value{known: text != "", text: text}
}

// money is an amount's value.
func (v *value) money() ledger.Money {
	return ledger.Money{Minor: v.number, Currency: ledger.Currency(v.text)}
}

// nanoseconds is a moment for the comparison with expiries; the zero time is before all of them.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
