package payments_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// payoutCommand is an assessed payout command in EUR, with what the type needs.
func payoutCommand(n int, customer string, kind topics.PayoutCommandType, amount int64, payout string) *topics.AssessedPayoutCommand {
	c := topics.PayoutCommand{CommandID: id(n).String(), Type: kind, Tenant: "acme", CustomerID: customer, PayoutID: payout, Amount: amount, TraceID: "trace"}
	switch kind {
	case topics.PayoutCreate:
		c.Currency, c.RequestedBy = "EUR", "ana"
	case topics.PayoutApprove:
		c.ApprovedBy = "ben"
	}
	return &topics.AssessedPayoutCommand{Command: c}
}

// addPayouts has the customers of the mixed traffic ask for payouts, and people decide on them a round later. Ids of commands
// begin at 600,000.
func addPayouts(rounds *[4][]any, partitions int32) {
	n, held := 600_000, 0
	for i := 1; i < len(rounds); i++ {
		for k := range 18 {
			n++
			customer := fmt.Sprintf("customer-%d", k/3%6)
			c := payoutCommand(n, customer, topics.PayoutCreate, int64(100+50*k), "")
			c.Decision = &topics.Decision{CommandID: id(n).String(), Stage: topics.StagePayout, Outcome: topics.OutcomePass, Reasons: []string{"a_rule"}, RuleSet: "abc"}
			switch {
			case k%3 == 0:
				c.Decision.Outcome = topics.OutcomeHold
			case k%9 == 1:
				c.Decision.Outcome = topics.OutcomeBlock
			case k%9 == 8:
				c.Decision = nil
				c.Command.Card = &topics.Card{Token: "tok_other"} // that nobody deposited with
			}
			rounds[i] = append(rounds[i], c)
			if i+1 == len(rounds) {
				continue // nobody decides
			}
			kind := topics.PayoutCancel
			if d := c.Decision; d != nil && d.Outcome == topics.OutcomeHold {
				kind = []topics.PayoutCommandType{topics.PayoutApprove, topics.PayoutReject, topics.PayoutCancel}[held%3]
				held++
			}
			payout := topics.NewPayoutID("acme", customer, id(n), partitions).String()
			n++
			rounds[i+1] = append(rounds[i+1], payoutCommand(n, customer, kind, 0, payout))
		}
	}
}

// answerPayout is what the PSP says of a payout, by its id alone.
func answerPayout(r *topics.PSPRequest, report *topics.PSPReport) *topics.PSPReport {
	pid, _ := topics.ParsePayoutID(r.PaymentID)
	switch pid.UUID[15] % 6 {
	case 0:
		report.Outcome, report.DeclineCode = topics.PSPDeclined, "account_closed"
	case 1:
		report.Outcome, report.DeclineCode = topics.PSPFailed, topics.DeclineNotSent
	case 2:
		report.Outcome = topics.PSPReversed
	}
	return report
}

// payoutTimers are the timers of payouts that wait, in the order of their ids.
func payoutTimers(t *testing.T, db *database.DB) (due []topics.TimerDue) {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), `SELECT partition, payment, due, kind, generation, tenant, customer FROM timers
WHERE kind IN ('payout_expire', 'payout_retry') ORDER BY payment`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		d := topics.TimerDue{TimerID: "timer"}
		var partition int32
		var key uuid.UUID
		if err := rows.Scan(&partition, &key, &d.Due, &d.Kind, &d.Generation, &d.Tenant, &d.CustomerID); err != nil {
			t.Fatal(err)
		}
		d.Due, d.PaymentID = d.Due.UTC(), topics.PayoutID{Partition: partition, UUID: key}.String()
		due = append(due, d)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return due
}

// deposit is an inbox in which a customer has deposited 100.00 EUR with a card.
func deposit(t *testing.T, db *database.DB, customer string) *inbox {
	t.Helper()
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.put(topics.TypeAssessedCommand, create(1, customer, topics.CaptureAutomatic))
	in.fold(10)
	in.put(topics.TypePSPReport, approved(&outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)[0], true))
	in.fold(10)
	in.published = nil
	return in
}

// TestAPayoutIsPaid goes the whole way, with a new owner after each step, and has fsck look at the end.
func TestAPayoutIsPaid(t *testing.T) {
	db := databasetest.New(t)
	in := deposit(t, db, "anna")
	in.restart()
	in.put(topics.TypeAssessedPayout, payoutCommand(2, "anna", topics.PayoutCreate, 6000, ""))
	in.put(topics.TypeAssessedPayout, payoutCommand(2, "anna", topics.PayoutCreate, 6000, ""))
	in.fold(10)
	requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	r := &requests[0]
	if r.Operation != topics.OperationPayout || r.Amount != 6000 || r.Card.Token != "tok_visa" || r.PSPReference == "" || !topics.IsPayoutID(r.PaymentID) {
		t.Errorf("request %+v", *r)
	}
	in.restart()
	report := approved(r, false)
	report.Source, report.ReportID = topics.SourceWebhook, deliveryOf(r)
	in.twice(true, topics.TypePSPReport, report)
	in.fold(10)
	events := outputsOf[topics.PayoutEvent](t, in.published, topics.PayoutEvents)
	last := events[len(events)-1]
	if len(events) != 3 || last.Status != topics.PayoutStatusPaid || *last.Balance != (topics.WalletBalance{Available: 4000}) {
		t.Errorf("events %+v", events)
	}
	if n := count(t, db, "timers WHERE kind LIKE 'payout%'"); n != 0 {
		t.Errorf("%d timers are left", n)
	}
	wantSound(t, in)
}

// TestDepositsOfBeforeAreCounted: a database of the time before there were payouts has no sources of deposits. Whoever opens the
// partition first counts them, once, and a payout goes where they came from.
func TestDepositsOfBeforeAreCounted(t *testing.T) {
	db := databasetest.New(t)
	in := deposit(t, db, "anna")
	before := table(t, db, `SELECT tenant, customer, regexp_replace(state, '"[0-9-]+T[^"]*"', '') FROM deposit_sources`)
	for _, forget := range []string{`DELETE FROM deposit_sources`, `DELETE FROM deposit_sources_built`} {
		if _, err := db.Pool.Exec(t.Context(), forget); err != nil {
			t.Fatal(err)
		}
	}
	in.restart()
	in.restart()
	if after := table(t, db, `SELECT tenant, customer, regexp_replace(state, '"[0-9-]+T[^"]*"', '') FROM deposit_sources`); after != before || before == "" {
		t.Errorf("the deposits were\n%s, counted anew they are\n%s", before, after)
	}
	in.put(topics.TypeAssessedPayout, payoutCommand(2, "anna", topics.PayoutCreate, 6000, ""))
	in.fold(10)
	if events := outputsOf[topics.PayoutEvent](t, in.published, topics.PayoutEvents); len(events) != 2 || events[0].Created.Destination.Card.Token != "tok_visa" {
		t.Errorf("events %+v", events)
	}
	wantSound(t, in)
}

// TestTwoPayoutsAtOnce: of two payouts in one batch, each of which the wallet could pay, one is refused.
func TestTwoPayoutsAtOnce(t *testing.T) {
	db := databasetest.New(t)
	in := deposit(t, db, "anna")
	for n := range 2 {
		in.put(topics.TypeAssessedPayout, payoutCommand(2+n, "anna", topics.PayoutCreate, 6000, ""))
	}
	in.fold(10)
	events := outputsOf[topics.PayoutEvent](t, in.published, topics.PayoutEvents)
	if last := events[len(events)-1]; len(events) != 3 || last.Refusal != topics.RefusedInsufficientFunds || last.Balance.Available != 4000 {
		t.Errorf("events %+v", events)
	}
	wantSound(t, in)
}

// TestPayoutInputsThatBelongNowhere: they move nothing, and those that nobody waits for are dead letters.
func TestPayoutInputsThatBelongNowhere(t *testing.T) {
	db := databasetest.New(t)
	in := deposit(t, db, "anna")
	unknown := topics.PayoutID{UUID: id(77)}.String()
	elsewhere := topics.PayoutID{Partition: 1, UUID: id(77)}.String()
	in.put(topics.TypeAssessedPayout, payoutCommand(3, "anna", topics.PayoutApprove, 0, unknown))
	in.put(topics.TypeAssessedPayout, payoutCommand(4, "anna", topics.PayoutCancel, 0, elsewhere))
	in.put(topics.TypePSPReport, approved(&topics.PSPRequest{PSP: "sandbox", Tenant: "acme", PaymentID: unknown, Operation: topics.OperationPayout, Amount: 5, Currency: "EUR"}, false))
	in.put(topics.TypePSPReport, approved(&topics.PSPRequest{PSP: "sandbox", Tenant: "acme", PaymentID: elsewhere, Operation: topics.OperationPayout}, false))
	in.put(topics.TypeTimerDue, topics.TimerDue{Kind: topics.TimerPayoutPoll, Tenant: "acme", CustomerID: "anna", PaymentID: unknown, Generation: 1})
	in.put(topics.TypeAssessedPayout, topics.AssessedPayoutCommand{Command: topics.PayoutCommand{CommandID: id(5).String(), Tenant: "acme", CustomerID: "anna"},
		Refusal: &topics.Refusal{Code: topics.RefusedCardNumber, Detail: "card.token"}})
	in.put(topics.TypeAssessedPayout, payoutCommand(1, "anna", topics.PayoutCreate, 5, ""))
	in.fold(10)
	var got []string
	for _, e := range outputsOf[topics.PayoutEvent](t, in.published, topics.PayoutEvents) {
		got = append(got, string(e.Type)+" "+string(e.Refusal))
	}
	want := []string{"command_refused unknown_payout", "command_refused unknown_payout", "case_opened unmatched_report", "dead_lettered undecodable",
		"command_refused card_number", "command_refused duplicate_command"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := count(t, db, "payouts"); n != 0 {
		t.Errorf("%d payouts are stored", n)
	}
	wantSound(t, in)
}

// TestPayoutsAreRestored: a database that lost everything has the same payouts, timers and sources of deposits once what was
// published is folded into it.
func TestPayoutsAreRestored(t *testing.T) {
	first, inboxes := playMixed(t, variant{partitions: 1, batch: 1000})
	second := databasetest.New(t)
	again := newInbox(t, second, newProgram(t, second, 1, nil), 0)
	for batch := range slices.Chunk(restored(inboxes[0]), 40) {
		restorer := again.state.(stream.Restorer)
		if err := restorer.LoadRestored(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			if err := restorer.Restore(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := again.write(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.state.Written()
	}
	for _, query := range []string{
		`SELECT partition, id::text, tenant, customer, currency, status, reserved, version, positions::text, state FROM payouts ORDER BY id`,
		`SELECT partition, id::text, tenant, customer, state, version FROM deposit_sources ORDER BY id`,
		`SELECT partition, payment::text, due::text, kind, generation FROM timers ORDER BY payment`,
		`SELECT partition, id::text, tenant, code, owner, currency, guarded, balance FROM accounts ORDER BY id`,
	} {
		if want, got := table(t, first, query), table(t, second, query); want != got || want == "" {
			t.Errorf("%s\n%s", query, difference(want, got))
		}
	}
}

// TestAPayoutIsNotRefundedToo: what a payout gave back to the card of a deposit, or may, is not refunded to it once more; what it
// left is, and what came back of it.
func TestAPayoutIsNotRefundedToo(t *testing.T) {
	db := databasetest.New(t)
	in := deposit(t, db, "anna") // 10000
	refund := func(n int, amount int64) string {
		t.Helper()
		in.put(topics.TypeAssessedCommand, &topics.AssessedCommand{Command: topics.Command{
			CommandID: id(n).String(), Type: topics.CommandRefund, Tenant: "acme", CustomerID: "anna", PaymentID: topics.PaymentID{UUID: id(1)}.String(), Amount: amount, Currency: "EUR"},
			Decision: topics.Decision{CommandID: id(n).String(), Outcome: topics.OutcomePass, RuleSet: "r"}})
		in.fold(10)
		events := outputsOf[topics.PaymentEvent](t, in.published, topics.Events)
		last := events[len(events)-1]
		return string(last.Type) + " " + string(last.Refusal) + " " + last.Detail
	}
	in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletCredit, 10000, func(c *topics.WalletCommand) { c.Reason = topics.ReasonBonus }))
	in.put(topics.TypeAssessedPayout, payoutCommand(3, "anna", topics.PayoutCreate, 6000, ""))
	in.fold(10)
	const refused = "command_refused exceeds_captured 40.00 EUR of what was deposited with the card can go back to it, payouts counted"
	for n, amount := range []int64{10000, 0, 4001} {
		if got := refund(10+n, amount); got != refused {
			t.Errorf("a refund of %d beside a payout of 6000 that is under way: %s", amount, got)
		}
	}
	in.restart() // nothing is in memory any more
	request := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)[0]
	in.put(topics.TypePSPReport, approved(&request, false))
	in.fold(10)
	if got := refund(20, 4001); got != refused {
		t.Errorf("a refund of 4001 after a payout of 6000: %s", got)
	}
	if got := refund(21, 4000); got != string(topics.EventRefundRequested)+"  " {
		t.Errorf("a refund of what the payout left: %s", got)
	}
	returned := approved(&request, false)
	returned.Outcome, returned.ReportID = topics.PSPReversed, id(30).String()
	in.put(topics.TypePSPReport, returned)
	if got := refund(22, 6000); got != string(topics.EventRefundRequested)+"  " {
		t.Errorf("a refund of what the payout brought back: %s", got)
	}
	wantSound(t, in)
}
