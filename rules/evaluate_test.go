package rules_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func compile(t testing.TB, text string) *rules.Set {
	t.Helper()
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte("version: 1\n" + text)}}, nil)
	if err != nil {
		t.Fatalf("%s\n%s", text, err)
	}
	return set
}

const fixture = `
lists:
  bins: { match: bin_prefix, entries: ["411111", "42424242", { value: "4555", expires: "2027-01-31" }] }
  networks: { match: network, entries: ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", { value: "172.16.0.0/12", expires: "2027-01-31T12:00:00Z" }] }
  domains: { match: ignore_case, entries: ["Mailinator.COM"] }
  devices: { entries: ["dev_1"] }
limits:
  large: ["100.00 EUR", "120.00 USD", "15000 JPY"]
`

// TestConditions: what a condition says of a command. A field that is not given is missing.
func TestConditions(t *testing.T) {
	for _, c := range []struct{ when, given, expect string }{
		// Amounts compare within their currency; another one is missing data, never false.
		{`payment.amount > money("100.00 EUR")`, `payment.amount: "100.01 EUR"`, "hit"},
		{`payment.amount > money("100.00 EUR")`, `payment.amount: "100.00 EUR"`, "miss"},
		{`payment.amount >= money("100 EUR")`, `payment.amount: "100.00 EUR"`, "hit"},
		{`payment.amount < money("100.00 EUR")`, `payment.amount: "99.99 EUR"`, "hit"},
		{`payment.amount <= money("100.00 EUR")`, `payment.amount: "100.01 EUR"`, "miss"},
		{`payment.amount == money("100.00 EUR")`, `payment.amount: "100.00 EUR"`, "hit"},
		{`!(payment.amount == money("100.00 EUR"))`, `payment.amount: "100.00 EUR"`, "miss"},
		{`payment.amount > money("100.00 EUR")`, `payment.amount: "5000.00 USD"`, "missing"},
		{`payment.amount == money("100.00 EUR")`, `payment.amount: "100.00 USD"`, "missing"},
		{`!(payment.amount == money("100.00 EUR"))`, `payment.amount: "100.00 USD"`, "missing"},
		{`!(payment.amount > money("100.00 EUR"))`, `payment.amount: "1.00 USD"`, "missing"},
		{`money("100.00 EUR") < payment.amount`, `payment.amount: "100.01 EUR"`, "hit"},
		{`payment.amount > money("100.00 EUR")`, `card.type: credit`, "missing"},
		{`payment.currency == "EUR" && payment.amount > money("100.00 EUR")`, `payment.amount: "5000.00 USD"`, "miss"},
		{`payment.amount > money("100 JPY")`, `payment.amount: "101 JPY"`, "hit"},
		{`payment.amount > money("1.001 KWD")`, `payment.amount: "1.002 KWD"`, "hit"},
		// A limit has an amount for each currency it names.
		{`payment.amount > limit("large")`, `payment.amount: "120.01 USD"`, "hit"},
		{`payment.amount > limit("large")`, `payment.amount: "110.00 USD"`, "miss"},
		{`payment.amount > limit("large")`, `payment.amount: "15001 JPY"`, "hit"},
		{`payment.amount > limit("large")`, `payment.amount: "9999999.00 GBP"`, "missing"},
		{`limit("large") <= payment.amount`, `payment.amount: "100.00 EUR"`, "hit"},
		{`payment.amount == limit("large")`, `payment.amount: "100.00 EUR"`, "hit"},
		// Texts.
		{`card.country != context.country`, `card.country: DE, context.country: FR`, "hit"},
		{`card.country != context.country`, `card.country: DE, context.country: DE`, "miss"},
		{`card.country != context.country`, `card.country: DE`, "missing"},
		{`card.country == context.country`, `context.country: DE`, "missing"},
		{`card.country in ["DE", "AT"]`, `card.country: AT`, "hit"},
		{`card.country in ["DE", "AT"]`, `card.type: credit`, "missing"},
		{`card.bin.startsWith("4")`, `card.bin: "411111"`, "hit"},
		{`card.bin.matches("^5[1-5]")`, `card.bin: "521111"`, "hit"},
		{`size(card.bin) == 8`, `card.bin: "41111111"`, "hit"},
		{`card.scheme == "visa"`, `card.scheme: VISA`, "hit"},
		{`context.email == "ann@example.com"`, `context.email: Ann@Example.com`, "hit"},
		{`context.email_domain == "example.com"`, `context.email: Ann@Example.com`, "hit"},
		{`context.email_domain == "example.com"`, `context.email: ann`, "missing"},
		{`context.ip == "2001:db8::1"`, `context.ip: "2001:0DB8:0:0::1"`, "hit"},
		{`payment.capture_method == "manual"`, `card.type: credit`, "hit"},
		{`payment.metadata["promotion"] == "SPRING"`, `payment.metadata.promotion: SPRING`, "hit"},
		{`payment.metadata.promotion == "SPRING"`, `payment.metadata.promotion: SPRING`, "hit"},
		{`payment.metadata["promotion"] == "SPRING"`, `payment.metadata.other: SPRING`, "missing"},
		// Velocity: counts are numbers, sums are amounts, ages are times.
		{`velocity.attempts > 5`, `velocity.attempts: 6`, "hit"},
		{`velocity.attempts > 5`, `velocity.attempts: 5`, "miss"},
		{`velocity.attempts + velocity.declines > 5`, `velocity.attempts: 3, velocity.declines: 3`, "hit"},
		{`velocity.attempts > 5`, `card.type: credit`, "missing"},
		{`velocity.attempts / velocity.declines > 5`, `velocity.attempts: 3, velocity.declines: 0`, "error"},
		{`velocity.attempts * velocity.attempts > 5`, `velocity.attempts: "999999999999999999"`, "error"},
		{`velocity.deposits > money("100.00 EUR")`, `velocity.deposits: "100.01 EUR"`, "hit"},
		{`velocity.deposits > limit("large")`, `velocity.deposits: "100.00 EUR"`, "miss"},
		{`velocity.deposits > payment.amount`, `velocity.deposits: "100.00 EUR", payment.amount: "99.00 EUR"`, "hit"},
		{`velocity.deposits > payment.amount`, `velocity.deposits: "100.00 EUR", payment.amount: "99.00 USD"`, "missing"},
		{`velocity.deposits + payment.amount > money("100.00 EUR")`, `velocity.deposits: "60.00 EUR", payment.amount: "40.01 EUR"`, "hit"},
		{`velocity.deposits + payment.amount > limit("large")`, `velocity.deposits: "60.00 EUR", payment.amount: "40.00 EUR"`, "miss"},
		{`velocity.deposits + payment.amount > money("100.00 EUR")`, `velocity.deposits: "60.00 EUR", payment.amount: "40.01 USD"`, "missing"},
		{`velocity.deposits + payment.amount > money("100.00 EUR")`, `payment.amount: "400.00 EUR"`, "missing"},
		{`velocity.deposits == money("0.00 EUR")`, `velocity.deposits: "0.00 EUR"`, "hit"},
		{`velocity.seen < duration("24h")`, `velocity.seen: 23h`, "hit"},
		{`velocity.seen < duration("1d")`, `velocity.seen: 24h`, "miss"},
		{`velocity.seen == duration("90s")`, `velocity.seen: 90s`, "hit"},
		{`velocity.seen < duration("24h")`, `card.type: credit`, "missing"},
		// What is missing decides nothing only where the rest decides alone.
		{`card.country == "DE" || card.type == "credit"`, `card.type: credit`, "hit"},
		{`card.country == "DE" || card.type == "credit"`, `card.type: debit`, "missing"},
		{`card.country == "DE" && card.type == "credit"`, `card.type: debit`, "miss"},
		{`card.country == "DE" && card.type == "credit"`, `card.type: credit`, "missing"},
		{`!(card.country == "DE")`, `card.type: credit`, "missing"},
		{`known(card.country)`, `card.country: DE`, "hit"},
		{`known(card.country)`, `card.type: credit`, "miss"},
		{`!known(card.country) || card.country == "DE"`, `card.type: credit`, "hit"},
		{`known(payment.metadata["x"])`, `payment.metadata.x: "1"`, "hit"},
		{`known(velocity.attempts) && velocity.attempts > 1`, `card.type: credit`, "miss"},
		{`known(payment.amount)`, `payment.amount: "1.00 EUR"`, "hit"},
		// Lists.
		{`card.bin in list("bins")`, `card.bin: "411111"`, "hit"},
		{`card.bin in list("bins")`, `card.bin: "41111199"`, "hit"},
		{`card.bin in list("bins")`, `card.bin: "411112"`, "miss"},
		{`card.bin in list("bins")`, `card.bin: "42424242"`, "hit"},
		{`card.bin in list("bins")`, `card.bin: "424242"`, "missing"},
		{`card.bin in list("bins")`, `card.bin: "4242425"`, "miss"},
		{`card.bin in list("bins")`, `card.type: credit`, "missing"},
		{`!(card.bin in list("bins"))`, `card.bin: "411112"`, "hit"},
		{`context.ip in list("networks")`, `context.ip: 10.1.2.3`, "hit"},
		{`context.ip in list("networks")`, `context.ip: "::ffff:10.1.2.3"`, "hit"},
		{`context.ip in list("networks")`, `context.ip: 192.0.2.7`, "hit"},
		{`context.ip in list("networks")`, `context.ip: 192.0.2.8`, "miss"},
		{`context.ip in list("networks")`, `context.ip: "2001:db8:1::1"`, "hit"},
		{`context.ip in list("networks")`, `context.ip: "2001:db9::1"`, "miss"},
		{`context.ip in list("networks")`, `context.ip: nonsense`, "missing"},
		{`context.email_domain in list("domains")`, `context.email: bob@MAILINATOR.com`, "hit"},
		{`context.device_id in list("devices")`, `context.device_id: DEV_1`, "miss"},
		{`context.device_id in list("devices")`, `context.device_id: dev_1`, "hit"},
	} {
		set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: fmt.Appendf(nil,
			"version: 1\n%s\n%s\nrules:\n  - name: rule\n    when: %s\n    outcome: hold\n    on_missing: hold\n    tests: [{ given: { %s }, expect: %s }]\n",
			fixture, definitions(c.when), quote(c.when), c.given, c.expect)}}, nil)
		if err != nil {
			t.Errorf("%s\n%s", c.when, err)
			continue
		}
		if n, failures := set.Test(); n != 1 || failures != nil {
			t.Errorf("%s with { %s }:\n%s", c.when, c.given, failures)
		}
	}
}

// definitions are those that a condition reads: others would be a mistake.
func definitions(when string) string {
	text := ""
	for _, d := range []string{
		"{ name: attempts, aggregate: count, events: [attempt], by: card.fingerprint, window: 1h }",
		"{ name: declines, aggregate: count, events: [declined], by: card.fingerprint, window: 1h }",
		"{ name: deposits, aggregate: sum, currency: EUR, events: [approved], by: customer.id, window: 7d, reserve: true }",
		"{ name: seen, aggregate: since_first, events: [approved], by: card.fingerprint, window: 90d }",
	} {
		name, _, _ := strings.Cut(strings.TrimPrefix(d, "{ name: "), ",")
		if strings.Contains(when, "velocity."+name) {
			text += "\n  - " + d
		}
	}
	if text == "" {
		return ""
	}
	return "velocity:" + text
}

func quote(when string) string { return "'" + strings.ReplaceAll(when, "'", "''") + "'" }

func TestExpiry(t *testing.T) {
	set := compile(t, fixture+`
rules:
  - { name: bin, when: card.bin in list("bins"), outcome: block, on_missing: hold }
  - { name: network, when: context.ip in list("networks"), outcome: block, on_missing: hold }
`)
	c := ordinary()
	c.Card.BIN, c.Context.IP = "455555", "172.16.0.1"
	for at, want := range map[string][]string{
		"2027-01-31T11:59:59.999999999Z": {"bin", "network"},
		"2027-01-31T12:00:00Z":           {"bin"},
		"2027-01-31T23:59:59Z":           {"bin"},
		"2027-02-01T00:00:00Z":           nil,
	} {
		now, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		var hits []string
		for _, r := range set.Evaluate(rules.Input{Command: c, Now: now}).Rules {
			hits = append(hits, r.Rule)
		}
		if !slices.Equal(hits, want) {
			t.Errorf("at %s: %v, want %v", at, hits, want)
		}
	}
}

// TestFilesFromOtherSystems: line ends and byte order marks of other systems change nothing.
func TestFilesFromOtherSystems(t *testing.T) {
	text, list := "version: 1\nlists:\n  d: { file: d.csv }\nrules:\n  - name: a\n    when: >\n      context.device_id in list(\"d\")\n      && tenant != \"x\"\n"+
		"    outcome: block\n    on_missing: hold\n    tests: [{ given: { context.device_id: dev_1 }, expect: hit }]\n", "value,reason\ndev_1,stolen\n"
	load := func(text, list string) *rules.Set {
		set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(text)}}, func(string) ([]byte, error) { return []byte(list), nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, failures := set.Test(); failures != nil {
			t.Error(failures)
		}
		return set
	}
	windows := func(s string) string { return "\ufeff" + strings.ReplaceAll(s, "\n", "\r\n") }
	if load(text, list).Hash() != load(windows(text), windows(list)).Hash() {
		t.Error("the hash depends on line ends")
	}
}

func TestDecisionTellsWhatEveryRuleSaid(t *testing.T) {
	set := compile(t, fixture+`
velocity: [{ name: zero, aggregate: count, events: [attempt], by: customer.id, window: 1h }]
rules:
  - { name: miss, when: tenant == "other", outcome: block, score: 1000 }
  - { name: step, when: payment.amount > limit("large"), outcome: step_up, on_missing: step_up, score: 10, reason: amount }
  - { name: absent, when: 'context.time_zone == "Europe/Paris" || payment.metadata["a"] == "x"', outcome: block, on_missing: hold, score: 500, reason: data }
  - { name: wrong, 'when': '10 / velocity.zero == 3', outcome: pass, on_missing: pass, on_error: hold, reason: data }
  - { name: challenge, when: card.type == "credit", outcome: step_up, on_missing: pass, score: -3, reason: amount }
  - { name: off, when: card.type != "debit", outcome: block, on_missing: hold, enabled: false }
  - { name: authorize, when: tenant != "other", outcome: block, commands: [authorize] }
`)
	c := ordinary()
	c.Amount = 200_00
	d := set.Evaluate(rules.Input{Command: c, Features: map[string]topics.Feature{"zero": {}}})
	want := topics.Decision{CommandID: c.CommandID, Outcome: topics.OutcomeHold, Reasons: []string{"data"}, Score: 7, Evaluated: 5, RuleSet: set.Hash(),
		Rules: []topics.RuleResult{
			{Rule: "step", Result: topics.RuleHit, Outcome: topics.OutcomeStepUp, Read: map[string]string{"payment.amount": "200.00 EUR"}},
			{Rule: "absent", Result: topics.RuleMissing, Outcome: topics.OutcomeHold, Detail: `context.time_zone, payment.metadata["a"]`},
			{Rule: "wrong", Result: topics.RuleError, Outcome: topics.OutcomeHold, Detail: "division by zero", Read: map[string]string{"velocity.zero": "0"}},
			{Rule: "challenge", Result: topics.RuleHit, Outcome: topics.OutcomeStepUp, Read: map[string]string{"card.type": "credit"}},
		}}
	if fmt.Sprintf("%+v", d) != fmt.Sprintf("%+v", want) {
		t.Errorf("decision\n%+v, want\n%+v", d, want)
	}
	explained, all := set.Explain(rules.Input{Command: c, Features: map[string]topics.Feature{"zero": {}}})
	if fmt.Sprintf("%+v", explained) != fmt.Sprintf("%+v", want) || len(all) != want.Evaluated ||
		!reflect.DeepEqual(all[0], topics.RuleResult{Rule: "miss", Result: topics.RuleMiss, Read: map[string]string{"tenant": "acme"}}) {
		t.Errorf("explained %+v\n%+v", explained, all)
	}
}

// TestDecisionTellsWhatWasRead: of every field that a condition names, known or decided or not; never who it was.
func TestDecisionTellsWhatWasRead(t *testing.T) {
	const velocity = `
velocity:
  - { name: spent, aggregate: sum, events: [approved], by: customer.id, window: 1h, currency: JPY }
  - { name: since, aggregate: since_last, events: [attempt], by: customer.id, window: 3h }
`
	for when, want := range map[string]string{
		`card.country == "DE" || context.country == "FR" || card.type == "debit"`:    "map[card.country:DE card.type:credit context.country:DE]",
		`known(card.bin) || known(card.last4) || known(context.time_zone)`:           "map[card.bin:411111 card.last4:1111]",
		`known(context.email) && known(context.ip) && known(card.fingerprint)`:       "map[card.fingerprint:given context.email:given context.ip:given]",
		`context.email_domain == "example.com" && known(context.device_id)`:          "map[context.device_id:given context.email_domain:example.com]",
		`payment.metadata.a == "b" || known(payment.metadata["c"]) || tenant != "a"`: `map[payment.metadata["a"]:` + strings.Repeat("é", 38) + `… payment.metadata["c"]:************1111 tenant:acme]`,
		`known(velocity.spent) && known(velocity.since) && known(bin.risk)`:          "map[bin.risk:7 velocity.since:90s velocity.spent:1500 JPY]",
	} {
		set := compile(t, velocity+"rules:\n  - { name: others, when: known(velocity.spent) && velocity.since > duration(\"2h\"), outcome: pass, on_missing: pass }\n"+
			"  - { name: rule, when: "+quote(when)+", outcome: hold, on_missing: hold }\n")
		c := ordinary()
		c.Metadata = map[string]string{"a": strings.Repeat("é", 100), "c": "4111111111111111"}
		in := rules.Input{Command: c, Features: map[string]topics.Feature{"spent": {Value: 1500}, "since": {Value: 90}},
			Enrichment: &topics.Enrichment{BIN: &topics.BIN{Risk: 7}}}
		if d := set.Evaluate(in); len(d.Rules) != 1 || fmt.Sprint(d.Rules[0].Read) != want {
			t.Errorf("%s: %+v, want %s", when, d.Rules, want)
		}
	}
}

// TestDecisionsAreBounded: what is read is left out where a decision would grow too large.
func TestDecisionsAreBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("rules:\n")
	for i := range 600 {
		fmt.Fprintf(&text, "  - { name: r%d, when: 'payment.metadata[\"long\"] != \"%d\"', outcome: hold, on_missing: hold }\n", i, i)
	}
	c := ordinary()
	c.Metadata = map[string]string{"long": strings.Repeat("x", 500)}
	d := compile(t, text.String()).Evaluate(rules.Input{Command: c})
	data, err := topics.Marshal(d)
	if err != nil || len(d.Rules) != 600 || len(data) > 600*60+8_000 {
		t.Errorf("%d rules, %d bytes, %v", len(d.Rules), len(data), err)
	}
	if d.Rules[0].Read == nil || d.Rules[599].Read != nil {
		t.Errorf("%+v … %+v", d.Rules[0], d.Rules[599])
	}
}

func TestCommandsThatAreNotAssessedPass(t *testing.T) {
	set := compile(t, "rules:\n  - { name: all, when: tenant != \"other\", outcome: block, commands: [create, authorize] }\n")
	for _, of := range []topics.CommandType{topics.CommandConfirm, topics.CommandCapture, topics.CommandVoid, topics.CommandRefund,
		topics.CommandCancel, topics.CommandApprove, topics.CommandReject} {
		d := set.Evaluate(rules.Input{Command: &topics.Command{Type: of, Tenant: "acme"}})
		if d.Outcome != topics.OutcomePass || d.RuleSet != "" || d.Evaluated != 0 {
			t.Errorf("%s: %+v", of, d)
		}
	}
	if d := set.Evaluate(rules.Input{Command: &topics.Command{Type: topics.CommandAuthorize, Tenant: "acme"}}); d.Outcome != topics.OutcomeBlock {
		t.Errorf("authorize: %+v", d)
	}
}

// TestLattice: the outcome is the strongest that any rule asks for, whatever the order of the rules.
func TestLattice(t *testing.T) {
	strongestFirst := []string{"final", "allow", "block", "hold", "step_up", "pass"}
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.SliceOfN(rapid.SampledFrom(strongestFirst), 1, 6).Draw(t, "asked")
		want := "pass"
		for _, o := range strongestFirst {
			if slices.Contains(asked, o) {
				want = o
				break
			}
		}
		var text strings.Builder
		text.WriteString("version: 1\nrules:\n")
		wantReasons := map[string]bool{}
		for i, o := range asked {
			outcome, extra := o, ""
			if o == "final" {
				outcome, extra = "block", ", overridable: false"
			}
			fmt.Fprintf(&text, "  - { name: r%d, when: tenant != \"t%d\", outcome: %s%s }\n", i, i, outcome, extra)
			if o == want {
				wantReasons[fmt.Sprintf("r%d", i)] = true
			}
		}
		if len(asked) == 0 {
			text.WriteString("  []\n")
		}
		set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(text.String())}}, nil)
		if err != nil {
			t.Fatalf("%s\n%s", text.String(), err)
		}
		d := set.Evaluate(rules.Input{Command: ordinary()})
		if want == "final" {
			want = "block"
		}
		if string(d.Outcome) != want || len(d.Reasons) != len(wantReasons) {
			t.Fatalf("%v: %s because of %v, want %s because of %v", asked, d.Outcome, d.Reasons, want, slices.Collect(maps.Keys(wantReasons)))
		}
		for _, r := range d.Reasons {
			if !wantReasons[r] {
				t.Fatalf("%v: reason %s", asked, r)
			}
		}
	})
}

func TestHashIsOfWhatDecides(t *testing.T) {
	const base = `
limits: { large: ["100.00 EUR", "120.00 USD"] }
velocity: [{ name: cards, aggregate: distinct, of: card.fingerprint, events: [attempt, approved], by: customer.id, window: 1h }]
lists:
  devices: { entries: ["dev_1", "dev_2"] }
rules:
  - { name: a, when: context.device_id in list("devices"), outcome: block, on_missing: hold, score: 1 }
  - { name: b, when: payment.amount > limit("large"), outcome: hold, on_missing: hold }
  - { name: v, when: velocity.cards > 3, outcome: hold, on_missing: hold }
`
	hash := func(replace ...string) string {
		return compile(t, strings.NewReplacer(replace...).Replace(base)).Hash()
	}
	same := map[string]string{
		"a comment":         hash("rules:", "# more\nrules:"),
		"a description":     hash("name: a,", "name: a, description: all, owner: me, tags: [x],"),
		"spaces":            hash(`payment.amount > limit`, `payment.amount   >   limit`),
		"parentheses":       hash(`payment.amount > limit("large")`, `(payment.amount > limit('large'))`),
		"order of a list":   hash(`"dev_1", "dev_2"`, `"dev_2", "dev_1"`),
		"order of a limit":  hash(`"100.00 EUR", "120.00 USD"`, `"120.00 USD", "100 EUR"`),
		"reason of entry":   hash(`"dev_1",`, `{ value: "dev_1", reason: "x" },`),
		"order of events":   hash(`[attempt, approved]`, `[approved, attempt]`),
		"a unit":            hash(`window: 1h`, `window: 60m`),
		"a disabled rule":   hash(`rules:`, "rules:\n  - { name: z, when: tenant == \"z\", outcome: block, enabled: false }"),
		"the default given": hash(`score: 1`, `score: 1, overridable: true, commands: [create], reason: a, on_error: hold`),
	}
	for what, h := range same {
		if h != hash() {
			t.Errorf("%s changes the hash", what)
		}
	}
	seen := map[string]string{hash(): "nothing"}
	for what, h := range map[string]string{
		"condition":  hash(`>`, `>=`),
		"window":     hash(`window: 1h`, `window: 2h`),
		"by":         hash(`by: customer.id`, `by: context.device_id`),
		"events":     hash(`[attempt, approved]`, `[attempt]`),
		"outcome":    hash(`block`, `hold`),
		"score":      hash(`score: 1`, `score: 2`),
		"on_missing": hash(`on_missing: hold, score`, `on_missing: block, score`),
		"on_error":   hash(`score: 1`, `score: 1, on_error: block`),
		"reason":     hash(`score: 1`, `score: 1, reason: c`),
		"entry":      hash(`"dev_2"`, `"dev_3"`),
		"expiry":     hash(`"dev_2"`, `{ value: "dev_2", expires: "2027-01-01" }`),
		"match":      hash(`{ entries`, `{ match: exact, entries`, `dev_1`, `Dev_1`),
		"limit":      hash(`120.00`, `121.00`),
		"name":       hash(`name: a`, `name: c`),
		"commands":   hash(`name: a,`, `name: a, commands: [create, authorize],`),
		"breaker":    hash(`score: 1`, `score: 1, breaker: { max_block_rate: 5%, interval: 1h, at_least: 10 }`),
		"rate":       hash(`score: 1`, `score: 1, breaker: { max_block_rate: 6%, interval: 1h, at_least: 10 }`),
		"set's":      hash(`rules:`, "breaker: { max_block_rate: 5%, interval: 1h, at_least: 10 }\nrules:"),
		"order":      compile(t, strings.Replace(base, "rules:\n", "rules:\n  - { name: c, when: tenant == \"x\", outcome: hold }\n", 1)).Hash(),
		"order, too": compile(t, base+"  - { name: c, when: tenant == \"x\", outcome: hold }\n").Hash(),
	} {
		if other, ok := seen[h]; ok {
			t.Errorf("%s hashes like %s", what, other)
		}
		seen[h] = what
	}
}

func TestEvaluateFromManyGoroutines(t *testing.T) {
	set := defaultSet(t)
	commands := make([]*topics.Command, 20)
	want := make([]string, len(commands))
	for i := range commands {
		commands[i] = ordinary()
		commands[i].Amount = int64(i * 50_000)
		commands[i].Card.Country = []string{"DE", "FR", "KP", ""}[i%4]
		want[i] = fmt.Sprint(set.Evaluate(rules.Input{Command: commands[i]}))
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for round := range 200 {
				i := round % len(commands)
				if got := fmt.Sprint(set.Evaluate(rules.Input{Command: commands[i]})); got != want[i] {
					t.Errorf("%s, want %s", got, want[i])
				}
			}
		})
	}
	group.Wait()
}

// TestEvaluatingDoesNotAllocate: the results of all rules, hits and misses, and the values that they read are recorded
// without garbage.
func TestEvaluatingDoesNotAllocate(t *testing.T) {
	set, err := rules.Compile([]rules.File{{Name: "many.yaml", Text: []byte(manyRules(100))}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, in := set.NewEvaluation(), ordinaryInput()
	e.Evaluate(in)
	if n := testing.AllocsPerRun(200, func() { e.Evaluate(in) }); n > 0 {
		t.Errorf("%.0f allocations for an evaluation of 100 rules", n)
	}
	for at, status := range e.Results() {
		if rule := set.Rules()[at]; (status == topics.RuleHit) != (at%50 == 49) || status == topics.RuleError {
			t.Errorf("%s: %s", rule.Name, status)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(everything)
	f.Add("version: 1\ntenants: [a]\ncool_offs:\n  - { name: c, instrument: card.fingerprint, for: 1d, amount: \"5 EUR\", outcome: hold, on_missing: hold }\n")
	f.Add("version: 1\n" + fixture + "rules:\n  - { name: a, when: card.bin in list(\"bins\"), outcome: block, on_missing: hold, tests: [{ given: { card.bin: \"411111\" }, expect: hit }] }\n")
	f.Add("version: 1\nrules:\n  - name: a\n    when: >\n      card.country == 'DE'\n      || !known(card.type)\n    outcome: hold\n")
	f.Add("version: 1\nrates:\n  base: EUR\n  entries: [{ date: \"2026-11-20\", from: EUR, to: USD, rate: 1.0842 }]\nrules: [{ name: a, when: payment.amount.to(\"EUR\") > money(\"1.00 EUR\"), outcome: hold, on_missing: hold }]\n")
	f.Add("version: 1\nrules: [{when: \"\\\"\\u00e9\\\" == tenant\", name: b, outcome: pass}]")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(text)}}, func(string) ([]byte, error) { return nil, fmt.Errorf("no file") })
		if err != nil {
			_ = err.Error()
			return
		}
		set.Test()
		set.Evaluate(rules.Input{Command: ordinary()})
	})
}
