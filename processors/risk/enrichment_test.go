package risk

import (
	"reflect"
	"testing"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// TestEnrichmentIsKeptWithItsDecision: what data files said decides, and stands in the record, so that the decision can
// be recomputed from it alone.
func TestEnrichmentIsKeptWithItsDecision(t *testing.T) {
	set, err := rules.Compile([]rules.File{{Name: "ip.yaml", Text: []byte(`
version: 1
rules:
  - { name: other_country, when: ip.country != card.country && bin.risk > 50, outcome: hold, on_missing: hold }
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := assessorOf(set)
	if err != nil {
		t.Fatal(err)
	}
	a.find = func(c *topics.Command) *topics.Enrichment {
		if c.Card.BIN != "411111" {
			return nil
		}
		return &topics.Enrichment{ASN: "AS64500", IPCountry: "US", BIN: &topics.BIN{Risk: 90}}
	}
	_, in, _ := assess(t, a, create())
	if in.Decision.Outcome != topics.OutcomeHold || in.Decision.Rules[0].Result != topics.RuleHit {
		t.Errorf("decision %+v", in.Decision)
	}
	again := set.Evaluate(rules.Input{Command: &in.Command, Enrichment: in.Enrichment, Features: in.Features, Now: time.Unix(1_800_000_000, 0)})
	if !reflect.DeepEqual(again, in.Decision) {
		t.Errorf("recomputed %+v, was %+v", again, in.Decision)
	}
	_, in, _ = assess(t, a, create(`411111`, `511111`))
	if in.Enrichment != nil || in.Decision.Rules[0].Result != topics.RuleMissing {
		t.Errorf("enrichment %+v, decision %+v", in.Enrichment, in.Decision)
	}
	_, in, _ = assess(t, a, `{"command_id":"`+commandID+`","type":"capture","tenant":"acme","customer_id":"cus_1","payment_id":"`+paymentID+`"}`)
	if in.Enrichment != nil {
		t.Errorf("a capture, which no rule reads, has %+v", in.Enrichment)
	}
}
