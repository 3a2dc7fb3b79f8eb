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

// stageInputs are one input for each stage, of tenant acme.
func stageInputs() map[topics.Stage]Input {
	command := func(t topics.CommandType) *topics.Command {
		return &topics.Command{CommandID: "c", Type: t, Tenant: "acme", CustomerID: "cus_1", Amount: 100_00, Currency: "EUR"}
	}
	return map[topics.Stage]Input{
		topics.StageBeforeAuthorization: {Command: command(topics.CommandCreate)},
		topics.StageAfterAuthorization:  {Command: command(topics.CommandCreate), Authorization: &topics.Authorization{Amount: 100_00}},
		topics.StageRefund:              {Command: command(topics.CommandRefund)},
		topics.StageWallet:              {Wallet: &topics.WalletCommand{CommandID: "c", Type: topics.WalletDebit, Tenant: "acme", CustomerID: "cus_1", Amount: 100_00, Currency: "EUR"}},
		topics.StagePayout:              {Payout: &topics.PayoutCommand{CommandID: "c", Type: topics.PayoutCreate, Tenant: "acme", CustomerID: "cus_1", Amount: 100_00, Currency: "EUR"}},
		topics.StageEvent:               {Event: &topics.CustomerEvent{EventID: "c", Type: "login", Tenant: "acme", CustomerID: "cus_1"}},
	}
}

// TestStagesDecideAlone: an input is decided on by the rules of its stage, whatever the other stages say of it.
func TestStagesDecideAlone(t *testing.T) {
	var texts []string
	for _, stage := range Stages() {
		texts = append(texts, fmt.Sprintf("version: 1\nstage: %s\nrules:\n  - { name: at_%[1]s, when: customer.id == \"cus_1\", outcome: block, on_missing: block, score: 7 }\n", stage))
	}
	set := compiledText(t, texts...)
	for stage, in := range stageInputs() {
		d := set.Evaluate(in)
		if in.Stage() != stage || d.Outcome != topics.OutcomeBlock || d.Evaluated != 1 || d.Score != 7 || len(d.Reasons) != 1 || d.Reasons[0] != "at_"+string(stage) {
			t.Errorf("%s: %+v", stage, d)
		}
		wantStage := stage
		if stage == topics.StageBeforeAuthorization {
			wantStage = "" // as decisions were before there were stages
		}
		if d.Stage != wantStage || d.CommandID+d.EventID != "c" || (d.EventID != "") != (stage == topics.StageEvent) {
			t.Errorf("%s: the decision names stage %q, command %q, event %q", stage, d.Stage, d.CommandID, d.EventID)
		}
	}
}

// TestStagesWithoutRules: where a set has no rules of a stage for a tenant, nothing is decided there.
func TestStagesWithoutRules(t *testing.T) {
	set := compiledText(t, "version: 1\nrules:\n  - { name: a, when: payment.amount > money(\"500.00 EUR\"), outcome: block, on_missing: block }\n",
		"version: 1\nstage: wallet\ntenants: [acme]\nregions: [eu]\nrules:\n  - { name: b, when: wallet.amount > money(\"1.00 EUR\"), outcome: block, on_missing: block, shadow: true }\n")
	for stage, in := range stageInputs() {
		d := set.Evaluate(in)
		if decided := stage == topics.StageBeforeAuthorization; set.Assesses(&in) != decided || (d.RuleSet != "") != decided || d.Outcome != topics.OutcomePass {
			t.Errorf("%s: %+v", stage, d)
		}
	}
	wallet := stageInputs()[topics.StageWallet]
	wallet.Wallet.Region = "eu"
	if d := set.Evaluate(wallet); d.RuleSet == "" || d.Evaluated != 1 || d.Outcome != topics.OutcomePass || !set.Decides(topics.StageWallet, "acme", "eu") || set.Decides(topics.StageWallet, "acme", "us") {
		t.Errorf("in the region: %+v", d)
	}
	for _, of := range []topics.WalletCommandType{topics.WalletReleaseHold, topics.WalletRollbackRound, topics.WalletClose, topics.WalletSetLimit} {
		if wallet.Wallet.Type = of; set.Assesses(&wallet) {
			t.Errorf("%s is assessed", of)
		}
	}
	payouts := compiledText(t, "version: 1\nstage: payout\nrules:\n  - { name: c, when: payout.amount > money(\"1.00 EUR\"), outcome: hold, on_missing: hold }\n")
	payout := stageInputs()[topics.StagePayout]
	if d := payouts.Evaluate(payout); d.Outcome != topics.OutcomeHold || d.RuleSet == "" {
		t.Errorf("a payout: %+v", d)
	}
	for _, of := range []topics.PayoutCommandType{topics.PayoutApprove, topics.PayoutReject, topics.PayoutCancel} {
		if payout.Payout.Type = of; payouts.Assesses(&payout) {
			t.Errorf("%s of a payout is assessed", of)
		}
	}
}

// TestNamesAcrossStages: a name stands once, whatever the stage, and no rule replaces one of another stage.
func TestNamesAcrossStages(t *testing.T) {
	base := File{Name: "base.yaml", Text: []byte("version: 1\nrules:\n  - { name: a, when: payment.currency == \"EUR\", outcome: pass }\n")}
	for name, text := range map[string]string{
		"another stage":          "version: 1\nstage: refund\nrules:\n  - { name: a, when: customer.id == \"x\", outcome: hold, on_missing: hold }\n",
		"a tenant's":             "version: 1\nstage: refund\ntenants: [acme]\nrules:\n  - { name: a, when: customer.id == \"x\", outcome: hold, on_missing: hold }\n",
		"taken away by another":  "version: 1\nstage: wallet\ntenants: [acme]\nrules:\n  - { name: a, enabled: false }\n",
		"a score card's":         "version: 1\nstage: wallet\nscorecards:\n  - { name: a, items: [{ name: i, when: wallet.reason == \"game\", points: 1 }], bands: [{ from: 1, outcome: hold }] }\n",
		"a cool-off's":           "version: 1\nstage: event\ncool_offs:\n  - { name: a, instrument: context.device_id, for: 24h, outcome: hold, on_missing: hold }\n",
		"both, the same message": "version: 1\nstage: event\nrules:\n  - { name: a, when: event.type == \"x\", outcome: hold, on_missing: hold }\n",
	} {
		_, err := Compile([]File{base, {Name: "other.yaml", Text: []byte(text)}}, nil)
		if err == nil || !strings.Contains(err.Error(), `the rule "a" is defined at stage before_authorization already (base.yaml:3)`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBreakerOfAStage: too many blocks at one stage put the rules of that stage in the shadow, and no others.
func TestBreakerOfAStage(t *testing.T) {
	const breaker = "breaker: { max_block_rate: 20%, interval: 10m, at_least: 10 }\n"
	set := compiledText(t, "version: 1\n"+breaker+"rules:\n  - { name: a, when: payment.currency == \"EUR\", outcome: block }\n",
		"version: 1\nstage: wallet\n"+breaker+"rules:\n  - { name: b, when: wallet.currency == \"EUR\", outcome: block, on_missing: block }\n",
		"version: 1\nstage: refund\nrules:\n  - { name: c, when: payment.currency == \"EUR\", outcome: block, on_missing: block }\n")
	b, inputs := NewBreaker(set), stageInputs()
	evaluate := func(stage topics.Stage) (topics.Outcome, []Trip) {
		in := inputs[stage]
		in.Now = time.Unix(1_800_000_000, 0)
		d, trips := b.Evaluate(in)
		return d.Outcome, trips
	}
	for i := range 10 {
		outcome, trips := evaluate(topics.StageWallet)
		if outcome != topics.OutcomeBlock || (len(trips) == 1) != (i == 9) || i == 9 && trips[0].Rule != "* wallet" {
			t.Fatalf("%d: %s, %v", i, outcome, trips)
		}
	}
	for stage, want := range map[topics.Stage]topics.Outcome{topics.StageWallet: topics.OutcomePass, topics.StageBeforeAuthorization: topics.OutcomeBlock, topics.StageRefund: topics.OutcomeBlock} {
		if outcome, _ := evaluate(stage); outcome != want {
			t.Errorf("%s: %s, want %s", stage, outcome, want)
		}
	}
}

// TestStageInTests: inline tests see what the stage has; a file's tests are evaluated at its stage.
func TestStageInTests(t *testing.T) {
	set := compiledText(t, `version: 1
stage: event
rules:
  - name: long_session
    when: event.type == "session_end" && event.duration > duration("8h") && event.metadata["game"] != "chess" && event.amount >= money("1.00 EUR")
    outcome: hold
    on_missing: hold
    tests:
      - { given: { event.type: session_end, event.duration: 9h, event.metadata.game: slots, event.amount: "1.00 EUR" }, expect: hit }
      - { given: { event.type: session_end, event.duration: 8h, event.metadata.game: slots, event.amount: "1.00 EUR" }, expect: miss }
      - { given: { event.type: session_end, event.metadata.game: slots, event.amount: "1.00 EUR" }, expect: missing }
tests:
  - { given: { event.type: session_end, event.duration: 9h, event.metadata.game: slots, event.amount: "2.00 EUR", card.bin: "411111" }, expect: hold }
`, `version: 1
stage: refund
rules:
  - name: by_ann
    when: command.requested_by == "ann"
    outcome: block
    on_missing: hold
    tests: [{ given: { command.requested_by: ann }, expect: hit }]
tests: [{ given: { command.requested_by: bob, payment.amount: "1.00 EUR" }, expect: pass, rules: [] }]
`)
	if tests, failures := set.Test(); tests != 6 || failures != nil {
		t.Errorf("%d tests: %v", tests, failures)
	}
}

// stageTerms are conditions on what a stage has.
var stageTerms = map[topics.Stage][]string{
	topics.StageAfterAuthorization: {`authorization.cvv == "N"`, `authorization.amount < payment.amount`, `authorization.avs in ["N", "A"]`, `known(authorization.eci)`},
	topics.StageRefund:             {`payment.amount > money("100.00 EUR")`, `payment.currency == "EUR"`, `command.requested_by == customer.id`, `payment.metadata["a"] == "1"`},
	topics.StageWallet:             {`wallet.amount >= money("100.00 EUR")`, `wallet.reason == "game"`, `command.type in ["debit", "hold"]`, `wallet.round.startsWith("r")`, `velocity.staked + wallet.amount > money("150.00 EUR")`},
	topics.StagePayout:             {`payout.amount >= money("100.00 EUR")`, `payout.destination == "named"`, `card.country == context.country`, `payout.metadata["a"] != "1"`, `command.requested_by == customer.id`, `velocity.staked < payout.amount`},
	topics.StageEvent:              {`event.type == "login"`, `event.duration > duration("1h")`, `event.amount < money("100.01 EUR")`, `event.metadata["a"] != "1"`, `card.country == context.country`, `velocity.staked > money("1.00 EUR")`},
}

// TestStagesAgreeWithCEL: at every stage the program says what CEL's interpreter says.
func TestStagesAgreeWithCEL(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		var files []File
		for _, stage := range Stages()[1:] {
			terms := stageTerms[stage]
			text := "version: 1\nstage: " + string(stage) + "\n"
			if stage == topics.StageWallet {
				text += "velocity:\n  - { name: staked, aggregate: sum, events: [stake], by: customer.id, window: 1h, currency: EUR }\n"
			}
			text += "rules:\n"
			for i := range rapid.IntRange(1, 3).Draw(t, "rules") {
				term := rapid.SampledFrom(terms)
				when := term.Draw(t, "term") + rapid.SampledFrom([]string{" && ", " || ", " || !"}).Draw(t, "join") + "(" + term.Draw(t, "term") + ")"
				text += fmt.Sprintf("  - { name: %s_%d, when: '%s', outcome: %s, on_missing: hold }\n", stage, i, when, rapid.SampledFrom([]string{"block", "hold", "allow", "pass"}).Draw(t, "outcome"))
			}
			if stage == topics.StageWallet {
				text += "  - { name: reads, when: 'velocity.staked > money(\"9.00 EUR\")', outcome: pass, on_missing: pass }\n"
			}
			files = append(files, File{Name: string(stage), Text: []byte(text)})
		}
		set, err := compile(files, nil, func(*condition, ast.Expr) {})
		if err != nil {
			if strings.Contains(err.Error(), "always") || strings.Contains(err.Error(), "the same condition") {
				return
			}
			t.Fatal(err)
		}
		oracle, err := newNaive(set)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			in := drawStage(t)
			want, got := oracle.decision(in), set.Evaluate(in)
			for i := range got.Rules {
				got.Rules[i].Read = nil // CEL does not tell
			}
			want.EventID, want.CommandID = got.EventID, got.CommandID
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\ndecision %+v\nCEL says %+v", files, got, want)
			}
			compared += got.Evaluated
		}
	})
	if compared < 2_000 {
		t.Errorf("%d results compared, want at least 2,000", compared)
	}
}

func drawStage(t *rapid.T) Input {
	text := rapid.SampledFrom([]string{"", "N", "DE", "r1", "1", "game", "login"})
	amount := rapid.SampledFrom([]int64{0, 99_99, 100_00, 100_01})
	currency := rapid.SampledFrom([]string{"EUR", "USD"})
	inputs := stageInputs()
	in := inputs[rapid.SampledFrom(Stages()[1:]).Draw(t, "stage")]
	in.Features = map[string]topics.Feature{"staked": {Value: amount.Draw(t, "staked"), Missing: rapid.Bool().Draw(t, "late")}}
	switch {
	case in.Wallet != nil:
		in.Wallet.Amount, in.Wallet.Currency = amount.Draw(t, "amount"), currency.Draw(t, "currency")
		in.Wallet.Reason, in.Wallet.RoundID = topics.WalletReason(text.Draw(t, "reason")), text.Draw(t, "round")
		in.Wallet.Type = rapid.SampledFrom([]topics.WalletCommandType{topics.WalletCredit, topics.WalletDebit, topics.WalletHold}).Draw(t, "type")
	case in.Payout != nil:
		in.Payout.Amount, in.Payout.Currency = amount.Draw(t, "amount"), currency.Draw(t, "currency")
		in.Payout.RequestedBy, in.Payout.Metadata = text.Draw(t, "requested"), map[string]string{"a": text.Draw(t, "a")}
		if rapid.Bool().Draw(t, "named") {
			in.Payout.Card = &topics.Card{Token: "tok", Country: text.Draw(t, "card")}
		}
		in.Payout.Context = &topics.Context{Country: text.Draw(t, "country")}
	case in.Event != nil:
		in.Event.Type, in.Event.Metadata = text.Draw(t, "type"), map[string]string{"a": text.Draw(t, "a")}
		in.Event.Amount, in.Event.Currency = amount.Draw(t, "amount"), currency.Draw(t, "currency")
		in.Event.DurationSeconds = rapid.SampledFrom([]int64{0, 3600, 3601}).Draw(t, "duration")
		in.Event.Card, in.Event.Context = &topics.Card{Country: text.Draw(t, "card")}, &topics.Context{Country: text.Draw(t, "country")}
	default:
		in.Command.Amount, in.Command.Currency = amount.Draw(t, "amount"), currency.Draw(t, "currency")
		in.Command.RequestedBy, in.Command.Metadata = text.Draw(t, "requested"), map[string]string{"a": text.Draw(t, "a")}
		if in.Authorization != nil {
			in.Authorization.Amount = amount.Draw(t, "authorised")
			in.Authorization.Authentication = &topics.AuthData{AVS: text.Draw(t, "avs"), CVV: text.Draw(t, "cvv"), ECI: text.Draw(t, "eci")}
		}
	}
	return in
}
