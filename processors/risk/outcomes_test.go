package risk_test

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// fiveApproved lets a card have five approved payments in an hour, those under way included.
const fiveApproved = `
version: 1
velocity:
  - { name: card_approved_1h, aggregate: count, events: [approved], by: card.fingerprint, window: 1h, reserve: true }
  - { name: card_declined_1h, aggregate: count, events: [declined.hard], by: card.fingerprint, window: 1h }
rules:
  - { name: enough, when: velocity.card_approved_1h >= 5, outcome: block, on_missing: block }
  - { name: declined, when: velocity.card_declined_1h >= 2, outcome: hold, on_missing: hold }
`

// events writes what became of payments, as the role payments does.
type events struct {
	*stage
	positions [partitions]int64
}

func (e *events) happened(kind topics.EventType, assessed topics.AssessedCommand, psp *topics.PSPData) {
	e.t.Helper()
	c := assessed.Command
	p := topics.PartitionOf(c.Tenant, c.CustomerID, partitions)
	event := topics.PaymentEvent{
		EventID: topics.EventID{Partition: p, Position: e.positions[p]}.String(), Type: kind, Tenant: c.Tenant, CustomerID: c.CustomerID,
		PaymentID: topics.PaymentID{Partition: p, UUID: uuid.Must(uuid.FromString(c.CommandID))}.String(), At: time.Now(), Amount: c.Amount, Currency: c.Currency, PSP: psp,
	}
	e.positions[p]++
	value, err := topics.Marshal(&event)
	if err != nil {
		e.t.Fatal(err)
	}
	for range 2 { // it may come again
		if err := e.client.ProduceSync(e.t.Context(), &kgo.Record{Topic: topics.Events, Partition: p, Value: value}).FirstErr(); err != nil {
			e.t.Fatal(err)
		}
	}
}

// An attempt counts as approved until its outcome is known; declined or blocked, it gives its place back.
func TestOutcomesComeBackAsSignals(t *testing.T) {
	s := newStage(t, fiveApproved)
	counting := s.velocity(nil)
	s.risk()
	var commands []topics.Command
	for range 20 {
		commands = append(commands, attempt("fp_1"))
	}
	s.send(commands...)
	assessed, _ := s.assessed(len(commands))
	if got := outcomes(assessed); got[topics.OutcomePass] != 5 || got[topics.OutcomeBlock] != 15 {
		t.Fatalf("outcomes %v, want 5 passes: the others under way count", got)
	}
	e := &events{stage: s}
	passed := 0
	for _, in := range assessed {
		switch {
		case in.Decision.Outcome == topics.OutcomeBlock:
			e.happened(topics.EventBlocked, in, nil)
		case passed < 3:
			e.happened(topics.EventAuthorized, in, nil)
			passed++
		default:
			e.happened(topics.EventDeclined, in, &topics.PSPData{HardDecline: passed == 3})
			passed++
		}
	}
	// A command asks what it does not count itself: the payments of a card with three approvals, and one hard decline.
	n := len(commands)
	approved := func() int64 {
		n++
		c := attempt("fp_1")
		s.send(c)
		all, _ := s.assessed(n)
		last := all[c.CommandID]
		e.happened(topics.EventBlocked, last, nil)
		if last.Features["card_declined_1h"].Value > 1 {
			t.Fatalf("features %+v, want one hard decline at most: the other was soft", last.Features)
		}
		return last.Features["card_approved_1h"].Value
	}
	s.await("three approvals are left", func() bool { return approved() == 3 })

	counting.stop() // what is kept of outcomes survives
	s.velocity(nil)
	c := attempt("fp_1")
	s.send(c)
	n++
	all, _ := s.assessed(n)
	if last := all[c.CommandID]; last.Features["card_approved_1h"].Value < 3 || last.Features["card_declined_1h"].Value != 1 {
		t.Errorf("features %+v after a restart, want 3 approvals at least and 1 hard decline", last.Features)
	}
}
