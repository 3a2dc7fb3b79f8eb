// Package declines says what the decline codes of issuers and PSPs mean: a category that is the same for all of them, whether
// and how to try again, and what to tell the customer. The tables are data: codes.csv, categories.csv, and references.csv, where codes.csv was checked.
package declines

import (
	"bytes"
	_ "embed" // the tables
	"encoding/csv"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/weirhq/weir/topics"
)

// Source is whose code it is.
type Source string

const (
	ISO8583          Source = "iso8583"           // field 39, as issuers answer
	Mastercard       Source = "mastercard"        // where it differs from ISO8583
	MastercardAdvice Source = "mastercard_advice" // merchant advice codes
	Stripe           Source = "stripe"            // decline_code, or else code
	Adyen            Source = "adyen"             // refusalReasonCode
	Sandbox          Source = "sandbox"
	Weir             Source = "weir" // ours, where no PSP declined
)

// Category is what kind of decline it is.
type Category string

// Unknown is the category of a code that the table does not have.
const Unknown Category = "unknown"

// Categories that decide what follows a decline of a payment by a mandate.
const (
	InsufficientFunds Category = "insufficient_funds"
	LimitExceeded     Category = "limit_exceeded"
	Revoked           Category = "revoked"
)

// RefusedByPSP is the category of what a PSP did not even take to the issuer.
const RefusedByPSP Category = "refused_by_psp"

// Retry says what may be tried after a decline.
type Retry string

const (
	Never               Retry = "never"                // the same card with the same data is not accepted later either, by any PSP: a hard decline
	Later               Retry = "later"                // by the same PSP, after a while; another PSP is told the same, or may charge a second time
	OtherRoute          Retry = "other_route"          // another PSP may accept it at once
	AfterAuthentication Retry = "after_authentication" // only with the customer, who authenticates or takes the payment up again
)

// Category1 is the rule of card schemes for codes that must never be tried again: the issuer will never approve, and a repeat
// costs a fee.
const Category1 = "category_1"

// Code is one row of the table.
type Code struct {
	Source   Source
	Code     string
	Category Category
	Retry    Retry
	After    time.Duration // Later: how long to wait at least
	Rule     string        // Category1, or ""
	Meaning  string        // for people of the brand

	// Names of references. Without the first nobody outside says what the code means; without the second how to try again is
	// our reading of the meaning, and soft where the meaning leaves it open.
	MeaningFrom, RetryFrom string
}

// Reference is where codes were looked up.
type Reference struct {
	Name, Title string
	Address     string // "" where there is no one address
}

// Hard tells whether the same card will not be accepted later either.
func (c Code) Hard() bool { return c.Retry == Never }

// Kind is what holds for the codes of a category, where their rows do not say otherwise.
type Kind struct {
	Category Category
	Retry    Retry
	After    time.Duration
	Message  string // for customers
}

//go:embed codes.csv
var codesFile []byte

//go:embed categories.csv
var categoriesFile []byte

//go:embed references.csv
var referencesFile []byte

type key struct {
	source Source
	code   string
}

type table struct {
	kinds []Kind
	codes []Code
	by    map[key]Code
	refs  []Reference
}

var load = sync.OnceValue(func() *table {
	t, err := read(categoriesFile, codesFile, referencesFile)
	if err != nil {
		panic(fmt.Sprintf("declines: %v", err)) // the tables are part of the program, and its tests read them
	}
	return t
})

// Lookup is what a code of a source means. One of Mastercard that it does not have apart is that of ISO 8583; one that nobody
// knows is Unknown, which is soft.
func Lookup(source Source, code string) Code {
	t := load()
	c, ok := t.by[key{source, code}]
	if !ok && source == Mastercard {
		c, ok = t.by[key{ISO8583, code}]
	}
	if !ok {
		kind, _ := OfCategory(Unknown)
		return Code{Source: source, Code: code, Category: Unknown, Retry: kind.Retry, After: kind.After}
	}
	return c
}

// OfCategory is what holds for a category; ok is false where there is no such one.
func OfCategory(c Category) (kind Kind, ok bool) {
	t := load()
	at := slices.IndexFunc(t.kinds, func(k Kind) bool { return k.Category == c })
	if at < 0 {
		return Kind{}, false
	}
	return t.kinds[at], true
}

// Codes are all rows, by source, as they stand in the table.
func Codes() []Code { return slices.Clone(load().codes) }

// Kinds are all categories, as they stand in the table.
func Kinds() []Kind { return slices.Clone(load().kinds) }

// References are where the codes were looked up, by name.
func References() []Reference { return slices.Clone(load().refs) }

// Classify says in a report what its decline code means. What the PSP itself calls hard stays so.
func Classify(r *topics.PSPReport, source Source) {
	if r.Outcome != topics.PSPDeclined {
		return
	}
	c := Lookup(source, r.DeclineCode)
	r.DeclineCategory, r.DeclineRetry, r.HardDecline = string(c.Category), string(c.Retry), r.HardDecline || c.Hard()
	if r.HardDecline {
		r.DeclineRetry = string(Never)
	}
	if r.DeclineRetry == string(Later) {
		r.DeclineAfterSeconds = int64(c.After / time.Second)
	}
}

func read(categories, codes, references []byte) (*table, error) {
	t := &table{by: map[key]Code{}}
	rows, err := rowsOf(references, []string{"name", "title", "address"})
	if err != nil {
		return nil, fmt.Errorf("references.csv: %w", err)
	}
	for _, row := range rows {
		t.refs = append(t.refs, Reference{Name: row[0], Title: row[1], Address: row[2]})
	}
	rows, err = rowsOf(categories, []string{"category", "retry", "after", "message"})
	if err != nil {
		return nil, fmt.Errorf("categories.csv: %w", err)
	}
	for i, row := range rows {
		k := Kind{Category: Category(row[0]), Retry: Retry(row[1]), Message: row[3]}
		if k.After, err = wait(k.Retry, row[2]); err != nil {
			return nil, fmt.Errorf("categories.csv: line %d: %w", i+2, err)
		}
		t.kinds = append(t.kinds, k)
	}
	if rows, err = rowsOf(codes, []string{"source", "code", "category", "retry", "after", "rule", "meaning", "meaning_from", "retry_from"}); err != nil {
		return nil, fmt.Errorf("codes.csv: %w", err)
	}
	for i, row := range rows {
		c := Code{Source: Source(row[0]), Code: row[1], Category: Category(row[2]), Retry: Retry(row[3]), Rule: row[5], Meaning: row[6],
			MeaningFrom: row[7], RetryFrom: row[8]}
		at := slices.IndexFunc(t.kinds, func(k Kind) bool { return k.Category == c.Category })
		if at < 0 {
			return nil, fmt.Errorf("codes.csv: line %d: category %q is not in categories.csv", i+2, c.Category)
		}
		if c.Retry == "" {
			c.Retry, c.After = t.kinds[at].Retry, t.kinds[at].After
		} else if c.After, err = wait(c.Retry, row[4]); err != nil {
			return nil, fmt.Errorf("codes.csv: line %d: %w", i+2, err)
		}
		switch _, twice := t.by[key{c.Source, c.Code}]; {
		case twice:
			return nil, fmt.Errorf("codes.csv: line %d: %s %s stands there twice", i+2, c.Source, c.Code)
		case c.Rule != "" && c.Rule != Category1:
			return nil, fmt.Errorf("codes.csv: line %d: rule %q is not %s", i+2, c.Rule, Category1)
		case c.Rule == Category1 && c.Retry != Never:
			return nil, fmt.Errorf("codes.csv: line %d: %s %s is %s of the schemes, which is never tried again", i+2, c.Source, c.Code, Category1)
		}
		for _, name := range []string{c.MeaningFrom, c.RetryFrom} {
			if name != "" && !slices.ContainsFunc(t.refs, func(r Reference) bool { return r.Name == name }) {
				return nil, fmt.Errorf("codes.csv: line %d: %q is not in references.csv", i+2, name)
			}
		}
		t.by[key{c.Source, c.Code}] = c
		t.codes = append(t.codes, c)
	}
	return t, nil
}

// wait reads how long to wait, which only Later has, and has always.
func wait(retry Retry, text string) (time.Duration, error) {
	switch retry {
	case Never, OtherRoute, AfterAuthentication:
		if text != "" {
			return 0, fmt.Errorf("after %q is for retry %s", text, Later)
		}
		return 0, nil
	case Later:
		d, err := time.ParseDuration(text)
		if err == nil && d <= 0 {
			err = fmt.Errorf("after %q is not above 0", text)
		}
		return d, err
	}
	return 0, fmt.Errorf("retry %q is none of %s, %s, %s, %s", retry, Never, Later, OtherRoute, AfterAuthentication)
}

func rowsOf(data []byte, heading []string) ([][]string, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = len(heading)
	rows, err := r.ReadAll()
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0 || !slices.Equal(rows[0], heading):
		return nil, fmt.Errorf("line 1: want the heading %v", heading)
	}
	return rows[1:], nil
}
