package risk

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// TestTheInstallationsRegionChoosesTheRules: who writes a record does not choose by leaving the region out, or by naming
// another.
func TestTheInstallationsRegionChoosesTheRules(t *testing.T) {
	var files []rules.File
	for _, stage := range []string{"before_authorization", "wallet", "event"} {
		files = append(files, rules.File{Name: stage + ".yaml", Text: []byte("version: 1\nregions: [eu]\nstage: " + stage +
			"\nrules:\n  - { name: no_" + stage + ", when: customer.id == \"cus_1\", outcome: block, on_missing: block }\n")})
	}
	set, err := rules.Compile(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, of := range map[string]struct {
		read  readFunc
		value func(...string) string
	}{"payment": {readPayment, create}, "wallet": {readWallet, bet}, "event": {readEvent, login}} {
		for name, c := range map[string]struct {
			installation, region string
			outcome              topics.Outcome // "": refused
			goesOn               string         // of which region
		}{
			"none said":         {"eu", ``, topics.OutcomeBlock, "eu"},
			"empty":             {"eu", `"region":"",`, topics.OutcomeBlock, "eu"},
			"its own":           {"eu", `"region":"eu",`, topics.OutcomeBlock, "eu"},
			"another":           {"eu", `"region":"us",`, "", "us"},
			"any is served":     {"", `"region":"us",`, topics.OutcomePass, "us"},
			"none is necessary": {"", ``, topics.OutcomePass, ""},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				a, err := assessorOf(set)
				if err != nil {
					t.Fatal(err)
				}
				a.region = c.installation
				messages, letter, err := assessAlone(a, of.read, stream.Record{Time: eventTime, Value: []byte(of.value(`"region":"eu",`, c.region))})
				if err != nil {
					t.Fatal(err)
				}
				if letter != nil { // of an event nobody hears of a refusal
					if kind != "event" || c.outcome != "" || letter.Reason != topics.RefusedInvalid || !strings.HasPrefix(letter.Detail, "region: is not eu") {
						t.Errorf("put aside: %+v", letter)
					}
					return
				}
				if of := messages[0].Envelope.Region; of != c.goesOn {
					t.Errorf("goes on with region %q, want %q", of, c.goesOn)
				}
				type named struct {
					Region string `json:"region"`
				}
				var in struct {
					Command  named            `json:"command"`
					Event    named            `json:"event"`
					Refusal  *topics.Refusal  `json:"refusal"`
					Decision *topics.Decision `json:"decision"`
				}
				if err := topics.Unmarshal(messages[0].Value, &in); err != nil {
					t.Fatal(err)
				}
				if got := in.Command.Region + in.Event.Region; got != c.goesOn {
					t.Errorf("the record names region %q, want %q", got, c.goesOn)
				}
				if c.outcome == "" {
					if in.Refusal == nil || in.Refusal.Code != topics.RefusedInvalid || !strings.HasPrefix(in.Refusal.Detail, "region: is not eu") {
						t.Errorf("refusal %v", in.Refusal)
					}
					return
				}
				outcome := topics.OutcomePass // a wallet command without a decision
				if in.Decision != nil {
					outcome = in.Decision.Outcome
				}
				if in.Refusal != nil || outcome != c.outcome {
					t.Errorf("outcome %s, refusal %v; want %s", outcome, in.Refusal, c.outcome)
				}
			})
		}
	}
}
