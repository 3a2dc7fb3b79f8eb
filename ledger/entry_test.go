package ledger

import (
	"errors"
	"math"
	"strings"
	"testing"
)

var ana = Customer{"acme", "ana", "EUR"}

func TestEntryValidate(t *testing.T) {
	wallet, receivable := ana.Account(CustomerWallet), ana.System(PSPReceivable)
	dollars := Customer{"acme", "ana", "USD"}
	for name, c := range map[string]struct {
		postings []Posting
		problem  string // "": valid
	}{
		"two":                   {[]Posting{{receivable, 5}, {wallet, -5}}, ""},
		"two currencies":        {[]Posting{{receivable, 5}, {dollars.System(PSPReceivable), 7}, {wallet, -5}, {dollars.Account(CustomerWallet), -7}}, ""},
		"one account twice":     {[]Posting{{receivable, 5}, {wallet, -2}, {wallet, -3}}, ""},
		"sums beyond 64 bits":   {[]Posting{{receivable, math.MaxInt64}, {receivable, 1}, {wallet, -math.MaxInt64}, {wallet, -1}}, ""},
		"none":                  {nil, "0 postings, want 2 to 16"},
		"one":                   {[]Posting{{wallet, 5}}, "1 postings"},
		"too many":              {make([]Posting, MaxPostings+1), "17 postings"},
		"zero":                  {[]Posting{{receivable, 0}, {wallet, 0}}, "posting 0: amount is zero"},
		"unbalanced":            {[]Posting{{receivable, 5}, {wallet, -4}}, "do not sum to zero in EUR"},
		"balanced by wrapping":  {[]Posting{{receivable, math.MaxInt64}, {receivable, math.MaxInt64}, {wallet, 2}}, "do not sum to zero"},
		"other currency":        {[]Posting{{receivable, 5}, {dollars.Account(CustomerWallet), -5}}, "do not sum to zero in EUR"},
		"lowest int64":          {[]Posting{{receivable, math.MinInt64}, {wallet, 1}}, "does not fit"},
		"another tenant":        {[]Posting{{receivable, 5}, {Account{"other", CustomerWallet, "ana", "EUR"}, -5}}, `posting 1: tenant "other"`},
		"no tenant":             {[]Posting{{Account{"", PSPReceivable, "", "EUR"}, 5}, {wallet, -5}}, `tenant ""`},
		"unknown code":          {[]Posting{{Account{"acme", "petty_cash", "", "EUR"}, 5}, {wallet, -5}}, "not in the chart"},
		"wallet of nobody":      {[]Posting{{receivable, 5}, {ana.System(CustomerWallet), -5}}, "held by the customer"},
		"receivable of someone": {[]Posting{{ana.Account(PSPReceivable), 5}, {wallet, -5}}, "held by the system"},
		"unknown currency":      {[]Posting{{Account{"acme", PSPReceivable, "", "EURO"}, 5}, {wallet, -5}}, "not an ISO 4217"},
	} {
		err := (&Entry{ID: EntryID{1, 2, 3}, Postings: c.postings}).Validate()
		switch {
		case c.problem == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem) || !strings.Contains(err.Error(), "entry 1-2-3")):
			t.Errorf("%s: %v, want an error of entry 1-2-3 with %q", name, err, c.problem)
		}
	}
	if err := (&Entry{Postings: []Posting{{receivable, 5}, {wallet, -4}}}).Validate(); !errors.Is(err, ErrUnbalanced) {
		t.Errorf("%v is not ErrUnbalanced", err)
	}
}

// Stored ids must never change: they are computed, not looked up.
func TestAccountIDIsFixed(t *testing.T) {
	const want = "cf482ed7f091cac2b466547a638e8046"
	if got := ana.Account(CustomerWallet).ID().String(); got != want {
		t.Errorf("id %s, want %s", got, want)
	}
	seen := map[AccountID]Account{}
	for _, a := range []Account{
		{"acme", CustomerWallet, "ana", "EUR"}, {"acme", CustomerWallet, "ana", "USD"}, {"acme", CustomerDebt, "ana", "EUR"},
		{"acm", "ecustomer_wallet", "ana", "EUR"}, {"acme", CustomerWallet, "", "anaEUR"}, {"acme", PSPFees, "", "EUR"},
		{strings.Repeat("long", 50), CustomerWallet, strings.Repeat("er", 50), "EUR"},
	} {
		if other, ok := seen[a.ID()]; ok {
			t.Errorf("%v and %v have one id", a, other)
		}
		seen[a.ID()] = a
	}
}
