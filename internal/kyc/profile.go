package kyc

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/topics"
)

// Limits of what is written of a customer.
const (
	maxNames  = 10  // the name and other names
	maxName   = 200 // characters
	maxText   = 500 // characters of another personal field
	firstYear = 1900
)

// Personal is what tells who a customer is.
type Personal struct {
	// Names are the customer's name and then other names, former ones and those in other scripts.
	Names         []string `json:"names,omitempty"`
	BirthDate     string   `json:"birth_date,omitempty"` // 1990-01-31
	Address       string   `json:"address,omitempty"`
	Occupation    string   `json:"occupation,omitempty"`
	SourceOfFunds string   `json:"source_of_funds,omitempty"`
}

// The names of the fields that are encrypted. Never changed: a ciphertext is bound to its field's.
const (
	fieldNames         = "names"
	fieldBirthDate     = "birth_date"
	fieldAddress       = "address"
	fieldOccupation    = "occupation"
	fieldSourceOfFunds = "source_of_funds"
)

// Fields are the names of the personal fields, in the order in which they are shown.
func Fields() []string {
	return []string{fieldNames, fieldBirthDate, fieldAddress, fieldOccupation, fieldSourceOfFunds}
}

// text is where a field's text stands; nil for names, which are several.
func (p *Personal) text(field string) *string {
	switch field {
	case fieldBirthDate:
		return &p.BirthDate
	case fieldAddress:
		return &p.Address
	case fieldOccupation:
		return &p.Occupation
	case fieldSourceOfFunds:
		return &p.SourceOfFunds
	}
	return nil
}

// Profile is what is known of a customer, as people write and read it.
type Profile struct {
	Status           topics.CustomerStatus    `json:"status"`
	KYCLevel         topics.KYCLevel          `json:"kyc_level"`
	Country          string                   `json:"country,omitempty"`
	Nationality      string                   `json:"nationality,omitempty"`
	PEP              *bool                    `json:"pep,omitempty"`
	ExpectedTurnover *topics.ExpectedTurnover `json:"expected_turnover,omitempty"`
	Personal         Personal                 `json:"personal,omitempty"`
}

// check says what is wrong with the personal fields and what would be right, quoting none of them. What is not personal is
// checked with the command that carries it.
func (p *Personal) check(now time.Time) *topics.Refusal {
	invalid := func(format string, args ...any) *topics.Refusal {
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: fmt.Sprintf(format, args...)}
	}
	if len(p.Names) > maxNames {
		return invalid("personal.names: has %d names; want at most %d", len(p.Names), maxNames)
	}
	for i, name := range p.Names {
		field := fmt.Sprintf("personal.names[%d]", i)
		if strings.TrimSpace(name) == "" {
			return invalid("%s: is empty; want a name, or nothing", field)
		}
		if refusal := checkText(field, name, maxName); refusal != nil {
			return refusal
		}
		if !strings.ContainsFunc(name, unicode.IsLetter) {
			return invalid("%s: has no letter; want a name, or nothing", field)
		}
	}
	for _, name := range Fields() {
		if text := p.text(name); text != nil {
			if refusal := checkText("personal."+name, *text, maxText); refusal != nil {
				return refusal
			}
		}
	}
	if p.BirthDate == "" {
		return nil
	}
	born, err := time.Parse(time.DateOnly, p.BirthDate)
	switch {
	case err != nil:
		return invalid("personal.birth_date: is not a date; want one such as 1990-01-31")
	case born.After(now):
		return invalid("personal.birth_date: lies in the future; want the day of birth, such as 1990-01-31")
	case born.Year() < firstYear:
		return invalid("personal.birth_date: lies before %d; want the day of birth, such as 1990-01-31", firstYear)
	}
	return nil
}

func checkText(field, text string, limit int) *topics.Refusal {
	switch {
	case len(text) > utf8.UTFMax*limit || utf8.RuneCountInString(text) > limit:
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: fmt.Sprintf("%s: is too long; want at most %d characters", field, limit)}
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: field + ": holds control characters or is not UTF-8; want printable text in one line"}
	case strings.ContainsFunc(text, unseen):
		return &topics.Refusal{Code: topics.RefusedInvalid, Detail: field + ": holds characters that nobody sees, or that turn or break the line; want printable text in one line"}
	case topics.FindCardNumber([]byte(text)):
		return &topics.Refusal{Code: topics.RefusedCardNumber, Detail: field + ": holds a card number; nothing of a customer's record takes one"}
	}
	return nil
}

// unseen are characters that show nothing, that change the direction of others or that break the line: what holds them reads otherwise
// than it looks. Joiners (U+200C, U+200D) belong to the spelling of Persian and Indic names.
func unseen(r rune) bool {
	const nonJoiner, joiner, blankBraille = '\u200c', '\u200d', '\u2800'
	return r != nonJoiner && r != joiner &&
		(r == blankBraille || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point))
}

// data is the profile without its personal fields.
func (p *Profile) data() *topics.CustomerData {
	return &topics.CustomerData{Status: p.Status, KYCLevel: p.KYCLevel, Country: p.Country, Nationality: p.Nationality, PEP: p.PEP,
		ExpectedTurnover: p.ExpectedTurnover}
}

// seal encrypts the personal fields that there are; nil where there are none.
func (p *Personal) seal(key *customerkeys.DataKey) (*topics.SealedPersonal, error) {
	fields := map[string][]byte{}
	if len(p.Names) > 0 {
		names, err := json.Marshal(p.Names)
		if err != nil {
			return nil, err
		}
		fields[fieldNames] = key.Seal(fieldNames, string(names))
	}
	for _, name := range Fields() {
		if text := p.text(name); text != nil && *text != "" {
			fields[name] = key.Seal(name, *text)
		}
	}
	if len(fields) == 0 {
		return nil, nil
	}
	return &topics.SealedPersonal{KeyID: key.ID.String(), Fields: fields}, nil
}

// open decrypts the personal fields.
func open(sealed *topics.SealedPersonal, key *customerkeys.DataKey) (p Personal, err error) {
	for name, bytes := range sealed.Fields {
		text, err := key.Open(name, bytes)
		if err != nil {
			return p, err
		}
		if name == fieldNames {
			if err := json.Unmarshal([]byte(text), &p.Names); err != nil {
				return p, fmt.Errorf("%s: what was encrypted is no list of names", name)
			}
		} else if to := p.text(name); to != nil {
			*to = text
		}
	}
	return p, nil
}

func (p *Personal) empty() bool {
	return len(p.Names) == 0 && p.BirthDate == "" && p.Address == "" && p.Occupation == "" && p.SourceOfFunds == ""
}
