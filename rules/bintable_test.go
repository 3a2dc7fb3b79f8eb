package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func binTable(t testing.TB, lines ...string) *rules.BINTable {
	t.Helper()
	table, err := rules.ParseBINTable("bins.csv", []byte("from,to,scheme,brand,type,country,issuer,risk\n"+strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestBINTableAnswersByTheNarrowestRange(t *testing.T) {
	table := binTable(t, "# a comment", "4,,Visa,,,,,", "411111,411119,visa,Classic,Credit,DE,Example Bank,",
		`41111570,,visa,gift,prepaid,US,"Cards, Inc.",85`, "41111570000,41111570004,visa,gold,,,,")
	for digits, want := range map[string]topics.BIN{
		"499999":      {Scheme: "visa"},
		"411111":      {Scheme: "visa", Brand: "classic", Type: "credit", Country: "DE", Issuer: "Example Bank"},
		"411119":      {Scheme: "visa", Brand: "classic", Type: "credit", Country: "DE", Issuer: "Example Bank"},
		"41111999999": {Scheme: "visa", Brand: "classic", Type: "credit", Country: "DE", Issuer: "Example Bank"},
		"411115":      {Scheme: "visa", Brand: "classic", Type: "credit", Country: "DE", Issuer: "Example Bank"}, // too short for the gift card
		"41111570":    {Scheme: "visa", Brand: "gift", Type: "prepaid", Country: "US", Issuer: "Cards, Inc.", Risk: 85},
		"41111570005": {Scheme: "visa", Brand: "gift", Type: "prepaid", Country: "US", Issuer: "Cards, Inc.", Risk: 85},
		"41111570004": {Scheme: "visa", Brand: "gold"},
		"411120":      {Scheme: "visa"},
	} {
		if got := table.Lookup(digits); got == nil || *got != want {
			t.Errorf("%s: %+v, want %+v", digits, got, want)
		}
	}
	for _, digits := range []string{"", "41111", "511111", "411111570004", "41111x", "3999999"} {
		if got := table.Lookup(digits); got != nil {
			t.Errorf("%q: %+v, want nothing", digits, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { table.Lookup("41111570") }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

// TestBINTableAgreesWithAScan: the answer is that of the narrowest of all ranges that hold every such card.
func TestBINTableAgreesWithAScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type span struct{ lo, hi int }
		var spans []span
		var lines []string
		seen := map[span]bool{}
		for i := range rapid.IntRange(1, 8).Draw(t, "ranges") {
			digits := rapid.IntRange(6, 9).Draw(t, "digits")
			scale := 1
			for range 9 - digits {
				scale *= 10
			}
			base := 411_111_000 / scale
			from := base + rapid.IntRange(0, 1200/scale).Draw(t, "from")
			to := from + rapid.IntRange(0, 400/scale).Draw(t, "width")
			s := span{from * scale, to*scale + scale - 1}
			if seen[s] {
				continue
			}
			seen[s] = true
			spans = append(spans, s)
			lines = append(lines, fmt.Sprintf("%d,%d,,,,,issuer %d,", from, to, i))
			spans[len(spans)-1] = s
		}
		text := "from,to,scheme,brand,type,country,issuer,risk\n" + strings.Join(lines, "\n")
		table, err := rules.ParseBINTable("bins.csv", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		digits := rapid.IntRange(6, 9).Draw(t, "of the card")
		scale := 1
		for range 9 - digits {
			scale *= 10
		}
		card := (411_111_000 + rapid.IntRange(0, 1700).Draw(t, "card")) / scale
		lo, hi := card*scale, card*scale+scale-1
		best := -1
		for i, s := range spans {
			if s.lo <= lo && hi <= s.hi && (best < 0 || s.hi-s.lo < spans[best].hi-spans[best].lo) {
				best = i
			}
		}
		got := table.Lookup(fmt.Sprint(card))
		if (got == nil) != (best < 0) {
			t.Fatalf("%d: %+v, want that of %d in\n%s", card, got, best, text)
		}
		if got == nil {
			return
		}
		// Two ranges of one width may both hold the card: either answers.
		for i, s := range spans {
			if strings.Contains(lines[i], ","+got.Issuer+",") {
				if s.lo > lo || s.hi < hi || s.hi-s.lo != spans[best].hi-spans[best].lo {
					t.Fatalf("%d: %s, want that of %s", card, got.Issuer, lines[best])
				}
			}
		}
	})
}

func TestBINTableTellsEveryMistake(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no heading":     {"", "bins.csv:1:1: the file has no heading"},
		"semicolons":     {"from;to\n411111;\n", "separate columns with commas"},
		"no from":        {"bin\n411111\n", `has no column from`},
		"unknown column": {"from,contry\n411111,DE\n", "did you mean \"country\"?"},
		"column twice":   {"from,from\n411111,411111\n", `the column "from" stands twice`},
		"empty":          {"from\n", "the table is empty"},
		"letters":        {"from\n41111x\n", `bins.csv:2:1: from "41111x"`},
		"card number":    {"from\n4111111111111111\n", "at most 11"},
		"lengths":        {"from,to\n411111,41111100\n", "the same number of digits"},
		"backwards":      {"from,to\n411112,411111\n", "from 411112 is above to 411111"},
		"twice":          {"from,country\n411111,DE\n511111,DE\n411111,FR\n", "bins.csv:4:1: the range stands in line 2 already"},
		"type":           {"from,type\n411111,debt\n", `did you mean "debit"?`},
		"country":        {"from,country\n411111,Germany\n", `bins.csv:2:8: country "Germany"`},
		"risk":           {"from,risk\n411111,0\n", `risk "0" must be a number from 1 to 100`},
		"values":         {"from,issuer\n411111,Cards, Inc.\n", "put values with commas in quotes"},
		"quotes":         {"from,issuer\n411111,\"Cards\n", "not CSV"},
		"depth":          {"from,to\n400000,400009\n400000,400008\n400000,400007\n400000,400006\n400000,400005\n400000,400004\n400000,400003\n400000,400002\n400000,400001\n", "more than 8 ranges"},
	} {
		_, err := rules.ParseBINTable("bins.csv", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "4111111111111111") {
			t.Errorf("%s: a card number is printed: %v", name, err)
		}
	}
	_, err := rules.ParseBINTable("bins.csv", []byte("from,type,risk\n411111,x,500\n"))
	if err == nil || !strings.Contains(err.Error(), "type") || !strings.Contains(err.Error(), "risk") {
		t.Errorf("both mistakes are told: %v", err)
	}
}

func BenchmarkBINTable(b *testing.B) {
	lines := make([]string, 100_000)
	for i := range lines {
		lines[i] = fmt.Sprintf("%08d,,visa,,credit,DE,issuer %d,", 40_000_000+7*i, i%1000)
	}
	table := binTable(b, lines...)
	b.ReportAllocs()
	for b.Loop() {
		table.Lookup("40070007")
	}
}
