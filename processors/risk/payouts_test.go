package risk_test

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// payoutsOfCustomer holds the third payout that is asked for, and blocks what goes out within minutes of a deposit.
const payoutsOfCustomer = `
version: 1
stage: payout
velocity:
  - { name: payouts_asked_24h, aggregate: count, events: [payout_attempt], by: customer.id, window: 24h }
  - { name: since_deposit, aggregate: since_last, events: [attempt], by: customer.id, window: 24h }
rules:
  - { name: often, when: velocity.payouts_asked_24h >= 2, outcome: hold, on_missing: hold }
  - { name: quick_cash_out, when: known(velocity.since_deposit) && velocity.since_deposit < duration("1h"), outcome: block, on_missing: hold }
`

// paidOut looks at deposits by what was paid out before.
const paidOut = `
version: 1
velocity:
  - { name: paid_out_24h, aggregate: sum, events: [payout], by: customer.id, window: 24h, currency: EUR }
  - { name: paid_to_card_24h, aggregate: count, events: [payout], by: card.fingerprint, window: 24h }
rules:
  - { name: out_and_in, when: velocity.paid_out_24h > money("50.00 EUR") || velocity.paid_to_card_24h > 9, outcome: hold, on_missing: hold }
`

func withdraws(customer string, amount int64) topics.PayoutCommand {
	return topics.PayoutCommand{CommandID: uuid.Must(uuid.NewV7()).String(), Type: topics.PayoutCreate, Tenant: "acme",
		CustomerID: customer, Amount: amount, Currency: "EUR"}
}

func (s *stage) withdraw(commands ...topics.PayoutCommand) {
	s.t.Helper()
	for i := range commands {
		value, err := topics.Marshal(&commands[i])
		if err != nil {
			s.t.Fatal(err)
		}
		r := &kgo.Record{Topic: topics.PayoutCommands, Key: []byte(commands[i].CustomerID), Value: value,
			Partition: topics.PartitionOf("acme", commands[i].CustomerID, partitions)}
		if err := s.client.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// withdrawn reads the inbox until n payout commands are in it.
func (s *stage) withdrawn(n int) map[string]topics.AssessedPayoutCommand {
	s.t.Helper()
	all := map[string]topics.AssessedPayoutCommand{}
	s.read(topics.Inbox, func(r *kgo.Record) bool {
		for _, h := range r.Headers {
			if h.Key != topics.HeaderType || string(h.Value) != topics.TypeAssessedPayout {
				continue
			}
			var in topics.AssessedPayoutCommand
			if err := topics.Unmarshal(r.Value, &in); err != nil {
				s.t.Fatal(err)
			}
			all[in.Command.CommandID] = in
		}
		return len(all) == n
	})
	return all
}

// Payouts count as they are asked for; what the customer deposited before is known; approvals are not assessed.
func TestPayoutsAreCountedAndDecidedOn(t *testing.T) {
	s := newStage(t, payoutsOfCustomer)
	s.velocity(nil)
	s.risk()
	deposit := attempt("fp_1")
	deposit.CustomerID = "bert"
	s.send(deposit)
	s.assessed(1)
	commands := []topics.PayoutCommand{withdraws("anna", 20_00), withdraws("anna", 20_00), withdraws("anna", 20_00), withdraws("bert", 20_00)}
	approval := topics.PayoutCommand{CommandID: uuid.Must(uuid.NewV7()).String(), Type: topics.PayoutApprove, Tenant: "acme", CustomerID: "anna",
		PayoutID: topics.NewPayoutID("acme", "anna", uuid.Must(uuid.FromString(commands[2].CommandID)), partitions).String(), ApprovedBy: "eve"}
	s.withdraw(append(commands, approval)...)
	all := s.withdrawn(len(commands) + 1)
	for i, want := range []topics.Outcome{topics.OutcomePass, topics.OutcomePass, topics.OutcomeHold, topics.OutcomeBlock} {
		in := all[commands[i].CommandID]
		if d := in.Decision; d == nil || d.Stage != topics.StagePayout || d.Outcome != want || d.CommandID != commands[i].CommandID || in.AssessedAt.IsZero() {
			t.Errorf("payout %d: %+v, want %s", i, d, want)
		}
	}
	if in := all[approval.CommandID]; in.Decision != nil || in.Features != nil || in.Refusal != nil {
		t.Errorf("an approval was assessed: %+v", in)
	}
}

// That a payout was paid counts under what it was asked for with, once, also where no rule looks at payouts.
func TestPaidPayoutsComeBackAsSignals(t *testing.T) {
	s := newStage(t, paidOut)
	s.velocity(nil)
	s.risk()
	s.send(attempt("fp_first")) // velocity is told what to keep with the first command
	s.assessed(1)
	card := &topics.Card{Token: "tok", Fingerprint: "fp_1"}
	paid, failed := withdraws("anna", 60_00), withdraws("anna", 99_00)
	paid.Card, failed.Card = card, card
	s.withdraw(paid, failed)
	s.withdrawn(2)
	e := &events{stage: s}
	e.ended(topics.PayoutFailed, failed)
	e.ended(topics.PayoutPaid, paid)
	n := 3 // with the payouts
	deposit := func() topics.AssessedCommand {
		n++
		c := attempt("fp_1")
		c.CustomerID = "anna"
		s.send(c)
		all, _ := s.assessed(n)
		return all[c.CommandID]
	}
	var in topics.AssessedCommand
	s.await("the payout counts", func() bool { in = deposit(); return in.Features["paid_out_24h"].Value > 0 })
	if in = deposit(); in.Features["paid_out_24h"].Value != 60_00 || in.Features["paid_to_card_24h"].Value != 1 || in.Decision.Outcome != topics.OutcomeHold {
		t.Errorf("features %+v, outcome %s; want 60.00 EUR once, and hold", in.Features, in.Decision.Outcome)
	}
}

func (e *events) ended(kind topics.PayoutEventType, c topics.PayoutCommand) {
	e.t.Helper()
	id := topics.NewPayoutID(c.Tenant, c.CustomerID, uuid.Must(uuid.FromString(c.CommandID)), partitions)
	event := topics.PayoutEvent{
		EventID: topics.EventID{Partition: id.Partition, Position: e.positions[id.Partition]}.String(), Type: kind, Tenant: c.Tenant, CustomerID: c.CustomerID,
		PayoutID: id.String(), At: time.Now(), Amount: c.Amount, Currency: c.Currency,
	}
	e.positions[id.Partition]++
	value, err := topics.Marshal(&event)
	if err != nil {
		e.t.Fatal(err)
	}
	for range 2 { // it may come again
		if err := e.client.ProduceSync(e.t.Context(), &kgo.Record{Topic: topics.PayoutEvents, Partition: id.Partition, Value: value}).FirstErr(); err != nil {
			e.t.Fatal(err)
		}
	}
}
