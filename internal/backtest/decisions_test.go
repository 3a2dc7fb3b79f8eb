package backtest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// logWorld is a decision log as risk and payments write it, in two partitions.
type logWorld struct {
	*testing.T
	kafka  []kgo.Opt
	client *kgo.Client
	events int64
}

func newLogWorld(t *testing.T) *logWorld {
	b := brokertest.New(t, 2)
	return &logWorld{T: t, kafka: b.Config.Options(slog.New(slog.DiscardHandler)), client: b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))}
}

// produce writes a record and returns its time, which on a cluster is the broker's.
func (w *logWorld) produce(partition int32, topic, kind string, value any) time.Time {
	w.Helper()
	data, err := topics.Marshal(value)
	if err != nil {
		w.Fatal(err)
	}
	r := &kgo.Record{Topic: topic, Partition: partition, Value: data, Headers: []kgo.RecordHeader{{Key: topics.HeaderType, Value: []byte(kind)}}}
	if err := w.client.ProduceSync(w.Context(), r).FirstErr(); err != nil {
		w.Fatal(err)
	}
	reader, err := broker.OpenPartition(w.kafka, topic, partition, r.Offset, r.Offset+1)
	if err != nil {
		w.Fatal(err)
	}
	defer reader.Close()
	stored, err := reader.Next(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return stored.Timestamp
}

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// decided writes a command that was assessed so many seconds after the beginning, and its decision; it returns the payment.
func (w *logWorld) decided(partition int32, second int, outcome topics.Outcome) topics.PaymentID {
	w.Helper()
	id := topics.PaymentID{Partition: partition, UUID: uuid.Must(uuid.NewV7())}
	in := topics.AssessedCommand{AssessedAt: began.Add(time.Duration(second) * time.Second),
		Command:  topics.Command{CommandID: strings.ToUpper(id.UUID.String()), Type: topics.CommandCreate, Tenant: "acme", CustomerID: "cus_1", Amount: 1000, Currency: "EUR"},
		Decision: topics.Decision{Outcome: outcome, RuleSet: "a set"}}
	in.Decision.CommandID = in.Command.CommandID
	d := in.Decision
	d.PaymentID, d.Tenant = id.String(), "acme"
	d.At = w.produce(partition, topics.Inbox, topics.TypeAssessedCommand, &in)
	w.produce(partition, topics.Decisions, topics.TypeDecision, &d)
	return id
}

// happened writes an event of a payment.
func (w *logWorld) happened(payment topics.PaymentID, second int, kind topics.EventType, amount int64) {
	w.Helper()
	w.events++
	w.produce(payment.Partition, topics.Events, topics.TypePaymentEvent, &topics.PaymentEvent{EventID: fmt.Sprintf("%d-%d-0", payment.Partition, w.events), Type: kind,
		Tenant: "acme", PaymentID: payment.String(), At: began.Add(time.Duration(second) * time.Second), Amount: amount, Currency: "EUR"})
}

// TestDecisionsAreAHistory: what was decided and what became of it, of all partitions, in the order of time.
func TestDecisionsAreAHistory(t *testing.T) {
	w := newLogWorld(t)
	a := w.decided(0, 10, topics.OutcomePass)
	b := w.decided(1, 5, topics.OutcomeHold)
	c := w.decided(0, 20, topics.OutcomeBlock)
	w.happened(a, 12, topics.EventAuthorized, 1000)
	w.happened(a, 13, topics.EventCaptured, 1000) // counts as nothing
	w.happened(b, 20, topics.EventDeclined, 0)
	w.happened(c, 20, topics.EventBlocked, 0)
	w.happened(a, 30, topics.EventRefunded, 400)
	gone := topics.Decision{CommandID: uuid.Must(uuid.NewV7()).String(), PaymentID: "pay", Tenant: "acme", RuleSet: "a set", Outcome: topics.OutcomePass, At: time.Now()}
	w.produce(1, topics.Decisions, topics.TypeDecision, &gone)
	login := topics.AssessedCustomerEvent{AssessedAt: began.Add(11 * time.Second), Decision: topics.Decision{Stage: topics.StageEvent, Outcome: topics.OutcomePass},
		Event: topics.CustomerEvent{EventID: uuid.Must(uuid.NewV7()).String(), Type: "login", Tenant: "acme", CustomerID: "cus_1", OccurredAt: began.Add(11 * time.Second),
			Context: &topics.Context{DeviceID: "dev_1"}}}
	login.Decision.EventID = login.Event.EventID
	told := login.Decision // by no rule
	told.Tenant, told.At = "acme", w.produce(1, topics.Inbox, topics.TypeAssessedCustomerEvent, &login)
	w.produce(1, topics.Decisions, topics.TypeDecision, &told)
	gone.Stage = topics.StageWallet // of no payment
	w.produce(1, topics.Decisions, topics.TypeDecision, &gone)

	log, err := OpenDecisions(t.Context(), w.kafka, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var got []string
	for {
		e, err := log.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%2.0f %s", e.Input.Now.Sub(began).Seconds(), e.ID)
		if e.Input.Event != nil {
			line += fmt.Sprintf(" is %s of %s on %s", e.Kind, e.Input.Text("customer.id"), e.Input.Text("context.device_id"))
		} else if e.Outcome() {
			line += fmt.Sprintf(" became %q %d of %s", e.Kind, e.Input.Command.Amount, e.Input.Command.CommandID)
		} else {
			line += fmt.Sprintf(" was decided %s on %s", e.Recorded.Outcome, e.Input.Command.CommandID)
		}
		got = append(got, line)
	}
	want := []string{
		fmt.Sprintf(" 5 %s was decided hold on %s", b, b.UUID),
		fmt.Sprintf("10 %s was decided pass on %s", a, a.UUID),
		fmt.Sprintf("11 %s is event.login of cus_1 on dev_1", login.Event.EventID),
		fmt.Sprintf("12 %s became \"approved\" 1000 of %s", a, a.UUID),
		fmt.Sprintf("20 %s was decided block on %s", c, c.UUID),
		fmt.Sprintf("20 %s became \"\" 0 of %s", c, c.UUID),
		fmt.Sprintf("20 %s became \"declined.soft\" 0 of %s", b, b.UUID),
		fmt.Sprintf("30 %s became \"refunded\" 400 of %s", a, a.UUID),
	}
	if !slices.Equal(got, want) {
		t.Errorf("the history is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if log.Gone != 1 {
		t.Errorf("%d decisions are gone, want 1", log.Gone)
	}
}

// TestDecisionsCompared: the rules are compared with what was decided then, and payments are named as people know them.
func TestDecisionsCompared(t *testing.T) {
	w := newLogWorld(t)
	first := w.decided(0, 0, topics.OutcomePass)
	w.happened(first, 1, topics.EventAuthorized, 1000)
	second := w.decided(1, 2, topics.OutcomePass)
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(`version: 1
velocity:
  - { name: approved, aggregate: sum, currency: EUR, events: [approved], by: customer.id, window: 1h }
rules:
  - { name: again, when: velocity.approved >= money("10.00 EUR"), outcome: hold, on_missing: hold }
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := OpenDecisions(t.Context(), w.kafka, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r, err := Run(Config{Source: log, Input: topics.Decisions, Set: set, Cards: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changes.Transitions) != 1 || r.Changes.Attempts != 1 || r.Changes.Transitions[0].Examples[0].ID != second.String() || r.Baseline != AsRecorded {
		t.Errorf("%+v", r.Changes)
	}
}
