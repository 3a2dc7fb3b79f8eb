package evidence

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// known are all parts, with texts that a page must not take for its own.
func known() *facts {
	const markup = `<script>alert(1)</script>`
	return &facts{
		now: noon.Add(time.Hour), looked: true, from: noon.Add(-priorOldest), to: noon.Add(-priorNewest),
		dispute: &view.Dispute{
			ID: "dp_0003_00000000000000000000000000000001", PaymentID: "pay_0003_00000000000000000000000000000001", PSP: "sandbox", Reference: "dsp_1",
			Status: topics.DisputeStatusNeedsResponse, Stage: topics.StageChargeback, Amount: 1000, Currency: "EUR", Reason: "10.4", Category: "fraud",
			EvidenceDue: noon.AddDate(0, 0, 7), OpenedAt: noon, Evidence: &topics.DisputeEvidence{Text: markup},
		},
		payment: &view.Intent{
			ID: "pay_0003_00000000000000000000000000000001", CustomerID: "anna", Currency: "EUR", Amount: 1000, Authorized: 1000, Captured: 1000, Refunded: 200,
			Description: markup, Card: &view.Card{Fingerprint: "fp_1", BIN: "411111", Last4: "1111", Scheme: "visa"},
			Authentication: &topics.AuthData{ECI: "05", CAVV: "c2VjcmV0", DSTransactionID: "ds_1", AVS: "Y", CVV: "M"},
			Operations: []view.Operation{
				{RequestID: "3-1-2", Type: topics.OperationAuthorize, State: "succeeded", Amount: 1000},
				{RequestID: "3-9-0", Type: topics.OperationRefund, State: "succeeded", Amount: 200},
			},
		},
		life: &view.Life{
			Events:   []topics.PaymentEvent{{EventID: "3-1-0", Type: topics.EventCreated, At: noon.Add(-time.Hour), Amount: 1000, Detail: markup}},
			Disputes: []topics.DisputeEvent{{EventID: "3-20-0", Type: topics.DisputeOpened, At: noon, Amount: 1000}},
			Decisions: []topics.Decision{{
				Outcome: topics.OutcomePass, RuleSet: "abc", Rules: []topics.RuleResult{
					{Rule: "many_cards", Result: topics.RuleHit, Read: map[string]string{"velocity.cards_24h": "1"}}, {Rule: "trial", Result: topics.RuleHit, Shadow: true},
				},
				Features:   topics.FeatureSet{"cards_24h": {Value: 1}, "spent_7d": {Missing: true}, "tries_1h": {Value: 9, Approximate: true}},
				Enrichment: &topics.Enrichment{IPCountry: "DE", ASN: "AS64500", BIN: &topics.BIN{Issuer: "Bank"}},
			}},
			Entries: []topics.LedgerEntry{{EntryID: "3-2-0", Template: "deposit", Postings: []topics.LedgerPosting{{Code: "wallet", Owner: "anna", Amount: -1000, Currency: "EUR"}}}},
		},
		earlier: []*view.Intent{{ID: "pay_b", Currency: "EUR", Captured: 500, CreatedAt: noon.AddDate(0, 0, -130)}, {ID: "pay_a", Currency: "EUR", Captured: 700, CreatedAt: noon.AddDate(0, 0, -300)}},
	}
}

func parts(p *Packet) (names []string) {
	for _, m := range p.Missing {
		names = append(names, m.Part)
	}
	return names
}

func where(p *Packet, kind string) Where {
	for _, k := range p.Helps {
		if k.Kind == kind {
			return k.Where
		}
	}
	return ""
}

func TestPacketOfAllThatIsKnown(t *testing.T) {
	p := build(known())
	if got := parts(p); !slices.Equal(got, []string{"ip", "device"}) {
		t.Errorf("missing: %v", got)
	}
	for kind, want := range map[string]Where{
		"three_ds": Here, "prior_payments": Here, "ip": Lacks, "device": Lacks, "avs": Here, "cvv": Here, "activity": Here, "delivery": Yours, "terms": "",
	} {
		if got := where(p, kind); got != want {
			t.Errorf("%s is %q, want %q", kind, got, want)
		}
	}
	if p.Helps[0].Kind != "three_ds" || p.Dispute.Meaning == "" || p.Refunds[0].Amount != 200 || len(p.Refunds) != 1 || len(p.Entries) != 1 ||
		p.Events[0].Of != "payment" || p.Events[1].Of != "dispute" || p.Origin.IPCountry != "DE" {
		t.Errorf("%+v", p)
	}
	d := p.Decisions[0]
	if len(d.Rules) != 1 || d.Stage != "before_authorization" || d.Features["spent_7d"] != "missing" || d.Features["tries_1h"] != "9 at most" {
		t.Errorf("decision %+v", d)
	}
	body, err := topics.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"c2VjcmV0", "fp_1"} {
		if strings.Contains(string(body), secret) {
			t.Errorf("the packet shows %s", secret)
		}
	}
}

// What earlier payments prove is said without pretence.
func TestCompellingEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		reason          string
		earlier         int
		applies, enough bool
		says            string
	}{
		"enough":       {"10.4", 2, true, true, "take them from your own logs"},
		"one":          {"10.4", 1, true, false, "weir knows of 1"},
		"none":         {"10.4", 0, true, false, "weir knows of 0"},
		"other reason": {"13.1", 2, false, true, "this dispute is \"13.1\" (consumer)"},
	} {
		f := known()
		f.dispute.Reason, f.earlier = c.reason, f.earlier[:c.earlier]
		got := build(f).PriorPayments.CompellingEvidence
		if got.Applies != c.applies || got.Enough != c.enough || !strings.Contains(got.Says, c.says) {
			t.Errorf("%s: %+v", name, got)
		}
		if c.earlier > 0 && (got.Matches["ip_address"] != "unknown" || got.Matches["device"] != "unknown" || got.Matches["card"] != "yes") {
			t.Errorf("%s matches %v", name, got.Matches)
		}
	}
}

// What could not be read, and what is not there, is named: nothing is left out silently.
func TestPacketOfNothing(t *testing.T) {
	f := &facts{now: noon, dispute: &view.Dispute{ID: "dp_1", Reason: "77", OpenedAt: noon}}
	f.miss("payment", view.ErrNotFound)
	f.miss("events, decisions and ledger entries", errors.New("connection reset: secret address"))
	f.miss("prior_payments", context.DeadlineExceeded)
	p := build(f)
	if got := parts(p); !slices.Equal(got, []string{"payment", "events, decisions and ledger entries", "prior_payments", "ip", "device"}) {
		t.Errorf("missing: %v", got)
	}
	if strings.Contains(p.Missing[1].Why, "secret") || !strings.Contains(p.Missing[2].Why, "ask again") {
		t.Errorf("%+v", p.Missing)
	}
	if len(p.Helps) < 10 || where(p, "three_ds") != Lacks || where(p, "receipt") != Yours {
		t.Errorf("a code that nobody knows: %+v", p.Helps)
	}
	if _, err := p.HTML(); err != nil {
		t.Error(err)
	}
	empty := known()
	empty.payment.Authentication, empty.life.Decisions, empty.earlier = nil, nil, nil
	if got := parts(build(empty)); !slices.Equal(got, []string{"authentication", "decisions", "origin", "ip", "device", "prior_payments"}) {
		t.Errorf("missing: %v", got)
	}
}

func TestPage(t *testing.T) {
	html, err := build(known()).HTML()
	if err != nil {
		t.Fatal(err)
	}
	text := string(html)
	for _, want := range []string{"10.00 EUR", "dsp_1", "many_cards", "-10.00 EUR", "2026-02-07 12:00:00 UTC", "411111…1111", "take it from your own logs", "&lt;script&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "http://", "https://", "src=", "ZgotmplZ", "c2VjcmV0"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
}
