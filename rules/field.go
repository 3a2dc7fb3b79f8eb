package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// FieldType is what a field of a command is to a rule.
type FieldType string

const (
	TypeText   FieldType = "text"
	TypeNumber FieldType = "number" // a whole number
	TypeMoney  FieldType = "money"  // an amount with its currency
	TypeTexts  FieldType = "texts"  // texts by name
)

// Field is something that a rule may read.
type Field struct {
	Name    string
	Type    FieldType
	Doc     string // one line for analysts
	Example string
	// Required says that every valid input of the stage in question has it (FieldsAt); any other field may be missing.
	Required bool
	// Match is how a list that the field is looked up in must compare.
	Match Match
	// Currency is that of a velocity answer that is an amount, "" otherwise.
	Currency ledger.Currency

	at   stageSet // that have it; 0: those at which a card, or the circumstances, are known
	sure stageSet // at which every valid input has it

	window time.Duration // velocity: how far back it looks
	by     string        // velocity: the field that it is counted by
	broken bool          // velocity: what the definition says is wrong, so nothing is said of its use
	// literal says what is wrong with a text that a rule compares the field with, "" where nothing is; nil: any text.
	literal func(string) string
	get     func(*Input) string  // "" where it is missing; TypeText only
	set     func(*Input, string) // for inline tests; TypeText only

	// In place of get and set, where the value is; nil where the input is of another kind. 0 and "" are missing.
	money   func(*Input) (minor *int64, currency *string)
	texts   func(*Input) *map[string]string
	seconds func(*Input) *int64

	counted func(*Input) (n int64, known bool) // TypeNumber, where 0 is a value

	// In place of get and set, for what was found out about the command.
	found    func(*topics.Enrichment) string // TypeText
	number   func(*topics.Enrichment) int64  // TypeNumber; 0 where it is missing
	setFound func(*topics.Enrichment, string)
}

// text is the field's value, "" where it is missing; TypeText only.
func (f *Field) text(in *Input) string {
	switch {
	case f.get != nil:
		return f.get(in)
	case in.Enrichment == nil:
		return ""
	}
	return f.found(in.Enrichment)
}

// count is the field's value, 0 where it is missing; TypeNumber only.
func (f *Field) count(in *Input) int64 {
	if in.Enrichment == nil {
		return 0
	}
	return f.number(in.Enrichment)
}

// Fields that are not like the others.
const (
	fieldMetadata       = "payment.metadata"
	fieldEventMetadata  = "event.metadata"
	fieldPayoutMetadata = "payout.metadata"
	fieldZoneCountries  = "context.time_zone_countries" // set by way of the zone in inline tests
	fieldCommandType    = "command.type"                // what it may be depends on the stage
)

// FieldsAt are the fields of a stage, in the order of the manual.
func FieldsAt(stage topics.Stage) []Field {
	return fieldsAt(stage, Fields())
}

func fieldsAt(stage topics.Stage, fields []Field) []Field {
	var there []Field
	for _, f := range fields {
		if f.at&stageBit(stage) != 0 {
			f.Required = f.sure&stageBit(stage) != 0
			if f.Name == fieldCommandType {
				f.literal = oneOf(commandTypes(stage)...)
			}
			there = append(there, f)
		}
	}
	return there
}

// Fields are all fields, in the order of the manual. Required is what it is before authorisation, or at the stages that have
// the field.
func Fields() []Field {
	fields := slices.Concat(paymentFields(), cardFields(), contextFields(), deviceFields(), commonFields(), foundFields(), laterFields(), payoutFields())
	for i := range fields {
		f := &fields[i]
		switch {
		case f.at != 0:
		case strings.HasPrefix(f.Name, "card."), f.found != nil, f.number != nil: // what data files said goes with the payment
			f.at = atCard
		default:
			f.at = atCircumstances
		}
		f.Required = f.sure&atBefore != 0 || f.at&atBefore == 0 && f.sure != 0
	}
	return fields
}
