package rules

import (
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

const reviewRules = `version: 1
stage: after_authorization
rules:
  - name: cvv_mismatch
    when: authorization.cvv == "N"
    outcome: block
    on_missing: hold
  - name: avs_mismatch
    when: authorization.avs in ["N", "A"] && payment.amount > money("50.00 EUR")
    outcome: hold
    on_missing: hold
  - name: no_shift
    when: authorization.liability_shift == "no" && authorization.three_ds != "authenticated"
    outcome: pass
    on_missing: pass
    score: 10
  - name: less_than_asked
    when: authorization.amount < payment.amount
    outcome: hold
    on_missing: hold
`

func compiledText(t *testing.T, texts ...string) *Set {
	t.Helper()
	var files []File
	for i, text := range texts {
		files = append(files, File{Name: string(rune('a'+i)) + ".yaml", Text: []byte(text)})
	}
	set, err := Compile(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestReview: what rules read of an authorisation.
func TestReview(t *testing.T) {
	set := compiledText(t, reviewRules)
	for _, c := range []struct {
		auth    *topics.AuthData
		amount  int64
		outcome topics.Outcome
		reasons string
		score   int64
	}{
		{&topics.AuthData{AVS: "Y", CVV: "M", ECI: "05"}, 10_000, topics.OutcomePass, "", 0},
		{&topics.AuthData{AVS: "Y", CVV: "N", ECI: "05"}, 10_000, topics.OutcomeBlock, "cvv_mismatch", 0},
		{&topics.AuthData{AVS: "N", CVV: "M", ECI: "02"}, 10_000, topics.OutcomeHold, "avs_mismatch", 0},
		{&topics.AuthData{AVS: "N", CVV: "M", ECI: "07"}, 5_000, topics.OutcomePass, "no_shift", 10},
		{&topics.AuthData{AVS: "Y", CVV: "M", ECI: "06"}, 10_000, topics.OutcomePass, "", 0},
		{&topics.AuthData{AVS: "Y", CVV: "M", ECI: "00"}, 10_000, topics.OutcomePass, "no_shift", 10},
		{&topics.AuthData{AVS: "Y", ECI: "01"}, 10_000, topics.OutcomeHold, "cvv_mismatch", 0},
		{nil, 5_000, topics.OutcomeHold, "cvv_mismatch", 0},
	} {
		command := topics.Command{CommandID: "c", Type: topics.CommandCreate, Tenant: "acme", Amount: c.amount, Currency: "EUR"}
		d := set.Evaluate(Input{Command: &command, Authorization: &topics.Authorization{PSP: "sandbox", Amount: c.amount, Authentication: c.auth}})
		reasons := ""
		if len(d.Reasons) > 0 {
			reasons = d.Reasons[0]
		}
		if d.Outcome != c.outcome || reasons != c.reasons || d.Score != c.score || d.Stage != topics.StageAfterAuthorization || d.Reviews {
			t.Errorf("%+v of %d: %s for %v with score %d at %q", c.auth, c.amount, d.Outcome, d.Reasons, d.Score, d.Stage)
		}
	}
}

// TestReviewReadsWhatWasBefore: velocity's answers and what data files said when the payment came are there again.
func TestReviewReadsWhatWasBefore(t *testing.T) {
	set := compiledText(t, `version: 1
stage: after_authorization
velocity:
  - { name: declines, aggregate: count, events: [declined], by: context.ip, window: 1h }
rules:
  - name: tried_and_wrong
    when: authorization.cvv == "N" && velocity.declines >= 2
    outcome: block
    on_missing: hold
    tests:
      - { given: { authorization.cvv: N, velocity.declines: 2 }, expect: hit }
      - { given: { authorization.cvv: N }, expect: missing }
  - { name: elsewhere, when: ip.country != card.country && authorization.avs != "Y", outcome: hold, on_missing: hold }
`)
	if passed, failures := set.Test(); len(failures) > 0 || passed != 2 {
		t.Fatalf("%d tests passed: %v", passed, failures)
	}
	request := topics.ReviewRequest{
		Command:       topics.Command{CommandID: "c", Type: topics.CommandCreate, Tenant: "acme", Amount: 1, Currency: "EUR", Card: &topics.Card{Country: "DE"}},
		Authorization: topics.Authorization{Amount: 1, Authentication: &topics.AuthData{AVS: "Y", CVV: "N"}},
		Before:        topics.ReviewBasis{Features: map[string]topics.Feature{"declines": {Value: 1}}, Enrichment: &topics.Enrichment{IPCountry: "FR"}},
	}
	outcome := func() topics.Outcome { return set.Evaluate(InputOfReview(&request, time.Time{})).Outcome }
	if o := outcome(); o != topics.OutcomePass {
		t.Errorf("with one decline: %s", o)
	}
	request.Before.Features["declines"] = topics.Feature{Value: 2}
	if o := outcome(); o != topics.OutcomeBlock {
		t.Errorf("with two declines: %s", o)
	}
	request.Authorization.Authentication = &topics.AuthData{AVS: "N", CVV: "M"}
	if o := outcome(); o != topics.OutcomeHold {
		t.Errorf("from elsewhere: %s", o)
	}
}

// TestReviews: a decision before authorisation says whether one after it follows.
func TestReviews(t *testing.T) {
	const before = "version: 1\nrules:\n  - { name: large, when: payment.amount > money(\"9.00 EUR\"), outcome: hold, on_missing: hold }\n"
	after := func(head, rule string) string {
		return "version: 1\nstage: after_authorization\n" + head + "rules:\n  - { name: cvv, when: authorization.cvv == \"N\", outcome: block, on_missing: hold" + rule + " }\n"
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		set  *Set
		kind topics.CommandType
		want bool
	}{
		"no such rules":              {compiledText(t, before), topics.CommandCreate, false},
		"rules for all":              {compiledText(t, before, after("", "")), topics.CommandCreate, true},
		"an authorize command":       {compiledText(t, before, after("", "")), topics.CommandAuthorize, true},
		"a capture command":          {compiledText(t, before, after("", "")), topics.CommandCapture, false},
		"no others":                  {compiledText(t, after("", "")), topics.CommandCreate, true},
		"in the shadow":              {compiledText(t, before, after("", ", shadow: true")), topics.CommandCreate, true},
		"switched off":               {compiledText(t, before, after("", ", enabled: false")), topics.CommandCreate, false},
		"of another tenant":          {compiledText(t, before, after("tenants: [other]\n", "")), topics.CommandCreate, false},
		"of the tenant":              {compiledText(t, before, after("tenants: [acme]\n", "")), topics.CommandCreate, true},
		"of another region":          {compiledText(t, before, after("regions: [us]\n", "")), topics.CommandCreate, false},
		"not yet":                    {compiledText(t, before, after("", ", valid_from: \"2026-04-01\"")), topics.CommandCreate, false},
		"no more":                    {compiledText(t, before, after("", ", valid_until: \"2026-02-01\"")), topics.CommandCreate, false},
		"not rolled out to them":     {compiledText(t, before, after("", ", rollout: 1%")), topics.CommandCreate, false},
		"taken away for the tenant":  {compiledText(t, before, after("", ""), "version: 1\nstage: after_authorization\ntenants: [acme]\nrules:\n  - { name: cvv, enabled: false }\n"), topics.CommandCreate, false},
		"taken away for another one": {compiledText(t, before, after("", ""), "version: 1\nstage: after_authorization\ntenants: [other]\nrules:\n  - { name: cvv, enabled: false }\n"), topics.CommandCreate, true},
	} {
		command := topics.Command{CommandID: "c", Type: c.kind, Tenant: "acme", Region: "eu", CustomerID: "anna", Amount: 100, Currency: "EUR"}
		if d := c.set.Evaluate(Input{Command: &command, Now: now}); d.Reviews != c.want {
			t.Errorf("%s: reviews is %t, want %t", name, d.Reviews, c.want)
		}
	}
}
