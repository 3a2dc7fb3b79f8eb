package rules_test

import (
	"fmt"
	"strings"
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

// manyRules is a set of n rules over 30 fields and velocity answers: thresholds, lists, comparisons of two fields, patterns,
// and a few rules that hit. Names, thresholds and constants repeat from rule to rule as they do in sets that people write.
func manyRules(n int) string {
	countries := []string{"FR", "US", "GB", "BR", "IN", "NG", "RU", "VN", "ID", "TR", "MX", "ZA"}
	var b strings.Builder
	b.WriteString(`version: 1
velocity:
`)
	for i := range 12 {
		fmt.Fprintf(&b, "  - { name: v%d, aggregate: count, events: [attempt], by: card.fingerprint, window: %dm }\n", i, i+1)
	}
	b.WriteString(`  - { name: spent, aggregate: sum, events: [approved], by: customer.id, window: 24h, currency: EUR }
  - { name: first, aggregate: since_first, events: [attempt], by: customer.id, window: 90d }
lists:
  bins: { match: bin_prefix, entries: ["400000", "510000", "42424242"] }
  devices: { entries: [dev_1, dev_2, dev_3] }
  networks: { match: network, entries: ["198.51.100.0/24", "192.0.2.0/25", "10.0.0.0/8"] }
  domains: { match: ignore_case, entries: [mailinator.com, example.net] }
limits:
  large: ["2500.00 EUR", "2700.00 USD"]
rules:
`)
	for i := range n {
		country := countries[i%len(countries)]
		when := []string{
			fmt.Sprintf(`card.country == "%s" && payment.amount > money("%d.00 EUR")`, country, 100+i),
			fmt.Sprintf(`velocity.v%d > %d && velocity.v%d > 2 * velocity.v%d`, i%12, 5+i, (i+1)%12, (i+2)%12),
			fmt.Sprintf(`card.country != context.country && context.country in ["%s", "%s"] && payment.amount > money("%d.00 EUR")`, country, countries[(i+3)%12], i),
			fmt.Sprintf(`card.bin in list("bins") && payment.amount > limit("large") && velocity.v%d > %d`, i%12, i),
			fmt.Sprintf(`context.device_id in list("devices") || context.ip in list("networks") && velocity.v1 > %d`, i),
			fmt.Sprintf(`context.email_domain in list("domains") && (card.type == "prepaid" || card.scheme == "amex") && velocity.v2 > %d`, i),
			fmt.Sprintf(`velocity.spent > money("%d.00 EUR") && velocity.first < duration("%dm")`, 1000+i, 1+i),
			fmt.Sprintf(`context.time_zone.startsWith("America/") && ip.country != card.country && bin.risk > %d`, i),
			fmt.Sprintf(`payment.metadata["promotion"] == "SPRING%d" && known(customer.id) && region == "eu"`, i),
			fmt.Sprintf(`context.user_agent.contains("curl") && payment.capture_method == "automatic" && bin.type == "debit" && velocity.v3 > %d`, i),
		}[i%10]
		if i%50 == 49 {
			when = fmt.Sprintf(`payment.amount > money("%d.%02d EUR") && tenant == "acme" && card.country == "DE"`, i%40, i/50)
		}
		fmt.Fprintf(&b, "  - { name: rule_%d, when: '%s', outcome: step_up, on_missing: step_up, score: %d }\n", i, when, i%10)
	}
	return b.String()
}

// ordinaryInput is an ordinary deposit with all that was found out about it.
func ordinaryInput() rules.Input {
	c := ordinary()
	c.CaptureMethod, c.Metadata = topics.CaptureManual, map[string]string{"promotion": "NONE"}
	c.Context.TimeZone, c.Context.UserAgent, c.Context.Phone = "Europe/Berlin", "Mozilla/5.0 (X11; Linux x86_64)", "+3530000000"
	in := rules.Input{Command: c, Now: time.Unix(1_800_000_000, 0), Features: map[string]topics.Feature{"spent": {Value: 90_00}, "first": {Value: 86_400}},
		Enrichment: &topics.Enrichment{ASN: "AS64500", IPCountry: "DE", BIN: &topics.BIN{Scheme: "visa", Brand: "gold", Type: "credit", Country: "DE", Issuer: "Bank", Risk: 3}}}
	for i := range 12 {
		in.Features[fmt.Sprintf("v%d", i)] = topics.Feature{Value: int64(i % 4)}
	}
	return in
}

// BenchmarkEvaluate is a decision with the result of every rule recorded, and the values that they read.
func BenchmarkEvaluate(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n, " rules"), func(b *testing.B) {
			set, err := rules.Compile([]rules.File{{Name: "many.yaml", Text: []byte(manyRules(n))}}, nil)
			if err != nil {
				b.Fatal(err)
			}
			e, in := set.NewEvaluation(), ordinaryInput()
			b.ReportAllocs()
			for b.Loop() {
				e.Evaluate(in)
			}
			hits := 0
			for _, status := range e.Results() {
				if status == topics.RuleHit {
					hits++
				}
			}
			if hits != n/50 {
				b.Fatalf("%d hits", hits)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/decision")
		})
	}
}

// BenchmarkDecision is BenchmarkEvaluate with the decision as it is stored.
func BenchmarkDecision(b *testing.B) {
	set, err := rules.Compile([]rules.File{{Name: "many.yaml", Text: []byte(manyRules(100))}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	in, size := ordinaryInput(), 0
	b.ReportAllocs()
	for b.Loop() {
		d := set.Evaluate(in)
		size = len(d.Rules)
	}
	data, err := topics.Marshal(set.Evaluate(in))
	if err != nil || size != 2 {
		b.Fatal(size, err)
	}
	b.ReportMetric(float64(len(data)), "B/decision")
}

// BenchmarkCompile is what a reload takes, on one core, while decisions go on.
func BenchmarkCompile(b *testing.B) {
	files := []rules.File{{Name: "many.yaml", Text: []byte(manyRules(1000))}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rules.Compile(files, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/1000-rules")
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
