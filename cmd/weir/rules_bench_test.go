package main

import (
	"regexp"
	"testing"
)

func TestRulesBench(t *testing.T) {
	const history = "../../internal/backtest/testdata/small/"
	for _, args := range [][]string{
		{"bench", history + "rules.yaml"}, {"bench", "--input", history + "events.ndjson", history + "rules.yaml"},
	} {
		code, out, errOut := rulesOutput(t, args...)
		if code != exitOK || !regexp.MustCompile(`(?s)^RULE +NS +SHARE +WORST CASE +OF LIMIT\n.*card_testing +\d+ +[\d.]+ % +\d+ +\d+ %\n.*4 rules by themselves \d+ ns, in one decision \d+ ns: \d+ decisions a second`).MatchString(out) {
			t.Errorf("%v: exit %d\n%s%s", args, code, out, errOut)
		}
	}
	if code, _, errOut := rulesOutput(t, "bench", "--input", history+"labels.csv", history+"rules.yaml"); code != exitProblem || !regexp.MustCompile(`labels.csv: line 1: character 1`).MatchString(errOut) {
		t.Errorf("exit %d: %s", code, errOut)
	}
}
