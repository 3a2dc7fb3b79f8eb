package payments

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/topics"
)

// TestDisputeMetrics: an inquiry that becomes a chargeback is opened once; a result that is taken back counts as another one, and
// the days to the first.
func TestDisputeMetrics(t *testing.T) {
	m := newDisputeMetrics()
	opened := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(stage topics.DisputeStage, mark disputes.Mark, days int) *disputes.Dispute {
		return &disputes.Dispute{PSP: "sandbox", Category: "fraud", Currency: "EUR", Stage: stage, Mark: mark, OpenedAt: opened, UpdatedAt: opened.AddDate(0, 0, days)}
	}
	inquiry, open := at(topics.StageInquiry, "", 0), at(topics.StageChargeback, "", 2)
	won, lost := at(topics.StageChargeback, "won", 20), at(topics.StageArbitration, "lost", 90)
	m.changed(nil, nil, nil)
	m.changed(nil, inquiry, nil)
	m.changed(inquiry, open, []topics.DisputeEvent{{Type: topics.DisputeFundsWithdrawn, Amount: 1000}, {Type: topics.DisputeFeeCharged, Amount: 1500}, {Type: topics.DisputeUpdated, Amount: 7}})
	m.changed(open, open, nil)
	m.changed(open, won, []topics.DisputeEvent{{Type: topics.DisputeFundsReinstated, Amount: 1000}})
	m.changed(won, won, nil)
	m.changed(won, lost, nil)
	other := at(topics.StageChargeback, "", 0)
	other.Category = "of a PSP's own"
	m.changed(nil, other, nil)
	for became, want := range map[string]float64{"inquiry": 1, "opened": 1, "won": 1, "lost": 1, "closed": 0} {
		if got := testutil.ToFloat64(m.became.WithLabelValues("sandbox", "fraud", became)); got != want {
			t.Errorf("%s: %v, want %v", became, got, want)
		}
	}
	if got := testutil.ToFloat64(m.became.WithLabelValues("sandbox", "unknown", "opened")); got != 1 {
		t.Errorf("a category of nobody's: %v", got)
	}
	for fact, want := range map[string]float64{"funds_withdrawn": 1000, "funds_reinstated": 1000, "fee_charged": 1500, "updated": 0} {
		if got := testutil.ToFloat64(m.moved.WithLabelValues("sandbox", "EUR", fact)); got != want {
			t.Errorf("%s: %v, want %v", fact, got, want)
		}
	}
	if n := testutil.CollectAndCount(m.days); n != 1 {
		t.Errorf("%d series of days", n)
	}
}
