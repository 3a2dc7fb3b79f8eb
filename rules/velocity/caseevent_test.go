package velocity

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
)

// disputed is the plan of disputes by card and by customer.
func disputed(t testing.TB) *Plan {
	t.Helper()
	p, err := NewPlan("acme", 1, []Definition{
		{Name: "of_card", By: "card.fingerprint", Kinds: []string{KindDisputed}, Aggregate: Count, Window: time.Hour},
		{Name: "of_customer", By: "customer.id", Kinds: []string{KindDisputed}, Aggregate: Sum, Currency: "EUR", Window: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// disputeOf is a dispute that names the customer and nothing of the card.
func disputeOf(id string, amount ledger.Money) Event {
	e := attemptEvent(amount.Minor, amount.Currency)
	e.Kind, e.Asks, e.ID = KindDisputed, false, "event:"+id
	of := e.Field
	e.Field = func(name string) string {
		if name == "customer.id" {
			return of(name)
		}
		return ""
	}
	return e
}

// bench is one partition of velocity with its cases.
type bench struct {
	t     *testing.T
	plan  *Plan
	state *State
	cases *Cases
	next  int64
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, plan: disputed(t), state: NewState(Limits{ReplyBytes: 1 << 16}), cases: NewCases(time.Hour)}
	retain := b.plan.Retain()
	b.state.Retain(1, &retain)
	return b
}

const payment = "the id of a payment"

// attempt counts an attempt, and keeps its case.
func (b *bench) attempt() {
	made := b.plan.Later().Case([16]byte([]byte(payment)), attemptEvent(1000, "EUR"), 1)
	b.file(made.Append(nil))
}

// file hands a record to the cases and what comes of it to the state.
func (b *bench) file(frame []byte) {
	b.t.Helper()
	b.next++
	targets, err := b.cases.Apply(attemptEvent(0, "").Time.UnixMilli(), 0, b.next, frame)
	if err != nil {
		b.t.Fatal(err)
	}
	b.count(targets)
}

func (b *bench) count(targets []Target) {
	b.t.Helper()
	for i := range targets {
		if _, _, err := b.state.Apply(targets[i].Signal.Time, targets[i].Signal.Append(nil)); err != nil {
			b.t.Fatal(err)
		}
	}
}

// say is a customer event as risk sends it on: its own signals, and what it says of the payment.
func (b *bench) say(e Event) {
	b.next++
	e.Origin = Origin{RoleCustom, 0, b.next}
	b.count(b.plan.Signals(nil, &e, 1))
	about := b.plan.Later().CaseEvent([16]byte([]byte(payment)), &e)
	b.file(about.Append(nil))
}

// answers are the number of the card's disputes and the amount of the customer's.
func (b *bench) answers() (ofCard, ofCustomer int64) {
	ask := attemptEvent(1000, "EUR")
	ask.ID, ask.Kind = "another", KindAttempt
	signals := b.plan.Signals(nil, &ask, 1)
	features := b.plan.Begin(nil)
	b.plan.Fill(features, b.state.Fold(ask.Time.UnixMilli(), &signals[0].Signal))
	return features[0].Value, features[1].Value
}

// A dispute that names the customer and the payment counts for the payment's card, and for the customer once, however
// often it is sent.
func TestADisputeCountsForItsPaymentsCard(t *testing.T) {
	b := newBench(t)
	b.attempt()
	for range 3 {
		b.say(disputeOf("1", ledger.Money{Minor: 700, Currency: "EUR"}))
	}
	if card, customer := b.answers(); card != 1 || customer != 700 {
		t.Errorf("%d disputes of the card, %d of the customer; want 1 and 700", card, customer)
	}
	b.say(disputeOf("2", ledger.Money{Minor: 500, Currency: "USD"})) // at the rate of its own day
	if card, customer := b.answers(); card != 2 || customer != 950 {
		t.Errorf("%d disputes of the card, %d of the customer; want 2 and 950", card, customer)
	}
}

// Where only the payment is known, the amount is that of the attempt.
func TestADisputeWithoutAnAmountIsOfTheWholePayment(t *testing.T) {
	b := newBench(t)
	b.attempt()
	e := disputeOf("1", ledger.Money{})
	e.Field = func(string) string { return "" }
	b.say(e)
	if card, customer := b.answers(); card != 1 || customer != 1000 {
		t.Errorf("%d disputes of the card, %d of the customer; want 1 and 1000", card, customer)
	}
}

// A payment of which nothing is kept is not counted for, nor is another tenant's.
func TestADisputeOfAnUnknownPaymentCountsForTheCustomer(t *testing.T) {
	b := newBench(t)
	b.say(disputeOf("1", ledger.Money{Minor: 700, Currency: "EUR"}))
	if card, customer := b.answers(); card != 0 || customer != 700 {
		t.Errorf("%d disputes of the card, %d of the customer; want 0 and 700", card, customer)
	}
	b.attempt()
	e := disputeOf("2", ledger.Money{})
	about := b.plan.Later().CaseEvent([16]byte([]byte(payment)), &e)
	about.Tenant = "rival"
	b.file(about.Append(nil))
	if card, _ := b.answers(); card != 0 {
		t.Errorf("%d disputes of the card by another tenant", card)
	}
}

func TestACaseEventsFrameIsRefusedWhereItIsBroken(t *testing.T) {
	e := disputeOf("1", ledger.Money{Minor: 700, Currency: "USD"})
	about := disputed(t).Later().CaseEvent([16]byte{1}, &e)
	if len(about.Amounts) != 1 {
		t.Fatalf("%+v, want the amount in EUR", about)
	}
	frame := about.Append(nil)
	var again CaseEvent
	if err := again.Decode(frame); err != nil || !slices.Equal(again.Append(nil), frame) {
		t.Errorf("read again it is %+v (%v)", again, err)
	}
	for cut := range len(frame) {
		if _, err := NewCases(time.Hour).Apply(1, 0, 0, frame[:cut]); err == nil {
			t.Errorf("cut at %d it is taken", cut)
		}
	}
	frame[0]++
	if _, err := NewCases(time.Hour).Apply(1, 0, 0, frame); !errors.Is(err, ErrFutureFormat) {
		t.Errorf("a newer format: %v", err)
	}
}
