package payments_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/topics"
)

// addMethods has customers of their own pay by a bank, a code and crypto, some of them by links: in parts, too much, twice, late,
// and back. Their PSPs tell of it in later rounds, by what they call things. Ids of commands and reports begin at 500,000.
func addMethods(rounds *[4][]any, partitions int32) {
	n := 500_000
	shopper := func(k int, method, link string, round int) (tell func(round int, outcome topics.PSPOutcome, amount int64, reference string), do func(int, topics.CommandType, int64, bool)) {
		n++
		customer := fmt.Sprintf("shopper-%d", k%5)
		payment := topics.PaymentID{Partition: topics.PartitionOf("acme", customer, partitions), UUID: id(n)}.String()
		c := create(n, customer, topics.CaptureAutomatic)
		c.Command.Card, c.Command.PaymentMethod, c.Command.LinkID = nil, &topics.PaymentMethod{Type: method, Name: "shop"}, link
		c.Gaming = gamingTerms("customer-" + fmt.Sprint(k%2*5))
		rounds[round] = append(rounds[round], c)
		tell = func(round int, outcome topics.PSPOutcome, amount int64, reference string) {
			n++
			report := &topics.PSPReport{
				ReportID: id(n).String(), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", CustomerID: customer, PaymentID: payment,
				Operation: topics.OperationAuthorize, Outcome: outcome, Amount: amount, Currency: "EUR", PSPReference: reference,
			}
			if outcome == topics.PSPApproved {
				report.Fee = 20
			}
			rounds[round] = append(rounds[round], report)
		}
		do = func(round int, kind topics.CommandType, amount int64, unapplied bool) {
			n++
			command := refund(n, customer, payment, amount)
			command.Command.Type, command.Command.Unapplied = kind, unapplied
			rounds[round] = append(rounds[round], command)
		}
		return tell, do
	}
	for k := range 2 {
		tell, do := shopper(k, topics.MethodBankRedirect, "", 0) // paid, refunded in part, and called back
		tell(1, topics.PSPApproved, 10_000, "bank_1")
		do(1, topics.CommandRefund, 3_000, false)
		tell(2, topics.PSPReversed, 10_000, "bank_1")
		tell, do = shopper(k, topics.MethodQR, "", 0) // paid by two people, and the second has it back
		tell(1, topics.PSPApproved, 10_000, "qr_1")
		tell(1, topics.PSPApproved, 10_000, "qr_2")
		do(2, topics.CommandRefund, 0, true)
		tell, do = shopper(k, topics.MethodCrypto, "", 0) // a part, the rest, and more
		tell(1, topics.PSPApproved, 4_000, "inv_1")
		tell(1, topics.PSPApproved, 4_000, "inv_1")
		tell(1, topics.PSPApproved, 10_000, "tx_1")
		tell(2, topics.PSPApproved, 13_000, "inv_1")
		do(3, topics.CommandRefund, 0, true)
		tell, do = shopper(k, topics.MethodCrypto, "", 0) // a part, which is dropped once it was refunded
		tell(1, topics.PSPApproved, 4_000, "inv_2")
		tell(1, topics.PSPDeclined, 10_000, "inv_2")
		do(2, topics.CommandRefund, 0, true)
		tell(3, topics.PSPReversed, 4_000, "inv_2")
		tell, do = shopper(k, topics.MethodCrypto, "", 1) // cancelled, and paid late, by another one as well, who goes on
		do(1, topics.CommandCancel, 0, false)
		tell(2, topics.PSPApproved, 10_000, "inv_3")
		tell(2, topics.PSPApproved, 3_000, "inv_4")
		tell(3, topics.PSPApproved, 6_000, "inv_4")
		tell, _ = shopper(k, topics.MethodBankRedirect, "", 1) // back before it had come
		tell(2, topics.PSPReversed, 10_000, "bank_2")
		tell(3, topics.PSPApproved, 10_000, "bank_2")
		n++
		customer := fmt.Sprintf("shopper-%d", k)
		link := topics.NewLinkID("acme", customer, id(n), partitions).String()
		rounds[0] = append(rounds[0], linkCommand(n, customer, 1, ""))
		tell, do = shopper(k, topics.MethodCrypto, link, 1) // a part, given up, and the rest: nobody else may pay the link meanwhile
		tell(2, topics.PSPApproved, 4_000, "inv_5")
		do(2, topics.CommandCancel, 0, false)
		shopper(k, topics.MethodQR, link, 2)
		tell(3, topics.PSPApproved, 10_000, "inv_5")
	}
}

// addMandates has customers of their own agree to later payments, which are declined for now, for good, and later after all for good,
// and revoke some mandates. Ids begin at 550,000.
func addMandates(rounds *[4][]any, partitions int32) {
	n := 550_000
	for k := range 6 {
		customer := fmt.Sprintf("member-%d", k)
		n++
		first := topics.PaymentID{Partition: topics.PartitionOf("acme", customer, partitions), UUID: id(n)}
		c := create(n, customer, topics.CaptureAutomatic)
		c.Command.SetupMandate = &topics.MandateTerms{Kind: topics.MandateRecurring, MaxAmount: 9_000}
		rounds[0] = append(rounds[0], c)
		for round := 1; round < len(rounds); round++ {
			for i := range 3 {
				n++
				by := create(n, customer, topics.CaptureAutomatic)
				by.Command.Card, by.Command.Mandate, by.Command.Amount = nil, first.MandateID(), 8_000+int64(i)*1_000
				by.Gaming = gamingTerms("customer-" + fmt.Sprint(k))
				rounds[round] = append(rounds[round], by)
				payment := topics.PaymentID{Partition: first.Partition, UUID: id(n)}.String()
				if n++; i == 0 && k%3 == 0 && round < len(rounds)-1 { // its decline was final
					rounds[round+1] = append(rounds[round+1], &topics.PSPReport{
						ReportID: id(n).String(), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", CustomerID: customer, PaymentID: payment,
						Operation: topics.OperationAuthorize, Outcome: topics.PSPDeclined, Amount: by.Command.Amount, Currency: "EUR",
						PSPReference: "psp_" + payment[9:], DeclineCode: "43", DeclineCategory: "lost_or_stolen", DeclineRetry: "never", HardDecline: true,
					})
				}
				if i == 1 && k == 1 && round == 2 {
					rounds[round] = append(rounds[round], refund(n, customer, first.String(), 0))
					rounds[round][len(rounds[round])-1].(*topics.AssessedCommand).Command.Type = topics.CommandRevokeMandate
				}
			}
		}
	}
}

// answerMethod is what the PSP says at first of a payment that no card pays: the customer has to do something.
func answerMethod(r *topics.PSPRequest, report *topics.PSPReport) {
	report.Outcome, report.Captured, report.Fee = topics.PSPRequiresAction, false, 0
	if r.PaymentMethod.Type == topics.MethodBankRedirect {
		report.Outcome = topics.PSPPending
	}
}

// answerMandate is what it says of one by a mandate, by the payment alone.
func answerMandate(r *topics.PSPRequest, report *topics.PSPReport) {
	pid, _ := topics.ParsePaymentID(r.PaymentID)
	report.Outcome, report.Captured, report.Fee = topics.PSPDeclined, false, 0
	switch pid.UUID[15] / 2 % 8 {
	case 0:
		report.DeclineCode, report.DeclineCategory, report.DeclineRetry, report.HardDecline = "R1", "revoked", "never", true
	case 1, 2, 3, 4:
		report.DeclineCode, report.DeclineCategory, report.DeclineRetry = "51", "insufficient_funds", "later"
	default:
		report.Outcome, report.Captured, report.Fee = topics.PSPApproved, r.Capture, 50
	}
}

// paymentOf is the id of an event's payment without its partition.
func paymentOf(e *topics.PaymentEvent) uuid.UUID {
	pid, _ := topics.ParsePaymentID(e.PaymentID)
	return pid.UUID
}

// retryTimers are the timers of payments by mandates that wait, in the order of their ids.
func retryTimers(t *testing.T, db *database.DB) (due []topics.TimerDue) {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), `SELECT partition, payment, due, generation, tenant, customer FROM timers WHERE kind = 'retry' ORDER BY payment`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		d := topics.TimerDue{TimerID: "timer", Kind: topics.TimerRetry}
		var of topics.PaymentID
		if err := rows.Scan(&of.Partition, &of.UUID, &d.Due, &d.Generation, &d.Tenant, &d.CustomerID); err != nil {
			t.Fatal(err)
		}
		d.Due, d.PaymentID = d.Due.UTC(), of.String()
		due = append(due, d)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return due
}

// toldOfPayments is what those customers were told of payments and links, in order.
func toldOfPayments(t *testing.T, inboxes []*inbox) (lines []string) {
	t.Helper()
	told := map[string]int{}
	tell := func(customer, line string) {
		told[customer]++
		lines = append(lines, fmt.Sprintf("%s told %3d %s", customer, told[customer], line))
	}
	for _, in := range inboxes {
		for _, e := range outputsOf[topics.PaymentEvent](t, in.outputsInOrder(), topics.Events) {
			if len(e.CustomerID) > 6 && (e.CustomerID[:6] == "shoppe" || e.CustomerID[:6] == "member") {
				tell(e.CustomerID, fmt.Sprintf("%s %s %s payment %s %s %d", e.Type, e.Refusal, paymentOf(&e), e.Status, e.CommandID, e.Amount))
			}
		}
		for _, e := range outputsOf[topics.LinkEvent](t, in.outputsInOrder(), topics.LinkEvents) {
			var uses topics.LinkUses
			if e.Uses != nil {
				uses = *e.Uses
			}
			tell("link of "+e.CustomerID, fmt.Sprintf("%s %s %s %+v", e.Type, e.Refusal, e.Status, uses))
		}
	}
	slices.Sort(lines)
	return lines
}
