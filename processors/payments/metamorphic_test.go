package payments_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// variant is a way of running the same traffic. Whatever it is, payments and balances must come out the same.
type variant struct {
	name       string
	partitions int32
	batch      int
	restart    bool // a new state after every round, as if the process had died
	repeat     bool // every input arrives twice
	shuffle    bool // inputs of different customers arrive in another order
	cache      int  // payments and wallets in memory; 0: the default
}

func TestVariantsEndInTheSameState(t *testing.T) {
	variants := []variant{
		{name: "one partition, one by one", partitions: 1, batch: 1},
		{name: "large batches", partitions: 1, batch: 1000},
		{name: "batches of seven", partitions: 1, batch: 7},
		{name: "restarts", partitions: 1, batch: 50, restart: true},
		{name: "every input twice", partitions: 1, batch: 13, repeat: true},
		{name: "five partitions", partitions: 5, batch: 20},
		{name: "a cache of two", partitions: 1, batch: 3, cache: 2},
		{name: "all at once", partitions: 3, batch: 11, restart: true, repeat: true, cache: 2},
	}
	want := ""
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			got := run(t, v)
			if want == "" {
				want = got
				checkVariety(t, got)
			}
			if got != want {
				t.Fatalf("differs from %q:\n%s", variants[0].name, difference(want, got))
			}
		})
	}
}

// checkVariety sees to it that the traffic reaches enough.
func checkVariety(t *testing.T, dump string) {
	for _, status := range []topics.PaymentStatus{
		topics.StatusCaptured, topics.StatusDeclined, topics.StatusVoided, topics.StatusPartiallyRefunded, topics.StatusRefunded,
		topics.StatusPartiallyCaptured, topics.StatusBlocked, topics.StatusCancelled, topics.StatusHeld,
	} {
		if !strings.Contains(dump, " "+string(status)+" ") {
			t.Fatalf("no payment is %s:\n%s", status, dump)
		}
	}
}

// run sends the traffic through a variant and returns what is stored in the end.
func run(t *testing.T, v variant) string {
	db := databasetest.New(t)
	program := newProgram(t, db, v.partitions, func(c *payments.Config) { c.CachePayments, c.CacheWallets = v.cache, v.cache })
	inboxes := make([]*inbox, v.partitions)
	for i := range inboxes {
		inboxes[i] = newInbox(t, db, program, int32(i))
	}
	schemas := schematest.Compile(t)
	for _, round := range traffic(v.partitions) {
		for _, c := range round {
			in := inboxes[topics.PartitionOf(c.Command.Tenant, c.Command.CustomerID, v.partitions)]
			in.twice(v.repeat, topics.TypeAssessedCommand, c)
		}
		for settle(t, v, inboxes, schemas) {
		}
	}
	if checkChain(t, db, v.partitions) == 0 {
		t.Error("nothing was booked")
	}
	return dump(t, db)
}

func (in *inbox) twice(repeat bool, kind string, value any) {
	in.put(kind, value)
	if repeat {
		in.put(kind, value)
	}
}

// settle folds what is pending, holds what is published to its schemas, and answers what was asked of the PSP; it
// returns false when nothing was.
func settle(t *testing.T, v variant, inboxes []*inbox, schemas schematest.Schemas) bool {
	busy := false
	for _, in := range inboxes {
		in.fold(v.batch)
		for _, o := range in.published {
			if name, err := schemas.CheckRecord(o.Topic, o.Envelope.Type, o.Value); err != nil || name == "" {
				t.Fatalf("%s: %q %v", o.Topic, name, err)
			}
		}
		requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
		reviews := outputsOf[topics.ReviewRequest](t, in.published, topics.Reviews)
		in.published = nil
		if v.restart {
			in.restart()
		}
		for i := range requests {
			busy = true
			in.twice(v.repeat, topics.TypePSPReport, answer(&requests[i]))
		}
		for i := range reviews {
			busy = true
			in.twice(v.repeat, topics.TypeAssessedAuthorization, review(&reviews[i]))
		}
	}
	return busy
}

// answer is what the PSP says, by the payment and the operation alone.
func answer(r *topics.PSPRequest) *topics.PSPReport {
	report := approved(r, r.Capture)
	report.PSPReference = "psp_" + r.PaymentID[9:]
	report.Source = topics.SourceWebhook
	report.ReportID = deliveryOf(r)
	if r.Operation == topics.OperationPayout {
		return answerPayout(r, report)
	}
	if r.Operation.OfDispute() {
		report.Dispute = &topics.DisputeReport{Reference: r.DisputeReference}
		return report
	}
	pid, _ := topics.ParsePaymentID(r.PaymentID)
	switch {
	case r.Operation != topics.OperationAuthorize:
	case r.PaymentMethod.By() != nil:
		answerMethod(r, report)
	case r.StoredCredential != nil && r.StoredCredential.Use == topics.CredentialSubsequent:
		answerMandate(r, report)
	case pid.UUID[15]%7 == 0:
		report.Outcome, report.DeclineCode, report.Captured = topics.PSPDeclined, "do_not_honor", false
	}
	return report
}

// review is what risk says of an authorisation, by the payment alone.
func review(r *topics.ReviewRequest) *topics.AssessedAuthorization {
	pid, _ := topics.ParsePaymentID(r.PaymentID)
	outcomes := []topics.Outcome{topics.OutcomePass, topics.OutcomeHold, topics.OutcomeBlock, topics.OutcomeAllow}
	return &topics.AssessedAuthorization{Review: *r, Decision: topics.Decision{
		CommandID: r.Command.CommandID, Stage: topics.StageAfterAuthorization, RuleSet: "rules",
		Outcome: outcomes[int(pid.UUID[15]/3)%len(outcomes)],
	}}
}

// traffic is three rounds of commands: payments, what follows on them, and refunds of what was captured.
func traffic(partitions int32) (rounds [3][]*topics.AssessedCommand) {
	random := rand.New(rand.NewPCG(1, 2))
	n := 0
	for i := range 40 {
		customer := fmt.Sprintf("customer-%d", random.IntN(9))
		n++
		c := create(n, customer, topics.CaptureManual)
		payment := topics.PaymentID{Partition: topics.PartitionOf("acme", customer, partitions), UUID: id(n)}.String()
		if i%3 == 0 {
			c.Command.CaptureMethod = topics.CaptureAutomatic
		}
		c.Decision.Reviews = i%3 == 0 || i%7 == 0
		switch {
		case i%17 == 0:
			c.Decision.Outcome = topics.OutcomeBlock
		case i%11 == 8:
			c.Command.Authorize = false
		}
		rounds[0] = append(rounds[0], c)
		follow := func(round int, kind topics.CommandType, amount int64) {
			n++
			rounds[round] = append(rounds[round], &topics.AssessedCommand{Command: topics.Command{
				CommandID: id(n).String(), Type: kind, Tenant: "acme", CustomerID: customer, PaymentID: payment,
				Amount: amount, Currency: "EUR",
			}})
		}
		switch i % 4 {
		case 0:
			follow(1, topics.CommandCancel, 0)
		case 1:
			follow(1, topics.CommandCapture, 6000)
		case 2:
			follow(1, topics.CommandVoid, 0)
		}
		if i%4 == 3 || i%8 == 1 {
			follow(2, topics.CommandRefund, int64(random.IntN(3))*3000)
			follow(2, topics.CommandRefund, 5000)
		}
	}
	return rounds
}

// dump is every payment and every balance, without what tells of positions and partitions.
func dump(t *testing.T, db *database.DB) string {
	t.Helper()
	var lines []string
	rows, err := db.Pool.Query(t.Context(), `SELECT partition, id, tenant, customer, status, state FROM payments`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var key lifecycle.Key
		var status string
		var state []byte
		if err := rows.Scan(&key.ID.Partition, &key.ID.UUID, &key.Tenant, &key.Customer, &status, &state); err != nil {
			t.Fatal(err)
		}
		p, err := lifecycle.Decode(key, state)
		if err != nil {
			t.Fatal(err)
		}
		if string(p.Status()) != status {
			t.Fatalf("payment %s is %s in its row, %s in its state", key.ID, status, p.Status())
		}
		lines = append(lines, fmt.Sprintf("payment %s %s %s %+v released %d operations %d cases %d", p.ID.UUID, p.Customer, status,
			p.Totals(), p.Released, len(p.Operations), p.Cases))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	rows, err = db.Pool.Query(t.Context(), `SELECT code, owner, currency, sum(balance)::int8 FROM accounts GROUP BY code, owner, currency`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var code, owner, currency string
		var sum int64
		if err := rows.Scan(&code, &owner, &currency, &sum); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("balance %s %s %s %d", code, owner, currency, sum))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func difference(want, got string) string {
	var b strings.Builder
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range wants {
		if !slices.Contains(gots, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range gots {
		if !slices.Contains(wants, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}
