package payments_test

import (
	"slices"
	"testing"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/topics"
)

// A wallet command is decided on once, however often it comes, in whatever batches: what its rules block or hold moves
// nothing, and its decision is published with what became of it.
func TestAWalletCommandIsDecidedOnOnce(t *testing.T) {
	schemas := schematest.Compile(t)
	eachWay(t, func(a *asked) {
		decided := func(n int, kind topics.WalletCommandType, outcome topics.Outcome, people ...string) {
			c := walletCommand(n, kind, 1000, func(c *topics.WalletCommand) {
				if len(people) == 2 {
					c.RequestedBy, c.ApprovedBy = people[0], people[1]
				}
			})
			c.Decision = &topics.Decision{CommandID: c.Command.CommandID, Stage: topics.StageWallet, Outcome: outcome, Reasons: []string{"large"}, RuleSet: "abc", Evaluated: 3}
			c.Features, c.AssessedAt = map[string]topics.Feature{"staked_24h": {Value: 7}}, start
			for range 2 {
				a.put(topics.TypeAssessedWallet, c)
			}
		}
		decided(1, topics.WalletCredit, topics.OutcomePass)
		decided(2, topics.WalletCredit, topics.OutcomeHold)
		decided(3, topics.WalletCredit, topics.OutcomeHold, "ann", "bob")
		decided(4, topics.WalletDebit, topics.OutcomeBlock, "ann", "bob")
		decided(5, topics.WalletDebit, topics.OutcomeAllow)
		a.put(topics.TypeAssessedWallet, walletCommand(6, topics.WalletDebit, 1000, nil)) // nothing was decided on it
		a.become("credited", "review_required", "credited", "blocked", "debited", "debited")
		a.has(0, 0)
		decisions := outputsOf[topics.Decision](t, a.published, topics.Decisions)
		if len(decisions) != 5 {
			t.Fatalf("decisions %+v", decisions)
		}
		for i, d := range decisions {
			approved := map[int]string{2: "bob"}[i] // a block is not lifted, and what passes needs nobody
			if d.CommandID != id(i+1).String() || d.Stage != topics.StageWallet || d.Tenant != "acme" || d.CustomerID != "anna" || d.PaymentID != "" ||
				d.At.IsZero() || d.ApprovedBy != approved || d.Features["staked_24h"].Value != 7 {
				t.Errorf("decision %d: %+v", i, d)
			}
		}
		for _, o := range a.published {
			if _, err := schemas.CheckRecord(o.Topic, o.Envelope.Type, o.Value); err != nil {
				t.Error(err)
			}
		}
		for _, e := range walletEvents(t, a.inbox) {
			if refused := e.Refusal != ""; refused != slices.Equal(e.Reasons, []string{"large"}) {
				t.Errorf("event %+v", e)
			}
		}
	})
}

// The decision on a refund is published with what became of it, a refusal included.
func TestARefundIsDecidedOn(t *testing.T) {
	eachWay(t, func(a *asked) {
		payment := create(1, "anna", topics.CaptureAutomatic)
		a.put(topics.TypeAssessedCommand, payment)
		a.become()
		requests := outputsOf[topics.PSPRequest](t, a.published, topics.PSPRequests)
		a.put(topics.TypePSPReport, approved(&requests[0], true))
		a.become()
		paid := requests[0].PaymentID
		for i, outcome := range []topics.Outcome{topics.OutcomeBlock, topics.OutcomePass} {
			n := i + 2
			a.put(topics.TypeAssessedCommand, &topics.AssessedCommand{
				Command:  topics.Command{CommandID: id(n).String(), Type: topics.CommandRefund, Tenant: "acme", CustomerID: "anna", PaymentID: paid, Amount: 100, Currency: "EUR"},
				Decision: topics.Decision{CommandID: id(n).String(), Stage: topics.StageRefund, Outcome: outcome, Reasons: []string{"abuse"}, RuleSet: "abc"}})
		}
		a.become()
		decisions := outputsOf[topics.Decision](t, a.published, topics.Decisions)
		if len(decisions) != 3 || decisions[1].Outcome != topics.OutcomeBlock || decisions[1].PaymentID != paid || decisions[2].Outcome != topics.OutcomePass {
			t.Errorf("decisions %+v", decisions)
		}
		events := outputsOf[topics.PaymentEvent](t, a.published, topics.Events)
		if e := events[len(events)-2]; e.Refusal != topics.RefusedBlocked || !slices.Equal(e.Reasons, []string{"abuse"}) {
			t.Errorf("refused %+v", e)
		}
	})
}
