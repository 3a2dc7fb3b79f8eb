package api

import (
	"errors"
	"strings"
	"testing"
)

// A field that is not known is told with the path to it, and with the name that it was probably meant to have.
func TestUnknownFields(t *testing.T) {
	for name, c := range map[string]struct {
		body, field, says string
		into              any
	}{
		"at the top":        {`{"amuont":1}`, "amuont", `did you mean "amount"?`, new(CreateIntent)},
		"within":            {`{"card":{"tokn":"x"}}`, "card.tokn", `did you mean "card.token"?`, new(CreateIntent)},
		"in another case":   {`{"Amount":1}`, "Amount", `did you mean "amount"?`, new(CreateIntent)},
		"nothing is near":   {`{"card":{"merchant_category":1}}`, "card.merchant_category", "/openapi.yaml lists the fields", new(CreateIntent)},
		"the first by name": {`{"zzz":1,"card":{"bni":"4"}}`, "card.bni", `did you mean "card.bin"?`, new(CreateIntent)},
		"in a list":         {`{"documents":[{"kind":"receipt"},{"knid":"x"}]}`, "documents.1.knid", `did you mean "documents.1.kind"?`, new(SubmitEvidence)},
		"of a payout":       {`{"card":{"tokan":"x"}}`, "card.tokan", `did you mean "card.token"?`, new(CreatePayout)},
		"names are free":    {`{"metadata":{"tokn":"x"},"currenzy":"EUR"}`, "currenzy", `did you mean "currency"?`, new(CreateIntent)},
		"given twice":       {`{"amount":5,"amount":50000}`, "amount", `"amount": is given twice`, new(CreateIntent)},
		"twice, within":     {`{"card":{"token":"x","bin":"4","token":"y"}}`, "card.token", `"card.token": is given twice`, new(CreatePayout)},
		"both":              {`{"card":{"tokn":"x"},"card":{"token":"x"}}`, "card", `"card": is given twice`, new(CreateIntent)},
		"too long to tell":  {`{"` + strings.Repeat("é", 500) + `":1}`, strings.Repeat("é", 64), "/openapi.yaml lists the fields", new(CreateIntent)},
	} {
		t.Run(name, func(t *testing.T) {
			var problem *Problem
			if err := decode([]byte(c.body), c.into); !errors.As(err, &problem) {
				t.Fatalf("got %v", err)
			}
			if problem.Code != "malformed" || problem.Details == nil || problem.Details.Field != c.field || !strings.HasPrefix(problem.Message, `field "`+c.field+`": `) ||
				!strings.HasSuffix(problem.Message, c.says) {
				t.Errorf("got %+v (%+v)", problem, problem.Details)
			}
		})
	}
}
