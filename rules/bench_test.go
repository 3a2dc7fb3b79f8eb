package rules_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// ordinary is a deposit that no rule of the default set hits.
func ordinary() *topics.Command {
	return &topics.Command{
		CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: topics.CommandCreate, Tenant: "acme", Region: "eu",
		CustomerID: "cus_204", Amount: 40_00, Currency: "EUR", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Card: &topics.Card{Token: "tok_approve", Fingerprint: "fp_7Hq2", BIN: "411111", Last4: "1111", Scheme: "visa",
			Type: "credit", Country: "DE"},
		Context: &topics.Context{IP: "203.0.113.7", DeviceID: "dev_81", Email: "ann@example.com", Country: "DE"},
	}
}

// BenchmarkEvaluateDefaultSet decides on an ordinary deposit: every rule misses.
func BenchmarkEvaluateDefaultSet(b *testing.B) {
	set, c, now := defaultSet(b), ordinary(), time.Unix(1_800_000_000, 0)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if d := set.Evaluate(rules.Input{Command: c, Now: now}); d.Outcome != topics.OutcomePass || len(d.Rules) > 0 {
			b.Fatalf("%+v", d)
		} else {
			n = d.Evaluated
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/rule")
}

// BenchmarkEvaluateOneRule is one predicate and what surrounds it.
func BenchmarkEvaluateOneRule(b *testing.B) {
	set, err := rules.Compile([]rules.File{{Name: "one.yaml", Text: []byte(`version: 1
rules:
  - { name: foreign, when: card.country != "DE", outcome: step_up, on_missing: step_up }
`)}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	c, now := ordinary(), time.Unix(1_800_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		set.Evaluate(rules.Input{Command: c, Now: now})
	}
}
