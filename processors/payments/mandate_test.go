package payments_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// byMandate is a payment by the mandate that payment 1 has set up.
func byMandate(n int, customer string) *topics.AssessedCommand {
	c := create(n, customer, topics.CaptureAutomatic)
	c.Command.Card, c.Command.Mandate = nil, topics.PaymentID{UUID: id(1)}.MandateID()
	return c
}

// authorizeOf is the request of the create command at a position.
func authorizeOf(n int, customer string, position int) *topics.PSPRequest {
	return &topics.PSPRequest{
		RequestID: fmt.Sprintf("0-%d-1", position), Operation: topics.OperationAuthorize, PSP: "sandbox", Tenant: "acme", CustomerID: customer,
		PaymentID: topics.PaymentID{UUID: id(n)}.String(), Amount: 10_000, Currency: "EUR",
	}
}

func declinedBy(request *topics.PSPRequest, code, category, retry string) *topics.PSPReport {
	r := approved(request, false)
	r.Outcome, r.DeclineCode, r.DeclineCategory, r.DeclineRetry, r.HardDecline = topics.PSPDeclined, code, category, retry, retry == "never"
	return r
}

// agreed plays a mandate from its first payment to a decline for good.
func agreed(t *testing.T, db *database.DB, size int, restart bool) *inbox {
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	first := create(1, "anna", topics.CaptureAutomatic)
	first.Command.SetupMandate = &topics.MandateTerms{Kind: topics.MandateRecurring, ExpiresAt: start.AddDate(1, 0, 0)}
	kept := approved(authorizeOf(1, "anna", 0), true)
	kept.StoredCredential, kept.NetworkReference = "kept_1", "net_1"
	for _, record := range []struct {
		kind  string
		value any
	}{
		{topics.TypeAssessedCommand, first}, {topics.TypePSPReport, kept},
		{topics.TypeAssessedCommand, byMandate(2, "anna")}, {topics.TypePSPReport, approved(authorizeOf(2, "anna", 2), true)},
		{topics.TypeAssessedCommand, byMandate(3, "bert")}, // another customer's
		{topics.TypeAssessedCommand, byMandate(4, "anna")},
		{topics.TypePSPReport, declinedBy(authorizeOf(4, "anna", 5), "51", "insufficient_funds", "later")},
		{topics.TypeAssessedCommand, byMandate(5, "anna")},
		{topics.TypePSPReport, declinedBy(authorizeOf(5, "anna", 7), "43", "lost_or_stolen", "never")},
		{topics.TypeAssessedCommand, byMandate(6, "anna")},
		{topics.TypeTimerDue, topics.TimerDue{Generation: 2, Kind: topics.TimerRetry, Tenant: "acme", CustomerID: "anna", PaymentID: topics.PaymentID{UUID: id(4)}.String()}},
	} {
		in.put(record.kind, record.value)
		if len(in.pending) == size {
			in.fold(size)
			if restart {
				in.restart()
			}
		}
	}
	in.fold(size)
	return in
}

var mandateTables = []string{
	`SELECT partition, id::text, tenant, customer, status, version, positions::text, encode(state, 'hex') FROM payments ORDER BY id`,
	`SELECT partition, tenant, customer, payment::text FROM mandates ORDER BY payment`,
	`SELECT partition, payment::text, due::text, kind, generation FROM timers ORDER BY payment`,
}

// TestAMandateInTheFold: what the PSP keeps is used by later payments, a decline for good ends the mandate in the same record,
// and what waits to be asked for again is not asked for any more. Batches and restarts make no difference.
func TestAMandateInTheFold(t *testing.T) {
	db := databasetest.New(t)
	in := agreed(t, db, 100, false)
	var told []string
	for _, e := range outputsOf[topics.PaymentEvent](t, in.published, topics.Events) {
		if e.Refusal != "" || e.Mandate != nil || e.Retry != nil || e.Type == topics.EventDeclined {
			told = append(told, fmt.Sprintf("%s %s %s", e.EventID, e.Type, e.Refusal))
		}
	}
	if want := []string{
		"0-1-2 mandate_activated ", "0-4-0 command_refused unknown_mandate", "0-6-1 queued ", "0-8-0 declined ",
		"0-8-1 mandate_failed ", "0-9-0 command_refused mandate_not_active", "0-10-0 declined ",
	}; !slices.Equal(told, want) {
		t.Errorf("told\n%q\nwant\n%q", told, want)
	}
	for _, r := range outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)[1:] {
		if r.Card.Token != "kept_1" || r.StoredCredential.Use != topics.CredentialSubsequent || r.StoredCredential.NetworkReference != "net_1" || r.Route != topics.RouteMandate {
			t.Errorf("asked for %+v with %+v", r, r.StoredCredential)
		}
	}
	wantSound(t, in)
	other := databasetest.New(t)
	agreed(t, other, 1, true)
	second := databasetest.New(t)
	again := newInbox(t, second, newProgram(t, second, 1, nil), 0)
	restore(t, again, restored(in))
	for _, query := range mandateTables {
		want := table(t, db, query)
		if got := table(t, other, query); want != got {
			t.Errorf("one by one: %s\n%s", query, difference(want, got))
		}
		if got := table(t, second, query); want != got {
			t.Errorf("restored: %s\n%s", query, difference(want, got))
		}
	}
}

// TestAnIncrementReadsTheMandate: the terms are those of another payment, which the database has.
func TestAnIncrementReadsTheMandate(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	first := create(1, "anna", topics.CaptureAutomatic)
	first.Command.SetupMandate = &topics.MandateTerms{Kind: topics.MandateRecurring, MaxAmount: 10_000}
	by := byMandate(2, "anna")
	by.Command.CaptureMethod = topics.CaptureManual
	in.put(topics.TypeAssessedCommand, first)
	in.put(topics.TypePSPReport, approved(authorizeOf(1, "anna", 0), true))
	in.put(topics.TypeAssessedCommand, by)
	in.put(topics.TypePSPReport, approved(authorizeOf(2, "anna", 2), false))
	in.fold(10)
	in.restart()
	in.put(topics.TypeAssessedCommand, raise(3, "anna", 2, 1))
	in.fold(10)
	wantRefused(t, in, topics.RefusedExceedsMandate)
}

// restore folds what was published into an empty database.
func restore(t *testing.T, in *inbox, records []stream.Restored) {
	t.Helper()
	for batch := range slices.Chunk(records, 3) {
		restorer := in.state.(stream.Restorer)
		if err := restorer.LoadRestored(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			if err := restorer.Restore(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := in.write(t.Context()); err != nil {
			t.Fatal(err)
		}
		in.state.Written()
		in.restart()
	}
}
