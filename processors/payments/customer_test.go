package payments_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// login is an assessed customer event of anna, whose id is derived from n.
func login(n int, change func(*topics.AssessedCustomerEvent)) *topics.AssessedCustomerEvent {
	v := &topics.AssessedCustomerEvent{
		Event:    topics.CustomerEvent{EventID: id(n).String(), Type: "login", Tenant: "acme", Region: "eu", CustomerID: "anna", TraceID: "trace"},
		Decision: topics.Decision{Outcome: topics.OutcomeBlock, Reasons: []string{"far_away"}, RuleSet: "abc", Evaluated: 3}, AssessedAt: start,
		Enrichment: &topics.Enrichment{IPCountry: "DE"}, Features: map[string]topics.Feature{"logins": {Value: 4}},
	}
	if change != nil {
		change(v)
	}
	return v
}

// An event is decided on once, however often it comes, in whatever batches; a command of the same id is another matter.
func TestACustomerEventIsDecidedOnOnce(t *testing.T) {
	schemas := schematest.Compile(t)
	eachWay(t, func(a *asked) {
		for range 3 {
			a.put(topics.TypeAssessedCustomerEvent, login(1, nil))
		}
		a.put(topics.TypeAssessedWallet, again(nil))
		a.put(topics.TypeAssessedCustomerEvent, login(1, func(v *topics.AssessedCustomerEvent) {
			v.Event.TraceID, v.Event.OccurredAt, v.Decision.Outcome = "another", start, topics.OutcomePass
		}))
		a.put(topics.TypeAssessedCustomerEvent, login(1, func(v *topics.AssessedCustomerEvent) { v.Event.Tenant = "rival" }))
		a.put(topics.TypeAssessedCustomerEvent, login(2, nil))
		a.become("credited")
		decisions := outputsOf[topics.Decision](t, a.published, topics.Decisions)
		if len(decisions) != 3 || decisions[1].Tenant != "rival" || decisions[2].EventID != id(2).String() {
			t.Fatalf("decisions %+v", decisions)
		}
		d := decisions[0]
		if d.EventID != id(1).String() || d.CommandID != "" || d.Tenant != "acme" || d.CustomerID != "anna" || d.At.IsZero() ||
			d.Outcome != topics.OutcomeBlock || d.Enrichment == nil || d.Features["logins"].Value != 4 {
			t.Errorf("decision %+v", d)
		}
		for _, o := range a.published {
			if o.Topic != topics.Decisions {
				continue
			}
			if name, err := schemas.CheckRecord(o.Topic, o.Envelope.Type, o.Value); err != nil || name == "" {
				t.Errorf("%q: %v", name, err)
			}
			if o.Envelope.Region != "eu" || o.Envelope.TraceID != "trace" || string(o.Key) != "anna" || o.Envelope.Subject == "" {
				t.Errorf("envelope %+v, key %q", o.Envelope, o.Key)
			}
		}
		if n := len(outputsOf[topics.PaymentEvent](t, a.published, topics.Events)); n != 0 || len(a.letters) != 0 {
			t.Errorf("%d payment events, %d letters", n, len(a.letters))
		}
	})
}

// What is no such event, or another one under a used id, is put aside and decides nothing.
func TestACustomerEventIsPutAside(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.put(topics.TypeAssessedCustomerEvent, login(1, nil))
	want := []topics.RefusalCode{topics.RefusedDuplicateCommand, topics.RefusedDuplicateCommand, topics.RefusedTooOld,
		topics.RefusedUndecodable, topics.RefusedUndecodable, topics.RefusedUndecodable}
	in.put(topics.TypeAssessedCustomerEvent, login(1, func(v *topics.AssessedCustomerEvent) { v.Event.Type = "signup" }))
	in.put(topics.TypeAssessedCustomerEvent, login(1, func(v *topics.AssessedCustomerEvent) { v.Event.CustomerID = "bob" }))
	in.put(topics.TypeAssessedCustomerEvent, login(2, func(v *topics.AssessedCustomerEvent) { v.AssessedAt = start.Add(-topics.DedupHorizon - time.Hour) }))
	in.put(topics.TypeAssessedCustomerEvent, login(3, func(v *topics.AssessedCustomerEvent) { v.Event.EventID = "x" }))
	in.put(topics.TypeAssessedCustomerEvent, login(4, func(v *topics.AssessedCustomerEvent) { v.Event.CustomerID = "" }))
	in.putBytes(topics.TypeAssessedCustomerEvent, []byte(`nonsense`))
	in.fold(100)
	var got []topics.RefusalCode
	for _, letter := range in.letters {
		got = append(got, letter.Reason)
	}
	if len(got) != len(want) {
		t.Fatalf("letters %+v", in.letters)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("letter %d is %s, want %s: %s", i, got[i], want[i], in.letters[i].Detail)
		}
	}
	if n := len(outputsOf[topics.Decision](t, in.published, topics.Decisions)); n != 1 {
		t.Errorf("%d decisions, want 1", n)
	}

	elsewhere := newInbox(t, db, newProgram(t, db, 4, nil), (topics.PartitionOf("acme", "anna", 4)+1)%4)
	elsewhere.put(topics.TypeAssessedCustomerEvent, login(5, nil))
	elsewhere.fold(1)
	if len(elsewhere.letters) != 1 || elsewhere.letters[0].Reason != topics.RefusedInvalid {
		t.Errorf("letters of another partition: %+v", elsewhere.letters)
	}
}

// A restored fold knows the events that were decided on.
func TestACustomerEventIsRestored(t *testing.T) {
	first, second := databasetest.New(t), databasetest.New(t)
	in := newInbox(t, first, newProgram(t, first, 1, nil), 0)
	in.put(topics.TypeAssessedCustomerEvent, login(1, nil))
	in.fold(1)
	into := newInbox(t, second, newProgram(t, second, 1, nil), 0)
	restorer, records := into.state.(stream.Restorer), restored(in)
	if err := restorer.LoadRestored(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := restorer.Restore(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := into.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	into.state.Written()
	into.next = in.next
	into.put(topics.TypeAssessedCustomerEvent, login(1, nil))
	into.put(topics.TypeAssessedCustomerEvent, login(2, nil))
	into.fold(100)
	if decisions := outputsOf[topics.Decision](t, into.published, topics.Decisions); len(decisions) != 1 || decisions[0].EventID != id(2).String() {
		t.Errorf("decisions after the restore: %+v", decisions)
	}
}
