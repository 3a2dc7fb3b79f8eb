package risk_test

import (
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// stakesOfCustomer blocks a bet that would bring the stakes of a day above 100.00.
const stakesOfCustomer = `
version: 1
stage: wallet
velocity:
  - { name: staked_24h, aggregate: sum, events: [stake], by: customer.id, window: 24h, currency: EUR }
rules:
  - { name: staked_much, when: wallet.reason == "game" && command.type == "debit" && velocity.staked_24h + wallet.amount > money("100.00 EUR"), outcome: block, on_missing: block }
`

// refundsOfCustomer holds the third refund that is asked for.
const refundsOfCustomer = `
version: 1
stage: refund
velocity:
  - { name: refunds_asked_24h, aggregate: count, events: [refund_attempt], by: customer.id, window: 24h }
rules:
  - { name: refunded_often, when: velocity.refunds_asked_24h >= 2, outcome: hold, on_missing: hold }
`

func moves(kind topics.WalletCommandType, customer string, amount int64) topics.WalletCommand {
	return topics.WalletCommand{CommandID: uuid.Must(uuid.NewV7()).String(), Type: kind, Tenant: "acme", CustomerID: customer,
		Amount: amount, Currency: "EUR", Reason: topics.ReasonGame, RoundID: "r1"}
}

func (s *stage) move(commands ...topics.WalletCommand) {
	s.t.Helper()
	records := make([]*kgo.Record, len(commands))
	for i := range commands {
		value, err := topics.Marshal(&commands[i])
		if err != nil {
			s.t.Fatal(err)
		}
		records[i] = &kgo.Record{Topic: topics.WalletCommands, Key: []byte(commands[i].CustomerID), Value: value,
			Partition: topics.PartitionOf("acme", commands[i].CustomerID, partitions)}
	}
	if err := s.client.ProduceSync(s.t.Context(), records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// moved reads the inbox until n wallet commands are in it, in their order.
func (s *stage) moved(n int) (all []topics.AssessedWalletCommand) {
	s.t.Helper()
	seen := map[string]bool{}
	s.read(topics.Inbox, func(r *kgo.Record) bool {
		for _, h := range r.Headers {
			if h.Key != topics.HeaderType || string(h.Value) != topics.TypeAssessedWallet {
				continue
			}
			var in topics.AssessedWalletCommand
			if err := topics.Unmarshal(r.Value, &in); err != nil {
				s.t.Fatal(err)
			}
			if !seen[in.Command.CommandID] {
				seen[in.Command.CommandID] = true
				all = append(all, in)
			}
		}
		return len(all) == n
	})
	return all
}

// What games take counts as it is asked for: for the bets of the same moment, and for no other customer's.
func TestStakesAreCountedAndDecidedOn(t *testing.T) {
	s := newStage(t, stakesOfCustomer)
	s.velocity(nil)
	s.risk()
	var commands []topics.WalletCommand
	for range 8 {
		commands = append(commands, moves(topics.WalletDebit, "anna", 20_00), moves(topics.WalletCredit, "anna", 30_00))
	}
	last := moves(topics.WalletClose, "anna", 0)
	last.Currency, last.Reason, last.RoundID = "", "", ""
	s.move(append(commands, last)...)
	outcomes := map[topics.Outcome]int{}
	var staked int64
	for _, in := range s.moved(len(commands) + 1) {
		switch {
		case in.Command.Type == topics.WalletClose:
			if in.Decision != nil || in.Features != nil || !in.AssessedAt.IsZero() {
				t.Errorf("a command that no rule looks at was assessed: %+v", in)
			}
		case in.Decision == nil || in.Decision.Stage != topics.StageWallet || in.Decision.CommandID != in.Command.CommandID || in.AssessedAt.IsZero():
			t.Errorf("assessed %+v", in)
		case in.Command.Type == topics.WalletDebit:
			if f := in.Features["staked_24h"]; f.Missing || f.Value != staked {
				t.Errorf("the answer is %+v, %d was staked before", f, staked)
			}
			staked += in.Command.Amount
			outcomes[in.Decision.Outcome]++
		}
	}
	if outcomes[topics.OutcomePass] != 5 || outcomes[topics.OutcomeBlock] != 3 {
		t.Errorf("outcomes %v, want 5 bets that pass and 3 that are blocked", outcomes)
	}
	s.move(moves(topics.WalletDebit, "bert", 100_00))
	for _, in := range s.moved(len(commands) + 2) {
		if in.Command.CustomerID == "bert" && in.Decision.Outcome != topics.OutcomePass {
			t.Errorf("another customer's: %+v", in.Decision)
		}
	}
}

// Stakes count for payments, too, where no rule looks at wallet commands themselves.
func TestStakesCountWithoutRulesOnThem(t *testing.T) {
	definition := strings.Split(strings.Split(stakesOfCustomer, "stage: wallet\n")[1], "rules:")[0]
	s := newStage(t, "version: 1\n"+definition+"rules:\n  - { name: plays, when: velocity.staked_24h > money(\"50.00 EUR\"), outcome: hold, on_missing: hold }\n")
	s.velocity(nil)
	s.risk()
	before := attempt("fp_1") // velocity is told what to keep with the first command
	s.send(before)
	s.assessed(1)
	s.move(moves(topics.WalletDebit, before.CustomerID, 30_00), moves(topics.WalletDebit, before.CustomerID, 20_01))
	for _, in := range s.moved(2) {
		if in.Decision != nil || in.Features != nil {
			t.Errorf("assessed %+v", in)
		}
	}
	after := attempt("fp_1")
	after.CustomerID = before.CustomerID
	// Signals of wallet commands are written by then, and velocity reads them in their order.
	s.send(after)
	all, _ := s.assessed(4)
	if in := all[after.CommandID]; in.Features["staked_24h"].Value != 50_01 || in.Decision.Outcome != topics.OutcomeHold {
		t.Errorf("assessed %+v", in)
	}
}

// Refunds are decided on as they are asked for; a capture of the same customer is not.
func TestRefundsAreCountedAndDecidedOn(t *testing.T) {
	s := newStage(t, refundsOfCustomer)
	s.velocity(nil)
	s.risk()
	var commands []topics.Command
	for i := range 9 {
		c := topics.Command{CommandID: uuid.Must(uuid.NewV7()).String(), Type: topics.CommandCapture, Tenant: "acme", CustomerID: "anna",
			PaymentID: topics.PaymentID{Partition: 1, UUID: uuid.Must(uuid.NewV7())}.String()}
		if i%3 != 0 {
			c.Type, c.RequestedBy = topics.CommandRefund, "ann"
		}
		commands = append(commands, c)
	}
	s.send(commands...)
	assessed, _ := s.assessed(len(commands))
	held := 0
	for i, c := range commands {
		d := assessed[c.CommandID].Decision
		if decided := c.Type == topics.CommandRefund; (d.RuleSet != "") != decided || (d.Stage == topics.StageRefund) != decided {
			t.Errorf("command %d, %s: %+v", i, c.Type, d)
		}
		if d.Outcome == topics.OutcomeHold {
			held++
		}
	}
	if held != 4 {
		t.Errorf("%d of 6 refunds are held, want all but the first two", held)
	}
}
