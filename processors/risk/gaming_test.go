package risk

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// TestLimitsGoWithTheCommand: what the rule set says of responsible-gaming limits goes to the fold with the commands that it
// concerns, and with no other.
func TestLimitsGoWithTheCommand(t *testing.T) {
	set, err := rules.Compile([]rules.File{{Name: "limits.yaml", Text: []byte(`
version: 1
time_zone: America/New_York
gaming_limits:
  - { kind: deposit, period: day, amounts: ["100.00 EUR"], raise_after: 48h }
  - { kind: loss, period: month, amounts: ["1000.00 EUR"] }
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := assessorOf(set)
	if err != nil {
		t.Fatal(err)
	}
	schemas := schematest.Compile(t)
	// 2027-01-15T04:30:00Z is the evening of the 14th in New York.
	at := time.Date(2027, 1, 15, 4, 30, 0, 0, time.UTC)
	terms := func(read readFunc, value string) *topics.GamingTerms {
		t.Helper()
		messages, letter, err := assessAlone(a, read, stream.Record{Time: at, Value: []byte(value)})
		if err != nil || letter != nil {
			t.Fatal(err, letter)
		}
		if _, err := schemas.CheckRecord(messages[0].Topic, messages[0].Envelope.Type, messages[0].Value); err != nil {
			t.Error(err)
		}
		var in struct {
			Gaming *topics.GamingTerms `json:"gaming"`
		}
		if err := topics.Unmarshal(messages[0].Value, &in); err != nil {
			t.Fatal(err)
		}
		return in.Gaming
	}
	set200 := `{"command_id":"` + commandID + `","type":"set_limit","tenant":"acme","customer_id":"cus_1","amount":20000,"currency":"EUR","limit":{"kind":"deposit","period":"day"}}`
	for _, test := range []struct {
		name  string
		terms *topics.GamingTerms
		want  string
	}{
		{"a deposit", terms(readPayment, create()), "2027-01-14 America/New_York [{deposit day map[EUR:10000] 0 172800 block}]"},
		{"a guest's", terms(readPayment, create(`"customer_id":"cus_1",`, ``)), "none"},
		{"an invalid one", terms(readPayment, create(`4000`, `-1`)), "none"},
		{"a stake", terms(readWallet, bet()), "2027-01-14 America/New_York [{loss month map[EUR:100000] 0 86400 block}]"},
		{"a win", terms(readWallet, bet(`debit`, `credit`)), "2027-01-14 America/New_York []"},
		{"a bonus", terms(readWallet, bet(`debit`, `credit`, `"game","round_id":"round_7"`, `"bonus"`)), "none"},
		{"a limit", terms(readWallet, set200), "2027-01-14 America/New_York [{deposit day map[EUR:10000] 0 172800 block}]"},
	} {
		got := "none"
		if test.terms != nil {
			got = fmt.Sprint(test.terms.Day, " ", test.terms.TimeZone, " ", test.terms.Limits)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
