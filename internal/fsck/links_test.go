package fsck

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/topics"
)

// payByLink has a customer make two payment links, of which one is paid.
func (f *fixture) payByLink() (paid, open string) {
	f.t.Helper()
	anna := customers(f.t)[0][0]
	of := func(n int) string {
		return topics.NewLinkID("acme", anna, uuid.Must(uuid.FromString(commandID(n))), partitions).String()
	}
	for n := 1; n <= 2; n++ {
		f.feed(0, anna, topics.TypeAssessedLink, &topics.AssessedLinkCommand{Command: topics.LinkCommand{CommandID: commandID(n), Type: topics.LinkCreate, Tenant: "acme",
			CustomerID: anna, Amount: 1000, Currency: "EUR", Description: "shoes", ExpiresAt: time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)}})
	}
	create := topics.Command{CommandID: commandID(3), Type: topics.CommandCreate, Tenant: "acme", CustomerID: anna, Amount: 1000, Currency: "EUR", LinkID: of(1),
		Authorize: true, CaptureMethod: topics.CaptureAutomatic, Card: &topics.Card{Token: "tok_1"}}
	f.feed(0, anna, topics.TypeAssessedCommand, &topics.AssessedCommand{Command: create, Decision: topics.Decision{CommandID: create.CommandID, Outcome: topics.OutcomePass, RuleSet: "r"}})
	payment := topics.PaymentID{UUID: uuid.Must(uuid.FromString(commandID(3)))}.String()
	f.feed(0, anna, topics.TypePSPReport, &topics.PSPReport{ReportID: commandID(90), Source: topics.SourceWebhook, PSP: "sandbox", Tenant: "acme", CustomerID: anna,
		PaymentID: payment, RequestID: "0-2-1", Operation: topics.OperationAuthorize, Outcome: topics.PSPApproved, Amount: 1000, Currency: "EUR", Captured: true, PSPReference: "ref_1"})
	f.publishAll()
	return of(1), of(2)
}

func TestPaymentLinksHold(t *testing.T) {
	f := newFixture(t)
	f.payByLink()
	f.wantNone()
	if _, _, counts := f.check(); counts.Links.Load() != 2 {
		t.Errorf("%d payment links were checked, want 2", counts.Links.Load())
	}
}

func TestCorruptionOfPaymentLinksIsFound(t *testing.T) {
	f := newFixture(t)
	paid, open := f.payByLink()
	f.save()
	const isPaid, isOpen = ` WHERE status = 'paid'`, ` WHERE status = 'open'`
	for _, c := range []corruption{
		{"a link is paid", sql(`UPDATE payment_links SET status = 'paid'` + isOpen), []string{"payment_link: partition 0: payment link " + open, "the row says paid"}},
		{"its uses", sql(`UPDATE payment_links SET state = replace(state, '"max_uses":1', '"max_uses":2')` + isPaid), []string{"payment link " + paid, "its state differs"}},
		{"a link is gone", sql(`DELETE FROM payment_links` + isPaid), []string{"payment_link: partition 0: payment link " + paid, "there is no such row"}},
		{"a link that payments are by is gone", sql(`DELETE FROM payment_links` + isPaid), []string{"payment_link: partition 0: payment link " + paid, "payments are by it, but there is no such link"}},
		{"a link changes hands", sql(`UPDATE payment_links SET customer = 'eve'` + isPaid), []string{"payment link " + paid, "the events are of acme"}},
		{"that it was paid is forgotten", sql(`UPDATE payment_links SET positions = positions[1:1], version = positions[1]` + isPaid),
			[]string{"payment_link: partition 0: payment link " + paid, "changed it, but its positions do not name it"}},
		{"its time never ends", sql(`DELETE FROM timers WHERE kind = 'link_expire'`), []string{"timer: partition 0: payment link " + open, "there is no row of it"}},
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
