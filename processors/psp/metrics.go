package psp

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the gateway. Labels come from closed sets: adapters, operations, outcomes.
type metrics struct {
	calls    *prometheus.HistogramVec // psp, operation, outcome
	breaker  *prometheus.GaugeVec     // psp
	reports  *prometheus.CounterVec   // psp, outcome
	repeats  prometheus.Counter
	dead     prometheus.Counter
	inFlight prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "weir_psp_call_seconds", Help: "Calls to PSPs by operation and outcome (not_sent and no_answer where there was none).",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"psp", "operation", "outcome"}),
		breaker: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "weir_psp_breaker_state", Help: "Circuit breaker of a PSP: 0 closed, 1 open, 2 half-open.",
		}, []string{"psp"}),
		reports: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "weir_psp_reports_total", Help: "Reports acknowledged by the inbox.",
		}, []string{"psp", "outcome"}),
		repeats: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "weir_psp_repeats_total", Help: "Records dropped because they were read before, in a transaction that was aborted.",
		}),
		dead: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "weir_psp_dead_letters_total", Help: "Requests that could not be read.",
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "weir_psp_in_flight", Help: "Requests read and not reported.",
		}),
	}
	for _, c := range []prometheus.Collector{m.calls, m.breaker, m.reports, m.repeats, m.dead, m.inFlight} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("psp: %w", err)
		}
	}
	return m, nil
}
