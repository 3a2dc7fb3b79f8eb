package payments

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/chargebacks"
)

// disputeMetrics are how a merchant fares with disputes. As all of the fold's, they count those of a batch that was not committed,
// too.
type disputeMetrics struct {
	became *prometheus.CounterVec
	moved  *prometheus.CounterVec
	days   *prometheus.HistogramVec
}

func newDisputeMetrics() disputeMetrics {
	return disputeMetrics{
		became: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_disputes_total", Help: "Disputes by what became of them: inquiry, opened (a chargeback), won, lost, closed; by PSP and category of the reason.",
		}, []string{"psp", "category", "became"}),
		moved: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_disputes_moved_minor_total", Help: "Money that disputes moved, in minor units: funds_withdrawn, funds_reinstated, fee_charged, fee_returned; by PSP and currency.",
		}, []string{"psp", "currency", "fact"}),
		days: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "weir_disputes_days_to_close", Help: "Days from the first that a PSP told of a dispute until it was won, lost or closed, by PSP.",
			Buckets: []float64{1, 3, 7, 14, 21, 30, 45, 60, 90, 120, 180},
		}, []string{"psp"}),
	}
}

func (m *disputeMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.became, m.moved, m.days}
}

// changed counts what a record made of a dispute; before is nil where it opened it, after where it is none.
func (m *disputeMetrics) changed(before, after *disputes.Dispute, events []topics.DisputeEvent) {
	if after == nil {
		return
	}
	category := after.Category
	if !slices.Contains(chargebacks.Categories(), chargebacks.Category(category)) {
		category = string(chargebacks.Unknown)
	}
	count := func(became string) { m.became.WithLabelValues(after.PSP, category, became).Inc() }
	switch inquired := before != nil && before.Stage == topics.StageInquiry; {
	case before == nil && after.Stage == topics.StageInquiry:
		count("inquiry")
	case after.Stage != topics.StageInquiry && (before == nil || inquired):
		count("opened")
	}
	wasOver := before != nil && disputes.Final(before.Status())
	if status := after.Status(); disputes.Final(status) && (!wasOver || before.Status() != status) {
		count(string(status))
		if !wasOver {
			m.days.WithLabelValues(after.PSP).Observe(after.UpdatedAt.Sub(after.OpenedAt).Hours() / 24)
		}
	}
	for i := range events {
		if e := &events[i]; disputes.Moves(e) {
			m.moved.WithLabelValues(after.PSP, string(after.Currency), string(e.Type)).Add(float64(e.Amount))
		}
	}
}
