package declines

import (
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/topics"
)

func TestTable(t *testing.T) {
	used := map[Category]bool{Unknown: true}
	for _, c := range Codes() {
		used[c.Category] = true
		if c.Meaning == "" || c.Code == "" {
			t.Errorf("%s %s has no meaning", c.Source, c.Code)
		}
		if c.MeaningFrom == "" && c.Source != Sandbox && c.Source != Weir && c.Code != "refused" && c.Code != "canceled" {
			t.Errorf("%s %s was looked up nowhere", c.Source, c.Code)
		}
		if c.Rule != "" && c.Source != Sandbox && c.RetryFrom == "" {
			t.Errorf("%s %s: nobody says that it is of %s", c.Source, c.Code, c.Rule)
		}
		if (c.Retry == Later) != (c.After > 0) {
			t.Errorf("%s %s: %s after %s", c.Source, c.Code, c.Retry, c.After)
		}
	}
	for _, k := range Kinds() {
		if !used[k.Category] {
			t.Errorf("no code is of category %s", k.Category)
		}
		for _, word := range []string{"fraud", "stolen", "lost", "suspect"} { // who has stolen a card is not told that it is known
			if strings.Contains(strings.ToLower(k.Message), word) {
				t.Errorf("the message of %s says %q", k.Category, word)
			}
		}
		if k.Message == "" {
			t.Errorf("%s has no message", k.Category)
		}
	}
}

// The codes that schemes say must never be tried again.
func TestCategory1IsNeverTriedAgain(t *testing.T) {
	for _, code := range strings.Fields("04 07 12 14 15 41 43 46 57 R0 R1 R3") {
		if c := Lookup(ISO8583, code); c.Rule != Category1 || !c.Hard() {
			t.Errorf("%s: %+v", code, c)
		}
	}
	for _, code := range strings.Fields("03 21") {
		if c := Lookup(MastercardAdvice, code); c.Rule != Category1 || !c.Hard() {
			t.Errorf("merchant advice %s: %+v", code, c)
		}
	}
}

// Where the first PSP may have charged, or the reason that it does not tell may be a hard one, a cascade ends.
func TestCodesThatLeaveItOpenLeadToNoOtherPSP(t *testing.T) {
	for _, c := range []Code{
		Lookup(ISO8583, "68"), Lookup(ISO8583, "94"), Lookup(Adyen, "refused"), Lookup(Adyen, "Refused"),
	} {
		if c.Retry != Later && c.Retry != Never {
			t.Errorf("%s %s (%s): %s", c.Source, c.Code, c.Meaning, c.Retry)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		source   Source
		code     string
		category Category
		retry    Retry
		after    time.Duration
	}{
		{ISO8583, "51", "insufficient_funds", Later, 24 * time.Hour},
		{ISO8583, "65", "limit_exceeded", Later, 24 * time.Hour},
		{Mastercard, "65", "authentication_required", AfterAuthentication, 0},
		{Mastercard, "51", "insufficient_funds", Later, 24 * time.Hour},
		{MastercardAdvice, "24", "insufficient_funds", Later, time.Hour},
		{Stripe, "do_not_try_again", "do_not_honor", Never, 0},
		{Stripe, "issuer_not_available", "issuer_unavailable", OtherRoute, 0},
		{Adyen, "38", "authentication_required", AfterAuthentication, 0},
		{Adyen, "6", "expired_card", Never, 0},
		{ISO8583, "59", "suspected_fraud", Later, 24 * time.Hour}, // category 2 of Visa
		{ISO8583, "94", "processing_error", Never, 0},             // the one before may have charged
		{Sandbox, "51", "insufficient_funds", Later, 24 * time.Hour},
		{Mastercard, "70", "do_not_honor", OtherRoute, 0},
		{MastercardAdvice, "05", Unknown, OtherRoute, 0},
		{Adyen, "40", "issuer_unavailable", OtherRoute, 0},
		{Adyen, "41", "authentication_required", AfterAuthentication, 0},
		{Adyen, "42", "authentication_failed", AfterAuthentication, 0},
		{Sandbox, "91", "issuer_unavailable", OtherRoute, 0},
		{Weir, topics.DeclineNotSent, "processing_error", OtherRoute, 0},
		{Stripe, "a_code_of_next_year", Unknown, OtherRoute, 0},
		{MastercardAdvice, "51", Unknown, OtherRoute, 0},
	} {
		got := Lookup(c.source, c.code)
		if got.Category != c.category || got.Retry != c.retry || got.After != c.after || got.Code != c.code || got.Source == "" {
			t.Errorf("%s %s: %+v", c.source, c.code, got)
		}
	}
	if _, ok := OfCategory("nonsense"); ok {
		t.Error("a category that is not there")
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct{ in, want topics.PSPReport }{
		{topics.PSPReport{Outcome: topics.PSPDeclined, DeclineCode: "43"},
			topics.PSPReport{Outcome: topics.PSPDeclined, DeclineCode: "43", HardDecline: true, DeclineCategory: "lost_or_stolen", DeclineRetry: "never"}},
		{topics.PSPReport{Outcome: topics.PSPDeclined, DeclineCode: "91"},
			topics.PSPReport{Outcome: topics.PSPDeclined, DeclineCode: "91", DeclineCategory: "issuer_unavailable", DeclineRetry: "other_route"}},
		{topics.PSPReport{Outcome: topics.PSPDeclined, DeclineCode: "91", HardDecline: true}, // the PSP knows better
			topics.PSPReport{Outcome: topics.PSPDeclined, DeclineCode: "91", HardDecline: true, DeclineCategory: "issuer_unavailable", DeclineRetry: "never"}},
		{topics.PSPReport{Outcome: topics.PSPFailed, DeclineCode: "43"}, topics.PSPReport{Outcome: topics.PSPFailed, DeclineCode: "43"}},
	} {
		if Classify(&c.in, ISO8583); c.in != c.want {
			t.Errorf("got %+v, want %+v", c.in, c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	const categories, codes = "category,retry,after,message\na,never,,m\nb,later,24h,m\n", "source,code,category,retry,after,rule,meaning,meaning_from,retry_from\n"
	for _, c := range []struct{ name, categories, codes, want string }{
		{"good", categories, codes + "s,1,a,,,category_1,m,,\ns,2,b,,,,m,,\ns,3,a,later,1h,,m,,\n", ""},
		{"heading", "category,retry\n", codes, "categories.csv: "},
		{"category", categories, codes + "s,1,c,,,,m,,\n", `codes.csv: line 2: category "c" is not in categories.csv`},
		{"twice", categories, codes + "s,1,a,,,,m,,\ns,1,a,,,,m,,\n", "codes.csv: line 3: s 1 stands there twice"},
		{"retry", categories, codes + "s,1,a,often,,,m,,\n", `codes.csv: line 2: retry "often" is none of`},
		{"no wait", categories, codes + "s,1,a,later,,,m,,\n", "codes.csv: line 2: "},
		{"a wait", categories, codes + "s,1,a,never,1h,,m,,\n", `codes.csv: line 2: after "1h" is for retry later`},
		{"rule", categories, codes + "s,1,a,,,category_2,m,,\n", `codes.csv: line 2: rule "category_2"`},
		{"reference", categories, codes + "s,1,a,,,,m,r,nobody\n", `codes.csv: line 2: "nobody" is not in references.csv`},
		{"category 1", categories, codes + "s,1,b,,,category_1,m,,\n", "codes.csv: line 2: s 1 is category_1 of the schemes, which is never tried again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read([]byte(c.categories), []byte(c.codes), []byte("name,title,address\nr,t,\n"))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
