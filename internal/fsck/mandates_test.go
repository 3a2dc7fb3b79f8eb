package fsck

import (
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// agree has a customer set a mandate up, pay by it, and the bank end it with the second payment by it.
func (f *fixture) agree() string {
	f.t.Helper()
	anna := customers(f.t)[0][0]
	first := topics.PaymentID{UUID: uuid.Must(uuid.FromString(commandID(1)))}
	create := func(n int, c topics.Command) {
		c.CommandID, c.Type, c.Tenant, c.CustomerID, c.Amount, c.Currency = commandID(n), topics.CommandCreate, "acme", anna, 1000, "EUR"
		c.Authorize, c.CaptureMethod = true, topics.CaptureAutomatic
		f.feed(0, anna, topics.TypeAssessedCommand, &topics.AssessedCommand{Command: c, Decision: topics.Decision{CommandID: c.CommandID, Outcome: topics.OutcomePass, RuleSet: "r"}})
	}
	report := func(n int, request string, r topics.PSPReport) {
		r.ReportID, r.Source, r.PSP, r.Tenant, r.CustomerID = commandID(90+n), topics.SourceWebhook, "sandbox", "acme", anna
		r.PaymentID, r.RequestID, r.Operation = topics.PaymentID{UUID: uuid.Must(uuid.FromString(commandID(n)))}.String(), request, topics.OperationAuthorize
		f.feed(0, anna, topics.TypePSPReport, &r)
	}
	approved := topics.PSPReport{Outcome: topics.PSPApproved, Amount: 1000, Currency: "EUR", Captured: true, PSPReference: "ref_1"}
	create(1, topics.Command{Card: &topics.Card{Token: "tok_1"}, SetupMandate: &topics.MandateTerms{Kind: topics.MandateRecurring}})
	report(1, "0-0-1", approved)
	create(2, topics.Command{Mandate: first.MandateID()})
	approved.PSPReference = "ref_2"
	report(2, "0-2-1", approved)
	create(3, topics.Command{Mandate: first.MandateID()})
	report(3, "0-4-1", topics.PSPReport{Outcome: topics.PSPDeclined, DeclineCode: "R1", DeclineCategory: "revoked", DeclineRetry: "never", HardDecline: true, PSPReference: "ref_3"})
	f.publishAll()
	return first.MandateID()
}

func TestMandatesHold(t *testing.T) {
	f := newFixture(t)
	f.agree()
	f.wantNone()
}

// TestTamperedAnswersAboutMandatesAreFound changes what a repeated revocation would be answered.
func TestTamperedAnswersAboutMandatesAreFound(t *testing.T) {
	f := newFixture(t)
	id, anna := f.agree(), customers(t)[0][0]
	answer := `{"id":"` + id + `","status":"revoked","customer_id":"` + anna + `","currency":"EUR","intent_id":"` + strings.Replace(id, "man_", "pay_", 1) + `"}`
	f.answered("revoke", uuid.FromStringOrNil(commandID(50)), 200, answer)
	f.wantNone()
	for _, c := range []struct{ name, old, now, want string }{
		{"another customer", anna, "eve", "it says customer eve of the mandate instead of " + anna},
		{"a limit", `{`, `{"max_amount":1,`, "up to 1 instead of 0"},
		{"another currency", "EUR", "USD", "it says currency USD instead of EUR"},
		{"another mandate", id, topics.PaymentID{Partition: 3}.MandateID(), "which is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := *f
			f.t = t
			f.exec(`UPDATE idempotency_keys SET body = $1`, []byte(strings.Replace(answer, c.old, c.now, 1)))
			problems, _, _ := f.check()
			if len(problems) != 1 || !strings.Contains(problems[0], "idempotency key revoke of acme") || !strings.Contains(problems[0], c.want) {
				t.Errorf("%q, want one that says %q", problems, c.want)
			}
		})
	}
}

func TestCorruptionOfMandatesIsFound(t *testing.T) {
	f := newFixture(t)
	id := f.agree()
	f.save()
	payment := "payment " + strings.Replace(id, "man_", "pay_", 1)
	for _, c := range []corruption{
		{"it cannot be found", sql(`DELETE FROM mandates`), []string{"mandate: partition 0: mandate " + id, "there is no row by which"}},
		{"another's", sql(`UPDATE mandates SET customer = 'eve'`), []string{"mandate " + id, "a row of acme eve names it, but the customer has no such payment"}},
		{"of a payment that sets up none", sql(`UPDATE mandates SET payment = (SELECT id FROM payments WHERE positions[1] = 2)`), []string{"its payment sets up none"}},
		{"that it was revoked is forgotten", sql(`UPDATE payments SET positions = positions[1:2], version = positions[2] WHERE positions[1] = 0`),
			[]string{payment, "position 5"}},
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
