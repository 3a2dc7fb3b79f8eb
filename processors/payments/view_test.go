package payments_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func TestViews(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	paid := captured(t, in, 1, "anna")
	for n := 2; n <= 7; n++ {
		c := create(n, fmt.Sprintf("customer-%d", n%2), topics.CaptureManual)
		if n == 7 {
			c.Command.Tenant = "other"
		}
		in.put(topics.TypeAssessedCommand, c)
	}
	in.fold(10)
	ctx := t.Context()

	intent, err := view.Get(ctx, db.Pool, "acme", paid)
	if err != nil {
		t.Fatal(err)
	}
	if intent.Refundable != 10_000 || intent.Capturable != 0 || len(intent.Operations) != 1 || intent.Operations[0].State != "succeeded" {
		t.Fatalf("%+v", intent)
	}
	for _, missing := range []struct{ tenant, id string }{
		{"other", paid}, {"acme", topics.PaymentID{UUID: id(99)}.String()}, {"acme", "nonsense"},
	} {
		if _, err := view.Get(ctx, db.Pool, missing.tenant, missing.id); !errors.Is(err, view.ErrNotFound) {
			t.Fatalf("%v: %v, want ErrNotFound", missing, err)
		}
	}

	var seen []string
	for cursor, pages := "", 0; ; pages++ {
		page, next, err := view.List(ctx, db.Pool, "acme", view.Filter{}, cursor, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, intent := range page {
			seen = append(seen, intent.ID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if len(seen) != 6 || seen[5] != paid {
		t.Fatalf("listed %v, want six, the oldest last", seen)
	}
	for filter, want := range map[view.Filter]int{
		{Customer: "customer-0"}:                                   3,
		{Status: topics.StatusCaptured}:                            1,
		{Customer: "customer-1", Status: topics.StatusAuthorizing}: 2,
		{Customer: "nobody"}:                                       0,
	} {
		page, next, err := view.List(ctx, db.Pool, "acme", filter, "", 100)
		if err != nil || len(page) != want || next != "" {
			t.Fatalf("%+v: %d payments, next %q, %v; want %d", filter, len(page), next, err, want)
		}
	}
	if _, _, err := view.List(ctx, db.Pool, "acme", view.Filter{}, "nonsense", 4); !errors.Is(err, view.ErrCursor) {
		t.Fatalf("%v, want ErrCursor", err)
	}
}

func TestHistory(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	payment := captured(t, in, 1, "anna")
	writeLog(t, in)
	var life []topics.EventType
	err := payments.History(t.Context(), db.Pool, payment, func(e *topics.PaymentEvent) error {
		life = append(life, e.Type)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []topics.EventType{topics.EventCreated, topics.EventAuthorizationRequested, topics.EventAuthorized, topics.EventCaptured}
	if fmt.Sprint(life) != fmt.Sprint(want) {
		t.Fatalf("%v, want %v", life, want)
	}
	err = payments.History(t.Context(), db.Pool, topics.PaymentID{UUID: id(99)}.String(), nil)
	if !errors.Is(err, payments.ErrNoPayment) {
		t.Fatalf("%v, want ErrNoPayment", err)
	}
}

// A payment folded from what was published of it is the one that is stored, after each round of the random traffic.
func TestFoldOfTheEventsIsWhatIsStored(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	schemas := schematest.Compile(t)
	unchanged := 0 // payments whose last event told of nothing that is stored
	for _, round := range traffic(1) {
		for _, c := range round {
			in.put(topics.TypeAssessedCommand, c)
		}
		for settle(t, variant{batch: 5}, []*inbox{in}, schemas) {
		}
		for payment, events := range eventsOf(t, in) {
			folded, err := view.Fold(events)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := view.Get(t.Context(), db.Pool, "acme", payment)
			if err != nil {
				t.Fatal(err)
			}
			want, got := marshaled(t, stored), marshaled(t, folded)
			if want != got {
				t.Fatalf("payment %s\nstored %s\nfolded %s", payment, want, got)
			}
			if events[len(events)-1].Type == topics.EventCommandRefused {
				unchanged++
			}
		}
	}
	if unchanged == 0 {
		t.Error("no payment's last event is a refusal: the test shows less than it should")
	}
}

func marshaled(t *testing.T, value any) string {
	t.Helper()
	data, err := topics.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// eventsOf is what was published of each payment, in its order.
func eventsOf(t *testing.T, in *inbox) map[string][]topics.PaymentEvent {
	t.Helper()
	all := make(map[string][]topics.PaymentEvent)
	for _, r := range in.folded {
		for _, e := range outputsOf[topics.PaymentEvent](t, in.outputs[r.Position], topics.Events) {
			all[e.PaymentID] = append(all[e.PaymentID], e)
		}
	}
	return all
}

func TestFoldOfEventsThatOpenNothing(t *testing.T) {
	payment := topics.PaymentID{UUID: id(1)}.String()
	for _, types := range [][]topics.EventType{
		nil, {topics.EventCommandRefused}, {topics.EventDeadLettered}, {topics.EventCaseOpened, topics.EventCommandRefused},
	} {
		var events []topics.PaymentEvent
		for i, kind := range types {
			events = append(events, topics.PaymentEvent{EventID: fmt.Sprintf("0-%d-0", i), Type: kind, PaymentID: payment})
		}
		if intent, err := view.Fold(events); intent != nil || err != nil {
			t.Errorf("%v: got %+v, %v; want no payment", types, intent, err)
		}
	}
}
