package replay

import (
	"testing"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// TestReplayOfEveryStage: what was decided on refunds, wallets, payouts, customer events and authorisations comes out again, and so
// it does where they share an id.
func TestReplayOfEveryStage(t *testing.T) {
	w := newWorld(t)
	var files []rules.File
	for stage, when := range map[string]string{
		"refund": `payment.amount > money("1.00 EUR")`, "wallet": `wallet.amount > money("1.00 EUR")`,
		"payout": `payout.amount > money("1.00 EUR") && context.country == "DE"`,
		"event":  `event.type == "login" && context.device_id != "dev_1"`, "after_authorization": `authorization.cvv == "N"`,
	} {
		files = append(files, rules.File{Name: stage + ".yaml", Text: []byte("version: 1\nstage: " + stage +
			"\nrules:\n  - { name: at_" + stage + ", when: '" + when + "', outcome: hold, on_missing: hold }\n")})
	}
	var err error
	if w.set, err = rules.Compile(files, nil); err != nil {
		t.Fatal(err)
	}
	const id = "0190a3c4-5b6d-7e8f-9a0b-000000000001"
	publish := func(kind string, record any, d topics.Decision, after func(*topics.Decision)) {
		t.Helper()
		if d.Outcome != topics.OutcomeHold || d.Stage == "" {
			t.Fatalf("decision %+v", d)
		}
		d.At = w.produce(topics.Inbox, kind, record)
		d.Tenant, d.CustomerID = "acme", "cus_1"
		if after != nil {
			after(&d)
		}
		w.publish(d)
		w.clock = w.clock.Add(time.Second)
	}
	refund := topics.AssessedCommand{AssessedAt: w.clock, Command: topics.Command{CommandID: id, Type: topics.CommandRefund, Tenant: "acme", CustomerID: "cus_1", Amount: 500, Currency: "EUR"}}
	refund.Decision = w.set.Evaluate(rules.Input{Command: &refund.Command, Now: w.clock})
	publish(topics.TypeAssessedCommand, &refund, refund.Decision, func(d *topics.Decision) { d.ApprovedBy = "bob" })

	bet := topics.AssessedWalletCommand{AssessedAt: w.clock, Command: topics.WalletCommand{CommandID: id, Type: topics.WalletDebit, Tenant: "acme", CustomerID: "cus_1", Amount: 500, Currency: "EUR"}}
	decision := w.set.Evaluate(rules.Input{Wallet: &bet.Command, Now: w.clock})
	bet.Decision = &decision
	w.produce(topics.Inbox, topics.TypeAssessedWallet, &topics.AssessedWalletCommand{Command: bet.Command}) // one that nothing was decided on
	publish(topics.TypeAssessedWallet, &bet, decision, nil)

	withdrawal := topics.AssessedPayoutCommand{AssessedAt: w.clock, Command: topics.PayoutCommand{CommandID: id, Type: topics.PayoutCreate, Tenant: "acme", CustomerID: "cus_1",
		Amount: 500, Currency: "EUR", Context: &topics.Context{Country: "DE"}}}
	decided := w.set.Evaluate(rules.Input{Payout: &withdrawal.Command, Now: w.clock})
	withdrawal.Decision = &decided
	publish(topics.TypeAssessedPayout, &withdrawal, decided, nil)

	login := topics.AssessedCustomerEvent{AssessedAt: w.clock, Event: topics.CustomerEvent{EventID: id, Type: "login", Tenant: "acme", CustomerID: "cus_1",
		Context: &topics.Context{DeviceID: "dev_2"}}}
	login.Decision = w.set.Evaluate(rules.Input{Event: &login.Event, Now: w.clock})
	publish(topics.TypeAssessedCustomerEvent, &login, login.Decision, nil)
	w.publish(topics.Decision{EventID: id, Tenant: "rival", Stage: topics.StageEvent, Outcome: topics.OutcomePass, At: w.clock}) // by no rule

	review := topics.AssessedAuthorization{AssessedAt: w.clock, Review: topics.ReviewRequest{Command: topics.Command{CommandID: id, Type: topics.CommandCreate, Tenant: "acme", CustomerID: "cus_1", Amount: 500, Currency: "EUR"},
		Authorization: topics.Authorization{Amount: 500, Authentication: &topics.AuthData{CVV: "N"}}}}
	review.Decision = w.set.Evaluate(rules.Input{Command: &review.Review.Command, Authorization: &review.Review.Authorization, Now: w.clock})
	publish(topics.TypeAssessedAuthorization, &review, review.Decision, nil)

	if s, differences := w.replay(time.Time{}); s.Same != 5 || s.Different+s.Gone+len(s.Unknown) != 0 {
		t.Errorf("%+v, %+v", s, differences)
	}
}
