package fsck

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// dispute has a deposit of 100.00 EUR disputed, the money withdrawn, and a fee charged.
func (f *fixture) dispute() (dispute string) {
	f.t.Helper()
	anna := customers(f.t)[0][0]
	create := topics.Command{CommandID: commandID(1), Type: topics.CommandCreate, Tenant: "acme", CustomerID: anna, Amount: 10_000, Currency: "EUR",
		Authorize: true, CaptureMethod: topics.CaptureAutomatic, Card: &topics.Card{Token: "tok_1"}}
	f.feed(0, anna, topics.TypeAssessedCommand, &topics.AssessedCommand{Command: create, Decision: topics.Decision{CommandID: create.CommandID, Outcome: topics.OutcomePass, RuleSet: "r"}})
	payment := topics.PaymentID{UUID: uuid.Must(uuid.FromString(commandID(1)))}
	report := topics.PSPReport{ReportID: commandID(90), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", CustomerID: anna, PaymentID: payment.String(),
		RequestID: "0-0-1", Operation: topics.OperationAuthorize, Outcome: topics.PSPApproved, Amount: 10_000, Currency: "EUR", Captured: true, PSPReference: "ref_1"}
	f.feed(0, anna, topics.TypePSPReport, &report)
	for n, told := range []struct {
		fact   topics.DisputeFact
		amount int64
	}{{topics.FactOpened, 10_000}, {topics.FactFundsWithdrawn, 6000}, {topics.FactFee, 1500}} {
		f.feed(0, anna, topics.TypePSPReport, &topics.PSPReport{ReportID: commandID(91 + n), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme",
			PaymentID: payment.String(), Operation: topics.OperationDispute, Outcome: topics.PSPApproved, Amount: told.amount, Currency: "EUR",
			Dispute: &topics.DisputeReport{Reference: "dp_1", Fact: told.fact, EvidenceDue: time.Now().Add(240 * time.Hour)}})
	}
	f.publishAll()
	return topics.DisputeIDOf("acme", payment, "sandbox", "dp_1").String()
}

func TestDisputesHold(t *testing.T) {
	f := newFixture(t)
	f.dispute()
	f.wantNone()
	_, _, counts := f.check()
	if n := counts.Disputes.Load(); n != 1 {
		t.Errorf("checked %d disputes", n)
	}
}

// TestAheadInSuspense: what a dispute gives back above what it took is nobody's.
func TestAheadInSuspense(t *testing.T) {
	for _, c := range []struct {
		grown, moved int64
		sound        bool
	}{
		{0, 0, true}, {0, -50, true}, {0, 50, true}, // of an excess of the payment
		{100, -100, true}, {100, -150, true}, {100, -99, false}, {100, 0, false},
		{-100, 100, true}, {-100, 150, true}, {-100, 99, false}, {-100, 0, false},
	} {
		if err := aheadInSuspense(c.grown, c.moved); (err == nil) != c.sound {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestCorruptionOfDisputesIsFound(t *testing.T) {
	f := newFixture(t)
	dispute := f.dispute()
	f.save()
	for _, c := range []corruption{
		{"it is won", sql(`UPDATE disputes SET status = 'won'`), []string{"dispute: partition 0: dispute " + dispute, "the row says won"}},
		{"less was taken", sql(`UPDATE disputes SET taken = taken - 1`), []string{"dispute " + dispute, "5999 EUR taken"}},
		{"its state", sql(`UPDATE disputes SET state = replace(state, '"fees":1500', '"fees":1501')`), []string{"dispute " + dispute, "its state differs"}},
		{"it is gone", sql(`DELETE FROM disputes`), []string{"dispute: partition 0: dispute " + dispute, "there is no such row"}},
		{"its payment does not know", sql(`DELETE FROM disputes`), []string{"D2: it says 4000 more in dispute and 6000 more taken than its disputes do"}},
		{"what the customer paid is booked as nobody's", rewrite(3, func(outputs []stream.Output) []stream.Output {
			return replace(outputs, topics.Entries, `"code":"customer_wallet"`, `"code":"suspense"`)
		}), []string{"payment: partition 0: payment pay_0000_", "move suspense by 6000 more than what is nobody's"}},
		{"the customer owes what the wallet could pay", rewrite(3, func(outputs []stream.Output) []stream.Output {
			return replace(outputs, topics.Entries, `"code":"customer_wallet"`, `"code":"customer_debt"`)
		}), []string{"wallet: partition 0: entry 0-3-0", "has and owes at once: available 10000, held 0, debt 6000"}},
		{"it changes hands", sql(`UPDATE disputes SET customer = 'eve'`), []string{"dispute " + dispute, "moves the money of acme"}},
		{"it is of another payment", sql(`UPDATE disputes SET payment = id`), []string{"dispute " + dispute, "the events are of"}},
		{"that a fee was charged is forgotten", sql(`UPDATE disputes SET positions = positions[1:2], version = positions[2]`),
			[]string{"dispute: partition 0: dispute " + dispute, "changed it, but its positions do not name it"}},
		{"evidence is never due", sql(`UPDATE disputes SET due = NULL`), []string{"dispute " + dispute, "differ in when evidence is due"}},
		{"evidence is due later", sql(`UPDATE disputes SET due = due + interval '1 second'`), []string{"dispute " + dispute, "differ in when evidence is due"}},
		{"it was opened later", sql(`UPDATE disputes SET opened = opened + interval '1 day'`), []string{"dispute " + dispute, "the row says opened at"}},
		{"its timer is gone", sql(`DELETE FROM timers WHERE kind LIKE 'dispute%'`), []string{"timer: partition 0: dispute " + dispute, "there is no row of it"}},
		{"its timer is late", sql(`UPDATE timers SET due = due + interval '1 hour' WHERE kind LIKE 'dispute%'`), []string{"timer: partition 0: dispute " + dispute}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.on(t)
			c.spoil(f)
			problems, _, _ := f.check()
			if !slices.ContainsFunc(problems, func(p string) bool {
				return !slices.ContainsFunc(c.want, func(part string) bool { return !strings.Contains(p, part) })
			}) {
				t.Errorf("want one problem with %q, got\n%s", c.want, strings.Join(problems, "\n"))
			}
		})
	}
}
