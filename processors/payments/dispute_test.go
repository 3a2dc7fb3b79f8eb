package payments_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// disputed is a webhook that tells a fact of the dispute dp_1 of a customer's payment.
func disputed(n int, payment string, fact topics.DisputeFact, amount int64) *topics.PSPReport {
	return &topics.PSPReport{
		ReportID: id(n).String(), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", PaymentID: payment, Operation: topics.OperationDispute,
		Outcome: topics.PSPApproved, Amount: amount, Currency: "EUR", OccurredAt: start.Add(time.Duration(n) * time.Second),
		Dispute: &topics.DisputeReport{Reference: "dp_1", Fact: fact, Reason: "10.4", Category: "fraud", EvidenceDue: start.Add(240 * time.Hour)},
	}
}

// lifeOfADispute has a deposit disputed, answered and won.
func lifeOfADispute(t *testing.T, in *inbox) (dispute topics.DisputeID) {
	t.Helper()
	payment := topics.PaymentID{UUID: id(1)}
	dispute = topics.DisputeIDOf("acme", payment, "sandbox", "dp_1")
	in.restart()
	in.twice(true, topics.TypePSPReport, disputed(901, payment.String(), topics.FactOpened, 10000))
	in.twice(true, topics.TypePSPReport, disputed(902, payment.String(), topics.FactFundsWithdrawn, 10000))
	in.put(topics.TypePSPReport, disputed(903, payment.String(), topics.FactFee, 1500))
	in.fold(10)
	in.restart()
	answer := &topics.AssessedDisputeCommand{Command: topics.DisputeCommand{
		CommandID: id(2).String(), Type: topics.DisputeSubmitEvidence, Tenant: "acme", CustomerID: "anna", DisputeID: dispute.String(),
		Evidence: &topics.DisputeEvidence{Text: "It was used."},
	}}
	in.twice(true, topics.TypeAssessedDispute, answer)
	in.put(topics.TypeAssessedCommand, refund(3, "anna", payment.String(), 100))
	in.fold(10)
	in.restart()
	for _, r := range outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests) {
		if !r.Operation.OfDispute() {
			continue
		}
		if r.DisputeReference != "dp_1" || r.Evidence == nil || r.PaymentID != payment.String() || r.PSPReference == "" {
			t.Errorf("request %+v", r)
		}
		report := approved(&r, false)
		report.Dispute = &topics.DisputeReport{Reference: r.DisputeReference}
		in.put(topics.TypePSPReport, report)
	}
	in.put(topics.TypePSPReport, disputed(904, payment.String(), topics.FactWon, 10000))
	in.fold(10)
	return dispute
}

func refund(n int, customer, payment string, amount int64) *topics.AssessedCommand {
	c := topics.Command{CommandID: id(n).String(), Type: topics.CommandRefund, Tenant: "acme", CustomerID: customer, PaymentID: payment, Amount: amount, Currency: "EUR"}
	return &topics.AssessedCommand{Command: c, Decision: topics.Decision{CommandID: c.CommandID, Outcome: topics.OutcomePass}}
}

// TestADisputeIsFolded goes the whole way, with a new owner after each step, and has fsck look at the end.
func TestADisputeIsFolded(t *testing.T) {
	db := databasetest.New(t)
	in := deposit(t, db, "anna")
	lifeOfADispute(t, in)
	var got []string
	for _, e := range outputsOf[topics.DisputeEvent](t, in.published, topics.DisputeEvents) {
		got = append(got, fmt.Sprintf("%s %s", e.Type, e.Status))
	}
	want := []string{"opened needs_response", "funds_withdrawn needs_response", "fee_charged needs_response", "evidence_requested submitting",
		"evidence_submitted under_review", "won won"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events %q, want %q", got, want)
	}
	got = nil
	for _, e := range outputsOf[topics.PaymentEvent](t, in.published, topics.Events) {
		got = append(got, fmt.Sprintf("%s %s", e.Type, e.Refusal))
		if d := e.Dispute; d != nil {
			got = append(got, fmt.Sprintf("%t %d %d", d.First, d.Disputing, d.Disputed))
		}
	}
	want = []string{"disputed ", "true 10000 0", "disputed ", "false -10000 10000", "command_refused disputed"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events of the payment %q, want %q", got, want)
	}
	if n := count(t, db, "timers WHERE kind LIKE 'dispute%'"); n != 0 {
		t.Errorf("%d timers are left", n)
	}
	wantSound(t, in)
}

// TestDisputesAreRestored: a database that lost everything has the same disputes, payments, timers, balances and applied inputs
// once what was published is folded into it.
func TestDisputesAreRestored(t *testing.T) {
	first := databasetest.New(t)
	in := deposit(t, first, "anna")
	lifeOfADispute(t, in)
	in.put(topics.TypePSPReport, disputed(905, topics.PaymentID{UUID: id(1)}.String(), topics.FactPreArbitration, 10000)) // a timer
	unnamed := disputed(906, topics.PaymentID{UUID: id(1)}.String(), topics.FactFundsWithdrawn, 5)                        // cases: of no dispute, of no payment
	unnamed.Dispute = nil
	in.put(topics.TypePSPReport, unnamed)
	in.put(topics.TypePSPReport, disputed(907, topics.PaymentID{UUID: id(77)}.String(), topics.FactFundsWithdrawn, 5))
	in.fold(10)
	second := databasetest.New(t)
	again := newInbox(t, second, newProgram(t, second, 1, nil), 0)
	restorer := again.state.(stream.Restorer)
	records := restored(in)
	if err := restorer.LoadRestored(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := restorer.Restore(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.state.Written()
	for _, query := range []string{
		`SELECT partition, id::text, tenant, customer, payment::text, currency, status, taken, due::text, opened::text, version, positions::text, state FROM disputes ORDER BY id`,
		`SELECT partition, id::text, status, version, positions::text, encode(state, 'hex') FROM payments ORDER BY id`,
		`SELECT partition, payment::text, due::text, kind, generation FROM timers ORDER BY payment`,
		`SELECT partition, id::text, tenant, code, owner, currency, guarded, balance FROM accounts ORDER BY id`,
		`SELECT partition, id::text, tenant, customer, state, version FROM deposit_sources ORDER BY id`,
		`SELECT partition, position, id::text FROM applied_inputs ORDER BY position, id`,
	} {
		if want, got := table(t, first, query), table(t, second, query); want != got || want == "" {
			t.Errorf("%s\n%s", query, difference(want, got))
		}
	}
}

// TestAReinstatementBeforeItsWithdrawal: PSPs keep no order. What is given back before it is known to be taken is nobody's, and is
// not paid out.
func TestAReinstatementBeforeItsWithdrawal(t *testing.T) {
	db := databasetest.New(t)
	in := deposit(t, db, "anna")
	payment := topics.PaymentID{UUID: id(1)}.String()
	in.put(topics.TypePSPReport, disputed(901, payment, topics.FactFundsReinstated, 10000))
	in.put(topics.TypePSPReport, disputed(902, payment, topics.FactFee, 1500))
	in.put(topics.TypeAssessedPayout, payoutCommand(2, "anna", topics.PayoutCreate, 20000, ""))
	in.fold(10)
	in.put(topics.TypePSPReport, disputed(903, payment, topics.FactFundsWithdrawn, 10000))
	in.fold(10)
	for _, r := range outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests) {
		t.Errorf("asked for: %s of %d", r.Operation, r.Amount)
	}
	const query = `SELECT code, balance FROM accounts WHERE code IN ('customer_wallet', 'customer_debt', 'suspense') AND balance <> 0 ORDER BY code`
	if got := table(t, db, query); got != "customer_wallet | -10000 | \n" {
		t.Errorf("accounts\n%q", got)
	}
	wantSound(t, in)
}

// TestDisputeInputsThatBelongNowhere: what names no dispute or payment of ours moves nothing.
func TestDisputeInputsThatBelongNowhere(t *testing.T) {
	db := databasetest.New(t)
	in := deposit(t, db, "anna")
	payment := topics.PaymentID{UUID: id(1)}.String()
	in.put(topics.TypePSPReport, disputed(901, topics.PaymentID{UUID: id(77)}.String(), topics.FactFundsWithdrawn, 5))
	in.put(topics.TypePSPReport, disputed(902, topics.PaymentID{Partition: 1, UUID: id(77)}.String(), topics.FactFundsWithdrawn, 5))
	other := disputed(903, payment, topics.FactFundsWithdrawn, 5)
	other.PSP = "other"
	in.put(topics.TypePSPReport, other)
	unnamed := disputed(904, payment, topics.FactFundsWithdrawn, 5)
	unnamed.Dispute = nil
	in.put(topics.TypePSPReport, unnamed)
	unknown := topics.DisputeID{UUID: id(5)}.String()
	in.put(topics.TypeTimerDue, topics.TimerDue{Kind: topics.TimerDisputeDue, Tenant: "acme", CustomerID: "anna", PaymentID: unknown, Generation: 1})
	in.put(topics.TypeAssessedDispute, topics.AssessedDisputeCommand{Command: topics.DisputeCommand{
		CommandID: id(6).String(), Type: topics.DisputeAccept, Tenant: "acme", CustomerID: "anna", DisputeID: unknown}})
	in.put(topics.TypeAssessedDispute, topics.AssessedDisputeCommand{Command: topics.DisputeCommand{
		CommandID: id(1).String(), Type: topics.DisputeAccept, Tenant: "acme", CustomerID: "anna", DisputeID: unknown}})
	in.fold(10)
	var got []string
	for _, e := range outputsOf[topics.DisputeEvent](t, in.published, topics.DisputeEvents) {
		got = append(got, string(e.Type)+" "+string(e.Refusal))
	}
	want := []string{"case_opened unmatched_report", "dead_lettered undecodable", "case_opened unmatched_report", "case_opened unmatched_report",
		"command_refused unknown_dispute", "command_refused duplicate_command"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := count(t, db, "disputes"); n != 0 {
		t.Errorf("%d disputes are stored", n)
	}
	wantSound(t, in)
}
