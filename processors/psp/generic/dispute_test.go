package generic_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/processors/psp/generic"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const disputing = `webhook:
  id: event.id
  payment: event.order
  reference: event.payment
  amount: event.amount
  currency: event.currency
  event:
    at: event.type
    is: { chargeback: dispute funds_withdrawn, chargeback.undone: dispute funds_reinstated, chargeback.notice: dispute opened, paid: authorize approved captured }
  dispute: { reference: event.case, movement: event.movement, reason: event.reason, evidence_due: event.due, fee: event.fee }
`

// fileWith is the small file with another webhook.
func fileWith(webhook string) (*generic.Definition, error) {
	return generic.Parse(rules.File{Name: "f.yaml", Text: []byte(small[:strings.Index(small, "webhook:")] + webhook)})
}

func TestDisputesOfAFile(t *testing.T) {
	definition, err := fileWith(disputing)
	if err != nil {
		t.Fatal(err)
	}
	a, err := generic.New(generic.Config{Name: "bank", BaseURL: "http://127.0.0.1:1", Secret: "s", Definition: definition})
	if err != nil {
		t.Fatal(err)
	}
	tell := func(kind, more string) (topics.PSPReport, error) {
		return a.Webhook(fmt.Appendf(nil, `{"event":{"id":"e1","type":%q,"order":"pay_0001_0198c0de0198700a800a0198c0de0001","payment":"p1","amount":"10.00","currency":"EUR"%s}}`, kind, more))
	}
	for kind, want := range map[string]struct {
		fact topics.DisputeFact
		fee  int64
	}{"chargeback": {topics.FactFundsWithdrawn, 250}, "chargeback.undone": {topics.FactFundsReinstated, -250}} {
		r, err := tell(kind, `,"case":"c1","movement":"m1","reason":"4853","due":"2026-02-18T10:15:30Z","fee":"2.50"`)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		d := r.Dispute
		if r.Operation != topics.OperationDispute || r.Outcome != topics.PSPApproved || r.Amount != 1000 || r.Fee != want.fee || r.PSPReference != "p1" ||
			d.Fact != want.fact || d.Reference != "c1" || d.Movement != "m1" || d.Reason != "4853" || d.Category != "consumer" || d.EvidenceDue.Year() != 2026 {
			t.Errorf("%s: %+v %+v", kind, r, d)
		}
	}
	if r, err := tell("chargeback.notice", `,"case":"c1"`); err != nil || r.Dispute.Fact != topics.FactOpened || r.Fee != 0 || !r.Dispute.EvidenceDue.IsZero() {
		t.Errorf("notice: %+v, %v", r, err)
	}
	if r, err := tell("paid", ""); err != nil || r.Dispute != nil {
		t.Errorf("paid: %+v, %v", r, err)
	}
	for name, more := range map[string]string{"no dispute": "", "masked": `,"case":"************1111"`, "a fee of more decimals": `,"case":"c1","fee":"2.505"`} {
		if r, err := tell("chargeback", more); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestWrongDisputesOfAFile(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"a fact of nobody's": {"dispute opened", "dispute escalated", "want dispute and one of inquiry, opened"},
		"no reference":       {"reference: event.case, ", "", "does not say what the PSP calls the dispute"},
		"nowhere":            {disputing[strings.Index(disputing, "  dispute:"):], "", "does not say which dispute one is of"},
		"no event":           {"chargeback: dispute funds_withdrawn, chargeback.undone: dispute funds_reinstated, chargeback.notice: dispute opened, ", "", "no event is of one"},
	} {
		if _, err := fileWith(strings.Replace(disputing, c.from, c.to, 1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}
