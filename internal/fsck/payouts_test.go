package fsck

import (
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// payOut has a customer deposit 100.00 EUR with a card and ask for two payouts: one that is paid, and one that is held.
func (f *fixture) payOut() (paid, held string) {
	f.t.Helper()
	anna := customers(f.t)[0][0]
	create := topics.Command{CommandID: commandID(1), Type: topics.CommandCreate, Tenant: "acme", CustomerID: anna, Amount: 10_000, Currency: "EUR",
		Authorize: true, CaptureMethod: topics.CaptureAutomatic, Card: &topics.Card{Token: "tok_1"}}
	f.feed(0, anna, topics.TypeAssessedCommand, &topics.AssessedCommand{Command: create, Decision: topics.Decision{CommandID: create.CommandID, Outcome: topics.OutcomePass, RuleSet: "r"}})
	payment := topics.PaymentID{UUID: uuid.Must(uuid.FromString(commandID(1)))}.String()
	report := topics.PSPReport{ReportID: commandID(90), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", CustomerID: anna, PaymentID: payment,
		RequestID: "0-0-1", Operation: topics.OperationAuthorize, Outcome: topics.PSPApproved, Amount: 10_000, Currency: "EUR", Captured: true, PSPReference: "ref_1"}
	f.feed(0, anna, topics.TypePSPReport, &report)
	for n, outcome := range []topics.Outcome{topics.OutcomePass, topics.OutcomeHold} {
		c := topics.PayoutCommand{CommandID: commandID(2 + n), Type: topics.PayoutCreate, Tenant: "acme", CustomerID: anna, Amount: 3000, Currency: "EUR"}
		f.feed(0, anna, topics.TypeAssessedPayout, &topics.AssessedPayoutCommand{Command: c, Decision: &topics.Decision{CommandID: c.CommandID, Outcome: outcome, RuleSet: "r"}})
	}
	of := func(n int) string {
		return topics.NewPayoutID("acme", anna, uuid.Must(uuid.FromString(commandID(n))), partitions).String()
	}
	report = topics.PSPReport{ReportID: commandID(91), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", CustomerID: anna, PaymentID: of(2),
		RequestID: "0-2-1", Operation: topics.OperationPayout, Outcome: topics.PSPApproved, Amount: 3000, Currency: "EUR", Fee: 25, PSPReference: "ref_2"}
	f.feed(0, anna, topics.TypePSPReport, &report)
	f.publishAll()
	return of(2), of(3)
}

func TestPayoutsHold(t *testing.T) {
	f := newFixture(t)
	f.payOut()
	f.wantNone()
	_, _, counts := f.check()
	if got := counts.String(); !strings.Contains(got, "1 payments, 1 wallets, 0 holds, 2 payouts,") {
		t.Errorf("checked %s", got)
	}
}

func TestCorruptionOfPayoutsIsFound(t *testing.T) {
	f := newFixture(t)
	paid, held := f.payOut()
	f.save()
	const isHeld, isPaid = ` WHERE status = 'held'`, ` WHERE status = 'paid'`
	for _, c := range []corruption{
		{"a payout is paid", sql(`UPDATE payouts SET status = 'paid'` + isHeld), []string{"payout: partition 0: payout " + held, "the row says paid"}},
		{"less is set aside", sql(`UPDATE payouts SET reserved = reserved - 1` + isHeld), []string{"hold: partition 0", "2999 EUR is left of them and set aside for payouts, their account holds 3000"}},
		{"its state", sql(`UPDATE payouts SET state = replace(state, '"amount":3000', '"amount":3001')` + isHeld), []string{"payout " + held, "its state differs"}},
		{"a payout is gone", sql(`DELETE FROM payouts` + isPaid), []string{"payout: partition 0: payout " + paid, "there is no such row"}},
		{"a payout changes hands", sql(`UPDATE payouts SET customer = 'eve'` + isPaid), []string{"payout " + paid, "moves the money of acme"}},
		{"that it was paid is forgotten", sql(`UPDATE payouts SET positions = positions[1:1], version = positions[1]` + isPaid),
			[]string{"payout: partition 0: payout " + paid, "the record at position 4 changed it, but its positions do not name it"}},
		{"a timer is gone", sql(`DELETE FROM timers WHERE kind = 'payout_expire'`), []string{"timer: partition 0: payout " + held, "there is no row of it"}},
		{"a timer is late", sql(`UPDATE timers SET due = due + interval '1 hour' WHERE kind = 'payout_expire'`), []string{"timer: partition 0: payout " + held}},
		{"a timer of no payout", sql(`UPDATE timers SET payment = '00000000-0000-0000-0000-000000000001' WHERE kind = 'payout_expire'`), []string{"timer: partition 0", "there is no such"}},
		{"more was deposited", sql(`UPDATE deposit_sources SET state = replace(state, '"EUR",10000,', '"EUR",10001,')`),
			[]string{"source: partition 0: deposits of acme", "brought 10001 EUR and was paid 6000, of which 3000 is under way, its payments and payouts say 10000, 6000 and 3000"}},
		{"less was paid out", sql(`UPDATE deposit_sources SET state = replace(state, ',6000,', ',5999,')`),
			[]string{"source: partition 0: deposits of acme", "was paid 5999, of which 3000 is under way, its payments and payouts say 10000, 6000 and 3000"}},
		{"less is under way", sql(`UPDATE deposit_sources SET state = replace(state, ',3000,', ',2999,')`),
			[]string{"source: partition 0: deposits of acme", "was paid 6000, of which 2999 is under way"}},
		{"less than nothing went above", sql(`UPDATE deposit_sources SET state = replace(state, ',6000,3000,0,', ',6000,3000,-1,')`),
			[]string{"source: partition 0: deposits of acme", "neither can be below zero"}},
		{"another card", sql(`UPDATE deposit_sources SET state = replace(state, 'tok_1', 'tok_2')`), []string{"source: partition 0: deposits of acme", "10000 EUR came from a card at sandbox that it does not know"}},
		{"that deposits were counted is gone", sql(`DELETE FROM deposit_sources_built`), []string{"source: partition 0: deposit_sources_built", "it does not say that deposits are counted"}},
		{"they were counted in part", sql(`UPDATE deposit_sources_built SET done = false`), []string{"source: partition 0: deposit_sources_built", "it does not say that deposits are counted"}},
		{"all of deposits is gone", sql(`DELETE FROM deposit_sources_built; DELETE FROM deposit_sources`), []string{"source: partition 0: deposit_sources_built", "it does not say that deposits are counted"}},
		{"more cards than are kept", sql(`UPDATE deposit_sources SET state = replace(state, '{"all"', '{"more":true,"all"')`),
			[]string{"source: partition 0: deposits of acme", "there were more cards than 32, its payments used 1"}},
		{"more was deposited, with more cards than are kept", sql(`UPDATE deposit_sources SET state = replace(replace(state, '"EUR",10000,', '"EUR",99999,'), '{"all"', '{"more":true,"all"')`),
			[]string{"source: partition 0: deposits of acme", "brought 99999 EUR"}},
		{"the newest deposit is older", sql(`UPDATE deposit_sources SET state = replace(state, ',"20', ',"10')`),
			[]string{"source: partition 0: deposits of acme", "the newest deposit was at 10"}},
		{"the newest deposit is another one", sql(`UPDATE deposit_sources SET state = replace(state, 'ref_1', 'ref_9')`),
			[]string{"source: partition 0: deposits of acme", `the newest deposit is "ref_9" to the PSP, its payment says "ref_1"`}},
		{"deposits are gone", sql(`DELETE FROM deposit_sources`), []string{"source: partition 0: deposits of acme", "there is no such row"}},
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
