package risk_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// add writes another file beside the stage's rules.
func (s *stage) add(name, text string) {
	s.t.Helper()
	if filepath.Ext(s.rules) != "" {
		s.rules = filepath.Dir(s.rules)
	}
	if err := os.WriteFile(filepath.Join(s.rules, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// happens is an event of a customer on a device.
func happens(kind, customer, device string) topics.CustomerEvent {
	return topics.CustomerEvent{EventID: uuid.Must(uuid.NewV7()).String(), Type: kind, Tenant: "acme", CustomerID: customer,
		Context: &topics.Context{DeviceID: device}}
}

func (s *stage) record(events ...topics.CustomerEvent) {
	s.t.Helper()
	records := make([]*kgo.Record, len(events))
	for i := range events {
		value, err := topics.Marshal(&events[i])
		if err != nil {
			s.t.Fatal(err)
		}
		records[i] = &kgo.Record{Topic: topics.CustomerEvents, Key: []byte(events[i].CustomerID), Value: value,
			Partition: topics.PartitionOf("acme", events[i].CustomerID, partitions)}
	}
	if err := s.client.ProduceSync(s.t.Context(), records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// read reads a topic from its start until a record is the last that is wanted.
func (s *stage) read(topic string, last func(*kgo.Record) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	client := s.broker.Client(s.t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			s.t.Fatalf("%s: what is waited for does not come: %v", topic, err)
		}
		for _, r := range fetches.Records() {
			if last(r) {
				return
			}
		}
	}
}

// recorded reads the inbox until n different events are in it, and returns the first assessment of each.
func (s *stage) recorded(n int) (first map[string]topics.AssessedCustomerEvent) {
	s.t.Helper()
	first = map[string]topics.AssessedCustomerEvent{}
	s.read(topics.Inbox, func(r *kgo.Record) bool {
		var in topics.AssessedCustomerEvent
		if err := topics.Unmarshal(r.Value, &in); err != nil {
			s.t.Fatal(err)
		}
		if _, again := first[in.Event.EventID]; in.Event.EventID != "" && !again {
			first[in.Event.EventID] = in
		}
		return len(first) == n
	})
	return first
}

// loginsOfCustomer blocks the third login of a customer within an hour.
const loginsOfCustomer = `
version: 1
stage: event
velocity:
  - { name: logins_1h, aggregate: count, events: [event.login], by: customer.id, window: 1h }
rules:
  - { name: many_logins, when: velocity.logins_1h >= 2, outcome: block, on_missing: block }
`

// An event sees those before it, each once however often it was sent, and not itself.
func TestEventsAreCountedOnceAndDecidedOn(t *testing.T) {
	s := newStage(t, loginsOfCustomer)
	s.velocity(nil)
	s.risk()
	events := []topics.CustomerEvent{happens("login", "ann", ""), happens("login", "ann", ""), happens("logout", "ann", ""), happens("login", "ann", ""),
		happens("login", "bob", "")}
	for _, e := range events {
		s.record(e, e, e)
	}
	assessed := s.recorded(len(events))
	for i, want := range []int64{0, 1, 2, 2, 0} {
		in := assessed[events[i].EventID]
		if f := in.Features["logins_1h"]; f.Missing || f.Value != want {
			t.Errorf("event %d was answered %+v, want %d logins before it", i, f, want)
		}
		outcome := topics.OutcomePass
		if want == 2 {
			outcome = topics.OutcomeBlock
		}
		if d := in.Decision; d.Outcome != outcome || d.Stage != topics.StageEvent || d.EventID != in.Event.EventID {
			t.Errorf("decision %+v on event %d, want %s", d, i, outcome)
		}
	}
}

// loginsOfDevice blocks payments from a device with two logins within an hour.
const loginsOfDevice = `
version: 1
velocity:
  - { name: device_logins_1h, aggregate: count, events: [event.login], by: context.device_id, window: 1h }
rules:
  - { name: busy_device, when: velocity.device_logins_1h >= 2, outcome: block, on_missing: block }
`

// A payment sees the logins that were assessed before it, although no rule looked at them: they were written to be counted
// before they counted as done. Processes that stop and start again count none twice.
func TestPaymentsSeeTheEventsBeforeThem(t *testing.T) {
	s := newStage(t, loginsOfDevice)
	counting, role := s.velocity(nil), s.risk()
	var events []topics.CustomerEvent
	for i := range 60 {
		e := happens("login", []string{"ann", "bob", "eve"}[i%3], "dev_1")
		events = append(events, e)
		s.record(e, e)
		if i%20 == 10 {
			role.stop() // what it had in hand comes again
			role = s.risk()
		}
		if i == 30 {
			counting.stop()
			counting = s.velocity(nil)
		}
	}
	for _, in := range s.recorded(len(events)) {
		if d := in.Decision; d.Outcome != topics.OutcomePass || d.RuleSet != "" || len(in.Features) != 0 {
			t.Fatalf("decision %+v with features %v, want none: there are no rules for events", d, in.Features)
		}
	}
	c := attempt("fp_1")
	c.Context = &topics.Context{DeviceID: "dev_1"}
	s.send(c)
	in := s.paid(c.CommandID)
	if f := in.Features["device_logins_1h"]; f.Value != int64(len(events)) || in.Decision.Outcome != topics.OutcomeBlock {
		t.Errorf("the payment was answered %+v and is %s, want %d logins and a block", f, in.Decision.Outcome, len(events))
	}
}

// paid waits for the assessment of a payment's command, beside whatever else is assessed.
func (s *stage) paid(commandID string) topics.AssessedCommand {
	s.t.Helper()
	var found topics.AssessedCommand
	s.read(topics.Inbox, func(r *kgo.Record) bool {
		var in topics.AssessedCommand
		if err := topics.Unmarshal(r.Value, &in); err != nil {
			s.t.Fatal(err)
		}
		if in.Command.CommandID == commandID {
			found = in
		}
		return in.Command.CommandID == commandID
	})
	return found
}

// disputesOfCard blocks a card with a dispute, and a customer to whom much was paid out.
const disputesOfCard = `
version: 1
velocity:
  - { name: card_disputes_7d, aggregate: count, events: [disputed], by: card.fingerprint, window: 7d }
  - { name: customer_disputed_7d, aggregate: sum, currency: EUR, events: [disputed], by: customer.id, window: 7d }
  - { name: customer_paid_out_24h, aggregate: sum, currency: EUR, events: [payout], by: customer.id, window: 24h }
rules:
  - { name: disputed, when: velocity.card_disputes_7d >= 1, outcome: block, on_missing: block }
  - { name: disputed_much, when: velocity.customer_disputed_7d > money("100.00 EUR"), outcome: hold, on_missing: hold }
  - { name: cashed_out, when: velocity.customer_paid_out_24h > money("500.00 EUR"), outcome: hold, on_missing: hold }
`

// A dispute that names no card counts for the card of the payment that it is about; a payout counts for whom it names.
func TestDisputesAndPayoutsOfOtherSystems(t *testing.T) {
	s := newStage(t, disputesOfCard)
	s.velocity(nil)
	s.risk()
	paid := attempt("fp_1")
	s.send(paid)
	s.paid(paid.CommandID)
	home := topics.PartitionOf("acme", paid.CustomerID, partitions)
	dispute := happens("dispute", paid.CustomerID, "")
	dispute.Amount, dispute.Currency = 1500, "EUR"
	dispute.PaymentID = topics.PaymentID{Partition: home, UUID: uuid.Must(uuid.FromString(paid.CommandID))}.String()
	payout := happens("payout", paid.CustomerID, "")
	payout.Amount, payout.Currency = 50_100, "EUR"
	s.record(dispute, payout, dispute, payout)
	s.recorded(2)

	var in topics.AssessedCommand
	s.await("the dispute counts for the card", func() bool {
		again := attempt("fp_1")
		again.CustomerID = paid.CustomerID
		s.send(again)
		in = s.paid(again.CommandID)
		return in.Features["card_disputes_7d"].Value > 0
	})
	if in.Decision.Outcome != topics.OutcomeBlock || in.Features["card_disputes_7d"].Value != 1 || in.Features["customer_disputed_7d"].Value != 1500 ||
		in.Features["customer_paid_out_24h"].Value != 50_100 {
		t.Errorf("features %+v and a %s, want one dispute of 15.00 and a payout of 501.00", in.Features, in.Decision.Outcome)
	}
}

// What cannot be read or is invalid goes to the dead letters of the topic, and what comes after it is counted.
func TestWrongEventsAreDeadLetters(t *testing.T) {
	s := newStage(t, loginsOfCustomer)
	s.add("payments.yaml", loginsOfDevice)
	s.velocity(nil)
	s.risk()
	good, wrong := happens("login", "ann", "dev_1"), happens("Log in", "ann", "dev_1")
	s.record(wrong, good)
	s.recorded(1)
	if err := s.client.ProduceSync(s.t.Context(), &kgo.Record{Topic: topics.CustomerEvents, Value: []byte("hello")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	reasons := map[topics.RefusalCode]int{}
	s.read(topics.CustomerEventsDeadLetters, func(r *kgo.Record) bool {
		var letter topics.DeadLetter
		if err := topics.Unmarshal(r.Value, &letter); err != nil || letter.Topic != topics.CustomerEvents {
			t.Errorf("letter %+v: %v", letter, err)
		}
		reasons[letter.Reason]++
		return len(reasons) == 2
	})
	if reasons[topics.RefusedInvalid] != 1 || reasons[topics.RefusedUndecodable] != 1 {
		t.Errorf("letters by reason %v, want one invalid and one undecodable", reasons)
	}
}
