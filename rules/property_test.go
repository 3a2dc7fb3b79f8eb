package rules

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/common/ast"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/topics"
)

// Conditions are made of few names and few values, so that most things that can happen do: that a value is missing, equal,
// in a list, in another currency, that a sum overflows, that a term that several rules share decides.
var (
	someTexts   = []string{"card.fingerprint", "context.device_id", "region", `payment.metadata["a"]`, `payment.metadata["b"]`}
	someValues  = []string{"DE", "FR", "D", "", "é"}
	someNumbers = []string{"velocity.a", "velocity.b", "velocity.c", "size(region)", "bin.risk"}
	someAmounts = []string{`money("100.00 EUR")`, `money("100.01 EUR")`, `money("100.00 USD")`, `limit("large")`, "payment.amount", "velocity.sum", `payment.amount.to("EUR")`, `payment.amount.to("USD")`}
	someKnown   = []string{"card.country", "payment.amount", "velocity.a", `payment.metadata["a"]`, "context.ip"}
	someTerms   = []string{`card.bin in list("bins")`, `context.ip in list("networks")`, `context.email_domain in list("domains")`,
		`region in list("countries")`, `region.matches("^D")`, `context.ip.matches("1$")`}
	comparisons = []string{"==", "!=", "<", "<=", ">", ">="}
)

const propertyLists = `version: 1
lists:
  bins: { match: bin_prefix, entries: ["411111", "4242", "42424242", { value: "4555", expires: "2027-01-31" }, { value: "45551111", expires: "2027-02-28" }] }
  networks: { match: network, entries: ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", { value: "172.16.0.0/12", expires: "2027-01-31" }] }
  domains: { match: ignore_case, entries: ["D.example", "fr.example", { value: "example.com", expires: "2027-01-31" }] }
  countries: { entries: ["DE", { value: "FR", expires: "2027-01-31" }] }
velocity:
  - { name: a, aggregate: count, events: [attempt], by: customer.id, window: 1h }
  - { name: b, aggregate: count, events: [attempt], by: customer.id, window: 2h }
  - { name: c, aggregate: count, events: [attempt], by: customer.id, window: 3h }
  - { name: sum, aggregate: sum, events: [approved], by: customer.id, window: 1h, currency: EUR }
  - { name: max, aggregate: max, events: [approved], by: customer.id, window: 1h, currency: USD }
  - { name: first, aggregate: since_first, events: [attempt], by: customer.id, window: 1h }
  - { name: last, aggregate: since_last, events: [attempt], by: customer.id, window: 1h }
rates:
  base: EUR
  max_age: 9d
  entries:
    - { date: "2027-02-01", from: EUR, to: USD, rate: "1.0842" }
    - { date: "2027-02-14", from: EUR, to: USD, rate: 1.25 }
    - { date: "2027-02-20", from: JPY, to: EUR, rate: "0.00613" }
limits:
  large: ["100.00 EUR", "120 JPY"]
rules:
  - { name: all, when: velocity.a + velocity.b + velocity.c > 1000 && velocity.sum > velocity.max && velocity.first > velocity.last, outcome: pass, on_missing: pass }
`

func drawNumber(t *rapid.T, depth int) string {
	switch rapid.IntRange(0, 5+depth).Draw(t, "number") {
	case 0:
		return fmt.Sprint(rapid.Int64Range(-3, 3).Draw(t, "n"))
	case 1:
		return rapid.SampledFrom([]string{"9223372036854775807", "-9223372036854775808", "4611686018427387904"}).Draw(t, "large")
	case 2, 3, 4, 5:
		return rapid.SampledFrom(someNumbers).Draw(t, "of")
	case 6:
		return "-(" + drawNumber(t, depth-1) + ")"
	}
	return "(" + drawNumber(t, depth-1) + " " + rapid.SampledFrom([]string{"+", "-", "*", "/", "%"}).Draw(t, "op") + " " + drawNumber(t, depth-1) + ")"
}

func drawText(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "literal") == 0 {
		return fmt.Sprintf("%q", rapid.SampledFrom(someValues).Draw(t, "text"))
	}
	return rapid.SampledFrom(someTexts).Draw(t, "field")
}

func drawTerm(t *rapid.T) string {
	relation := rapid.SampledFrom(comparisons).Draw(t, "relation")
	switch rapid.IntRange(0, 12).Draw(t, "term") {
	case 0, 1:
		return rapid.SampledFrom(someTerms).Draw(t, "term")
	case 2:
		return "known(" + rapid.SampledFrom(someKnown).Draw(t, "known") + ")"
	case 3, 4:
		return drawNumber(t, 2) + " " + relation + " " + drawNumber(t, 2)
	case 11:
		return drawNumber(t, 1) + rapid.SampledFrom([]string{" / velocity.a ", " % velocity.a ", " * velocity.c ", " + velocity.c "}).Draw(t, "by") + relation + " 1"
	case 5:
		amount := rapid.SampledFrom(someAmounts).Draw(t, "amount")
		relation = strings.Replace(relation, "!=", "==", 1)
		field := rapid.SampledFrom([]string{"payment.amount", "velocity.sum", "velocity.max"}).Draw(t, "of")
		if rapid.IntRange(0, 3).Draw(t, "sum") == 0 {
			field += " + " + rapid.SampledFrom(someAmounts[:3]).Draw(t, "fixed")
		}
		if rapid.IntRange(0, 3).Draw(t, "sum of fields") == 0 {
			field = rapid.SampledFrom(someAmounts[4:]).Draw(t, "other") + " + " + field
		}
		if rapid.Bool().Draw(t, "turned") {
			field, amount = amount, field
		}
		return field + " " + relation + " " + amount
	case 6:
		return drawText(t) + "." + rapid.SampledFrom([]string{"startsWith", "endsWith", "contains"}).Draw(t, "part") + "(" + drawText(t) + ")"
	case 7:
		return drawNumber(t, 1) + " in [1, 2, -3]"
	case 8:
		return rapid.SampledFrom([]string{"velocity.first", "velocity.last"}).Draw(t, "time") + " " + relation + " " +
			rapid.SampledFrom([]string{`duration("2s")`, "velocity.last", `duration("0s")`}).Draw(t, "with")
	case 9:
		return rapid.SampledFrom(someTexts).Draw(t, "field") + ` in ["DE", "é"]`
	}
	return drawText(t) + " " + relation + " " + drawText(t)
}

func drawCondition(t *rapid.T, depth int) string {
	if depth == 0 {
		return "(" + drawTerm(t) + ")"
	}
	a, b := drawCondition(t, depth-1), drawCondition(t, rapid.IntRange(0, depth-1).Draw(t, "depth"))
	switch rapid.IntRange(0, 8).Draw(t, "form") {
	case 0, 1, 2:
		return "(" + a + " && " + b + ")"
	case 3, 4, 5:
		return "(" + a + " || " + b + ")"
	case 6:
		return "(" + a + " == " + b + ")"
	case 7:
		return "(" + a + " != " + b + ")"
	}
	return "!" + a
}

func drawRules(t *rapid.T) string {
	var b strings.Builder
	b.WriteString(propertyLists)
	outcomes := rapid.SampledFrom([]string{"pass", "step_up", "hold", "block", "allow", "block, overridable: false"})
	for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
		condition := drawCondition(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		fmt.Fprintf(&b, "  - { name: r%d, when: '%s', outcome: %s, on_missing: %s, score: %d, reason: %s }\n", i, condition,
			outcomes.Draw(t, "outcome"), rapid.SampledFrom([]string{"hold", "block"}).Draw(t, "on_missing"), i,
			rapid.SampledFrom([]string{"x", "y"}).Draw(t, "reason"))
	}
	return b.String()
}

func drawInput(t *rapid.T) Input {
	text := rapid.SampledFrom(append([]string{"DE", "FR"}, someValues...))
	c := &topics.Command{CommandID: "c", Type: topics.CommandCreate, Tenant: "acme",
		Amount: rapid.SampledFrom([]int64{0, 99_99, 100_00, 100_01, 120}).Draw(t, "amount"),
		Region: text.Draw(t, "region"),
		Card: &topics.Card{Country: text.Draw(t, "country"), Fingerprint: text.Draw(t, "fingerprint"),
			BIN: rapid.SampledFrom([]string{"", "411111", "41111199", "424242", "4242", "42424242", "455511", "45551111", "400000"}).Draw(t, "bin")},
		Context: &topics.Context{DeviceID: text.Draw(t, "device"), Email: "ann@" + rapid.SampledFrom([]string{"DE", "d.example", "FR.example", "Example.com", ""}).Draw(t, "domain"),
			IP: rapid.SampledFrom([]string{"", "10.1.1.1", "::ffff:10.1.1.1", "192.0.2.7", "172.16.0.1", "2001:db8::1", "2001:DB9::1", "nonsense"}).Draw(t, "ip")},
		Metadata: map[string]string{"a": text.Draw(t, "a"), "b": text.Draw(t, "b")},
	}
	if c.Amount != 0 {
		c.Currency = rapid.SampledFrom([]string{"EUR", "USD", "JPY"}).Draw(t, "currency")
	}
	in := Input{Command: c, Features: map[string]topics.Feature{}}
	if rapid.Bool().Draw(t, "found") {
		in.Enrichment = &topics.Enrichment{BIN: &topics.BIN{Risk: rapid.Int64Range(0, 2).Draw(t, "risk")}}
	}
	for _, name := range []string{"a", "b", "c", "sum", "max", "first", "last"} {
		if rapid.IntRange(0, 7).Draw(t, "answered") > 0 {
			in.Features[name] = topics.Feature{Missing: rapid.IntRange(0, 5).Draw(t, "late") == 5,
				Value: rapid.SampledFrom([]int64{0, 1, 2, 100_00, 100_01, -1, -3, 1 << 62, 1<<63 - 1, -1 << 63}).Draw(t, "value")}
		}
	}
	if rapid.Bool().Draw(t, "timed") {
		in.Now = time.Date(2027, 2, rapid.IntRange(1, 28).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
	}
	return in
}

// TestProgramsAgreeWithCEL: every result of every rule, with what is missing and which error it is, and all that follows
// from them, is what CEL's interpreter makes of the rules' texts.
func TestProgramsAgreeWithCEL(t *testing.T) {
	const inputs = 60
	compared, said := 0, map[topics.RuleStatus]int{}
	rapid.Check(t, func(t *rapid.T) {
		text := drawRules(t)
		set, err := compile([]File{{Name: "rules.yaml", Text: []byte(text)}}, nil, func(*condition, ast.Expr) {})
		if err != nil {
			if strings.Contains(err.Error(), "always") || strings.Contains(err.Error(), "same") || strings.Contains(err.Error(), "may cost") {
				return // conditions that random names and values make pointless
			}
			t.Fatalf("%s\n%s", text, err)
		}
		oracle, err := newNaive(set)
		if err != nil {
			t.Fatal(err)
		}
		e := set.NewEvaluation()
		for range inputs {
			in := drawInput(t)
			e.Evaluate(in)
			want, got := oracle.decision(in), e.Decision()
			for i := range got.Rules {
				got.Rules[i].Read = nil // CEL does not tell
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\n%+v %+v\ndecision %+v\nCEL says %+v", text, in.Command, in.Features, got, want)
			}
			for i, status := range e.Results() {
				said[status]++
				compared++
				if want := oracle.result(i, in).Result; status != want {
					t.Fatalf("%s: %s, CEL says %s", set.rules[i].Name, status, want)
				}
			}
		}
	})
	t.Logf("%d results: %v", compared, said)
	if compared < 10_000 {
		t.Errorf("%d results compared, want at least 10,000", compared)
	}
	for _, s := range []topics.RuleStatus{topics.RuleHit, topics.RuleMiss, topics.RuleMissing, topics.RuleError} {
		if said[s] == 0 {
			t.Errorf("%s never came up: the conditions do not try it", s)
		}
	}
}
