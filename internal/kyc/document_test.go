package kyc_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/topics"
)

func TestReadProfile(t *testing.T) {
	p, err := kyc.ReadProfile([]byte(`{"status":"active","kyc_level":"basic","pep":false,"expected_turnover":{"amount":5,"currency":"EUR"},"personal":{"names":["Ann"],"birth_date":"1990-01-31"}}`))
	if err != nil || p.Status != topics.CustomerActive || p.PEP == nil || *p.PEP || p.ExpectedTurnover.Amount != 5 || p.Personal.Names[0] != "Ann" {
		t.Fatalf("%+v, %v", p, err)
	}
	for text, want := range map[string]string{
		``:                                     "want one JSON object",
		`[]`:                                   "want one JSON object",
		`{"status":"active"} {}`:               "something after it",
		`{"statuss":"active"}`:                 `a field is not known; want status, kyc_level`,
		`{"personal":{"secret-text":"x"}}`:     "a field is not known; want",
		`{"personal":{"names":"Ann"}}`:         `field "personal.names": got a string, want an array`,
		`{"expected_turnover":{"amount":1.5}}`: `field "expected_turnover.amount": got a number with a fraction`,
		`{"pep":"secret-text"}`:                `field "pep": got a string, want`,
		"{\"status\":\"\xff\"}":                "invalid UTF-8",
		`{"personal":{"names":["` + strings.Repeat("x", 10<<20) + `"]}}`: "more than 262144 bytes",
	} {
		_, err := kyc.ReadProfile([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-text") || len(err.Error()) > 300 {
			t.Errorf("%.80s: %v, want %q", text, err, want)
		}
	}
}
