// Package chargebacks says what the reason codes of disputes mean: a category that is the same for all card schemes and PSPs, and
// which evidence helps. The tables are data: reasons.csv and evidence.csv.
package chargebacks

import (
	"bytes"
	_ "embed" // the tables
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/weirhq/weir/topics"
)

// Source is whose code it is.
type Source string

const (
	Visa       Source = "visa"       // dispute conditions: 10.4
	Mastercard Source = "mastercard" // message reason codes: 4853
	Stripe     Source = "stripe"     // reason
)

// Category is what kind of dispute it is.
type Category string

const (
	Fraud         Category = "fraud"
	Authorisation Category = "authorisation"
	Processing    Category = "processing"
	Consumer      Category = "consumer"
	Unknown       Category = "unknown" // a code that the table does not have
)

// Categories are all of them, in the order of the schemes.
func Categories() []Category { return []Category{Fraud, Authorisation, Processing, Consumer, Unknown} }

// Reason is one row of the table.
type Reason struct {
	Source   Source
	Code     string
	Category Category
	Meaning  string   // for people
	Helps    []string // kinds of evidence, what weighs most first
}

// Evidence is a kind of evidence.
type Evidence struct {
	Kind   string
	What   string // for people
	Engine bool   // weir knows it, or a part of it
}

//go:embed reasons.csv
var reasonsFile []byte

//go:embed evidence.csv
var evidenceFile []byte

type table struct {
	reasons  []Reason
	evidence []Evidence
	by       map[string]Reason
}

var load = sync.OnceValue(func() *table {
	t, err := read(reasonsFile, evidenceFile)
	if err != nil {
		panic(fmt.Sprintf("chargebacks: %v", err)) // the tables are part of the program, and its tests read them
	}
	return t
})

// Lookup is what a code means. Those of all sources look different, so that the code alone is enough; ok is false where the table
// does not have it, and its category is Unknown then.
func Lookup(code string) (r Reason, ok bool) {
	if r, ok = load().by[code]; !ok {
		r = Reason{Code: code, Category: Unknown}
	}
	return r, ok
}

// Classify says in a report of a dispute what its reason means. A report without a reason says nothing of it.
func Classify(d *topics.DisputeReport) {
	if d.Reason != "" {
		r, _ := Lookup(d.Reason)
		d.Category = string(r.Category)
	}
}

// Reasons are all rows, as they stand in the table, and Kinds all kinds of evidence.
func Reasons() []Reason { return slices.Clone(load().reasons) }

// Kinds are all kinds of evidence, as they stand in the table.
func Kinds() []Evidence { return slices.Clone(load().evidence) }

func read(reasons, evidence []byte) (*table, error) {
	t := &table{by: map[string]Reason{}}
	rows, err := rowsOf(evidence, []string{"kind", "what", "engine"})
	if err != nil {
		return nil, fmt.Errorf("evidence.csv: %w", err)
	}
	kinds := map[string]bool{}
	for i, row := range rows {
		if row[0] == "" || row[1] == "" || row[2] != "yes" && row[2] != "no" || kinds[row[0]] {
			return nil, fmt.Errorf("evidence.csv: line %d: want another kind, what it is, and yes or no", i+2)
		}
		kinds[row[0]] = true
		t.evidence = append(t.evidence, Evidence{row[0], row[1], row[2] == "yes"})
	}
	if rows, err = rowsOf(reasons, []string{"source", "code", "category", "meaning", "helps"}); err != nil {
		return nil, fmt.Errorf("reasons.csv: %w", err)
	}
	for i, row := range rows {
		r := Reason{Source(row[0]), row[1], Category(row[2]), row[3], strings.Fields(row[4])}
		wrong := ""
		switch _, twice := t.by[r.Code]; {
		case !slices.Contains([]Source{Visa, Mastercard, Stripe}, r.Source):
			wrong = "source: want visa, mastercard or stripe"
		case r.Code == "" || twice:
			wrong = "code: is missing, or stands there twice"
		case r.Category == Unknown || !slices.Contains(Categories(), r.Category):
			wrong = "category: want fraud, authorisation, processing or consumer"
		case r.Meaning == "" || len(r.Helps) == 0:
			wrong = "meaning or helps: is missing"
		}
		for _, kind := range r.Helps {
			if !kinds[kind] {
				wrong = fmt.Sprintf("helps: evidence.csv has no %q", kind)
			}
		}
		if wrong != "" {
			return nil, fmt.Errorf("reasons.csv: line %d: %s", i+2, wrong)
		}
		t.by[r.Code] = r
		t.reasons = append(t.reasons, r)
	}
	return t, nil
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
