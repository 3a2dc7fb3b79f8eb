package stripe_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

// disputeJSON is a dispute as Stripe tells of it.
func disputeJSON(status, moved string) string {
	return fmt.Sprintf(`{"id":"du_1","object":"dispute","amount":3000,"currency":"eur","charge":"ch_1","payment_intent":"pi_1","reason":"fraudulent",
		"status":%q,"evidence_details":{"due_by":1700600000,"has_evidence":false},"payment_method_details":{"type":"card","card":{"brand":"visa","network_reason_code":"10.4"}},
		"balance_transactions":[%s]}`, status, moved)
}

const (
	disputeCreated    = "charge.dispute.created"
	disputeUpdated    = "charge.dispute.updated"
	disputeClosed     = "charge.dispute.closed"
	disputeWithdrawn  = "charge.dispute.funds_withdrawn"
	disputeReinstated = "charge.dispute.funds_reinstated"

	withdrawal    = `{"id":"txn_1","object":"balance_transaction","amount":-2900,"currency":"eur","fee":1500,"net":-4400,"created":1700000100}`
	reinstatement = `{"id":"txn_2","object":"balance_transaction","amount":2900,"currency":"eur","fee":-1500,"net":4400,"created":1700000200}`
	elsewhere     = `{"id":"txn_3","object":"balance_transaction","amount":-3100,"currency":"usd","fee":1500,"net":-4600,"created":1700000100}`
)

func TestDisputeEvents(t *testing.T) {
	a := adapter(t, "http://127.0.0.1:1")
	for _, c := range []struct {
		kind, status, moved string
		fact                topics.DisputeFact
		amount, fee         int64
		currency, movement  string
	}{
		{disputeCreated, "needs_response", "", topics.FactOpened, 3000, 0, "EUR", ""},
		{disputeCreated, "needs_response", withdrawal, topics.FactOpened, 3000, 0, "EUR", ""}, // funds_withdrawn moves it
		{disputeCreated, "warning_needs_response", "", topics.FactInquiry, 3000, 0, "EUR", ""},
		{disputeCreated, "lost", "", topics.FactOpened, 3000, 0, "EUR", ""},
		{disputeUpdated, "under_review", withdrawal, topics.FactEvidenceSubmitted, 3000, 0, "EUR", ""},
		{disputeUpdated, "warning_under_review", "", topics.FactEvidenceSubmitted, 3000, 0, "EUR", ""},
		{disputeUpdated, "needs_response", "", topics.FactOpened, 3000, 0, "EUR", ""},
		{disputeClosed, "won", withdrawal + "," + reinstatement, topics.FactWon, 3000, 0, "EUR", ""},
		{disputeClosed, "lost", withdrawal + "," + reinstatement, topics.FactLost, 3000, 0, "EUR", ""},
		{disputeClosed, "warning_closed", "", topics.FactClosed, 3000, 0, "EUR", ""},
		{disputeWithdrawn, "needs_response", withdrawal, topics.FactFundsWithdrawn, 2900, 1500, "EUR", "txn_1"},
		{disputeWithdrawn, "lost", withdrawal + "," + reinstatement, topics.FactFundsWithdrawn, 2900, 1500, "EUR", "txn_1"},
		{disputeReinstated, "lost", withdrawal + "," + reinstatement, topics.FactFundsReinstated, 2900, -1500, "EUR", "txn_2"}, // not won by that
		{disputeWithdrawn, "needs_response", elsewhere, topics.FactFundsWithdrawn, 3100, 1500, "USD", "txn_3"},
	} {
		name := c.kind + " " + c.status
		report, err := a.Webhook(fmt.Appendf(nil, `{"id":"evt_1","type":%q,"created":1700000000,"data":{"object":%s}}`, c.kind, disputeJSON(c.status, c.moved)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d := report.Dispute
		if report.Operation != topics.OperationDispute || report.Outcome != topics.PSPApproved || report.PSPReference != "pi_1" || report.PaymentID != "" ||
			report.OccurredAt.Unix() != 1_700_000_000 || d.Reference != "du_1" || d.Reason != "10.4" || d.Category != "fraud" || d.EvidenceDue.Unix() != 1_700_600_000 {
			t.Errorf("%s: %+v %+v", name, report, d)
		}
		if inquiry := strings.HasPrefix(c.status, "warning_"); d.Inquiry != inquiry {
			t.Errorf("%s: an inquiry: %t", name, d.Inquiry)
		}
		if d.Fact != c.fact || report.Amount != c.amount || report.Fee != c.fee || report.Currency != c.currency || d.Movement != c.movement {
			t.Errorf("%s: %s of %d %s, fee %d, by %q", name, d.Fact, report.Amount, report.Currency, report.Fee, d.Movement)
		}
	}
}

func TestDisputeEventsThatSayTooLittle(t *testing.T) {
	a := adapter(t, "http://127.0.0.1:1")
	twin := `{"id":"txn_9","object":"balance_transaction","amount":-100,"currency":"eur","created":1700000100}`
	for name, c := range map[string]struct{ kind, object string }{
		"no transaction":       {disputeWithdrawn, disputeJSON("needs_response", "")},
		"of the other side":    {disputeReinstated, disputeJSON("won", withdrawal)},
		"two of one second":    {disputeWithdrawn, disputeJSON("needs_response", withdrawal+","+twin)},
		"closed and open":      {disputeClosed, disputeJSON("needs_response", "")},
		"updated and over":     {disputeUpdated, disputeJSON("won", "")},
		"a status of nobody's": {disputeClosed, disputeJSON("escalated", "")},
		"masked":               {disputeClosed, `{"id":"du_*","payment_intent":"pi_1","amount":1,"currency":"eur","status":"won"}`},
		"of no payment":        {disputeClosed, `{"id":"du_1","amount":1,"currency":"eur","status":"won"}`},
		"no dispute":           {disputeClosed, `{}`},
	} {
		if report, err := a.Webhook(fmt.Appendf(nil, `{"id":"evt_1","type":%q,"created":1,"data":{"object":%s}}`, c.kind, c.object)); err == nil {
			shown, _ := json.Marshal(report)
			t.Errorf("%s: %s", name, shown)
		}
	}
}
