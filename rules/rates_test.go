package rules

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// ratesOf compiles a table.
func ratesOf(t testing.TB, table string) *Set {
	t.Helper()
	set, err := Compile([]File{{Name: "r.yaml", Text: []byte("version: 1\nrates:\n" + table +
		"\nrules:\n  - { name: a, when: tenant == \"x\", outcome: pass }\n")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func at(t testing.TB, moment string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestConvert(t *testing.T) {
	set := ratesOf(t, `
  base: EUR
  max_age: 3d
  entries:
    - { date: "2026-11-20", from: EUR, to: USD, rate: 1.0842 }
    - { date: "2026-11-25", from: EUR, to: USD, rate: "1.1000" }
    - { date: "2026-11-20", from: EUR, to: JPY, rate: "162.35" }
    - { date: "2026-11-20", from: KWD, to: EUR, rate: "3" }
    - { date: "2026-11-20", from: USD, to: CHF, rate: "0.5" }
    - { date: "2026-11-20", from: EUR, to: CHF, rate: "0.9" }
    - { date: "2026-11-20", from: EUR, to: SEK, rate: "0.000000000001" }`)
	for _, c := range []struct {
		amount string
		to     ledger.Currency
		at     string
		want   string // "": no answer
	}{
		{"100.00 EUR", "USD", "2026-11-20T00:00:00Z", "108.42 USD"},
		{"100.00 EUR", "USD", "2026-11-20T23:59:59.999999999Z", "108.42 USD"},
		{"100.00 EUR", "USD", "2026-11-20T00:30:00+01:00", ""}, // it is the day before in UTC
		{"100.00 EUR", "USD", "2026-11-23T23:59:59Z", "108.42 USD"},
		{"100.00 EUR", "USD", "2026-11-24T00:00:00Z", ""}, // older than max_age
		{"100.00 EUR", "USD", "2026-11-25T00:00:00Z", "110.00 USD"},
		{"108.42 USD", "EUR", "2026-11-21T12:00:00Z", "100.00 EUR"},
		{"1.00 EUR", "JPY", "2026-11-20T12:00:00Z", "162 JPY"},
		{"100 JPY", "EUR", "2026-11-20T12:00:00Z", "0.62 EUR"},
		{"1.000 KWD", "JPY", "2026-11-20T12:00:00Z", "487 JPY"},  // 3 EUR are 487.05 JPY
		{"0.005 KWD", "EUR", "2026-11-20T12:00:00Z", "0.02 EUR"}, // 0.015: the even one
		{"0.015 KWD", "EUR", "2026-11-20T12:00:00Z", "0.04 EUR"}, // 0.045: the even one
		{"-0.005 KWD", "EUR", "2026-11-20T12:00:00Z", "-0.02 EUR"},
		{"1.00 USD", "CHF", "2026-11-20T12:00:00Z", "0.50 CHF"}, // the pair goes before the base
		{"1.00 JPY", "USD", "2026-11-24T12:00:00Z", ""},
		{"5.00 EUR", "EUR", "2026-11-01T12:00:00Z", "5.00 EUR"},
		{"5.00 EUR", "GBP", "2026-11-20T12:00:00Z", ""},
		{"90000000000000000.00 EUR", "USD", "2026-11-20T12:00:00Z", ""}, // beyond int64
		{"0.01 EUR", "SEK", "2026-11-20T12:00:00Z", "0.00 SEK"},
		{"1.00 SEK", "EUR", "2026-11-20T12:00:00Z", "1000000000000.00 EUR"},
	} {
		amount, err := ledger.ParseMoney(strings.Replace(c.amount, ".00 JPY", " JPY", 1))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if minor, ok := set.Convert(amount, c.to, at(t, c.at)); ok {
			got = ledger.Money{Minor: minor, Currency: c.to}.String()
		}
		if got != c.want {
			t.Errorf("%s in %s at %s is %q, want %q", c.amount, c.to, c.at, got, c.want)
		}
	}
	if _, ok := set.Convert(ledger.Money{Minor: 1, Currency: "EUR"}, "USD", time.Time{}); ok {
		t.Error("without a time there is a rate")
	}
	if minor, ok := (&Set{}).Convert(ledger.Money{Minor: 1, Currency: "EUR"}, "EUR", time.Time{}); !ok || minor != 1 {
		t.Error("without rates an amount in the same currency is not known")
	}
}

// TestConvertAgreesWithFractions: every conversion is the exact one of fractions of any size, rounded once, whatever the
// table has.
func TestConvertAgreesWithFractions(t *testing.T) {
	currencies := rapid.SampledFrom([]ledger.Currency{"EUR", "USD", "JPY", "KWD", "CLF"})
	converted, none := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		r := &rates{maxAge: rapid.Int32Range(0, 5).Draw(t, "max age"), pairs: map[exchange][]dated{}}
		if rapid.Bool().Draw(t, "crossing") {
			r.base = currencies.Draw(t, "base")
		}
		for range rapid.IntRange(1, 12).Draw(t, "rates") {
			of := exchange{currencies.Draw(t, "from"), currencies.Draw(t, "to")}
			day := 20_000 + rapid.Int32Range(0, 10).Draw(t, "day")
			if of.from == of.to || slices.ContainsFunc(r.pairs[of], func(d dated) bool { return d.day == day }) {
				continue
			}
			most := rapid.SampledFrom([]uint64{9, 20_000, 999_999_999_999_999}).Draw(t, "digits")
			value := rate{rapid.Uint64Range(1, most).Draw(t, "rate"), rapid.Uint8Range(0, maxRateDecimals).Draw(t, "decimals")}
			r.pairs[of] = append(r.pairs[of], dated{day, value})
			slices.SortFunc(r.pairs[of], func(a, b dated) int { return int(a.day - b.day) })
		}
		now := time.Unix(20_000*24*3600+rapid.Int64Range(-48*3600, 20*24*3600).Draw(t, "now"), 0)
		for range 10 {
			most := rapid.SampledFrom([]int64{100, 1_000_000, math.MaxInt64}).Draw(t, "most")
			m := ledger.Money{Minor: rapid.Int64Range(-most, most).Draw(t, "amount"), Currency: currencies.Draw(t, "of")}
			to := currencies.Draw(t, "in")
			want, known := naiveRates{rates: r, now: now}.convert(m, to)
			got, ok := r.convert(m, to, now.UnixNano())
			if ok != known || ok && got != want {
				t.Fatalf("%s in %s on %s by %v: %d %v, want %d %v", m, to, now.UTC(), r.pairs, got, ok, want, known)
			}
			if ok {
				converted++
			} else {
				none++
			}
		}
	})
	if converted < 100 || none < 100 {
		t.Errorf("%d conversions, %d without a rate: the tables do not try it", converted, none)
	}
}

// TestRatesAreInTheHash: what decides changes it, how it is written does not.
func TestRatesAreInTheHash(t *testing.T) {
	const table = "  entries:\n    - { date: \"2026-11-20\", from: EUR, to: USD, rate: 1.0842 }\n"
	same := ratesOf(t, table).Hash()
	if got := ratesOf(t, "  max_age: 7d\n"+strings.Replace(table, "1.0842", `"01.08420"`, 1)).Hash(); got != same {
		t.Error("another way to write a rate is another set")
	}
	for name, other := range map[string]string{
		"a rate": strings.Replace(table, "1.0842", "1.0843", 1), "a day": strings.Replace(table, "11-20", "11-21", 1),
		"the age": "  max_age: 6d\n" + table, "the base": "  base: EUR\n" + table,
		"a currency": strings.Replace(table, "USD", "GBP", 1),
	} {
		if ratesOf(t, other).Hash() == same {
			t.Errorf("%s changes nothing", name)
		}
	}
	changes := Diff(ratesOf(t, table), ratesOf(t, strings.Replace(table, "1.0842", "1.09", 1)))
	if want := []Change{{What: "rates", Key: "rate 2026-11-20 EUR USD", Before: "1.0842", After: "1.09"}}; !slices.Equal(changes, want) {
		t.Errorf("changes %+v, want %+v", changes, want)
	}
}

// TestRateFile: a table in CSV, with columns in any order and comments; and all mistakes in it, each with its place.
func TestRateFile(t *testing.T) {
	files := []File{{Name: "rules/r.yaml", Text: []byte("version: 1\nrates: { file: rates.csv }\nrules:\n  - { name: a, when: tenant == \"x\", outcome: pass }\n")}}
	read := func(text string) func(string) ([]byte, error) {
		return func(name string) ([]byte, error) {
			if name != "rules/rates.csv" {
				t.Errorf("%q is read", name)
			}
			return []byte(text), nil
		}
	}
	set, err := Compile(files, read("\ufefffrom,to,rate,date\n# of the central bank\nEUR,USD, 1.0842,2026-11-20\n"))
	if err != nil {
		t.Fatal(err)
	}
	if minor, ok := set.Convert(ledger.Money{Minor: 10000, Currency: "EUR"}, "USD", at(t, "2026-11-20T12:00:00Z")); !ok || minor != 10842 {
		t.Errorf("%d %v", minor, ok)
	}
	if !slices.Equal(set.Files(), []string{"rules/r.yaml", "rules/rates.csv"}) {
		t.Errorf("files %q: whoever watches them misses the rates", set.Files())
	}
	_, err = Compile(files, read(`date,from,to,rate
20.11.2026,EUR,USD,1.0842
2026-11-20,EURO,USD,1.0842
2026-11-20,EUR,EUR,1
2026-11-20,EUR,USD,0
2026-11-20,EUR,USD,-1
2026-11-20,EUR,USD,1,0842
2026-11-20,EUR,GBP,1.0842
2026-11-20,EUR,GBP,1.0843
2026-11-20,EUR,CHF,
2026-11-20,EUR,CHF,1.0000000000001
2026-11-20,EUR,CHF,1e3
`))
	golden := `rules/rates.csv:2:1: "20.11.2026" is not a date
rules/rates.csv:3:12: "EURO" is not a currency
rules/rates.csv:4:16: the rate is from EUR to itself
rules/rates.csv:5:20: rate 0 is not above 0
rules/rates.csv:6:20: rate "-1" is not a decimal number
rules/rates.csv:7:1: the line has 5 values for 4 columns
rules/rates.csv:9:1: the rate from EUR to GBP on 2026-11-20 stands twice (first at line 8)
rules/rates.csv:10:20: rate is missing
rules/rates.csv:11:20: rate 1.0000000000001 has too many digits
rules/rates.csv:12:20: rate "1e3" is not a decimal number
`
	var got strings.Builder
	problems, _ := err.(Problems)
	for _, p := range problems {
		first, _, _ := strings.Cut(p.String(), "\n")
		got.WriteString(first + "\n")
		if p.Hint == "" {
			t.Errorf("%s: no word of what to write instead", first)
		}
	}
	if got.String() != golden {
		t.Errorf("problems\n%s\nwant\n%s", got.String(), golden)
	}
}

// TestRatesThatAreOfNoUse are told of, and keep no set from coming into force.
func TestRatesThatAreOfNoUse(t *testing.T) {
	const rates = "version: 1\nrates:\n  entries: [{ date: \"2026-11-20\", from: EUR, to: USD, rate: 1.0842 }]\n"
	definition := func(currency string) string {
		return rates + "velocity: [{ name: v, aggregate: sum, currency: " + currency + ", events: [approved], by: customer.id, window: 1h }]\n" +
			"rules: [{ name: a, when: velocity.v > money(\"1.00 " + currency + "\"), outcome: hold, on_missing: hold }]\n"
	}
	for text, want := range map[string]string{
		rates + "rules: [{ name: a, when: tenant == \"x\", outcome: pass }]\n": "r.yaml:2:1: nothing is converted by the rates",
		definition("GBP"): "r.yaml:4:49: velocity.v adds up in GBP, of which the rates have none: other amounts make it missing",
		definition("USD"): "",
		strings.Replace(definition("USD"), "}]", `}, { date: "2026-11-29", from: EUR, to: USD, rate: 1.1 }]`, 1):                  "r.yaml:3:79: there is no rate from EUR to USD from 2026-11-28 to 2026-11-28",
		strings.Replace(definition("USD"), "}]", `}, { date: "2026-11-28", from: EUR, to: USD, rate: 1.1 }]`, 1):                  "",
		strings.Replace(definition("USD"), "}]", `}, { date: "2026-11-21", from: EUR, to: USD, rate: 10.842 }]`, 1):               "r.yaml:3:79: the rate from EUR to USD was 1.0842 on 2026-11-20 and is 10.842",
		strings.Replace(definition("USD"), "}]", `}, { date: "2026-11-19", from: EUR, to: USD, rate: 100 }]`, 1):                  "r.yaml:3:21: the rate from EUR to USD was 100 on 2026-11-19 and is 1.0842",
		strings.Replace(definition("USD"), "}]", `}, { date: "2026-11-21", from: EUR, to: USD, rate: 10.841999999999 }]`, 1):      "",
		rates + "rules: [{ name: a, when: payment.amount.to(\"USD\") > money(\"1.00 USD\"), outcome: hold, on_missing: hold }]\n": "",
	} {
		set, err := Compile([]File{{Name: "r.yaml", Text: []byte(text)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _, _ := strings.Cut(set.Warnings().Error(), "\n")
		if got != want {
			t.Errorf("%s\nwarnings %q, want %q", text, got, want)
		}
	}
}

// TestDecisionsTellWhatWasConverted, in rules and in score cards, so that one sees by which amount they decided.
func TestDecisionsTellWhatWasConverted(t *testing.T) {
	set, err := Compile([]File{{Name: "r.yaml", Text: []byte(`version: 1
rates:
  entries: [{ date: "2026-11-20", from: EUR, to: USD, rate: 1.0842 }]
rules:
  - { name: large, when: payment.amount.to("EUR") > money("50.00 EUR") || payment.amount.to("EUR") == money("1.00 EUR"), outcome: hold, on_missing: hold }
scorecards:
  - name: card
    items: [{ name: large, when: payment.amount.to("EUR") > money("50.00 EUR"), points: 10 }]
    bands: [{ from: 10, outcome: hold }]
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for currency, want := range map[string]map[string]string{
		"USD": {"payment.amount": "108.42 USD", `payment.amount.to("EUR")`: "100.00 EUR"},
		"EUR": {"payment.amount": "108.42 EUR"},
	} {
		d := set.Evaluate(Input{Command: &topics.Command{Type: topics.CommandCreate, Amount: 10842, Currency: currency}, Now: at(t, "2026-11-21T12:00:00Z")})
		if len(d.Rules) != 2 {
			t.Fatalf("%+v", d)
		}
		for _, r := range d.Rules {
			if !maps.Equal(r.Read, want) {
				t.Errorf("%s reads %v, want %v", r.Rule, r.Read, want)
			}
		}
	}
}
