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
