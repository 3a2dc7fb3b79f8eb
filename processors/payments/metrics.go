package payments

import (
	"cmp"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/topics"
)

// metrics of the fold. Labels come from closed sets: event types, refusal codes and partitions.
type metrics struct {
	events      *prometheus.CounterVec
	wallets     *prometheus.CounterVec
	payouts     *prometheus.CounterVec
	links       *prometheus.CounterVec
	disputes    *prometheus.CounterVec
	customers   *prometheus.CounterVec
	fared       disputeMetrics
	refusals    *prometheus.CounterVec
	limits      *prometheus.CounterVec
	repeated    prometheus.Counter
	timers      prometheus.Counter
	pruned      prometheus.Counter
	cacheNumber *prometheus.GaugeVec
	cacheBytes  *prometheus.GaugeVec
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_payments_" + name, Help: help})
	}
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_payments_events_total", Help: "Events decided, by type; those of a batch that was not committed included.",
		}, []string{"type"}),
		wallets: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_wallets_events_total", Help: "Events of wallets decided, by type; those of a batch that was not committed included.",
		}, []string{"type"}),
		payouts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_payouts_events_total", Help: "Events of payouts decided, by type; those of a batch that was not committed included.",
		}, []string{"type"}),
		links: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_links_events_total", Help: "Events of payment links decided, by type; those of a batch that was not committed included.",
		}, []string{"type"}),
		disputes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_disputes_events_total", Help: "Events of disputes decided, by type; those of a batch that was not committed included.",
		}, []string{"type"}),
		customers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_customers_changes_total", Help: "Changes of customers' records decided, by type; those of a batch that was not committed included.",
		}, []string{"type"}),
		fared: newDisputeMetrics(),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_payments_refusals_total", Help: "Commands refused, cases opened and records put aside, by code.",
		}, []string{"code"}),
		limits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_payments_deposit_limits_total", Help: "Deposits of customers who have deposit limits, by the period of the limit of which least was left and what became of them: pass, hold or block.",
		}, []string{"period", "outcome"}),
		repeated: counter("repeated_inputs_total", "Commands and webhook facts dropped because they were folded before."),
		timers:   counter("timers_total", "Due timers put into the inbox."),
		pruned:   counter("pruned_inputs_total", "Input ids forgotten because they are older than the deduplication horizon."),
		cacheNumber: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "weir_payments_cached", Help: "Payments held in memory.",
		}, []string{"partition"}),
		cacheBytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "weir_payments_cached_bytes", Help: "Bytes of payments held in memory, about.",
		}, []string{"partition"}),
	}
	if registerer == nil {
		return m, nil
	}
	all := []prometheus.Collector{m.events, m.wallets, m.payouts, m.links, m.disputes, m.customers, m.refusals, m.limits, m.repeated, m.timers, m.pruned, m.cacheNumber, m.cacheBytes}
	for _, c := range append(all, m.fared.collectors()...) {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) event(e *topics.PaymentEvent) {
	m.events.WithLabelValues(string(e.Type)).Inc()
	if e.Refusal != "" {
		m.refusals.WithLabelValues(string(e.Refusal)).Inc()
	}
}

func (m *metrics) walletEvent(e *topics.WalletEvent) {
	m.wallets.WithLabelValues(string(e.Type)).Inc()
	if e.Refusal != "" {
		m.refusals.WithLabelValues(string(e.Refusal)).Inc()
	}
}

func (m *metrics) payoutEvent(e *topics.PayoutEvent) {
	m.payouts.WithLabelValues(string(e.Type)).Inc()
	if e.Refusal != "" {
		m.refusals.WithLabelValues(string(e.Refusal)).Inc()
	}
}

func (m *metrics) linkEvent(e *topics.LinkEvent) {
	m.links.WithLabelValues(string(e.Type)).Inc()
	if e.Refusal != "" {
		m.refusals.WithLabelValues(string(e.Refusal)).Inc()
	}
}

func (m *metrics) disputeEvent(e *topics.DisputeEvent) {
	m.disputes.WithLabelValues(string(e.Type)).Inc()
	if e.Refusal != "" {
		m.refusals.WithLabelValues(string(e.Refusal)).Inc()
	}
}

func (m *metrics) customerChange(e *topics.CustomerChange) {
	m.customers.WithLabelValues(string(e.Type)).Inc()
	if e.Refusal != "" {
		m.refusals.WithLabelValues(string(e.Refusal)).Inc()
	}
}

func (m *metrics) limit(l *topics.GamingLimit) {
	if l == nil {
		return
	}
	m.limits.WithLabelValues(string(l.Period), string(cmp.Or(l.Outcome, topics.OutcomePass))).Inc()
}

func (m *metrics) cached(partition int32, number, bytes int) {
	m.cacheNumber.WithLabelValues(label(partition)).Set(float64(number))
	m.cacheBytes.WithLabelValues(label(partition)).Set(float64(bytes))
}

func (m *metrics) closed(partition int32) {
	m.cacheNumber.DeleteLabelValues(label(partition))
	m.cacheBytes.DeleteLabelValues(label(partition))
}
